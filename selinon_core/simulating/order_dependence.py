"""Why a flow run need not be the same as undisturbed: what ``selinon check`` finds of order, and time."""

from __future__ import annotations

from collections.abc import Iterator

from selinon_core.exploring import Checker, Limits, ProjectModel
from selinon_core.plan.started import flows_below
from selinon_core.simulating.options import Subject

#: Runs explored of each flow: what does not show in these is rare.
_BUDGET = 2_000
_LIMITS = Limits(failures=1, visits=2, budget=_BUDGET)


def order_notes(subject: Subject) -> Iterator[str]:
    """Why runs of the subject are not compared with the undisturbed one; none if they are."""
    plan = subject.plan
    flows = list(flows_below(plan, subject.flow))
    if subject.options.at:
        yield "same as undisturbed is not looked at: what comes from outside comes at its time"
        return
    for name in flows:
        if plan.flows[name].timeout is not None:
            yield f"same as undisturbed is not looked at: flow {name} has a timeout, and faults take time"
            return
    checker = Checker(ProjectModel(plan), _LIMITS)
    for name in flows:
        for found in checker.check(name).properties:
            if found.name == "order":
                yield f"same as undisturbed is not looked at: in flow {name} {found.text}"
                return
