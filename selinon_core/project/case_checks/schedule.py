"""Deviations of a schedule that name what the flow does not have any more (SEL808)."""

from __future__ import annotations

from selinon_core.cases.references import parse_reference
from selinon_core.config.case_reader import CaseRead
from selinon_core.config.schema.case_context import NameUse
from selinon_core.config.schema.case_schedule import SUBJECT_KEY
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import Collector, shorten
from selinon_core.diagnostics.wording import question, suggestion
from selinon_core.plan import Plan
from selinon_core.plan.started import flows_below, nodes_of
from selinon_core.project.case_checks.names import is_reached, where_reached


def check_schedule(read: CaseRead, plan: Plan, collector: Collector) -> None:
    """Report subjects of deviations that no run of the flow can meet: they are ignored when the case is run."""
    seen = set()
    for use in read.uses:
        if use.key == SUBJECT_KEY and use.location.place not in seen:
            seen.add(use.location.place)
            _check(use, read.case.flow, plan, collector)


def _check(use: NameUse, flow: str, plan: Plan, collector: Collector) -> None:
    words = use.text.split(" ")
    reference = parse_reference(words[-1])
    if reference is None or not all(words):
        message = f'"{shorten(use.text)}" names neither a node run nor a message'
        note = 'expected "Charge#1", "flow/Charge#2" or "start order#1"'
        collector.add(kinds.CASE_SCHEDULE, use.location, message, note=note)
        return
    if (not reference.path and reference.name == flow) or is_reached(plan, flow, reference):
        return
    there = where_reached(plan, flow, reference.name)
    missing = next((name for name in reference.path if name not in plan.flows), reference.name)
    known = dict.fromkeys(node for below in flows_below(plan, flow) for node in nodes_of(plan.flows[below]))
    message = f'the schedule is about "{shorten(missing)}", which no run of "{shorten(flow)}" has'
    help = question(there) if there and missing == reference.name else suggestion(missing, [*known, flow])
    collector.add(
        kinds.CASE_SCHEDULE,
        use.location,
        message,
        note="nothing will happen here",
        help=help or "remove the entry, or simulate again: selinon simulate",
    )
