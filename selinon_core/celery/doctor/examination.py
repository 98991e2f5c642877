"""Runs the checks one after the other, each with a deadline; what one raises becomes its finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from selinon_core.celery.doctor.finding import FAILED, OK, SKIPPED, Check, Finding
from selinon_core.celery.doctor.project_checks import project_checks
from selinon_core.celery.doctor.secret_masking import SecretMasking
from selinon_core.celery.doctor.server_checks import server_checks
from selinon_core.celery.doctor.worker_checks import worker_checks
from selinon_core.celery.surroundings import REAL, Surroundings
from selinon_core.errors import SelinonException
from selinon_core.runtime.environment import expand
from selinon_core.runtime.error_codec import USER_ERRORS, name_error_and_place

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon

#: Characters of a message: drivers say much.
_MOST = 500


def examine(selinon: Selinon, deadline: float, surroundings: Surroundings = REAL) -> Iterator[Finding]:
    """The findings of all checks, in their order, as they are found; each check has ``deadline`` seconds.

    What a check connects stays connected, and one that is stuck goes on in a thread of its own until the process
    ends. Raises ``ConfigurationError`` for a project with errors.
    """
    masking = _masking_of(selinon)
    checks = (*project_checks(selinon), *server_checks(selinon, surroundings), *worker_checks(selinon, deadline))
    failed: set[str] = set()
    for check in checks:
        for finding in run_check(check, deadline, failed, surroundings):
            if finding.status in (FAILED, SKIPPED):
                failed.add(finding.check)
            message = " ".join(masking.masked(finding.message).split())
            message = message if len(message) <= _MOST else message[: _MOST - 1] + "…"
            yield finding._replace(message=message, remedy=masking.masked(finding.remedy))


def run_check(
    check: Check, deadline: float, failed: Iterable[str] = (), surroundings: Surroundings = REAL
) -> list[Finding]:
    """The findings of one check; it is skipped when what it needs is among those that ``failed``."""
    if check.needs is not None and check.needs in failed:
        return [Finding(check.name, SKIPPED, f"it needs the check {check.needs}, which failed")]
    found: list[Finding] = []
    ended = _in_thread(lambda: found.extend(_looked(check)), deadline, surroundings)
    if not ended:
        return [Finding(check.name, FAILED, _about(check, f"no answer within {deadline:g} s"), check.remedy)]
    return found


def _looked(check: Check) -> list[Finding]:
    try:
        return list(check.look()) or [Finding(check.name, OK, "nothing to say")]
    except SelinonException as error:
        return [Finding(check.name, FAILED, _about(check, str(error) or type(error).__name__), check.remedy)]
    except USER_ERRORS as error:
        return [Finding(check.name, FAILED, _about(check, _said(error)), check.remedy)]


def _about(check: Check, message: str) -> str:
    return f"{check.place}: {message}" if check.place else message


def _said(error: BaseException) -> str:
    """What an error of a driver says; one without a text is named with its place."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else name_error_and_place(error)


def _in_thread(action: Callable[[], None], seconds: float, surroundings: Surroundings) -> bool:
    """Whether an action ended within so many seconds."""
    import threading

    done = threading.Event()

    def run() -> None:
        try:
            action()
        finally:
            done.set()

    surroundings.start_thread("selinon-doctor", run)
    return done.wait(seconds)


def _masking_of(selinon: Selinon) -> SecretMasking:
    conf, plan = selinon.app.conf, selinon.plan
    masking = SecretMasking(plan.settings.redact)
    names = ("broker_url", "broker_read_url", "broker_write_url", "result_backend", "selinon_state_url")
    for name in (*names, "selinon_state_options", "broker_transport_options", "result_backend_transport_options"):
        masking.learn({name: conf.get(name)})
    for storage in plan.storages.values():
        masking.learn(storage.configuration)
        try:
            masking.learn(expand(storage.configuration))
        except (SelinonException, KeyError, ValueError):
            continue  # a variable is not set: the check of the storage says so
    return masking
