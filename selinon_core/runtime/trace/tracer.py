"""The trace: what happened, as named events with JSON details, handed to sinks.

A sink is ``f(event, report)``: the name of the event and a dictionary of its own that it may change. A failing
sink is logged and otherwise ignored: tracing never disturbs a flow.
"""

from __future__ import annotations

import json
import logging
import platform
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from selinon_core.errors import ConfigurationError, MissingExtraError
from selinon_core.plan import ImportRef
from selinon_core.runtime.environment import expand
from selinon_core.runtime.error_codec import USER_ERRORS
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.trace.events import WARN_EVENTS
from selinon_core.runtime.unusable import unusable, written_as

if TYPE_CHECKING:
    from selinon_core.runtime.redaction import Redaction

Sink = Callable[[str, dict[str, Any]], object]

_log = logging.getLogger("selinon.trace")


#: The text of an object has its address, which would make equal runs differ.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_LONGEST_TEXT = 2000
_DEEPEST = 50
#: Bits; Python refuses to write integers of more than 4300 digits.
_LONGEST_INTEGER = 14_000


def jsonable(value: Any) -> Any:
    """A fresh JSON value for anything: what JSON cannot hold becomes text, so that no event breaks its flow."""
    return json.loads(json.dumps(_plain(value, ())))


def _plain(value: Any, above: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= _LONGEST_INTEGER else hex(value)[:_LONGEST_TEXT] + "..."
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else repr(value)
    if len(above) >= _DEEPEST or id(value) in above:
        return _text(value)
    inside = (*above, id(value))
    try:
        if isinstance(value, Mapping):
            return {_text(key): _plain(item, inside) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [_plain(item, inside) for item in value]
        if isinstance(value, (set, frozenset)):
            return sorted((_plain(item, inside) for item in value), key=repr)
    except Exception:  # a class of the user's that only looks like a mapping
        return f"<{type(value).__name__}>"
    return _text(value)


def _text(value: Any) -> str:
    """Some text for an object, the same for the same run, whatever the object's class does."""
    if isinstance(value, str):
        return str(value)
    try:
        text = repr(value)
    except Exception:
        return f"<{type(value).__name__}>"
    text = _ADDRESS.sub("", text)
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "..."


def hidden_by(patterns: tuple[str, ...]) -> Redaction | None:
    """What ``global.redact`` of a plan masks; None where it names nothing."""
    if not patterns:
        return None
    from selinon_core.runtime.redaction import redaction

    return redaction(patterns)


class Tracer:
    """Hands events to sinks, without the values that ``hidden`` (``global.redact``) masks."""

    def __init__(self, sinks: Iterable[Sink] = (), hidden: Redaction | None = None) -> None:
        self.sinks: list[Sink] = list(sinks)
        self._hidden = hidden
        self._broken: set[int] = set()

    def emit(self, event: str, details: Mapping[str, Any]) -> None:
        """Give every sink the event and a report of its own."""
        for sink in self.sinks:
            try:
                report = jsonable(details)
                wrong = unusable(sink(event, report if self._hidden is None else self._hidden.masked(report)))
                if wrong is not None:
                    raise TypeError(f"the sink {wrong}")
            except USER_ERRORS:
                # Not traced itself: a broken sink must not call itself for ever. Logged once per
                # sink: a sink that fails at every event would fill the log.
                if id(sink) not in self._broken:
                    self._broken.add(id(sink))
                    _log.exception("trace sink %r failed on %s; later failures of it are not logged", sink, event)


def logging_sink(logger: logging.Logger | None = None) -> Sink:
    """A sink that writes one line per event to a logger, ``selinon.trace`` by default."""
    target = logger or _log
    node = platform.node()

    def sink(event: str, report: dict[str, Any]) -> None:
        level = logging.WARNING if event in WARN_EVENTS else logging.INFO
        if event == "DISPATCHER_FAILURE":
            level = logging.ERROR
        if target.isEnabledFor(level):
            line = {"event": event, "time": str(datetime.now(UTC).replace(tzinfo=None)), "details": report}
            target.log(level, "SELINON %10s - %s : %s", node, event, json.dumps(line, sort_keys=True))

    return sink


def json_sink(event: str, report: dict[str, Any]) -> None:
    """A sink that prints one JSON object per event, events that need a look on stderr, others on stdout."""
    line = {
        "event": event,
        "time": str(datetime.now(UTC).replace(tzinfo=None)),
        "details": report,
        "node": platform.node(),
    }
    print(json.dumps(line, sort_keys=True), file=sys.stderr if event in WARN_EVENTS else sys.stdout)


def sentry_sink(dsn: str) -> Sink:
    """A sink that reports failed tasks and flows to Sentry; ``''`` takes the DSN from ``SENTRY_DSN``."""
    try:
        import sentry_sdk
    except ImportError:
        raise MissingExtraError("tracing to Sentry needs: pip install 'selinon[sentry]'") from None
    sentry_sdk.init(expand(dsn) or None)

    def sink(event: str, report: dict[str, Any]) -> None:
        if event not in ("TASK_FAILURE", "FLOW_FAILURE", "DISPATCHER_FAILURE"):
            return
        with sentry_sdk.new_scope() as scope:
            scope.set_context("selinon", report)
            for tag in ("flow_name", "task_name", "dispatcher_id", "task_id"):
                if isinstance(report.get(tag), str):
                    scope.set_tag(f"selinon.{tag}", report[tag])
            sentry_sdk.capture_message(f"{event} {report.get('task_name') or report.get('flow_name')}", "error")

    return sink


def configured_sinks(
    entries: Iterable[Mapping[str, Any]], imports: Imports, connected: Callable[[str], Any]
) -> list[Sink]:
    """The sinks of the ``global.trace`` section; ``connected(name)`` returns a connected storage.

    OpenTelemetry is not a sink of events but a hook of the production driver, and is omitted here.

    Raises ``ConfigurationError`` for a function that cannot be imported or called, ``MissingExtraError``.
    """
    sinks: list[Sink] = []
    for entry in entries:
        if entry.get("logging"):
            sinks.append(logging_sink())
        if entry.get("json"):
            sinks.append(json_sink)
        if "function" in entry:
            function = entry["function"]
            ref = ImportRef(function["import"], function["name"])
            loaded = imports.load(ref)
            wrong = written_as(loaded)
            if wrong is not None:
                raise ConfigurationError(f"the trace function {ref} {wrong}")
            sinks.append(loaded)
        if "storage" in entry:
            sinks.append(_storage_sink(entry["storage"], connected))
        if "sentry" in entry:
            sinks.append(sentry_sink(entry["sentry"].get("dsn") or ""))
    return sinks


def _storage_sink(entry: Mapping[str, Any], connected: Callable[[str], Any]) -> Sink:
    name = entry["name"]

    def sink(event: str, report: dict[str, Any]) -> None:
        if event in ("STORAGE_CONNECT", "STORAGE_DISCONNECT") and report["storage_name"] == name:
            return  # it is not connected at that moment, and to connect it would be the next such event
        getattr(connected(name), entry.get("method") or "trace")(event, report)

    return sink
