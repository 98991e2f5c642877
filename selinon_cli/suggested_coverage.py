"""Test cases for goals that nothing covers: each is run, and kept only when it meets the goal it is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from selinon_cli.goal_search import GoalSearch
from selinon_core.cases.model import UNGIVEN, Case, Expect, Expected, Mocks, NodeMock, Outcome, Rule, Script
from selinon_core.covering import CoverageData, Goal, GoalCoverage
from selinon_core.covering.collector import collect
from selinon_core.local import LocalRun
from selinon_core.plan import Plan
from selinon_core.project.result_schemas import ResultSchemas
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.file_run import FileRun
from selinon_core.testing.made_up import what_does_not_fit
from selinon_core.testing.options import RunOptions


class Suggestions(NamedTuple):
    """Cases to write, and the goals for which there is none, each with the reason."""

    cases: tuple[Case, ...]
    without: tuple[tuple[Goal, str], ...]


def suggest(
    plan: Plan, pythonpath: tuple[str, ...], search: GoalSearch, missing: Iterable[GoalCoverage], file: str
) -> Suggestions:
    """Look for a case for each missing goal; one that an earlier case meets needs none of its own."""
    runner = CaseRunner(plan, pythonpath, RunOptions())
    cases: list[Case] = []
    without: list[tuple[Goal, str]] = []
    met: set[tuple[str, str]] = set()
    taken: set[str] = set()
    for goal in (found.goal for found in missing):
        if (goal.flow, goal.key) in met:
            continue
        case = search.witness(goal, _unused(f"covers: {goal.text}", taken), file)
        if case is None:
            without.append((goal, "no run that was tried meets it"))
            continue
        case = _adapted(plan, goal, case)
        trial = _Trial(plan, search.results, runner, file)
        found, problem = trial.confirmed(case)
        if problem:  # schemas may bound what the exploration chose freely; another run may still meet the goal
            found, problem = trial.confirmed(case._replace(expect=Expect()))
        case = found
        if problem or (goal.flow, goal.key) not in trial.met:
            without.append((goal, problem or "the run that was found does not meet it when it is repeated"))
            continue
        met |= trial.met
        taken.add(case.name)
        cases.append(case)
    return Suggestions(tuple(cases), tuple(without))


def _unused(name: str, taken: set[str]) -> str:
    return next(each for each in (name, *(f"{name} ({n})" for n in range(2, len(taken) + 3))) if each not in taken)


def _adapted(plan: Plan, goal: Goal, case: Case) -> Case:
    """The case with attempts of the task as the goal asks for them; explorations do not look at attempts."""
    kind, _, name = goal.element.partition(":")
    if kind != "node" or name not in plan.tasks:
        return case
    task, mock = plan.tasks[name], case.mocks.nodes.get(name)
    known = [] if mock is None else [o for rule in mock.rules for o in rule.script.outcomes if o.kind == "result"]
    result = known or [Outcome("result", UNGIVEN)]
    if goal.kind == "retry-helped":
        outcomes = [Outcome("error", "Suggested: the first attempt fails"), *result]
    elif goal.kind == "retry-gave-up":
        outcomes = [Outcome("error", "Suggested: every attempt fails")]
    elif goal.kind == "timeout" and task.timeout is not None:
        outcomes = [result[0]._replace(after=task.timeout + 1), *result]
    elif goal.kind == "nowait-failure":
        outcomes = [Outcome("fatal", f"{name} fails")]
    else:
        return case
    nodes = {**case.mocks.nodes, name: NodeMock((Rule(None, Script(tuple(outcomes), per_run=True)),))}
    return case._replace(mocks=Mocks(nodes, case.mocks.functions, case.mocks.conditions), expect=Expect())


class _Trial:
    """A run of one case. ``met``: the goals it meets, as (flow, key)."""

    def __init__(self, plan: Plan, results: ResultSchemas, runner: CaseRunner, file: str) -> None:
        self._plan = plan
        self._results = results
        self._runner = runner
        self._file = file
        self._run: LocalRun | None = None
        self.met: frozenset[tuple[str, str]] = frozenset()

    def run_ended(self, case: Case, run: LocalRun) -> None:
        """Look at the run, as an observer of it."""
        self._run = run
        data = CoverageData()
        collect(run.facts, case.id, data)
        self.met = data.covered_by(case.id)

    def collected(self) -> None:
        """Nothing that other processes would need."""

    def confirmed(self, case: Case) -> tuple[Case, str]:
        """The case with what its run shows as expectations, where it has none; and what is wrong with it."""
        if case.expect == Expect():
            self._play(case)
            if self._run is None:
                return case, "its run cannot be made"
            case = _without_unused(case, self._run)._replace(expect=_shown(self._run))
        return case, self._play(case)

    def _play(self, case: Case) -> str:
        if unfit := what_does_not_fit(self._plan, case, self._results.of):
            return unfit
        options = RunOptions(ci=True, observer=lambda: self)
        result = FileRun(self._file, self._file, [case], options).run_all(self._runner, [0], self._plan)
        outcome = result.cases[0]
        if not outcome.is_fine:
            return "; ".join(finding.message for finding in outcome.findings)
        return next((note.text for note in result.notes if note.kind == "unused-mock"), "")


def _without_unused(case: Case, run: LocalRun) -> Case:
    """The case without mocks that its run did not need: where a task fails early, others do not run at all."""
    used = {id(use.outcome) for use in run.mock_uses}
    nodes = {}
    for name, mock in case.mocks.nodes.items():
        rules = []
        for rule in mock.rules:
            outcomes = list(rule.script.outcomes)
            while outcomes and id(outcomes[-1]) not in used:
                outcomes.pop()
            if outcomes:
                rules.append(rule._replace(script=rule.script._replace(outcomes=tuple(outcomes))))
        if rules:
            nodes[name] = mock._replace(rules=tuple(rules))
    return case._replace(mocks=case.mocks._replace(nodes=nodes))


def _shown(run: LocalRun) -> Expect:
    """What a run did: its status, and how often each node of the flow ran."""
    own = [record for record in run.facts.nodes if record.flow_run is run.facts.root]
    runs = Counter(record.run.name for record in own if record.run.status != "reused")
    unreached = tuple(run.facts.unreached())
    return Expect(
        status=Expected(run.status),
        runs=Expected(dict(runs)),
        unreached=Expected(unreached) if unreached else None,
    )
