"""Migration files: ``N.json`` in the format of selinon 1.x, read with the place of every mistake, and written.

::

    {"migration": {FLOW: {"translation": {OLD: NEW | null},
                          "tainted_edges": {OLD: {"from": [...], "to": [...], "condition_str": {...}}},
                          "tainting_nodes": {NEW: [...]}}},
     "tainted_flow_strategy": "IGNORE" | "RETRY" | "FAIL",
     "_meta": {"selinon_version", "host", "datetime", "user"}}

Keys are indexes of edges as text. The strategy may be written in any case; ``_meta`` may be missing and is not
read. 1.x read the files with a YAML parser, so YAML that is not JSON is accepted too.

Files from before the first release are accepted as well: there ``tainted_edges`` is a list of indexes, a tainted
edge may become another one, and nothing (``{}`` or null) may be said about a flow.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from selinon_core.errors import MigrationError
from selinon_core.migrations.compare import Comparison
from selinon_core.plan import And, Condition, EdgePlan, Not, Or, Test
from selinon_core.plan.flow_diff import STRATEGIES, FlowChange
from selinon_core.version import __version__

_PARTS = ("translation", "tainted_edges", "tainting_nodes")
_Path = tuple[str | int, ...]


class MigrationFile(NamedTuple):
    """One migration. ``changes`` has an entry for each flow in the file, also for flows without a change."""

    strategy: str
    changes: Mapping[str, FlowChange]
    meta: Mapping[str, Any] | None = None


class _Wrong(Exception):
    """Raised when a file is not a migration file; ``path`` leads to the wrong part."""

    def __init__(self, path: _Path, message: str) -> None:
        super().__init__(message)
        self.path = path


# -- reading ---------------------------------------------------------------------------------------------------


def read_migration(path: str) -> MigrationFile:
    """Read a file; raises ``MigrationError`` that begins with ``file:line:column``, ``FileNotFoundError``."""
    with open(path, "rb") as file:
        data = file.read()
    return parse_migration(data, path)


def parse_migration(data: bytes, name: str) -> MigrationFile:
    """Read the content of a file called ``name``; raises ``MigrationError``."""
    try:
        value = json.loads(data, object_pairs_hook=_without_repetitions)
    except UnicodeDecodeError as error:
        raise MigrationError(f"{name}:1:1: this is not UTF-8: {error.reason} at byte {error.start}") from error
    except RecursionError:
        raise MigrationError(f"{name}:1:1: this is nested too deeply") from None
    except json.JSONDecodeError as error:
        value = _as_yaml(data, name, error)
    except _Wrong as error:
        raise _placed(error, data, name) from None
    try:
        return _migration(value)
    except _Wrong as error:
        raise _placed(error, data, name) from None


def _without_repetitions(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Wrong((twice,), f'"{twice}" is given twice')
    return found


def _as_yaml(data: bytes, name: str, error: json.JSONDecodeError) -> Any:
    import yaml

    try:
        value = yaml.safe_load(data)
    except (yaml.YAMLError, RecursionError):
        value = None
    if not isinstance(value, dict):
        where = f"{name}:{error.lineno}:{error.colno}"
        raise MigrationError(f"{where}: this is not JSON: {error.msg}") from error
    return value


def _placed(error: _Wrong, data: bytes, name: str) -> MigrationError:
    """An error with the place of the wrong part; if that is not found, of the innermost part around it."""
    from selinon_core.config.yaml.document import decode, read_document
    from selinon_core.config.yaml.nodes import MappingNode, SequenceNode
    from selinon_core.diagnostics.kinds import Collector

    ignored = Collector()
    document = read_document(decode(data, name, ignored), name, ignored)
    node = document.root
    line, column = 1, 1
    if node is not None:
        found = document.location(node)
        for step in error.path:
            if isinstance(node, MappingNode) and step in node.entries:
                key, node, *_ = node.entries[step]
                found = document.location(key)
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
                found = document.location(node)
            else:
                break
        line, column = found.span.line, found.span.column
    return MigrationError(f"{name}:{line}:{column}: {error}")


def _migration(value: Any) -> MigrationFile:
    _mapping(value, (), "a migration file")
    for key in value:
        if key not in ("migration", "tainted_flow_strategy", "_meta"):
            raise _Wrong((key,), f'unknown key "{key}"; a migration file has migration and tainted_flow_strategy')
    for key in ("migration", "tainted_flow_strategy"):
        if key not in value:
            raise _Wrong((), f'the key "{key}" is missing')
    strategy = value["tainted_flow_strategy"]
    if not isinstance(strategy, str) or strategy.upper() not in STRATEGIES:
        raise _Wrong(("tainted_flow_strategy",), f"{strategy!r} is none of {', '.join(STRATEGIES)}")
    _mapping(value["migration"], ("migration",), "migration")
    changes = {}
    for flow, change in value["migration"].items():
        if not isinstance(flow, str):
            raise _Wrong(("migration", flow), f"{flow!r} is not the name of a flow")
        changes[flow] = _change(change, ("migration", flow))
    meta = value.get("_meta")
    if meta is not None:
        _mapping(meta, ("_meta",), "_meta")
    return MigrationFile(strategy.upper(), changes, meta)


def _change(value: Any, path: _Path) -> FlowChange:
    if value is None or value == {}:
        return FlowChange()
    _mapping(value, path, "what is said about a flow")
    for key in value:
        if key not in _PARTS:
            raise _Wrong((*path, key), f'unknown key "{key}"; known are {", ".join(_PARTS)}')
    for key in _PARTS:
        if key not in value:
            raise _Wrong(path, f'the key "{key}" is missing')
    return FlowChange(
        _translation(value["translation"], (*path, "translation")),
        _tainted_edges(value["tainted_edges"], (*path, "tainted_edges")),
        _tainting_nodes(value["tainting_nodes"], (*path, "tainting_nodes")),
    )


def _translation(value: Any, path: _Path) -> dict[int, int | None]:
    _mapping(value, path, "translation")
    translation: dict[int, int | None] = {}
    reached: dict[int, str] = {}
    for old, new in value.items():
        here = (*path, old)
        if new is not None and (not isinstance(new, int) or isinstance(new, bool) or new < 0):
            raise _Wrong(here, f"{new!r} is not the index of an edge; null says that the edge is gone")
        if new in reached:
            raise _Wrong(here, f"the edges {reached[new]} and {old} cannot both become edge {new}")
        if new is not None:
            reached[new] = old
        translation[_index(old, here)] = new
    return translation


def _tainted_edges(value: Any, path: _Path) -> frozenset[int]:
    if isinstance(value, list):
        return frozenset(_index(old, (*path, position)) for position, old in enumerate(value))
    _mapping(value, path, "tainted_edges")
    return frozenset(_index(old, (*path, old)) for old in value)


def _tainting_nodes(value: Any, path: _Path) -> dict[int, tuple[str, ...]]:
    _mapping(value, path, "tainting_nodes")
    tainting: dict[int, tuple[str, ...]] = {}
    for new, names in value.items():
        here = (*path, new)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise _Wrong(here, "a list of names of nodes is expected")
        tainting[_index(new, here)] = tuple(names)
    return tainting


def _index(key: Any, path: _Path) -> int:
    text = str(key)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _Wrong(path, f"{key!r} is not the index of an edge")
    return int(text)


def _mapping(value: Any, path: _Path, what: str) -> None:
    if not isinstance(value, dict):
        raise _Wrong(path, f"{what} is a mapping, not {_kind(value)}")


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


# -- writing ---------------------------------------------------------------------------------------------------


def migration_text(comparison: Comparison, strategy: str, meta: Mapping[str, Any] | None) -> str:
    """The content of a migration file: stable, keys sorted, without a line end as 1.x wrote it."""
    content: dict[str, Any] = {
        "migration": {name: _told(comparison, name, change) for name, change in comparison.changes.items()},
        "tainted_flow_strategy": strategy,
    }
    if meta is not None:
        content["_meta"] = dict(meta)
    return json.dumps(content, indent=2, sort_keys=True, separators=(",", ": "))


def metadata() -> dict[str, Any]:
    """Who made a migration, where, when and with what."""
    import platform
    from datetime import UTC, datetime

    try:
        user: str | None = os.getlogin()
    except OSError:  # no terminal: a build server
        user = None
    return {
        "selinon_version": __version__,
        "host": platform.node(),
        "datetime": str(datetime.now(UTC).replace(tzinfo=None)),
        "user": user,
    }


def _told(comparison: Comparison, name: str, change: FlowChange) -> dict[str, Any]:
    old = comparison.old.flows[name]
    return {
        "translation": {str(index): new for index, new in change.translation.items()},
        "tainted_edges": {str(index): _edge(old.edges[index]) for index in sorted(change.tainted_edges)},
        "tainting_nodes": {str(index): list(names) for index, names in change.tainting_nodes.items()},
    }


def _edge(edge: EdgePlan) -> dict[str, Any]:
    return {
        "from": list(dict.fromkeys(edge.sources)),
        "to": list(dict.fromkeys(edge.destinations)),
        "condition_str": _condition(edge.condition, edge.sources),
    }


def _condition(condition: Condition | None, sources: tuple[str, ...]) -> dict[str, Any] | str:
    """A condition as the YAML files have it; ``node`` is left out where there is just one source."""
    if condition is None:
        return {"name": "alwaysTrue"}
    if isinstance(condition, Not):
        return {"not": _condition(condition.operand, sources)}
    if isinstance(condition, Test):
        return condition.text
    if isinstance(condition, And | Or):
        key = "and" if isinstance(condition, And) else "or"
        return {key: [_condition(operand, sources) for operand in condition.operands]}
    leaf: dict[str, Any] = {"name": condition.function.name}
    if condition.node is not None and condition.node != sources:
        leaf["node"] = condition.node[0] if len(condition.node) == 1 else list(condition.node)
    if condition.args:
        leaf["args"] = dict(condition.args)
    if condition.quantifier is not None:
        leaf["quantifier"] = condition.quantifier
    return leaf
