"""How case files name things of a plan: node runs (``outer/Name#2``) and edges (``[A, B] -> C``)."""

from __future__ import annotations

import re
from typing import NamedTuple

from selinon_core.plan import EdgePlan, FailurePlan, FlowPlan, Plan
from selinon_core.plan.started import flows_below
from selinon_core.plan.text_wrap import START, ends_text


class NodeReference(NamedTuple):
    """``Name``, ``flow/Name`` or ``outer/inner/Name``: ``path`` are the flows. ``run``: the k of ``#k``."""

    path: tuple[str, ...]
    name: str
    run: int | None


def parse_reference(text: str) -> NodeReference | None:
    """A node reference as its parts; None when the text is none."""
    found = re.fullmatch(r"(?:(.*)/)?([^/#]+)(?:#([1-9]\d{0,8}))?", text)
    if found is None:
        return None
    path, name, run = found.groups()
    flows = () if path is None else tuple(re.split("[/>]", path))
    return NodeReference(flows, name, None if run is None else int(run)) if all(flows) else None


def parse_ends(text: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """``[A, B] -> C`` as sources and destinations. None without an arrow.

    A starting edge has no sources: ``(start) -> A``, or ``[] -> A``.
    """
    sources, arrow, destinations = text.partition("->")
    if sources.strip() == START:
        sources = ""
    return (_names(sources), _names(destinations)) if arrow else None


def edges_called(plan: Plan, flow: str, text: str) -> list[tuple[str, EdgePlan]]:
    """The edges that have a name, or ends as ``[A, B] -> C``, each with the name of its flow.

    Those of ``flow``; only where it has none, those of the first flow below it that has. ``inner/...`` names the
    flow.
    """
    owner, rest = _owner(plan, text)
    for name in (flow,) if owner is None and flow not in plan.flows else flows_below(plan, owner or flow):
        if name not in plan.flows:
            return []
        found = [(name, edge) for edge in _edges_in(plan.flows[name], rest)]
        if found or owner is not None:
            return found
    return []


def fallbacks_called(plan: Plan, flow: str, text: str) -> list[tuple[str, FailurePlan]]:
    """The failures entries with ends as ``[A, B] -> C`` or ``A -> true``; looked for as ``edges_called`` does."""
    owner, rest = _owner(plan, text)
    ends = parse_ends(rest)
    if ends is None:
        return []
    nodes = tuple(sorted(set(ends[0])))
    fallback = () if ends[1] == ("true",) else tuple(sorted(ends[1]))
    for name in flows_below(plan, owner or flow):
        found = [
            (name, entry)
            for entry in plan.flows[name].failures
            if tuple(sorted(entry.nodes)) == nodes and tuple(sorted(entry.fallback)) == fallback
        ]
        if found or owner is not None:
            return found
    return []


def edge_text(edge: EdgePlan) -> str:
    """How a case file calls an edge: its name, else its ends."""
    return edge.name or ends_text(edge.sources, edge.destinations)


def fallback_text(entry: FailurePlan) -> str:
    """How a case file calls a failures entry."""
    return ends_text(entry.nodes, entry.fallback or ("true",))


def _owner(plan: Plan, text: str) -> tuple[str | None, str]:
    """The flow that a text names in front of a slash, if it does, and the rest."""
    owner, slash, rest = text.partition("/")
    owner = owner.strip()
    return (owner, rest) if slash and owner in plan.flows else (None, text)


def _edges_in(flow: FlowPlan, text: str) -> list[EdgePlan]:
    named = [edge for edge in flow.edges if edge.name == text.strip()]
    ends = parse_ends(text)
    if named or ends is None:
        return named
    wanted = (sorted(ends[0]), sorted(ends[1]))
    return [edge for edge in flow.edges if (sorted(edge.sources), sorted(edge.destinations)) == wanted]


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.strip().strip("[]").split(",") if part.strip())
