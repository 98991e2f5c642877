"""Makes flow test cases of recorded runs, and sees that each does what the recorded run did."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from selinon_core.cases.model import Case, Expect, Mocks
from selinon_core.diagnostics.location import Place
from selinon_core.dispatch.node_run import CANCELLED
from selinon_core.errors import RequestError, SelinonException
from selinon_core.explaining.run_view import RunView
from selinon_core.plan import Plan
from selinon_core.project.result_schemas import ResultSchemas
from selinon_core.recording.comparison import Difference, differences
from selinon_core.recording.expecting import expect_of
from selinon_core.recording.inference import infer_results
from selinon_core.recording.mocking import Way, mocks_of, run_seconds
from selinon_core.recording.reads import Reads
from selinon_core.recording.redaction import Secrets, redact
from selinon_core.recording.reduction import Reduction
from selinon_core.recording.rows import Row, rows_of
from selinon_core.recording.run_data import RecordedRun, RunData, check_recordable
from selinon_core.recording.unknown import UNKNOWN
from selinon_core.recording.variables import variables_of
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.options import RunOptions
from selinon_core.testing.snapshots import Snapshots

#: Seeds that are tried where a run depends on the order in which tasks end.
_MOST_SEEDS = 5


class RecordingOptions(NamedTuple):
    """``data``: ``all``, ``decisions``, or None for what fits where the run comes from.

    ``redact`` and ``keep`` are patterns of keys, beside those of ``global.redact``; ``expect`` is one of
    ``expecting.AMOUNTS``.
    """

    data: str | None = None
    redact: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    expect: str = "runs"
    verify: bool = True


class Recorded(NamedTuple):
    """A case of a run. ``missing`` says what the recording does not have.

    Not ``is_whole``: the case does not repeat all of the run for want of that, and expects only that nodes run.

    ``secrets`` must not occur in what is written. ``view`` is the replay, the recorded run itself where nothing
    was verified.
    """

    case: Case
    view: RunView
    missing: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    is_whole: bool = True


class Differs(RequestError):
    """Raised for a run that no case repeats: ``differences`` are those of the best one, causes first."""

    def __init__(self, name: str, found: Sequence[Difference]) -> None:
        super().__init__(f"{name}: the case would not do what the run did")
        self.differences = tuple(found)


class Recorder:
    """Records runs of one project. Schemas lead from ``directory``, modules are looked for on ``pythonpath``."""

    def __init__(self, plan: Plan, pythonpath: tuple[str, ...], directory: str = ".") -> None:
        settings = plan.settings._replace(trace=())  # a replay is nothing that sinks should hear of
        self._plan = Plan(plan.tasks, plan.flows, plan.storages, settings)
        self._reads = Reads(plan)
        self._schemas = ResultSchemas(directory, pythonpath)
        self._runner = CaseRunner(self._plan, pythonpath, RunOptions())

    def record(self, recorded: RecordedRun, name: str, file: str, options: RecordingOptions) -> Recorded:
        """The case of a run.

        Raises ``RequestError`` for a run that cannot be recorded, ``Differs`` where no case repeats it.
        """
        check_recordable(recorded)
        patterns = (*self._plan.settings.redact, *options.redact)
        secrets = Secrets(patterns, options.keep)
        data = RunData(recorded)
        infer_results(data)
        keeps_all = options.data == "all" or (options.data is None and not recorded.is_production)
        env, unknown = variables_of(self._plan, data.flow, os.environ, secrets)
        data.missing += [f"the environment variable {name}" for name in unknown]
        redact(data, secrets, self._reads, self._schemas.of)
        if not keeps_all:
            Reduction(self._plan, self._reads, self._schemas.of).apply(data)
        outcome = recorded.view.root.outcome
        if outcome is not None and (outcome.cancelled or outcome.timed_out) and not run_seconds(data):
            data.missing.append("the time at which it was ended")
        trials = _Trials(self, data, env, name, file, recorded)
        found = trials.best(keeps_all, options.verify)
        return self._with_expectations(found, data, options, secrets)

    def _with_expectations(
        self, found: _Trial, data: RunData, options: RecordingOptions, secrets: Secrets
    ) -> Recorded:
        is_whole = not data.missing or not found.found
        view, rows = (found.view, found.rows) if options.verify else (data.view, rows_of(data))
        expect = expect_of(view, rows, options.expect, is_whole=is_whole)
        return Recorded(
            found.case._replace(expect=expect), view, tuple(data.missing), tuple(secrets.texts), is_whole
        )

    def fits(self, name: str, result: object) -> bool:
        """Whether a result fits the schema of its task."""
        schema = self._schemas.of(self._plan.tasks[name])
        return schema is None or schema.fits(result)

    def problem_of(self, cases: Sequence[Case], number: int) -> str:
        """Why a case of a file does not pass; empty for one that does."""
        case = cases[number]
        result = self._runner.run(number, cases, Snapshots(case.file, case.file), lambda case, run: None)
        if result.status == "passed":
            return ""
        finding = next(iter(result.findings), None)
        return result.reason if finding is None else finding.message

    def replay(self, case: Case) -> RunView:
        """The run of a case. Raises ``SelinonException``."""
        return self._runner.observed(case, [case], case.seeds[0])


class _Trial(NamedTuple):
    """A case that was run, and how that differs from the recorded run."""

    case: Case
    view: RunView
    rows: list[Row]
    found: list[Difference]


class _Trials:
    """Ways to write a run as a case, the simplest first, until one repeats it."""

    def __init__(
        self,
        recorder: Recorder,
        data: RunData,
        env: Mapping[str, str | None],
        name: str,
        file: str,
        recorded: RecordedRun,
    ) -> None:
        self._recorder = recorder
        self._data = data
        self._env = env
        self._name = name
        self._file = file
        self._recorded = recorded
        self._rows = rows_of(data)
        root = data.view.root
        assert root.outcome is not None
        self._status = "success" if root.outcome.succeeded else "failure"

    def best(self, keeps_all: bool, verify: bool) -> _Trial:
        """The first case that repeats the run; where parts are missing, the one that repeats most of it."""
        found: list[_Trial] = []
        problem: SelinonException | None = None
        for case in self._cases(keeps_all):
            try:
                trial = self._tried(case)
            except SelinonException as error:
                problem = error
                continue
            if not trial.found or not verify:
                return trial
            found.append(trial)
            self._learn_args(trial)
        if not found:
            raise RequestError(f"{self._recorded.name}: the case cannot be run: {problem}")
        best = min(found, key=lambda trial: len(trial.found))
        if self._data.missing and not any(" did not run" in each.text for each in best.found):
            return best
        raise Differs(self._recorded.name, best.found)

    def _learn_args(self, trial: _Trial) -> None:
        """Take over the arguments that reduced values give, to tell runs of a task apart by them."""
        args = {row.key: row.args for row in trial.rows}
        lineage = self._data.view.lineage
        for node in self._data.nodes:
            if node.args is UNKNOWN:
                node.args = args.get(lineage.key(node.record.run.id), UNKNOWN)

    def _tried(self, case: Case) -> _Trial:
        view = self._recorder.replay(case)
        outcome = view.root.outcome
        rows = rows_of(RunData(RecordedRun(case.name, view)))
        status = "success" if outcome is not None and outcome.succeeded else "failure"
        return _Trial(case, view, rows, differences(self._rows, rows, (self._status, status)))

    def _cases(self, keeps_all: bool) -> Iterator[Case]:
        ways = [Way(), Way(by_visit=True), Way(timed=True), Way(by_visit=True, timed=True)]
        if not keeps_all:
            ways = [ways[1], ways[0], ways[3], ways[2]]
        outcome = self._data.view.root.outcome
        if outcome is not None and (outcome.cancelled or outcome.timed_out):
            ways = [way for way in ways if way.timed]
        seen = set()
        seeds = dict.fromkeys((0, self._recorded.seed, *range(1, _MOST_SEEDS)))
        for seed in seeds:
            for way in ways:
                case = self._case(way)
                if (seed, repr(case.mocks)) not in seen:
                    seen.add((seed, repr(case.mocks)))
                    yield case if seed == 0 else case._replace(seeds=(seed,))

    def _case(self, way: Way) -> Case:
        data = self._data
        mocks: Mocks = mocks_of(data, way, self._recorder.fits)
        case = Case(
            self._name,
            data.flow,
            self._file,
            Place(self._file, 1, 1),
            args=None if data.args is UNKNOWN else data.args,
            mocks=mocks,
            env=self._env,
            stand_ins="allow" if data.missing else "fail",
            expect=Expect(),
        )
        outcome, ended = data.view.root.outcome, run_seconds(data)
        if outcome is None or not ended:
            return case
        if outcome.timed_out:
            return case._replace(timeout=round(ended, 3))
        return case._replace(at=((round(ended, 3), "cancel"),)) if outcome.reason == CANCELLED else case
