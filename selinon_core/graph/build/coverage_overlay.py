"""What tests have covered, laid over a drawing: each node, box and arrow covered, partly covered or never met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from selinon_core.graph.model import Drawing, Edge, Node


class PartCoverage(NamedTuple):
    """How many of its goals a part of a flow has covered, and a line per goal for its tooltip."""

    covered: int
    goals: int
    facts: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """One word; "" without goals."""
        if not self.goals:
            return ""
        return "covered" if self.covered == self.goals else "partly" if self.covered else "never"


def lay_coverage(drawing: Drawing, parts: Mapping[str, PartCoverage]) -> Drawing:
    """Return the drawing of a flow without expanded sub-flows in the colours of its coverage.

    ``parts``: ``node:NAME``, ``edge:N`` (its condition), ``edge:N/fired``, ``edge:N/foreach``, ``failure:N``.
    """
    return drawing._replace(
        nodes=tuple(_node(node, parts) for node in drawing.nodes),
        edges=tuple(_edge(edge, parts) for edge in drawing.edges),
        coverage=True,
    )


def _node(node: Node, parts: Mapping[str, PartCoverage]) -> Node:
    part = parts.get(_key(node))
    if part is None:
        return node._replace(state="")
    notes = node.notes
    if part.state == "partly":
        notes = (*notes, f"{part.covered}/{part.goals} covered")
    return node._replace(state=part.state, notes=notes, facts=(*part.facts, *node.facts))


def _key(node: Node) -> str:
    kind, _, rest = node.id.partition(":")
    if node.kind in ("task", "flow"):
        return f"node:{node.name}"
    if node.kind == "condition":
        return f"edge:{rest}"
    if node.kind == "foreach":
        return f"edge:{rest}/foreach"
    if node.kind == "join":
        return f"edge:{rest}/fired"
    return f"failure:{rest.partition('/')[0]}" if kind == "failure" else ""


def _edge(edge: Edge, parts: Mapping[str, PartCoverage]) -> Edge:
    if edge.number is None or edge.kind in ("store", "data"):
        return edge
    key = f"failure:{edge.number}" if edge.kind == "fallback" else f"edge:{edge.number}/fired"
    part = parts.get(key)
    if part is None:
        return edge
    return edge._replace(state=part.state, facts=(*part.facts, *edge.facts))
