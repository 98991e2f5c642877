"""The replay definition of a flow: the snapshot that replaying a log needs, as a short text.

A log is replayed with the flow index it was written with. It depends on the combinations an edge waits for, on
which questions an edge, an entry of ``failures`` and the end of the flow ask, on which failures have an entry, and
on how often a flow is retried. If one of these changes, the same events mean something else, whether or not the
graph changed in a way that needs a migration. So every run names the definition its log begins with, by a hash of
its text, and ``events.Migrated`` names the definition that holds from there on. A replay needs the texts of these
definitions, not the project as it was.

The definition omits what replay never reads: predicates, foreach functions, templates, places, countdowns, queues.
An index made from a text has stand-ins for those. A run is migrated to the worker's own index before it asks
anything new.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from selinon_core.diagnostics.location import Place
from selinon_core.dispatch.flow_index import EdgeIndex, FlowIndex
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.plan import (
    Condition,
    EdgePlan,
    FailurePlan,
    FlowPlan,
    Foreach,
    ImportRef,
    Leaf,
    Plan,
    Settings,
    Strategy,
    Template,
)

_SETS = (
    "nowait",
    "eager_failures",
    "propagate_node_args",
    "propagate_parent",
    "propagate_finished",
    "propagate_compound_finished",
    "propagate_failures",
    "propagate_compound_failures",
    "propagate_parent_failures",
)
_CONDITION, _FOREACH, _ITEMS, _ARGS = 1, 2, 4, 8
_FAILS = 2
_SOMEWHERE = Place("<recorded>", 1, 1)
_SOMETHING = ImportRef("recorded", "function")
_A_TEMPLATE = Template(None, _SOMEWHERE)
_A_CONDITION = Leaf(_SOMETHING, None, {}, None, _SOMEWHERE)


class ReplayDefinition(NamedTuple):
    """A flow index and ``global.on_unreached``: a machine is made from these two."""

    table: FlowIndex
    on_unreached: str


def definition_text(table: FlowIndex, on_unreached: str) -> str:
    """The definition of a flow as JSON; equal definitions have equal texts."""
    flow = table.flow
    value: dict[str, Any] = {
        "flow": flow.name,
        "edges": [_edge(row) for row in table.rows],
        "subflows": sorted(name for name, node in table.destinations.items() if node.is_flow),
        "on_unreached": on_unreached,
    }
    if flow.failures:
        value["failures"] = [[list(f.nodes), list(f.fallback), _failure_flags(f)] for f in flow.failures]
    if flow.max_retry:
        value["max_retry"] = flow.max_retry
    if flow.node_args_from_first:
        value["node_args_from_first"] = True
    if flow.output is not None:
        value["output"] = True
    for name in _SETS:
        if getattr(flow, name):
            value[name] = sorted(getattr(flow, name))
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def definition_hash(text: str) -> str:
    """The name of a definition: a hash of its text."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def read_definition(text: str) -> ReplayDefinition:
    """The inverse of ``definition_text``, with stand-ins; raises ``ValueError`` for any other text."""
    try:
        value = json.loads(text)
        return ReplayDefinition(_table(value), value["on_unreached"])
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not the definition of a flow: {text[:200]}") from error


def _failure_flags(entry: FailurePlan) -> int:
    flags = _CONDITION * (entry.condition is not None) | _FAILS * entry.propagate_failure
    return flags | _ARGS * (entry.args is not None)


def _edge(row: EdgeIndex) -> list[Any]:
    flags = _CONDITION * (row.condition is not None) | _ARGS * (row.args is not None)
    if row.foreach is not None:
        flags |= _FOREACH | _ITEMS * row.foreach.propagate_result
    value: list[Any] = [list(row.sources), [node.name for node in row.destinations], flags]
    return value if row.selective is None else [*value, row.selective.to_json()]


def _sets(value: dict[str, Any]) -> dict[str, Any]:
    return {name: frozenset(value.get(name, ())) for name in _SETS}


def _table(value: dict[str, Any]) -> FlowIndex:
    flow = FlowPlan(
        name=value["flow"],
        edges=tuple(
            EdgePlan(
                index,
                tuple(sources),
                tuple(to),
                _condition(flags),
                _foreach(flags),
                None,
                None,
                _SOMEWHERE,
                _args(flags),
            )
            for index, (sources, to, flags, *_) in enumerate(value["edges"])
        ),
        failures=tuple(
            FailurePlan(
                index,
                tuple(nodes),
                tuple(fallback),
                _condition(flags),
                bool(flags & _FAILS),
                _SOMEWHERE,
                _args(flags),
            )
            for index, (nodes, fallback, flags, *_) in enumerate(value.get("failures", ()))
        ),
        queue="",
        max_retry=value.get("max_retry", 0),
        retry_countdown=0.0,
        timeout=None,
        throttling=None,
        node_args_from_first=value.get("node_args_from_first", False),
        sampling=Strategy(_SOMETHING, {}),
        cache=None,
        place=_SOMEWHERE,
        output=_A_TEMPLATE if value.get("output") else None,
        **_sets(value),
    )
    known = dict.fromkeys((*value["subflows"], flow.name), flow)
    table = FlowIndex(Plan({}, known, {}, Settings(None, (), "warn", "fail")), flow)
    for row, (_, _, _, *selective) in zip(table.rows, value["edges"], strict=True):
        if selective:
            row.selective = SelectiveRun.from_json(selective[0])
    return table


def _condition(flags: int) -> Condition | None:
    return _A_CONDITION if flags & _CONDITION else None


def _args(flags: int) -> Template | None:
    return _A_TEMPLATE if flags & _ARGS else None


def _foreach(flags: int) -> Foreach | None:
    return Foreach(_SOMETHING, bool(flags & _ITEMS), _SOMEWHERE) if flags & _FOREACH else None
