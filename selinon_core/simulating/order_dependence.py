"""Why a flow run need not be the same as undisturbed: what ``selinon check`` finds of order, and time."""

from __future__ import annotations

from collections.abc import Iterator

from selinon_core.dispatch import NodeRun
from selinon_core.exploring import Checker, Limits, ProjectModel
from selinon_core.plan.started import flows_below
from selinon_core.simulating.options import Subject
from selinon_core.simulating.played import Played

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


def early_end_notes(played: Played) -> Iterator[str]:
    """Likewise of the undisturbed run: what has run when an eager failure ends a flow run depends on the order.

    Explorations of large flows do not find all of it.
    """
    eager = {run.id for run in played.run.facts.eager}
    for record in played.nodes.values():
        if record.run.id not in eager:
            continue
        before = {id(run) for run in _causes(record.run)}
        mine = (each for each in played.nodes.values() if each.flow_run is record.flow_run)
        if any(id(each.run) not in before for each in mine):
            flow, name = record.flow_run.flow.name, record.run.name
            yield (
                f"same as undisturbed is not looked at: the failure of {name} ends flow {flow} at once, and which "
                "nodes have run by then depends on the order"
            )
            return


def _causes(run: NodeRun) -> Iterator[NodeRun]:
    """A node run, and all that ended before it could begin."""
    found, todo = {id(run)}, [run]
    while todo:
        each = todo.pop()
        yield each
        todo += [source for source in each.sources if id(source) not in found]
        found.update(id(source) for source in each.sources)
