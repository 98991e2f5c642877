"""What a simulation needs of real tasks: loaded code, the same results at a second run, and no threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from selinon_core.plan.started import flows_below, nodes_of
from selinon_core.simulating.campaign import ScheduleResult, replay
from selinon_core.simulating.shrinking import first_difference
from selinon_core.testing.captured import CapturedOutput
from selinon_core.testing.effects import EffectNotes
from selinon_core.testing.simulation.campaign import Campaign


class RealTaskProblem(Exception):
    """Raised where real tasks do what no simulation can repeat."""


def check_real_tasks(campaign: Campaign) -> Iterator[str]:
    """Import the tasks, play the undisturbed schedule twice, and say what differs.

    Raises ``RealTaskProblem`` for tasks that start threads, ``ConfigurationError`` for what cannot be imported.
    """
    plan = campaign.subject.plan
    for flow in flows_below(plan, campaign.case.flow):
        for node in nodes_of(plan.flows[flow]):
            function = plan.tasks[node].function if node in plan.tasks else None
            if function is not None:
                campaign.load(function)
    before = threading.active_count()
    first, second = _undisturbed(campaign), _undisturbed(campaign)
    left = threading.active_count() - before
    if left > 0:
        raise RealTaskProblem(
            f"tasks of {campaign.subject.label} leave {left} thread{'s' * (left != 1)} running, whose work no"
            " simulation can repeat: mock these tasks"
        )
    differing = first_difference(first.transcript, second.transcript) or _other_results(first, second)
    if differing is not None:
        yield (
            f"uncontrolled nondeterminism without any fault, at: {differing}; a task reads the time, randomness or"
            " the world, so that a violation may not come again"
        )


def _undisturbed(campaign: Campaign) -> ScheduleResult:
    with CapturedOutput(), EffectNotes():
        return replay(campaign.subject, ())


def _other_results(first: ScheduleResult, second: ScheduleResult) -> str | None:
    """The first node run that has another result or error."""
    one, other = (result.run.facts.lineage.canonical() for result in (first, second))
    for here, there in zip(one, other, strict=False):
        if here != there:
            return f"the result of {here.name}"
    return None
