"""The section ``global``."""

from __future__ import annotations

from typing import Any

from selinon_core.config.model import Definition, GlobalDef, ImportDef, NameRef, TraceDef
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.schema.common import FUNCTION_NAME, MODULE, Function, FunctionDef, import_def
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.notify import Notifications
from selinon_core.config.schema.operating import Lanes, Links
from selinon_core.config.schema.schedules import Schedules
from selinon_core.config.schema.types import (
    Choice,
    Flag,
    JsonSchema,
    KeywordData,
    OneOrMore,
    PlainText,
    Text,
    ValueType,
)
from selinon_core.config.yaml.nodes import MappingNode, Node, SequenceNode
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.wording import suggestion


def _finish_function(reading: ReadContext, found: FunctionDef, raw: dict[str, Any]) -> bool:
    found.function = import_def(raw.get("import"), raw.get("name"), "", None)
    return True


TRACE_FUNCTION = MappingType(
    "a trace function",
    FunctionDef,
    (
        Key("import", MODULE, "the module holding the function", required=True),
        Key("name", FUNCTION_NAME, "called with (event, report)", required=True),
    ),
    finish=_finish_function,
    text="A function that gets every event.",
)


class _StorageSink(Definition):
    __slots__ = ("method", "name")

    name: NameRef | None
    method: str | None


TRACE_STORAGE = MappingType(
    "a trace storage",
    _StorageSink,
    (
        Key("name", Text("the name of a storage"), "the storage", "name", required=True),
        Key("method", PlainText("a method", check=FUNCTION_NAME.check), "its method; default: trace", "method"),
    ),
    text="A storage whose method gets every event.",
)


class _SentrySink(Definition):
    __slots__ = ("dsn",)

    dsn: NameRef | None


SENTRY = MappingType(
    "sentry",
    _SentrySink,
    (
        Key(
            "dsn",
            Text("a dsn"),
            "where errors go; empty: the environment's SENTRY_DSN",
            "dsn",
            required=True,
        ),
    ),
    text="Errors of tasks go to Sentry.",
)


def _finish_trace(reading: ReadContext, trace: TraceDef, raw: dict[str, Any]) -> bool:
    sinks: dict[str, Any] = {}
    trace.storage = trace.function = trace.dsn = None
    for key, value in raw.items():
        if value is BROKEN or value is False:
            continue
        if value is True:
            sinks[key] = True
        elif isinstance(value, ImportDef):
            trace.function = value
            sinks[key] = {"import": value.module.name, "name": value.name.name}
        elif isinstance(value, _StorageSink) and value.name is not None:
            trace.storage = value.name
            sinks[key] = {"name": value.name.name, "method": value.method or "trace"}
        elif isinstance(value, _SentrySink) and value.dsn is not None:
            trace.dsn = value.dsn
            sinks[key] = {"dsn": value.dsn.name}
    trace.sinks = sinks
    return True


TRACE_ENTRY = MappingType(
    "a trace entry",
    TraceDef,
    (
        Key("logging", Flag(), "events go to Python's logging"),
        Key("json", Flag(), "events are printed, one JSON object a line"),
        Key("opentelemetry", Flag(), "events become spans, durations of runs are recorded"),
        Key("function", Function(TRACE_FUNCTION), "events go to a function"),
        Key("storage", TRACE_STORAGE, "events go to a storage"),
        Key("sentry", SENTRY, "errors go to Sentry"),
    ),
    finish=_finish_trace,
    text="Where events go.",
)


class Trace(ValueType):
    """``false``, an entry or a list of entries, as a tuple of ``TraceDef``."""

    expected = "false, a trace entry or a list of them"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> tuple[TraceDef, ...] | Broken:
        items = [(node, via)]
        if type(node) is SequenceNode:
            items = [resolve_alias(item, via) for item in node.items]
        elif type(node) is not MappingNode:
            if hasattr(node, "value") and reading.scalar(node) is False:
                return ()
            return reading.wrong_type(node, via, label, self.expected)
        found = [TRACE_ENTRY.read(reading, item, at, "a trace entry") for item, at in items]
        return tuple(entry for entry in found if isinstance(entry, TraceDef))

    def schema(self) -> JsonSchema:
        entry = TRACE_ENTRY.schema()
        return {"anyOf": [{"const": False}, entry, {"type": "array", "items": entry}]}


class Environment(ValueType):
    """Environment variables by name, each with ``{}``, null or ``{default: value}``."""

    expected = "a mapping of names to {} or {default: text}"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> dict[str, Any] | Broken:
        if type(node) is not MappingNode:
            return reading.wrong_type(node, via, label, self.expected, help="for instance {REGION: {default: eu}}")
        found: dict[str, Any] = {}
        for name, (key, value, inner) in node.entries.items():
            at = via + inner
            if not isinstance(name, str):
                reading.wrong_type(key, at, f"a key of {label}", "the name of a variable")
                continue
            target, at = resolve_alias(value, at)
            entry = self._entry(reading, target, at, name)
            if entry is not None:
                found[name] = entry
        return found

    def _entry(self, reading: ReadContext, node: Node, via: Via, name: str) -> dict[str, Any] | None:
        if type(node) is not MappingNode:
            if hasattr(node, "value") and reading.scalar(node) is None:
                return {}
            reading.wrong_type(node, via, name, "{} or {default: text}")
            return None
        entry: dict[str, Any] = {}
        for key, (written, value, inner) in node.entries.items():
            if key == "default":
                target, at = resolve_alias(value, via + inner)
                default = PlainText().read(reading, target, at, "default")
                if default is BROKEN:
                    return None
                entry["default"] = default
            else:
                reading.report(
                    kinds.UNKNOWN_KEY,
                    written,
                    via + inner,
                    f'unknown key "{key}" of a variable',
                    note="known is default",
                    help=suggestion(str(key), ("default",)),
                )
        return entry

    def schema(self) -> JsonSchema:
        entry = {"type": "object", "properties": {"default": {"type": "string"}}, "additionalProperties": False}
        return {"type": "object", "additionalProperties": {"anyOf": [entry, {"type": "null"}]}}


GLOBAL = MappingType(
    "global",
    GlobalDef,
    (
        Key(
            "predicates_module",
            MODULE,
            "module with the predicates; default: the shipped ones",
            "predicates_module",
        ),
        Key(
            "default_task_queue",
            Text("a queue"),
            "queue of tasks without one; default: celery",
            "default_task_queue",
        ),
        Key(
            "default_dispatcher_queue",
            Text("a queue"),
            "queue of flows without one; default: celery",
            "default_dispatcher_queue",
        ),
        Key("migration_dir", Text("a directory"), "where migration files are", "migration_dir"),
        Key("trace", Trace(), "where events go", "trace", (), broken=()),
        Key(
            "on_unreached",
            Choice("ignore", "warn", "fail"),
            "what to do about nodes that a finished flow never reached; default: warn",
            "on_unreached",
        ),
        Key(
            "on_graph_change",
            Choice("fail", "ignore", "retry"),
            "what to do about a run whose flow changed without a migration; default: fail",
            "on_graph_change",
        ),
        Key("vars", KeywordData(), "constants of expressions: vars.NAME", "vars", {}, broken={}),
        Key(
            "env",
            Environment(),
            "the environment variables that expressions may read: env.NAME",
            "env",
            {},
            broken={},
        ),
        Key(
            "typed_tasks",
            Flag(),
            "arguments and results of tasks are converted to and from the types of run",
            "typed_tasks",
            False,
            broken=False,
        ),
        Key(
            "redact",
            OneOrMore(PlainText("a pattern of keys"), "a pattern or a list of patterns"),
            "patterns of keys whose values traces, statuses and pages do not show",
            "redact",
            (),
            broken=(),
        ),
        Key("schedules", Schedules(), "flows that are started by the clock", "schedules", ()),
        Key("lanes", Lanes(), "priorities and queues of flow runs, by the name of the lane", "lanes", {}),
        Key("notify", Notifications(), "who hears of flow runs that need a look", "notify", ()),
        Key("links", Links(), "where else to look: addresses of logs or traces of a run or a task", "links", {}),
    ),
    text="Settings of the whole project.",
)
