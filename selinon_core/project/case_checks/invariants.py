"""Invariants that name nothing (SEL809)."""

from __future__ import annotations

from collections.abc import Iterable

from selinon_core.cases.model import Invariant
from selinon_core.cases.references import edges_called, flows_below, nodes_of, parse_reference
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import Collector, shorten
from selinon_core.diagnostics.location import FixedLocation, Span
from selinon_core.diagnostics.wording import suggestion
from selinon_core.plan import Plan
from selinon_core.project.case_checks.names import is_reached


def check_invariants(invariants: Iterable[Invariant], flow: str, plan: Plan, collector: Collector) -> None:
    """Report names of invariants that no run of the flow they are about can have."""
    for invariant in invariants:
        about = invariant.flow or flow
        if about not in plan.flows:
            _report(invariant, f'no flow is called "{shorten(about)}"', suggestion(about, plan.flows), collector)
            continue
        for text in nodes_named(invariant):
            _check_node(invariant, text, about, plan, collector)
        for text in edges_named(invariant):
            if not edges_called(plan, about, text):
                _report(invariant, f'no edge of "{about}" is called "{shorten(text)}"', "", collector)


def _check_node(invariant: Invariant, text: str, flow: str, plan: Plan, collector: Collector) -> None:
    reference = parse_reference(text)
    if reference is not None and is_reached(plan, flow, reference):
        return
    # An invariant of the file is about every flow that has its nodes.
    below = [name for one in flows_below(plan, flow) for name in nodes_of(plan.flows[one])]
    if invariant.flow is None and reference is not None and not reference.path:
        anywhere = {name for one in plan.flows.values() for name in nodes_of(one)}
        if reference.name in anywhere:
            return
    name = text if reference is None else reference.name
    _report(invariant, f'no run of "{flow}" has a node "{shorten(text)}"', suggestion(name, below), collector)


def nodes_named(invariant: Invariant) -> list[str]:
    """The node references in an invariant."""
    value = invariant.value
    if invariant.kind in ("at_most", "at_least", "exactly"):
        return list(value)
    if invariant.kind == "never_both":
        return list(value)
    if invariant.kind == "before":
        return [*value, *(cause for causes in value.values() for cause in causes if isinstance(cause, str))]
    if invariant.kind == "if_then":
        return [name for part in value.values() for name in part if name != "status"]
    return []


def edges_named(invariant: Invariant) -> list[str]:
    """The edges that an invariant names."""
    if invariant.kind != "before":
        return []
    return [cause["edge"] for causes in invariant.value.values() for cause in causes if isinstance(cause, dict)]


def _report(invariant: Invariant, message: str, help: str, collector: Collector) -> None:
    place = invariant.place
    assert place is not None
    location = FixedLocation(Span(place.file, place.line, place.column, place.line, place.column + 1))
    text = f'the invariant "{shorten(invariant.name)}" names nothing: {message}'
    collector.add(kinds.CASE_INVARIANT, location, text, note="it would hold always", help=help)
