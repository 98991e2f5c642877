"""Running the cases of one project: each run by itself, with mocks and storages of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selinon_core.cases.model import Case
from selinon_core.dispatch import SelectiveRun, select
from selinon_core.errors import RequestError, SelinonException, UnexpectedEvent
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.local.garbage import RareCollections
from selinon_core.local.run_setup import RunSetup
from selinon_core.local.step_limit import StepLimitExceeded
from selinon_core.plan import Plan
from selinon_core.plan.variables import with_environment
from selinon_core.testing.captured import CapturedOutput
from selinon_core.testing.effects import EffectNotes
from selinon_core.testing.judge import judge
from selinon_core.testing.observation import Observation
from selinon_core.testing.options import RunObserver, RunOptions
from selinon_core.testing.results import CaseResult, Finding, Note
from selinon_core.testing.scheduled import is_scheduled, play_case
from selinon_core.testing.snapshots import SnapshotError, Snapshots

if TYPE_CHECKING:
    from io import StringIO

    from selinon_core.simulating.campaign import Subject

#: How much of what tasks print is kept of a case.
_MOST_OUTPUT = 20_000


#: How many steps (attempts, flow runs, deferrals) a case may take that does not say so itself: cases are small,
#: and one that runs in a cycle for ever should say so at once.
MOST_STEPS = 10_000


class CaseRunner:
    """Runs cases of one plan; what never changes is set up once for all cases with the same mocked functions.

    ``pythonpath`` is where modules of the project are looked for. ``like`` runs the cases of a plan that differs
    little, whose setups are used as far as they are the same.
    """

    def __init__(
        self, plan: Plan, pythonpath: tuple[str, ...], options: RunOptions, like: CaseRunner | None = None
    ) -> None:
        self._plan = plan
        self._pythonpath = pythonpath
        self._options = options
        self._setups: dict[Any, RunSetup] = {}
        self._similar: Mapping[Any, RunSetup] = {} if like is None else like._setups
        self._collections = RareCollections()

    def run(
        self,
        number: int,
        siblings: Sequence[Case],
        snapshots: Snapshots,
        ended: Callable[[Case, LocalRun], None],
        observer: RunObserver | None = None,
        note: Callable[[Note], None] = lambda note: None,
    ) -> CaseResult:
        """Run case ``number`` of ``siblings``, the cases of its file, with all its seeds.

        ``ended`` is called with each run that came to its end, ``note`` with what is to be noted. Raises
        ``SnapshotError`` for a snapshot file that cannot be used.
        """
        case = siblings[number]
        if case.skip is not None:
            return CaseResult(number, "skipped", reason=case.skip)
        if case.flow not in self._plan.flows:
            return CaseResult(number, "stale", reason=f"there is no flow {case.flow} any more")
        runs = _Runs(number, case, self._options.keep_reports)
        for seed in self._options.seeds_of(case):
            capturing = CapturedOutput()
            try:
                with capturing as captured:
                    run, findings = self._run_and_judge(case, siblings, seed, snapshots, note, captured)
            except (SnapshotError, UnexpectedEvent):
                raise
            except SelinonException as error:
                runs.broke(seed, error, capturing.text)
                break
            self._collections.ran()
            ended(case, run)
            if observer is not None:
                observer.run_ended(case, run)
            runs.add(seed, findings, capturing.text, run)
            if findings and self._options.only_first:
                break
        return runs.result()

    def observed(self, case: Case, siblings: Sequence[Case], seed: int) -> Observation:
        """One run of a case, unjudged; what its tasks print is lost. Raises ``SelinonException``."""
        with CapturedOutput(), EffectNotes():
            setup, run = self._played(case, siblings, seed)
        return Observation(setup.plan, run)

    def _played(self, case: Case, siblings: Sequence[Case], seed: int) -> tuple[RunSetup, LocalRun]:
        setup, options = self._setup(case), self._local_options(case, seed)
        if case.select and case.select.get("reuse"):
            options = options._replace(reuse=self._report_of(case, siblings, seed))
        return setup, self._play(case, setup, options)

    def subject(self, case: Case, siblings: Sequence[Case]) -> Subject:
        """What a simulation of a case is about; its schedule is left out."""
        from selinon_core.simulating.campaign import Subject

        setup, options = self._setup(case), self._local_options(case, 0)
        if case.select and case.select.get("reuse"):
            options = options._replace(reuse=self._report_of(case, siblings, 0))
        return Subject(setup.plan, case.flow, case.args, options, setup, _selective(case, setup.plan), case.id)

    def _run_and_judge(
        self,
        case: Case,
        siblings: Sequence[Case],
        seed: int,
        snapshots: Snapshots,
        note: Callable[[Note], None],
        captured: StringIO,
    ) -> tuple[LocalRun, list[Finding]]:
        with EffectNotes() as effects:
            found: list[Finding] = []
            if is_scheduled(case):

                def begin() -> None:  # what the undisturbed run does is not asked for
                    effects.clear()
                    captured.seek(0)
                    captured.truncate()

                setup, played = self._setup(case), play_case(case, self.subject(case, siblings), begin)
                run, found = played.run, played.findings
                if played.stale:
                    note(Note("stale-deviation", f"{case.title}: {played.stale_text}", str(played.stale[0].place)))
            else:
                setup, run = self._played(case, siblings, seed)
            run.effects = tuple(effects)
            if run.stopped_by is not None:
                return run, found  # it says nothing about what the flow does
            seen = Observation(setup.plan, run)
            load, only_first = setup.imports.load, self._options.only_first
            return run, [*found, *judge(case, seen, load, snapshots, only_first=only_first)]

    def _play(self, case: Case, setup: RunSetup, options: LocalOptions) -> LocalRun:
        selective = _selective(case, setup.plan)
        if (self._options.driver or case.driver) == "production":
            from selinon_core.simulating.production import run_production

            return run_production(setup.plan, case.flow, case.args, options, selective, setup)
        return LocalExecutor(setup.plan, options, setup).run(case.flow, case.args, selective)

    def _report_of(self, case: Case, siblings: Sequence[Case], seed: int) -> Any:
        """The report of the run of another case of the file, whose results are reused."""
        assert case.select is not None
        name = case.select["reuse"]
        for other in siblings:
            if name in (other.name, other.title):
                if other.select and other.select.get("reuse"):
                    raise RequestError(f"reuse: {name!r} reuses results itself")
                return self._play(other, self._setup(other), self._local_options(other, seed)).report()
        raise RequestError(f"reuse: the file has no case {name!r}")

    def _is_mocked(self, case: Case) -> bool:
        return (self._options.tasks or case.tasks) == "mocked"

    def _local_options(self, case: Case, seed: int) -> LocalOptions:
        return LocalOptions(
            seed=seed,
            mocks=case.mocks,
            mock_all=self._is_mocked(case),
            fail=case.fail,
            max_steps=case.max_steps or max(MOST_STEPS, 10 * self._plan.starts),
            at=case.at,
            durations=case.durations,
            pythonpath=self._pythonpath,
        )

    def _setup(self, case: Case) -> RunSetup:
        functions, conditions = case.mocks.functions, case.mocks.conditions
        mocked = repr((functions, conditions)) if functions or conditions else ""
        base: tuple[Any, ...] = (self._is_mocked(case), mocked, None, ())
        timeout = None if case.timeout is None else (case.flow, case.timeout)
        key = (*base[:2], timeout, tuple(sorted(case.env.items())))
        found = self._setups.get(key)
        if found is None:
            like = self._similar.get(key) or self._setups.get(base)
            found = self._setups[key] = RunSetup(self._plan_of(case), self._local_options(case, 0), like)
        return found

    def _plan_of(self, case: Case) -> Plan:
        """The plan, with the case's own time-out of the flow, and its environment variables."""
        plan = with_environment(self._plan, case.env)
        flow = plan.flows[case.flow]
        if case.timeout is None or (flow.timeout is not None and flow.timeout <= case.timeout):
            return plan
        flows = {**plan.flows, case.flow: flow._replace(timeout=case.timeout)}
        return Plan(plan.tasks, flows, plan.storages, plan.settings)


def _selective(case: Case, plan: Plan) -> SelectiveRun | None:
    chosen = case.select
    if not chosen:
        return None
    return select(
        plan,
        case.flow,
        chosen.get("tasks", ()),
        chosen.get("follow_subflows", False),
        chosen.get("run_subsequent", False),
    )


class _Runs:
    """The runs of one case, one for each seed, on their way to a result."""

    def __init__(self, number: int, case: Case, keep_report: bool) -> None:
        self._began = time.perf_counter()
        self._number = number
        self._case = case
        self._keep_report = keep_report
        self._seeds: list[int] = []
        self._failed: list[int] = []
        self._findings: tuple[Finding, ...] = ()
        self._output = ""
        self._report: Any = None
        self._is_broken = False

    def add(self, seed: int, findings: list[Finding], output: str, run: LocalRun) -> None:
        """Take over a run that came to its end; of those that failed the first one is reported."""
        self._seeds.append(seed)
        if not (findings and is_scheduled(self._case)):  # these say already what did not end
            findings = [*_limits(self._case, run), *findings]
        if findings:
            self._keep(seed, tuple(findings), output)
            if self._keep_report and self._report is None:
                self._report = run.report()

    def broke(self, seed: int, error: SelinonException, output: str) -> None:
        """Take over a run that could not be made."""
        self._seeds.append(seed)
        self._is_broken = self._is_broken or not self._failed
        self._keep(seed, (Finding("error", "", str(error), str(self._case.place)),), output)

    def _keep(self, seed: int, findings: tuple[Finding, ...], output: str) -> None:
        if not self._failed:
            self._findings = findings
            self._output = output if len(output) <= _MOST_OUTPUT else "...\n" + output[-_MOST_OUTPUT:]
        self._failed.append(seed)

    def result(self) -> CaseResult:
        """What became of the case."""
        status = "error" if self._is_broken else "failed" if self._failed else "passed"
        findings, reason = self._findings, ""
        if self._case.xfail is not None:
            reason = self._case.xfail
            if self._failed:
                status = "xfailed"
            else:
                found = "it passes: take xfail away"
                status, findings = (
                    "failed",
                    (Finding("xfail", f"to fail ({reason})", found, str(self._case.place)),),
                )
        return CaseResult(
            self._number,
            status,
            self._failed[0] if self._failed else self._seeds[0],
            len(self._seeds),
            len(self._failed),
            time.perf_counter() - self._began,
            findings,
            reason,
            "" if status in ("passed", "xfailed") else self._output,
            self._report,
        )


def _limits(case: Case, run: LocalRun) -> list[Finding]:
    """The bound that the run met."""
    if run.stopped_by is None:
        return []
    wanted = "the run to come to its end"
    if not isinstance(run.stopped_by, StepLimitExceeded):  # tasks wait for signals
        return [Finding("signal", wanted, str(run.stopped_by), str(case.place))]
    found = str(run.stopped_by).replace("raise --max-steps", "raise max_steps of the case")
    return [Finding("max_steps", wanted, found, str(case.place), case.max_steps)]
