"""Checks of the servers: broker, state store with its tables and its clock, result backend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from selinon_core.celery.doctor.finding import FAILED, OK, WARNING, Check, Finding
from selinon_core.celery.settings import state_url
from selinon_core.celery.stores.clock import WORTH_A_WARNING
from selinon_core.celery.stores.redis.config_warnings import dangers
from selinon_core.celery.surroundings import Surroundings
from selinon_core.celery.transport.celery_defaults import is_redis

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon

_SYNCHRONISE = "synchronise the clocks of the machines (NTP)"


def server_checks(selinon: Selinon, surroundings: Surroundings) -> Iterator[Check]:
    """The checks, in their order."""
    conf = selinon.app.conf
    broker = _broker_url(selinon)
    yield Check("broker", lambda: _broker(selinon), "see broker_url, the server, and the network between", broker)
    remedy = "see selinon_state_url (or result_backend), the server, and the network between"
    state = str(conf.get("selinon_state_url") or conf.result_backend or "")
    yield Check("state store", lambda: _store(selinon, surroundings), remedy, state)
    remedy = "see result_backend, its server, and the network between"
    yield Check("result backend", lambda: _backend(selinon), remedy, str(conf.result_backend or ""))


def _broker_url(selinon: Selinon) -> str:
    return str(selinon.app.conf.broker_write_url or selinon.app.conf.broker_url)


def _broker(selinon: Selinon) -> Iterator[Finding]:
    url = _broker_url(selinon)
    if url.startswith("memory:"):
        text = "memory:// keeps messages in one process: workers in others do not get them"
        yield Finding(
            "broker", WARNING, text, "set broker_url to a server, or leave --app out for the embedded one"
        )
        return
    with selinon.app.connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            channel: Any = connection.channel()
        except (KeyError, ImportError) as error:  # it is the URL
            text = f"{url} cannot be used: {error.args[0] if error.args else error}"
            yield Finding("broker", FAILED, text, "correct broker_url, or install the driver")
            return
        if not is_redis(url):
            properties = getattr(connection.connection, "server_properties", None) or {}
            version = f"{properties.get('product', '')} {properties.get('version', '')}".strip()
            yield Finding("broker", OK, f"{url} ({version})" if version else url)
            return
        found: dict[str, Any] = {}
        try:
            found = channel.client.info()
        except Exception:  # this user may not ask; that it answers is enough
            yield Finding("broker", OK, f"{url} (it does not tell its settings)")
            return
        yield Finding("broker", OK, f"{url} (Redis {found.get('redis_version', '?')})")
        for text in dangers(found, "messages"):
            yield Finding("broker", WARNING, *_split(text))


def _store(selinon: Selinon, surroundings: Surroundings) -> Iterator[Finding]:
    url = state_url(selinon.settings, selinon.app.conf.result_backend)
    store = selinon.store
    before = surroundings.now()
    condition = store.condition()
    after = surroundings.now()
    yield Finding("state store", OK, f"{url} ({condition.server})")
    for text in condition.dangers:
        yield Finding("state store", WARNING, *_split(text))
    if condition.missing:
        yield Finding(
            "tables",
            WARNING,
            f"not there yet: {', '.join(condition.missing[:5])}" + (", ..." if len(condition.missing) > 5 else ""),
            "a worker of this version makes them at its start, if its user may create tables",
        )
    elif condition.has_tables:
        yield Finding("tables", OK, "all are there, in the version that this selinon knows")
    yield clock_finding("clock", "this machine", (before + after) / 2 - condition.now, (after - before) / 2)


def clock_finding(check: str, machine: str, ahead: float, doubt: float) -> Finding:
    """Whether a machine's clock is right; it is ``ahead`` of the store's by so many seconds, give or take."""
    if abs(ahead) - doubt <= WORTH_A_WARNING:
        return Finding(check, OK, f"{machine} and the state store agree ({abs(ahead):.1f} s)")
    word = "ahead of" if ahead > 0 else "behind"
    text = f"{machine} is {abs(ahead):.1f} s {word} the state store: tasks may run twice with Redis as the broker"
    return Finding(check, WARNING, text, _SYNCHRONISE)


def _backend(selinon: Selinon) -> Iterator[Finding]:
    app = selinon.app
    url = app.conf.result_backend
    if not url or url == "disabled":
        text = "there is none: results of flows cannot be waited for"
        yield Finding("result backend", WARNING, text, "set result_backend, if callers use handle.result()")
        return
    app.AsyncResult("selinon-doctor").state  # noqa: B018  (asks the backend)
    yield Finding("result backend", OK, str(url))


def _split(text: str) -> tuple[str, str]:
    """What is wrong, and what to do: the sentences of ``dangers`` end with a remedy."""
    what, _, remedy = text.partition(". ")
    return what, remedy[:1].lower() + remedy[1:]
