"""One flow run by the production driver, in a simulated world without faults: what ``driver: production``
plays."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from selinon_core.cases.model import Outcome
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.run_results import RunResults
from selinon_core.celery.services import RunContext, WorkerServices
from selinon_core.context import TaskContext
from selinon_core.dispatch import SelectiveRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.errors import RequestError, SelinonException, TaskTimeout
from selinon_core.local.answers import LocalAnswers
from selinon_core.local.driver_state import DriverState
from selinon_core.local.executor import LocalExecutor, report_end
from selinon_core.local.mocked_attempt import mocked_attempt
from selinon_core.local.options import LocalOptions
from selinon_core.local.run import LocalRun
from selinon_core.local.run_setup import RunSetup
from selinon_core.local.step_limit import StepLimitExceeded
from selinon_core.plan import Plan, TaskPlan
from selinon_core.runtime.active_run import ActiveRun, RunEnvironment
from selinon_core.runtime.deadline import Deadline
from selinon_core.runtime.ids import seeded_flow_id
from selinon_core.runtime.task_runner import Assignment, Attempt, TaskRunner, timeout_text
from selinon_core.simulating.outside import Outside
from selinon_core.simulating.recorder import RecordingTracer
from selinon_core.simulating.world import BEGINNING, World

#: What a simulated run cannot have: it has its own time, and one task runs at a time.
_FIXED = {"time": "virtual", "concurrency": 1, "pool": "thread", "storage": "mocked", "storages": None}


class DidNotEnd(SelinonException):
    """Raised when nothing is due any more and the flow run has not ended."""


def run_production(
    plan: Plan,
    flow: str,
    node_args: Any = None,
    options: LocalOptions | None = None,
    selective: SelectiveRun | None = None,
    setup: RunSetup | None = None,
    workers: int = 2,
) -> LocalRun:
    """Run a flow with the code that runs in production, and return it in the form of a local run.

    Broker, state store, workers and time are simulated; flow executor, outbox relay, timers, inline execution
    and sweep are the real ones. Mocks, storages, limits and durations are those of ``options``. Messages are
    delivered in order with seed 0, and in an order drawn from other seeds. Attempts that take virtual time take
    it one after another. ``setup`` is shared by runs of one plan and one set of mocked functions, as in
    ``LocalExecutor``.

    Raises ``RequestError`` for options that a simulation cannot have and for mocks of whole sub-flows, and what
    ``LocalExecutor.run`` raises.
    """
    options = LocalOptions() if options is None else options
    options.check()
    check_simulated(plan, options)
    prepared = LocalExecutor(plan, options, setup).prepare(flow, node_args)
    return _Production(plan, options, prepared, workers).run(flow, node_args, selective)


def check_simulated(plan: Plan, options: LocalOptions) -> None:
    """Raise ``RequestError`` for options that a simulation cannot have, and for mocks of whole sub-flows."""
    for name, value in _FIXED.items():
        if getattr(options, name) != value:
            raise RequestError(f"driver: production simulates: {name} has to be {value!r}")
    if options.real_storages:
        raise RequestError("driver: production simulates: storages have to be mocked")
    nodes = options.mocks.nodes if options.mocks is not None else {}
    for name in nodes:
        if name in plan.flows:
            raise RequestError(
                f"driver: production runs flow {name}, and cannot mock it as a whole: mock its tasks"
            )


@contextmanager
def silence() -> Iterator[None]:
    """Keep what workers log about attempts out of the output; sinks of the trace have another logger."""
    logger = logging.getLogger("selinon")
    logger.addFilter(_drop)
    try:
        yield
    finally:
        logger.removeFilter(_drop)


def _drop(record: logging.LogRecord) -> bool:
    return False


class _Production:
    """One simulated run."""

    def __init__(self, plan: Plan, options: LocalOptions, prepared: RunSetup, workers: int) -> None:
        self._prepared = prepared
        self.state = state = DriverState(prepared, options)
        state.attach_sinks(prepared)
        self.recorder = RecordingTracer(state, self._clock)
        self._answers = LocalAnswers(state, prepared)
        self.world = World(
            plan,
            seed=options.seed or 0,
            shuffle=bool(options.seed),
            workers=workers,
            tick=0.0,
            parts={
                "storages": state.storages,
                "imports": prepared.imports,
                "tracer": self.recorder,
                "answer": self._answer,
                "runner": self._runner,
            },
        )

    def run(self, flow: str, node_args: Any, selective: SelectiveRun | None) -> LocalRun:
        """Run the flow to its end."""
        state, options = self.state, self.state.options
        state.lookup.preload(options.reuse or {}, state.plan.tasks)
        began = time.perf_counter()
        stopped_by: Exception | None = None
        environment = RunEnvironment(state.lookup, state.storages, state.recorder.trace, options.sinks)
        try:
            with ActiveRun(environment), state.steps.collector, silence():
                self._work(flow, self.world.start(flow, node_args, selective, self._id(flow)))
        except StepLimitExceeded as error:
            stopped_by = error
        finally:
            state.storages.close()
        root = state.flows[0]
        stopped_by = self.recorder.stopped_by or stopped_by
        if stopped_by is None and root.outcome is None:
            stopped_by = DidNotEnd(f"flow {flow} did not end, although nothing is due any more")
        state.agenda.now = max([0.0, *(entry[1] for entry in state.recorder.journal)])
        run = LocalRun(state, root, time.perf_counter() - began, stopped_by)
        report_end(run, root, options)
        return run

    def _id(self, flow: str) -> str:
        return seeded_flow_id(self.state.options.seed or 0, flow)

    def _work(self, flow: str, id: str) -> None:
        world = self.world
        outside = Outside(world, self.state, self._prepared, self.recorder, flow, id)
        while self.recorder.stopped_by is None:
            due = outside.next
            if due is not None and self._clock() >= due:
                outside.happen()
            elif world.step(float("inf") if due is None else BEGINNING + due):
                outside.look()
            elif due is None:
                break
            else:
                world.now = max(world.now, BEGINNING + due)

    def _clock(self) -> float:
        return round(self.world.now - BEGINNING, 9)

    def _answer(self, run: CachedRun, question: do.Question, results: Mapping[str, Any]) -> on.Event:
        known = RunResults(self.world.store, run, results)
        return self._answers.answer(self.recorder.flow(run), question, known)

    def _runner(self, services: WorkerServices, result_locations: Mapping[str, str]) -> TaskRunner:
        return _SimulatedRunner(self, services, RunContext(services, result_locations))


class _SimulatedRunner(TaskRunner):
    """Runs attempts as mocks say, and lets virtual time pass for them."""

    keeps_time = True

    def __init__(self, production: _Production, services: WorkerServices, context: TaskContext) -> None:
        state, prepared = production.state, production._prepared
        super().__init__(
            prepared.imports,
            state.storages,
            context,
            prepared.check_schema,
            prepared.inputs,
            calls=services.task_calls,
        )
        self._production = production

    def run(
        self,
        task: TaskPlan,
        assignment: Assignment,
        wanted: Any = None,
        deadline: Deadline | None = None,
    ) -> Attempt:
        """Run one attempt to its end, or to its time-out."""
        production = self._production
        state, world = production.state, production.world
        outcome = state.scripts.next(production.recorder.node_of(assignment.task_id))
        after = outcome.after if isinstance(outcome, Outcome) else 0.0
        after = after or state.options.durations.get(task.name, 0.0)
        if task.timeout is not None and after > task.timeout:
            world.now += task.timeout
            return self.judge(task, assignment, TaskTimeout(timeout_text(task, assignment)))
        world.now += after
        if outcome is None:
            return super().run(task, assignment, wanted, deadline)
        return mocked_attempt(self, state.storages, production._prepared.stand_in, task, assignment, outcome)
