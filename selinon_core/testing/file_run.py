"""Running the cases of one file, with its snapshots, and noting mocks and invariants that no run has used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from selinon_core.cases.model import UNGIVEN, Case, NodeMock, Outcome
from selinon_core.local import LocalRun
from selinon_core.plan import Plan, TaskPlan
from selinon_core.project.result_schemas import ResultSchemas
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.mock_usage import MockUsage
from selinon_core.testing.options import RunOptions
from selinon_core.testing.results import CaseResult, FileResult, Note
from selinon_core.testing.snapshots import Snapshots
from selinon_core.testing.vacuity import InvariantUsage


class FileRun:
    """The cases of one file that are to be run. ``path`` opens the file, ``name`` is what messages call it.

    ``results`` has what mocked results had to fit.
    """

    def __init__(
        self,
        path: str,
        name: str,
        cases: Sequence[Case],
        options: RunOptions,
        results: ResultSchemas | None = None,
    ) -> None:
        self._name = name
        self._results = results or ResultSchemas()
        self._cases = cases
        self._options = options
        self._snapshots = Snapshots(path, name, update=options.update_snapshots, frozen=options.ci)
        self._usage = MockUsage()
        self._invariants = InvariantUsage()
        self._observer = None if options.observer is None else options.observer()
        self._ran: list[int] = []
        self._is_broken = False
        self._notes: list[Note] = []

    def run(self, runner: CaseRunner, number: int) -> CaseResult:
        """Run one case. Raises ``SnapshotError``."""
        self._ran.append(number)
        notes = self._notes.append
        result = runner.run(number, self._cases, self._snapshots, self._ended, self._observer, notes)
        self._is_broken = self._is_broken or result.status == "error"
        return result

    def _ended(self, case: Case, run: LocalRun) -> None:
        self._usage.add(case, run)
        if case.invariants:
            self._invariants.add(case, run)

    def run_all(self, runner: CaseRunner, numbers: Iterable[int], plan: Plan) -> FileResult:
        """Run cases by their numbers, to the first that is not fine where the options say so."""
        results = []
        for number in numbers:
            results.append(self.run(runner, number))
            if self._options.fail_fast and not results[-1].is_fine:
                break
        return FileResult(self._name, tuple(results), tuple(self.finish(plan)), self.collected())

    def collected(self) -> object:
        """What the observer of the runs gathered."""
        return None if self._observer is None else self._observer.collected()

    def finish(self, plan: Plan) -> list[Note]:
        """Write the snapshots and return what is to be noted."""
        titles = [case.title for case in self._cases if case.expect.snapshot and case.expect.snapshot.value]
        notes = [*self._notes, *self._snapshots.finish(titles)]
        ran = [self._cases[number] for number in dict.fromkeys(self._ran)]
        # A mock may be for cases that were not selected, not run after the first failure, or could not be run.
        whole = len(ran) == len(self._cases) and not self._is_broken
        if whole:
            notes += [*self._usage.unused(ran), *self._invariants.unexercised(ran)]
        return [*notes, *self._unchecked(ran, plan)]

    def _unchecked(self, cases: Iterable[Case], plan: Plan) -> Iterator[Note]:
        """Tasks whose mocked results nothing checks: they have neither a schema nor an annotation."""
        names: dict[str, TaskPlan] = {}
        mocks = {(name, id(mock)): mock for case in cases for name, mock in case.mocks.nodes.items()}
        for (name, _), mock in mocks.items():  # cases share those of the file
            task = plan.tasks.get(name)
            if task is not None and task.output_schema is None and any(map(_is_given, _outcomes(mock))):
                names[name] = task
        for name, task in names.items():
            if self._results.of(task) is None:
                yield Note("unchecked-mock", name)


def _outcomes(mock: NodeMock) -> Iterator[Outcome]:
    for rule in mock.rules:
        yield from rule.script.outcomes


def _is_given(outcome: Outcome) -> bool:
    return outcome.kind == "result" and outcome.value is not UNGIVEN
