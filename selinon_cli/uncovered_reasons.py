"""What kept goals from being met: the case that came nearest is run once more, and its run explained.

A run that a history has is explained from the history.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from selinon_core.cases.model import Case
from selinon_core.covering import CoverageData, Goal
from selinon_core.covering.histories import events_of
from selinon_core.covering.nearest import Nearness
from selinon_core.errors import SelinonException
from selinon_core.explaining.answers import Answer, Answers, cut
from selinon_core.explaining.event_facts import TraceView
from selinon_core.explaining.explanation import Explanation
from selinon_core.explaining.reason import Reason
from selinon_core.explaining.run_view import RunView
from selinon_core.explaining.words import edge_text
from selinon_core.plan import Plan
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.collection import collect
from selinon_core.testing.options import RunOptions

#: Cases that are tried for one goal: those that are gone, or cannot be run, are passed over.
_MOST_TRIED = 10
#: Answers about one goal, and levels of reasons of each.
_MOST_ANSWERS = 3
_DEPTH = 4


class Why(NamedTuple):
    """``nearest``: the id of the case that came nearest, None where no run of the flow can be looked at."""

    nearest: str | None
    answers: tuple[Answer, ...] = ()


class NearestRuns:
    """Runs by the ids of cases and of runs in histories; each is made once."""

    def __init__(
        self, plan: Plan, paths: Sequence[str], pythonpath: Sequence[str], histories: Iterable[str]
    ) -> None:
        self._plan = plan
        self._runner = CaseRunner(plan, tuple(pythonpath), RunOptions())
        self._cases: dict[str, tuple[Case, Sequence[Case]]] = {}
        for file in collect(paths):
            if not file.is_broken and file.project.plan is not None:
                self._cases.update((case.id, (case, file.cases)) for _, case in file.selected)
        self._histories = {os.path.basename(path): path for path in histories}
        self._seen: dict[str, RunView | None] = {}

    def of(self, id: str) -> RunView | None:
        """The run; None where there is none, or it cannot be run."""
        if id not in self._seen:
            self._seen[id] = self._made(id)
        return self._seen[id]

    def _made(self, id: str) -> RunView | None:
        try:
            if id in self._cases:
                return self._of_case(*self._cases[id])
            file, _, run = id.partition("::")
            if file in self._histories:
                events = (event for _, event in events_of(self._histories[file]))
                return TraceView(self._plan, events, run)
        except SelinonException:  # the case fails before its flow ends, or the history has no whole run
            return None
        return None

    def _of_case(self, case: Case, siblings: Sequence[Case]) -> RunView | None:
        if case.skip is not None or case.schedule or case.flow not in self._plan.flows:
            return None  # a schedule has its own order and faults, with which it is not run here
        return self._runner.observed(case, siblings, RunOptions().seeds_of(case)[0])


def reasons_of(
    goals: Iterable[Goal], plan: Plan, parts: Iterable[CoverageData], runs: NearestRuns
) -> dict[str, Why]:
    """By the ids of goals that nothing covers: the nearest run, and what kept it from the goal."""
    known = CoverageData()
    for part in parts:
        known.merge(part.onto(plan)[0])
    nearness = {name: Nearness(plan.flows[name], data) for name, data in known.flows.items()}
    return {goal.id: _why(goal, nearness.get(goal.flow), runs) for goal in goals}


def _why(goal: Goal, nearness: Nearness | None, runs: NearestRuns) -> Why:
    for id in nearness.ranked(goal)[:_MOST_TRIED] if nearness is not None else ():
        seen = runs.of(id)
        if seen is not None and any(record.flow.name == goal.flow for record in seen.facts.flows):
            kind, _, name = goal.element.partition(":")
            answers = _ASKED[kind](goal, name, seen)[:_MOST_ANSWERS]
            return Why(id, tuple(each._replace(because=cut(each.because, _DEPTH)) for each in answers))
    return Why(None)


def _of_edge(goal: Goal, index: str, seen: RunView) -> list[Answer]:
    """What the edge decided; of a foreach how many items there were too."""
    found = [each for each in Answers(seen).of_edge(index) if each.subject["flow"] == goal.flow]
    if not goal.kind.startswith("foreach-"):
        return found
    edge = seen.plan.flows[goal.flow].edges[int(index)]
    counts = dict.fromkeys(
        entry.items
        for entry in seen.facts.edges
        if entry.edge.index == edge.index and entry.flow_run.flow.name == goal.flow and entry.items is not None
    )
    items = tuple(
        Reason(
            "edge-fired" if count else "foreach-empty",
            f"the foreach of {edge_text(edge)} yielded {count or 'no'} item{'s' * (count != 1)}",
            str(edge.place),
        )
        for count in counts
    )
    return [each._replace(because=items or each.because) for each in found]


def _of_failure(goal: Goal, index: str, seen: RunView) -> list[Answer]:
    """Why the entry was not used; of its condition what it saw."""
    flow = seen.plan.flows[goal.flow]
    entry, why = flow.failures[int(index)], Explanation(seen)
    used = [
        each
        for each in seen.facts.fallbacks
        if each.used and each.flow_run.flow.name == goal.flow and each.failure.index == entry.index
    ]
    reason = why.fallback_used(used[0]) if used else why.not_used(flow, entry)
    return [Answers(seen).of_run()._replace(because=(reason,))]


def _of_node(goal: Goal, name: str, seen: RunView) -> list[Answer]:
    """Why the node did not run, or how its attempts ended."""
    reference = name if seen.root.flow.name == goal.flow else f"{goal.flow}/{name}"
    found = Answers(seen).of_node(reference)
    if goal.kind == "node-ran":
        return found
    why, by_id = Explanation(seen), seen.by_id
    return [
        each._replace(because=why.attempts(by_id[each.subject["id"]])) if each.subject["id"] in by_id else each
        for each in found
    ]


def _of_flow(goal: Goal, name: str, seen: RunView) -> list[Answer]:
    """How the run of the flow ended."""
    if seen.root.flow.name == goal.flow:
        return [Answers(seen).of_run()]
    return Answers(seen).of_node(goal.flow)


_ASKED: Mapping[str, Callable[[Goal, str, RunView], list[Answer]]] = {
    "edge": _of_edge,
    "failure": _of_failure,
    "node": _of_node,
    "flow": _of_flow,
}
