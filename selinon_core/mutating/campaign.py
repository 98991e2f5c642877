"""Mutants of one project against the cases of its flows: which of them do the cases notice?"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from selinon_core.cases.matchers import Equal
from selinon_core.cases.model import Case, Expect, Expected
from selinon_core.exploring import Limits, compare
from selinon_core.exploring.model import Schemas
from selinon_core.local import LocalRun
from selinon_core.local.garbage import no_automatic_collections
from selinon_core.mutating.distinct import with_distinct_values
from selinon_core.mutating.mutant import Mutant
from selinon_core.mutating.reach import CaseReach
from selinon_core.mutating.verdicts import MissingCase, Verdict
from selinon_core.plan import Plan
from selinon_core.project.result_schemas import ResultSchemas
from selinon_core.project.shipped_predicates import ShippedPredicates
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.collection import CaseFile
from selinon_core.testing.made_up import what_does_not_fit
from selinon_core.testing.observation import Observation
from selinon_core.testing.options import RunOptions
from selinon_core.testing.results import CaseResult
from selinon_core.testing.snapshots import Snapshots

#: How many more steps than the original a mutant may take before its run counts as one that does not end.
_TIMES, _MORE = 10, 100


class Equivalence(NamedTuple):
    """How long to search for a run in which a mutant differs from the original: runs, and seconds a mutant."""

    schemas: Schemas
    budget: int = 20_000
    seconds: float = 2.0


class CaseRun(NamedTuple):
    """A case as it is run against mutants. ``steps`` bounds its attempts, ``elements`` are what it comes to."""

    number: int
    siblings: tuple[Case, ...]
    snapshots: Snapshots
    elements: frozenset[str]
    steps: int

    @property
    def case(self) -> Case:
        """The case."""
        return self.siblings[self.number]


class Campaign:
    """The cases of one project, ready to be run against mutants of its plan.

    ``equivalence`` None: survivors are not compared with the original any further.
    """

    def __init__(
        self, plan: Plan, pythonpath: tuple[str, ...], files: Sequence[CaseFile], equivalence: Equivalence | None
    ) -> None:
        self._plan = plan
        self._pythonpath = pythonpath
        self._predicates = ShippedPredicates(pythonpath)
        self._files = files
        self._equivalence = equivalence
        self._schemas: Schemas = ResultSchemas().of if equivalence is None else equivalence.schemas
        self._options = RunOptions(ci=True, only_first=True)
        self._cases: list[CaseRun] = []
        self._original = CaseRunner(plan, pythonpath, self._options)

    def rehearse(self) -> list[tuple[Case, CaseResult]]:
        """Run the cases with the project as it is, and see what each comes to.

        Returns those that are not fine; mutants cannot be judged by them. Raises ``SnapshotError``.
        """
        runner = self._original
        wrong: list[tuple[Case, CaseResult]] = []
        for file in self._files:
            snapshots, reach = Snapshots(file.path, file.name, update=False, frozen=True), CaseReach()
            results = [runner.run(number, file.cases, snapshots, _ignore, reach) for number, _ in file.selected]
            wrong += [(file.cases[result.number], result) for result in results if not result.is_fine]
            gathered = reach.collected()
            bounded = tuple(_bounded(case, gathered["steps"].get(case.title, 0)) for case in file.cases)
            for result in results:
                title = file.cases[result.number].title
                if result.status != "passed":
                    continue  # a case that is skipped, or that has to fail, says nothing about mutants
                elements, steps = frozenset(gathered["elements"][title]), gathered["steps"][title]
                self._cases.append(CaseRun(result.number, bounded, snapshots, elements, steps))
        self._cases.sort(key=lambda run: run.steps)
        return wrong

    def judge(self, mutant: Mutant) -> Verdict:
        """Run the cases that come to what was changed, the shortest first, until one notices."""
        cases = [run for run in self._cases if mutant.element in run.elements]
        with no_automatic_collections() as freezes:
            verdict = self._run_until_noticed(mutant, cases)
            if freezes:  # or what the runs left would be frozen the next time, and never be collected
                gc.collect()
        if verdict.status == "killed" or verdict.status == "timeout":
            return verdict
        if cases and mutant.operator == "task-schema" and not self._runs_code(mutant.element[5:]):
            return verdict._replace(
                status="ignored",
                reason="no case runs the code of the task: a mock or a signal is its result, and known to fit",
            )
        return self._compared(verdict)

    def _run_until_noticed(self, mutant: Mutant, cases: Sequence[CaseRun]) -> Verdict:
        runner, runs = CaseRunner(mutant.plan, self._pythonpath, self._options, self._original), 0
        for run in _attempts(cases):
            runs += 1
            result = runner.run(run.number, run.siblings, run.snapshots, _ignore)
            if not result.is_fine:
                return _noticed(mutant, run.case, result, runs)
        return Verdict(mutant, "survived" if cases else "no-coverage", runs=runs)

    def _runs_code(self, task: str) -> bool:
        """Whether the code of a task may run in a case; mocks and signals are known to fit before it runs."""
        return self._plan.tasks[task].wait is None and any(f"code:{task}" in run.elements for run in self._cases)

    def _compared(self, verdict: Verdict) -> Verdict:
        """The verdict on a survivor: equivalent, or the case that is missing."""
        mutant, asked = verdict.mutant, self._equivalence
        if asked is None or mutant.flow is None:
            return verdict
        until = time.monotonic() + asked.seconds
        found = compare(
            self._predicates.resolved(self._plan),
            self._predicates.resolved(mutant.plan),
            mutant.flow,
            asked.schemas,
            Limits(failures=None, budget=asked.budget),
            lambda: time.monotonic() > until,
        )
        if found.difference is None:
            status = "equivalent" if found.is_complete else verdict.status
            return verdict._replace(status=status, reason=found.why_incomplete)
        witness = _bounded(found.difference.witness.case, 0)
        case = self._missing(witness, mutant) or self._missing(with_distinct_values(witness, self._plan), mutant)
        if case is not None:
            return verdict._replace(missing=MissingCase("; ".join(found.difference.texts), case))
        return verdict._replace(reason=f"they differ ({found.difference.texts[0]}), but no case was found for it")

    def _missing(self, case: Case, mutant: Mutant) -> Case | None:
        """The case, perhaps with one more expectation, if it passes with the project and fails with the mutant."""
        if what_does_not_fit(self._plan, case, self._schemas):
            return None
        fine, run = self._play(self._plan, case)
        fine_too, other = self._play(mutant.plan, case)
        if not fine or run is None or not fine_too:
            return case if fine and not fine_too else None
        if other is None:
            return None
        expect = _what_differs(case.expect, Observation(self._plan, run), Observation(mutant.plan, other))
        if expect is None:
            return None
        sharper = case._replace(expect=expect)
        is_noticed = self._play(self._plan, sharper)[0] and not self._play(mutant.plan, sharper)[0]
        return sharper if is_noticed else None

    def _play(self, plan: Plan, case: Case) -> tuple[bool, LocalRun | None]:
        runs: list[LocalRun] = []
        snapshots = Snapshots(case.file, case.file, update=False, frozen=True)
        runner = CaseRunner(plan, self._pythonpath, self._options, self._original)
        result = runner.run(0, (case,), snapshots, lambda case, run: runs.append(run))
        return result.is_fine, runs[0] if runs else None


def _what_differs(expect: Expect, one: Observation, other: Observation) -> Expect | None:
    """``expect``, and what the first node run that gets something else gets in the first observation.

    If all get the same, the output of the flow, where that is another.
    """
    others = {other.label(record): record for record in other.facts.nodes}
    for record in one.facts.nodes:
        label = one.label(record)
        same = others.get(label)
        if same is None:
            continue
        if record.run.args != same.run.args:
            return expect._replace(args={label: Expected((Equal(record.run.args),))})
        if one.parents(record) != other.parents(same):
            return expect._replace(parents={label: Expected((Equal(one.parents(record)),))})
        if record.attempts != same.attempts:
            return expect._replace(attempts={label: Expected((Equal(record.attempts),))})
    if one.run.output != other.run.output:
        return expect._replace(output=Expected(Equal(one.run.output)))
    return None


def _attempts(cases: Sequence[CaseRun]) -> Iterator[CaseRun]:
    """Each case with its first seed; then, because one seed may not show it, those with more seeds with all."""
    for run in cases:
        yield _with_seeds(run, run.case.seeds[:1])
    for run in cases:
        if len(run.case.seeds) > 1:
            yield _with_seeds(run, run.case.seeds[1:])


def _with_seeds(run: CaseRun, seeds: tuple[int, ...]) -> CaseRun:
    if seeds == run.case.seeds:
        return run
    siblings = tuple(
        case._replace(seeds=seeds) if number == run.number else case for number, case in enumerate(run.siblings)
    )
    return run._replace(siblings=siblings)


def _bounded(case: Case, steps: int) -> Case:
    bound = _TIMES * steps + _MORE
    return case._replace(max_steps=bound if case.max_steps is None else min(case.max_steps, bound))


def _noticed(mutant: Mutant, case: Case, result: CaseResult, runs: int) -> Verdict:
    first = result.findings[0] if result.findings else None
    ends = first is None or first.expectation != "max_steps"
    message = result.reason if first is None else first.message
    return Verdict(mutant, "killed" if ends else "timeout", case.id, message, runs)


def _ignore(case: Case, run: LocalRun) -> None:
    """Which mocks a run has used does not matter here."""
