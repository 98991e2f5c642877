"""Reading texts without any lint rule, and a small project that has every key."""

from __future__ import annotations

from typing import Any

from selinon_core.config.model import ProjectModel
from selinon_core.config.model_builder import ModelBuilder
from selinon_core.config.yaml.document import document_from_data, read_document
from selinon_core.diagnostics import Diagnostic, sort_diagnostics
from selinon_core.diagnostics.kinds import Collector

Found = tuple[Diagnostic, ...]


def read_text(*texts: str) -> tuple[ProjectModel, Found]:
    """The model of texts, called ``f0.yaml``, ``f1.yaml``, ..., and what the reader says about them."""
    collector = Collector()
    builder = ModelBuilder(collector)
    for number, text in enumerate(texts):
        builder.add(read_document(text, f"f{number}.yaml", collector))
    return builder.model(), sort_diagnostics(collector.found)


def read_data(data: Any) -> tuple[ProjectModel, Found]:
    """The same for one file given as data."""
    collector = Collector()
    builder = ModelBuilder(collector)
    builder.add(document_from_data(data, "data", collector))
    return builder.model(), sort_diagnostics(collector.found)


def where(found: Found) -> list[tuple[str, int, int]]:
    """Code, line and column of diagnostics."""
    return [(d.code, d.span.line, d.span.column) for d in found]


FULL: dict[str, Any] = {
    "tasks": [
        {
            "name": "Fetch",
            "import": "shop.tasks",
            "classname": "FetchTask",
            "max_retry": 3,
            "retry_countdown": 1.5,
            "timeout": 60,
            "output_schema": "fetch.json",
            "storage": "Database",
            "storage_readonly": False,
            "storage_task_name": "Fetched",
            "selective_run_function": {"name": "fresh", "import": "shop.selective"},
            "queue": "fetch_{STAGE}",
            "tags": ["io", "slow"],
            "throttling": {"minutes": 1, "seconds": 30, "milliseconds": 500},
        },
        {"name": "Store", "import": "shop.tasks", "storage": "Database", "storage_read_only": True},
        {
            "name": "Mail",
            "import": "shop.tasks",
            "retry": {
                "max": 5,
                "wait": 10,
                "factor": 2,
                "max_wait": 600,
                "jitter": 0.2,
                "only": ["TimeoutError", "requests.exceptions.*"],
                "never": "ValueError",
            },
            "selective_run_function": {"function": "fresh", "import": "m"},
        },
    ],
    "storages": [
        {
            "name": "Database",
            "import": "selinon.storages.postgresql",
            "classname": "PostgreSQL",
            "configuration": {"connection_string": "x", "ports": {80: "http"}},
            "cache": {"name": "LRU", "import": "selinon.caches", "configuration": {"max_cache_size": 10}},
        },
        {"name": "Bare", "import": "shop.storages"},
        {"name": "One", "import": "shop.storages", "configuration": [1, 2]},
    ],
    "flows": ["order", "nightly"],
    "global": {
        "predicates_module": "shop.predicates",
        "default_task_queue": "tasks",
        "default_dispatcher_queue": "flows",
        "migration_dir": "migrations",
        "trace": [
            {"logging": True, "json": False},
            {"function": {"import": "shop.trace", "name": "event"}},
            {"storage": {"name": "Bare"}},
            {"sentry": {"dsn": ""}},
            {"opentelemetry": True},
        ],
        "lanes": {"bulk": {"priority": 2}, "urgent": {"priority": 9, "queue_suffix": "_urgent"}},
        "links": {"logs": "https://logs.example.com/?q={task_id}", "the trace": "{TRACES}/{trace_id}"},
        "on_unreached": "fail",
        "on_graph_change": "retry",
    },
    "flow-definitions": [
        {
            "name": "order",
            "keep": {"success": "1d", "failure": 2592000, "cancelled": "1.5 h"},
            "limit": {"key": "orders", "max": 3, "when_full": "skip"},
            "lane": "bulk",
            "expires": "2h",
            "tags": "shop",
            "edges": [
                {"from": None, "to": "Fetch", "name": "begin"},
                {
                    "from": "Fetch",
                    "to": ["Store", "Store", "nightly"],
                    "condition": {
                        "and": [
                            {"name": "fieldEqual", "args": {"key": ["a", 0], "value": None}},
                            {"not": {"or": [{"name": "isDict", "node": "Fetch"}, {"name": "argsIsNone"}]}},
                            {"not": [{"name": "alwaysFalse"}]},
                        ]
                    },
                },
                {
                    "from": ["Store", "nightly"],
                    "to": "nightly",
                    "condition": {
                        "name": "fieldExist",
                        "node": ["nightly", "Mail"],
                        "quantifier": "any",
                        "args": {"key": "x"},
                    },
                    "foreach": {"import": "shop.each", "function": "items", "propagate_result": True},
                    "selective": {"tasks": ["Mail"], "follow_subflows": True, "run_subsequent": ["nightly"]},
                },
            ],
            "failures": [
                {"nodes": ["Store", "Fetch"], "fallback": ["Mail"], "propagate_failure": True},
                {"nodes": "Mail", "fallback": True, "condition": {"name": "argsIsDict"}},
            ],
            "queue": "orders",
            "max_retry": 1,
            "retry_countdown": 5,
            "timeout": 3600,
            "nowait": ["Mail"],
            "eager_failures": "Fetch",
            "node_args_from_first": True,
            "propagate_node_args": False,
            "propagate_parent": "nightly",
            "propagate_finished": ["nightly"],
            "propagate_compound_finished": [],
            "propagate_failures": True,
            "propagate_compound_failures": None,
            "propagate_parent_failures": True,
            "sampling": {"name": "constant", "args": {"retry": 15}},
            "throttling": {"hours": 1},
            "cache": {"name": "FIFO"},
        },
        {
            "name": "nightly",
            "edges": [{"from": [], "to": "Mail", "selective": None, "foreach": None, "condition": []}],
            "eager_failures": True,
            "nowait": [],
            "sampling": {},
        },
    ],
}

#: A file that has every key of expressions, templates and schemas of arguments.
EXPRESSED: dict[str, Any] = {
    "tasks": [
        {"name": "A", "import": "m", "output_schema": {"type": "object"}, "input_schema": "in.json"},
        {"name": "B", "import": "m"},
    ],
    "global": {
        "vars": {"currency": "EUR", "limit": 3},
        "env": {"REGION": {"default": "eu"}, "STAGE": None, "ZONE": {}},
        "typed_tasks": True,
        "redact": ["password", "*token*"],
    },
    "flow-definitions": [
        {
            "name": "f",
            "vars": {"limit": 4},
            "input_schema": {"type": "object"},
            "output": {"parcel": "${B.parcel}"},
            "output_schema": {"type": "object"},
            "edges": [
                {"from": [], "to": "A", "args": "${args}", "condition": True},
                {"from": "A", "to": "B", "condition": "A.x > 1", "foreach": "A.lines"},
                {
                    "from": "A",
                    "to": "B",
                    "condition": {"or": ["A.x", {"not": "A.y"}, {"name": "isDict"}]},
                    "foreach": {"in": "A.lines", "as": "line"},
                    "args": {"line": "${line}", "at": "no ${index}", "more": [1]},
                },
            ],
            "failures": [{"nodes": "A", "fallback": "B", "condition": "args.retry", "args": {"a": 1}}],
        },
        {"name": "g", "like": "f", "queue": "q"},
    ],
}
