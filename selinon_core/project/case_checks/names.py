"""Names in case files that the plan does not have (SEL801), and nodes that are elsewhere in it (SEL802)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from selinon_core.cases.references import (
    NodeReference,
    edge_text,
    edges_called,
    fallback_text,
    fallbacks_called,
    parse_reference,
)
from selinon_core.config.case_reader import CaseFileRead, CaseRead
from selinon_core.config.schema.case_context import NameUse
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import Collector, shorten
from selinon_core.diagnostics.location import SourceLocation
from selinon_core.diagnostics.wording import question, suggestion
from selinon_core.plan import Plan
from selinon_core.plan.started import flows_below, nodes_of
from selinon_core.plan.variable_uses import declared_variables, variables_read

#: Keys below which a name is an invariant's, which has a code of its own.
OF_INVARIANTS = frozenset({"invariants", "at_most", "at_least", "exactly", "before", "if", "then", "edge"})


def check_shared_names(found: CaseFileRead, plan: Plan, collector: Collector) -> None:
    """Report unknown names outside of cases."""
    for use in found.uses:
        if use.kind in ("flow", "name", "variable") and use.key not in OF_INVARIANTS:
            _check(use, None, plan, collector)


#: A name that is right: the flow of the case, the kind of the name, and its text.
RightName = tuple[str | None, str, str]


def check_names(
    read: CaseRead, plan: Plan, collector: Collector, titles: Collection[str], right: set[RightName]
) -> None:
    """Report names of a case that the plan does not have, and nodes that its flow does not reach.

    ``right`` gathers the names that are right: the cases of a file name the same few again and again.
    """
    flow = read.case.flow if read.case.flow in plan.flows else None
    for use in read.uses:
        name = (flow, use.kind, use.text)
        if use.key in OF_INVARIANTS or name in right:
            continue
        if use.kind == "case":
            if use.text not in titles or use.text == read.case.name:
                others = [title for title in titles if title != read.case.name]
                _unknown(collector, use.location, "other case", use.text, others)
            continue
        before = len(collector.found)
        _check(use, flow, plan, collector)
        if len(collector.found) == before:
            right.add(name)


def _check(use: NameUse, flow: str | None, plan: Plan, collector: Collector) -> None:
    if use.kind == "flow":
        if use.text not in plan.flows:
            _unknown(collector, use.location, "flow", use.text, plan.flows)
    elif use.kind == "task":
        if use.text not in plan.tasks:
            _unknown(collector, use.location, "task", use.text, plan.tasks)
    elif use.kind == "storage":
        if use.text not in plan.storages:
            _unknown(collector, use.location, "storage", use.text, plan.storages)
    elif use.kind == "variable":
        _check_variable(use, flow, plan, collector)
    elif use.kind == "name":
        if use.text not in plan.tasks and use.text not in plan.flows:
            _unknown(collector, use.location, "task or flow", use.text, [*plan.tasks, *plan.flows])
    elif flow is None:
        return
    elif use.kind == "edge":
        if not edges_called(plan, flow, use.text):
            known = [edge_text(edge) for name in flows_below(plan, flow) for edge in plan.flows[name].edges]
            _unknown(collector, use.location, "edge", use.text, known, f' of "{flow}" or the flows it starts')
    elif use.kind == "fallback":
        if not fallbacks_called(plan, flow, use.text):
            known = [fallback_text(one) for name in flows_below(plan, flow) for one in plan.flows[name].failures]
            _unknown(collector, use.location, "fallback", use.text, known, f' of "{flow}" or the flows it starts')
    elif use.kind == "node":
        _check_node(use, flow, plan, collector)


def _check_variable(use: NameUse, flow: str | None, plan: Plan, collector: Collector) -> None:
    """Report a variable that no flow can read, and as never used one that this flow does not read."""
    declared = declared_variables(plan)
    if use.text not in declared:
        what = "environment variable of the flows"
        _unknown(collector, use.location, what, use.text, declared, if_none="list it under global: env:")
    elif flow is not None and use.text not in variables_read(plan, flow):
        collector.add(
            kinds.CASE_UNUSED,
            use.location,
            f'the variable "{shorten(use.text)}" is never read',
            note=f'neither "{flow}" nor a flow that it starts has it in an expression or a condition',
            help="remove it",
        )


def _check_node(use: NameUse, flow: str, plan: Plan, collector: Collector) -> None:
    reference = parse_reference(use.text)
    if reference is None:
        collector.add(
            kinds.CASE_UNKNOWN_NAME,
            use.location,
            f'"{shorten(use.text)}" does not name a node',
            note="expected Name, flow/Name or flow/Name#2",
        )
        return
    if reference.name not in plan.tasks and reference.name not in plan.flows:
        _unknown(collector, use.location, "task or flow", reference.name, [*plan.tasks, *plan.flows])
        return
    for name in reference.path:
        if name not in plan.flows:
            _unknown(collector, use.location, "flow", name, plan.flows)
            return
    if is_reached(plan, flow, reference):
        return
    there = where_reached(plan, flow, reference.name)
    inner = reference.path[-1] if reference.path else flow
    message = f'"{reference.name}" is not a node of "{inner}"'
    if reference.name in nodes_of(plan.flows[inner]):
        message = f'"{"/".join(reference.path)}" does not run in "{flow}"'
    collector.add(
        kinds.CASE_CONTRADICTION,
        use.location,
        message,
        note="it never runs there",
        help=question(there) if there else f'"{flow}" does not start it at all',
    )


def is_reached(plan: Plan, flow: str, reference: NodeReference) -> bool:
    """Whether runs of ``flow`` may have runs that a reference names."""
    if not reference.path:
        return reference.name in nodes_of(plan.flows[flow])
    below = set(flows_below(plan, flow))
    inner = reference.path
    if any(name not in below for name in inner):
        return False
    chain = zip(inner, (*inner[1:], reference.name), strict=True)
    return all(name in nodes_of(plan.flows[outer]) for outer, name in chain)


def where_reached(plan: Plan, flow: str, name: str) -> str | None:
    """How a node is called that runs somewhere below ``flow``; None for one that does not."""
    for below in flows_below(plan, flow):
        if name in nodes_of(plan.flows[below]):
            return name if below == flow else f"{below}/{name}"
    return None


def _unknown(
    collector: Collector,
    location: SourceLocation,
    what: str,
    name: str,
    known: Iterable[str],
    of: str = "",
    if_none: str = "there is none",
) -> None:
    known = list(dict.fromkeys(known))
    listed = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    collector.add(
        kinds.CASE_UNKNOWN_NAME,
        location,
        f'no {what}{of} is called "{shorten(name)}"',
        note="unknown",
        help=suggestion(name, known) or (f"known: {listed}" if known else if_none),
    )


def unknown_name(
    collector: Collector, location: SourceLocation, what: str, name: str, known: Iterable[str]
) -> None:
    """Report a name that the plan does not have."""
    _unknown(collector, location, what, name, known)
