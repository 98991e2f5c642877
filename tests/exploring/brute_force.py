"""All runs of one flow, one by one: every order of completions, every answer, every failure, without reduction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.dispatch import FlowRun, flow_indexes
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.plan import Plan


class TooMany(Exception):
    """Raised for a flow that is too large to be tried in every way."""


class Choices:
    """A plain depth first search over numbered choices."""

    def __init__(self) -> None:
        self.made: list[list[int]] = []
        self.at = 0

    def choose(self, arity: int) -> int:
        if self.at == len(self.made):
            self.made.append([0, arity])
        chosen = self.made[self.at][0]
        self.at += 1
        return chosen

    def next(self) -> bool:
        self.at = 0
        while self.made:
            self.made[-1][0] += 1
            if self.made[-1][0] < self.made[-1][1]:
                return True
            self.made.pop()
        return False


def outcomes_of(
    plan: Plan,
    flow: str,
    failures: int,
    items: tuple[int, ...],
    most_runs: int,
    node_runs: int,
    may_be_cancelled: bool = False,
) -> set[Any]:
    """Every (status, node runs by name, failed, names of failing runs) that ``flow`` can end with.

    A condition has one truth per combination of source runs. Raises ``TooMany``.
    """
    found: set[Any] = set()
    choices = Choices()
    table = flow_indexes(plan)[flow]
    for _ in range(most_runs):
        machine = FlowRun(table, str, plan.settings.on_unreached)
        found.add(_run(machine, choices.choose, failures, items, node_runs, may_be_cancelled))
        if not choices.next():
            return found
    raise TooMany


def _run(
    machine: FlowRun,
    choose: Callable[[int], int],
    failures: int,
    items: tuple[int, ...],
    node_runs: int,
    may_be_cancelled: bool,
) -> Any:
    counts: dict[str, int] = {}
    failing: list[str] = []
    cost = 0
    truths: dict[Any, bool] = {}
    open_now: list[Any] = []
    retry_due = False
    flow = machine.table.flow
    pending: list[on.Event] = [on.FlowStarted("args")]
    while True:
        while pending:
            for effect in machine.advance(pending.pop(0)):
                if isinstance(effect, (do.StartTask, do.StartFlow)):
                    counts[effect.node_run.name] = counts.get(effect.node_run.name, 0) + 1
                    if sum(counts.values()) > node_runs:
                        raise TooMany
                    if effect.node_run.name not in flow.nowait:
                        open_now.append(effect.node_run)
                elif isinstance(effect, (do.AskCondition, do.AskFallbackCondition)):
                    key = tuple(run.number for run in getattr(effect, "sources", ()))
                    if key not in truths:
                        truths[key] = bool(choose(2))
                    pending.append(on.ConditionAnswered(effect.question, truths[key]))
                elif isinstance(effect, do.AskForeach):
                    pending.append(on.ForeachAnswered(effect.question, [0] * items[choose(len(items))]))
                elif isinstance(effect, do.AskFirstResult):
                    pending.append(on.FirstResultAnswered(effect.question, "result"))
                elif isinstance(effect, do.ScheduleRetry):
                    retry_due, open_now = True, []
        if machine.ended:
            break
        can_time_out = flow.timeout is not None and cost < failures
        can_cancel = may_be_cancelled and (not retry_due or flow.retry_countdown > 0)
        ends = 1 if retry_due else len(open_now)
        chosen = choose(ends + can_time_out + can_cancel)
        if chosen == ends + can_time_out:
            pending.append(on.FlowCancelled())
        elif chosen == ends:
            cost += 1
            pending.append(on.DeadlinePassed())
        elif retry_due:
            retry_due = False
            pending.append(on.RetryDue())
        else:
            node = open_now.pop(chosen)
            if cost < failures and choose(2):
                cost += 1
                failing.append(node.name)
                pending.append(on.NodeFailed(node.number))
            else:
                pending.append(on.NodeSucceeded(node.number))
    outcome = machine.outcome
    assert outcome is not None
    stopped = "timeout" if outcome.timed_out else "cancelled" if outcome.cancelled else "failure"
    status = "success" if outcome.succeeded else stopped
    return status, tuple(sorted(counts.items())), tuple(sorted(outcome.failed)), tuple(sorted(set(failing)))
