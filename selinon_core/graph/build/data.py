"""Arrows of data: whose result is read for what. They are drawn on request, beside the arrows of the flow."""

from __future__ import annotations

from selinon_core.graph.build.drawing_builder import Part, wrapped
from selinon_core.graph.model import Edge
from selinon_core.plan import EdgePlan, FailurePlan, ForeachItems, Template
from selinon_core.plan.expression_uses import expressions_of, nodes_read
from selinon_core.plan.functions import expression_leaves
from selinon_core.plan.text_wrap import printable

#: node that is read -> what its result is read for
_Reads = dict[str, dict[str, None]]


def draw_data(part: Part) -> None:
    """Add an arrow from each node to those for which its result is read, with the names of the arguments."""
    for edge in part.flow.edges:
        _draw(part, edge, edge.destinations)
    for entry in part.flow.failures:
        _draw(part, entry, entry.fallback)


def _draw(part: Part, entry: EdgePlan | FailurePlan, destinations: tuple[str, ...]) -> None:
    for name, uses in _reads(entry).items():
        if name not in part.ends:
            continue
        label = ", ".join(printable(use) for use in uses)
        for destination in dict.fromkeys(destinations):
            part.scene.connect(
                Edge(
                    part.ends[name][1],
                    part.ends[destination][0],
                    kind="data",
                    label=wrapped([label]),
                    facts=(f"{printable(destination)} reads {printable(name)} for {label}", str(entry.place)),
                    place=entry.place,
                )
            )


def _reads(entry: EdgePlan | FailurePlan) -> _Reads:
    found: _Reads = {}
    for leaf in expression_leaves(entry.condition):
        _note(found, nodes_read(leaf.expression), "condition")
    item_name = "item"
    if isinstance(entry, EdgePlan) and isinstance(entry.foreach, ForeachItems):
        _note(found, nodes_read(entry.foreach.expression), "foreach")
        item_name = entry.foreach.item_name
    if entry.args is not None:
        value = entry.args.value
        parts = value if isinstance(value, dict) else {"args": value}
        for key, inner in parts.items():
            for expression in expressions_of(Template(inner, entry.args.place)):
                _note(found, nodes_read(expression, item_name), key)
    return found


def _note(found: _Reads, names: frozenset[str], use: str) -> None:
    for name in sorted(names):
        found.setdefault(name, {})[use] = None
