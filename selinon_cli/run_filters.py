"""Which flow runs a command is about: the filters of ``selinon runs``, and of what acts on runs by query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.exits import UsageError
from selinon_cli.options import Options, text, texts

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon
    from selinon_core.celery.stores.index import RunQuery

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_TIMES = "write 30m, 2h, 3d or a time such as 2026-11-30 or 2026-11-30T09:00:00+01:00"


class RunFilterOptions(Options):
    """Filters; a run has to fit all that are given."""

    flow = texts("--flow", help="Runs of that flow; repeat it for several.", metavar="NAME", complete="flow")
    status = texts(
        "--status",
        help="Runs of that status (queued, running, paused, success, failure, cancelled); repeat it for several.",
        metavar="STATUS",
    )
    since = text("--since", help="Created at or after: 30m, 2h, 3d ago, or an ISO time.", metavar="TIME")
    until = text("--until", help="Created before: 30m, 2h, 3d ago, or an ISO time.", metavar="TIME")
    label = texts("--label", help="Runs with that label; repeat it for several.", metavar="NAME=VALUE")
    key = text("--key", help="The run that was started with that key.", metavar="KEY")


def query_of(selinon: Selinon, options: RunFilterOptions) -> RunQuery:
    """The question that the filters ask; raises ``UsageError`` for one that cannot be understood."""
    from selinon_core.celery.stores.index import RunQuery

    now = selinon.store.clock()
    query = RunQuery(
        flows=flows_named(selinon, options.flow),
        statuses=statuses_of(options.status),
        since=None if options.since is None else _time("--since", options.since, now),
        until=None if options.until is None else _time("--until", options.until, now),
        labels=dict(_label(given) for given in options.label),
        key=options.key,
    )
    if query.since is not None and query.until is not None and query.since >= query.until:
        raise UsageError(
            f"no run can be created since {options.since} and before {options.until}",
            "--since is the earlier one",
        )
    return query


def flows_named(selinon: Selinon, names: Sequence[str]) -> Sequence[str]:
    """The names; one that the project does not have is a mistake unless there are runs of it."""
    from selinon_core.celery.stores.index import RunQuery

    known = selinon.plan.flows
    for name in names:
        if name not in known and not selinon.store.index.find(RunQuery(flows=[name]), None, 1).rows:
            from selinon_cli.project import known_name

            known_name("flow", name, known)
    return tuple(names)


def statuses_of(given: Sequence[str]) -> Sequence[str]:
    """The statuses, given one by one or with commas; raises ``UsageError`` for an unknown one."""
    from selinon_core.celery.stores.index import STATUSES
    from selinon_core.diagnostics.wording import suggestion

    names = [name for part in given for name in part.split(",")]
    for name in names:
        if name not in STATUSES:
            near = suggestion(name, STATUSES).lstrip("; ")
            hint = f"{near} " if near else ""
            raise UsageError(f'--status: "{name}" is not a status', f"{hint}one of {', '.join(STATUSES)}".strip())
    return tuple(names)


def _label(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise UsageError(f'--label: "{given}" has no name and value', "write --label customer=acme")
    return name, value


def seconds_of(option: str, given: str) -> float:
    """How many seconds a text such as 12h or 30d stands for; raises ``UsageError``."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)\s*([smhdw])", given.strip())
    if found is None or float(found[1]) == 0:
        raise UsageError(f'{option}: "{given}" is not a time', "write 12h, 30d or 8w")
    return float(found[1]) * _SECONDS[found[2]]


def _time(option: str, given: str, now: float) -> float:
    """Seconds since the epoch."""
    ago = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", given.strip())
    if ago is not None:
        return now - float(ago[1]) * _SECONDS[ago[2]]
    from datetime import datetime

    try:
        return datetime.fromisoformat(given.strip()).timestamp()  # without a zone: that of this machine
    except (ValueError, OverflowError, OSError):
        raise UsageError(f'{option}: "{given}" is neither a time nor how long ago', _TIMES) from None
