"""Invariants that name nothing (SEL809)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from selinon_core.cases.model import Invariant
from selinon_core.cases.references import edge_text, edges_called, parse_reference
from selinon_core.config.schema.case_context import NameUse
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import Collector, shorten
from selinon_core.diagnostics.location import FixedLocation, SourceLocation, Span
from selinon_core.diagnostics.wording import suggestion
from selinon_core.plan import Plan
from selinon_core.plan.started import flows_below, nodes_of
from selinon_core.project.case_checks.names import OF_INVARIANTS, is_reached


def check_invariants(
    invariants: Iterable[tuple[Invariant, str]], uses: Sequence[NameUse], plan: Plan, collector: Collector
) -> None:
    """Report invariants that name what no run can have; each comes with the flow of a case that has it.

    ``uses`` are the names that the file gives to things, with their places. An invariant without a flow is about
    every flow that has all the nodes and edges it names.
    """
    seen = set()
    for invariant, flow in invariants:
        if (invariant.name, invariant.place) in seen:
            continue
        seen.add((invariant.name, invariant.place))
        about = invariant.flow or flow
        if about not in plan.flows:
            message = f'no flow is called "{shorten(about)}"'
            _report(invariant, about, message, suggestion(about, plan.flows), uses, collector)
        elif invariant.flow is not None or not any(_has_all(plan, name, invariant) for name in plan.flows):
            _check_names(invariant, about, uses, plan, collector)


def _has_all(plan: Plan, flow: str, invariant: Invariant) -> bool:
    return all(_has_node(plan, flow, text) for text in nodes_named(invariant)) and all(
        edges_called(plan, flow, text) for text in edges_named(invariant)
    )


def _has_node(plan: Plan, flow: str, text: str) -> bool:
    reference = parse_reference(text)
    return reference is not None and is_reached(plan, flow, reference)


def _check_names(
    invariant: Invariant, flow: str, uses: Sequence[NameUse], plan: Plan, collector: Collector
) -> None:
    below = [name for one in flows_below(plan, flow) for name in nodes_of(plan.flows[one])]
    for text in nodes_named(invariant):
        if not _has_node(plan, flow, text):
            help = suggestion(text.rpartition("/")[2].partition("#")[0], below)
            message = f'no run of "{flow}" has a node "{shorten(text)}"'
            _report(invariant, text, message, help, uses, collector)
    for text in edges_named(invariant):
        if not edges_called(plan, flow, text):
            known = [edge_text(edge) for one in flows_below(plan, flow) for edge in plan.flows[one].edges]
            message = f'no edge of "{flow}" is called "{shorten(text)}"'
            _report(invariant, text, message, suggestion(text, known), uses, collector)


def nodes_named(invariant: Invariant) -> list[str]:
    """The node references in an invariant."""
    value = invariant.value
    if invariant.kind in ("at_most", "at_least", "exactly", "never_both"):
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


def _report(
    invariant: Invariant, name: str, message: str, help: str, uses: Sequence[NameUse], collector: Collector
) -> None:
    place = invariant.place
    assert place is not None
    location: SourceLocation = FixedLocation(Span(*place, place.line, place.column + 1))
    for use in uses:  # the name itself, rather than the beginning of the invariant
        if use.text == name and use.key in OF_INVARIANTS and use.location.place >= place:
            location = use.location
            break
    text = f'the invariant "{shorten(invariant.name)}" names nothing: {message}'
    collector.add(kinds.CASE_INVARIANT, location, text, note="it would hold always", help=help)
