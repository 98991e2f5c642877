"""One schedule that is played: the stage, the code of the project or its mocks on it, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from selinon_core.cases.model import Deviation, Outcome, Signal
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.run_results import RunResults
from selinon_core.celery.services import RunContext, WorkerServices
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.celery.surroundings import Surroundings
from selinon_core.celery.transport.message_schema import SignalMessage
from selinon_core.celery.transport.publisher import DISPATCHER, OutgoingMessage
from selinon_core.celery.transport.start_batch import START_HEADER
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.errors import TaskTimeout
from selinon_core.local.answers import LocalAnswers
from selinon_core.local.driver_state import DriverState
from selinon_core.local.mocked_attempt import mocked_attempt
from selinon_core.local.mocks import InjectedFailure
from selinon_core.local.run import LocalRun
from selinon_core.local.run_setup import RunSetup
from selinon_core.local.step_limit import StepLimitExceeded
from selinon_core.plan import TaskPlan
from selinon_core.runtime.active_run import RunEnvironment, active_run
from selinon_core.runtime.deadline import Deadline
from selinon_core.runtime.error_codec import decode_error
from selinon_core.runtime.ids import seeded_flow_id
from selinon_core.runtime.task_runner import Assignment, Attempt, TaskRunner, timeout_text
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.simulating.aftermath import FlowRemains, remains_of
from selinon_core.simulating.calls import BrokerCalls, StoreCalls
from selinon_core.simulating.decisions import Decisions
from selinon_core.simulating.faults import Crash
from selinon_core.simulating.names import Labels, Names
from selinon_core.simulating.options import SimulationOptions, Subject
from selinon_core.simulating.production import DidNotEnd
from selinon_core.simulating.recorder import RecordingTracer
from selinon_core.simulating.slots import Coroutine
from selinon_core.simulating.stage import Stage
from selinon_core.simulating.world import BEGINNING

_Scripted = Outcome | BaseException | None


class Memo:
    """What scripts and mocked conditions said in the undisturbed run: in any order, a run gets the same."""

    def __init__(self) -> None:
        self.outcomes: dict[tuple[str, int], _Scripted] = {}

    def learn(self, other: Memo) -> None:
        """Take over what another run was told."""
        self.outcomes.update(other.outcomes)


class Shared(NamedTuple):
    """What the schedules of a campaign share: it never changes once the undisturbed one was played."""

    subject: Subject
    options: SimulationOptions
    settings: AdapterSettings
    setup: RunSetup
    labels: Labels
    memo: Memo
    new_coroutine: Callable[[Callable[[], None]], Coroutine]


class _NamingTracer(RecordingTracer):
    """Names node runs as they are started."""

    def __init__(self, state: DriverState, clock: Any, names: Names) -> None:
        super().__init__(state, clock)
        self._names = names

    def flow(self, run: CachedRun) -> FlowRecord:
        """The record of a flow run."""
        is_new = run.id not in self._flows
        record = super().flow(run)
        if is_new:
            self._names.add_flow(record)
        return record

    def _new_node(self, flow_run: FlowRecord, run: NodeRun, parent: dict[str, Any] | None) -> NodeRecord:
        record = super()._new_node(flow_run, run, parent)
        self._names.add_node(record)
        return record


class Performance:
    """One schedule. After ``perform`` its attributes say what came of it.

    ``results`` are those written for flow runs, by id. ``failures`` are the problems that workers reported.
    ``attempts`` and ``completed`` count by label. ``poisoned`` are the labels whose attempts kill their workers.
    ``expected``: what ``canonical`` has to be, None: nothing.
    """

    def __init__(self, shared: Shared, decisions: Decisions, store: MemoryStore, told: list[str] | None) -> None:
        self._shared = shared
        self._store = store
        self.told = told
        self.flow = shared.subject.flow
        self.state = state = DriverState(shared.setup, shared.subject.options)
        state.attach_sinks(shared.setup)
        self.names = Names(shared.labels)
        self.memo = Memo()
        self.results: dict[str, list[tuple[bool, Any]]] = {}
        self.attempts: dict[str, int] = {}
        self.completed: dict[str, int] = {}
        self.poisoned: set[str] = set()
        self.expected: Any = None
        self.is_over = False
        self.most = 0
        self.remains: list[FlowRemains] = []
        options = shared.options
        self.stage = Stage(
            decisions,
            store,
            shared.settings,
            shared.new_coroutine,
            self.names.message,
            workers=options.workers,
            slots=options.slots,
            shares=options.pool == "threads",
            told=told,
        )
        self._tracer = _NamingTracer(state, self._clock, self.names)
        self._answers = LocalAnswers(state, shared.setup)
        self._store_calls = StoreCalls(store, self.stage)
        self._broker_calls = BrokerCalls(self.stage)

    # -- performing -----------------------------------------------------------------------------------------------

    def perform(self, most: int) -> None:
        """Play to the end, at most so many messages and sweeps."""
        state, stage, subject = self.state, self.stage, self._shared.subject
        self.most = most
        state.lookup.preload(subject.options.reuse or {}, state.plan.tasks)
        began = time.perf_counter()
        stopped_by: Exception | None = None
        environment = RunEnvironment(state.lookup, state.storages, state.recorder.trace, subject.options.sinks)
        try:
            with active_run(environment):
                stage.staff(self._new_services)
                self._ask_for_run()
                self.is_over = stage.play(most, lambda: self._tracer.stopped_by is not None)
                stage.close()
        except StepLimitExceeded as error:
            stopped_by = error
        finally:
            state.storages.close()
        flows = stage.slots[0].services.flow_versions
        self.remains = remains_of(self._store, flows)
        self._settle()
        root = state.flows[0] if state.flows else None
        stopped_by = self._tracer.stopped_by or stopped_by
        if stopped_by is not None:
            self.is_over = True
        elif root is None or root.outcome is None:
            stopped_by = DidNotEnd(f"flow {self.flow} did not end, although nothing is due any more")
        state.agenda.now = max([0.0, *(entry[1] for entry in state.recorder.journal)])
        assert root is not None
        self.run = LocalRun(state, root, time.perf_counter() - began, stopped_by)

    def _ask_for_run(self) -> None:
        subject, stage = self._shared.subject, self.stage
        id = seeded_flow_id(0, subject.flow)
        kwargs: dict[str, Any] = {"action": "start", "flow": subject.flow, "id": id, "args": subject.node_args}
        if subject.select is not None:
            kwargs["selective"] = subject.select.to_json()
        start = OutgoingMessage("celery", DISPATCHER, subject.flow, id, id, kwargs, None, {START_HEADER: 1})
        for seconds, event in subject.options.at:
            stage.post_later(lambda event=event: self._steer(id, event), seconds)  # type: ignore[misc]
        stage.send([start])

    def _steer(self, id: str, event: str | Signal) -> None:
        messages, flow = self.stage.slots[0].services.messages, self.flow
        if isinstance(event, Signal):
            signal = SignalMessage(flow, id, event.node, value=event.value, reject=event.reject, early=event.early)
            self.stage.send([messages.signal(signal, messages.queue(flow))])
        else:
            self.stage.send([messages.wake(flow, id, cancel=True)])

    def _new_services(self, worker: int, surroundings: Surroundings) -> WorkerServices:
        shared = self._shared
        return WorkerServices(
            shared.subject.plan,
            (),
            shared.settings,
            store=self._store_calls,
            publisher=self._broker_calls,  # type: ignore[arg-type]
            default_queue="celery",
            write_result=self._write_result,
            serves=lambda queue: True,
            surroundings=surroundings,
            storages=self.state.storages,
            imports=shared.setup.imports,
            tracer=self._tracer,
            answer=self._answer,
            runner=self._runner,
        )

    def _clock(self) -> float:
        return round(self.stage.now - BEGINNING, 9)

    def _write_result(self, id: str, outcome: Any) -> None:
        self.stage.boundary()
        if self.stage.current is not None:
            self.stage.current.point = "after result"
        self.results.setdefault(id, []).append((outcome.succeeded, outcome.state))

    def _answer(self, run: CachedRun, question: do.Question, results: Mapping[str, Any]) -> on.Event:
        known = RunResults(self._store, run, results)
        return self._answers.answer(self._tracer.flow(run), question, known)

    def _runner(self, services: WorkerServices, result_locations: Mapping[str, str]) -> TaskRunner:
        return _StagedRunner(self, services, RunContext(services, result_locations))

    # -- attempts -------------------------------------------------------------------------------------------------

    def record_of(self, task_id: str) -> NodeRecord:
        """The record of a task run."""
        return self._tracer.node_of(task_id)

    def scripted(self, record: NodeRecord) -> _Scripted:
        """How an attempt ends; the same whenever and however often it runs."""
        key = (self.names.key(record.run.id), record.attempts)
        for memo in (self._shared.memo, self.memo):
            if key in memo.outcomes:
                return memo.outcomes[key]
        outcome = self.memo.outcomes[key] = self.state.scripts.next(record)
        return outcome

    def seconds_of(self, task: TaskPlan, label: str, outcome: _Scripted) -> float:
        """How long an attempt takes."""
        if isinstance(outcome, Outcome) and outcome.after:
            return outcome.after
        duration = self._shared.options.durations.get(task.name)
        if duration is None:
            return self.state.options.durations.get(task.name, 0.0)
        return self.stage.decisions.takes(label, duration.median, duration)

    def attempt(self, runner: _StagedRunner, task: TaskPlan, assignment: Assignment, *about: Any) -> Attempt:
        """Run one attempt to its end, or to its time-out, or to the end of its worker."""
        stage = self.stage
        stage.boundary()
        record = self.record_of(assignment.task_id)
        label = self.names.node(assignment.task_id)
        self.attempts[label] = self.attempts.get(label, 0) + 1
        slot = stage.current
        assert slot is not None
        slot.subject = label  # it may run inline, behind another one
        stage.tell(f"{slot.name} runs {label}, attempt {assignment.attempt}")
        if label not in self.poisoned and stage.decisions.fault("poison", label):
            self.poisoned.add(label)
        if label in self.poisoned:
            stage.tell(f"{label} kills {slot.name}")
            slot.is_dying = True
            raise Crash
        outcome = self.scripted(record)
        seconds = self.seconds_of(task, label, outcome)
        slot.point = "after task"
        if task.timeout is not None and seconds > task.timeout:
            stage.sleep(task.timeout)
            return runner.judge(task, assignment, TaskTimeout(timeout_text(task, assignment)))
        stage.sleep(seconds)
        self.completed[label] = self.completed.get(label, 0) + 1
        if stage.decisions.fault("task", label):
            stage.tell(f"{label} fails")
            return runner.judge(
                task, assignment, InjectedFailure(f"attempt {assignment.attempt} of {label} fails")
            )
        if outcome is None:
            return runner.run_code(task, assignment, *about)
        stand_in = self._shared.setup.stand_in
        return mocked_attempt(runner, self.state.storages, stand_in, task, assignment, outcome)

    @property
    def setup(self) -> RunSetup:
        """What runs of the plan share."""
        return self._shared.setup

    # -- what came of it ------------------------------------------------------------------------------------------

    @property
    def deviations(self) -> list[Deviation]:
        """What deviated from the default."""
        return self.stage.decisions.deviations

    @property
    def problems(self) -> list[tuple[str, BaseException]]:
        """Messages that ended with an exception."""
        return self.stage.problems

    @property
    def outcome(self) -> str:
        """How the flow run ended, in words."""
        if self.run.root.outcome is None:
            return "did not end"
        error = self.run.error
        return self.run.status if error is None else f"{self.run.status}: {error}"

    @cached_property
    def failures(self) -> list[str]:
        """What workers reported as a problem."""
        found = [entry for entry in self.state.recorder.journal if entry[0] == trace_entries.TOLD]
        return [str(entry[3].get("what")) for entry in found if entry[2] == "DISPATCHER_FAILURE"]

    @cached_property
    def ends(self) -> dict[str, int]:
        """How often each flow run ended, by id."""
        found: dict[str, int] = {}
        for entry in self.state.recorder.journal:
            if entry[0] == trace_entries.FLOW_ENDED:
                found[entry[2].id] = found.get(entry[2].id, 0) + 1
        return found

    @cached_property
    def by_id(self) -> dict[str, FlowRemains]:
        """What is left of each flow run."""
        return {remains.id: remains for remains in self.remains}

    @property
    def nodes(self) -> Mapping[tuple[str, int], NodeRecord]:
        """Records of node runs by flow run id and number."""
        return self._tracer.nodes

    def name_of(self, remains: FlowRemains) -> str:
        """The label of a flow run."""
        return self.names.flow(remains.id) or remains.header.flow

    def is_signalled(self, record: NodeRecord) -> bool:
        """Whether a task waits for a signal, and is not run."""
        return self.state.plan.tasks[record.run.name].wait is not None

    def _settle(self) -> None:
        """Say of each node run what the log says: a worker that was too late may have recorded something else."""
        by_id = self.by_id
        for flow in self.state.flows:
            remains = by_id.get(flow.id)
            if remains is not None and remains.machine is not None:
                flow.machine = remains.machine
                flow.outcome = remains.machine.outcome
        for (flow_id, number), record in self.nodes.items():
            remains = by_id.get(flow_id)
            if remains is None or number not in remains.ended:
                continue
            is_good = number in remains.succeeded
            record.run.status = "success" if is_good else "failure"
            if record.run.is_flow:
                continue
            kept = self._store.records(flow_id, [number]).get(number)
            if kept is not None:
                record.attempts = kept.attempts + 1
            if is_good:
                record.error = None
            elif record.error is None:
                text = self._store.error(record.run.id)
                record.error = None if text is None else decode_error(text)

    @cached_property
    def canonical(self) -> tuple[Any, dict[str, Any]]:
        """The outcome, and by label of node runs what is to be the same in each schedule."""
        outcome = self.run.root.outcome
        ended = (
            "nothing" if outcome is None else ("success" if outcome.succeeded else f"failure: {outcome.reason}")
        )
        names = self.names
        runs = {
            names.node(record.run.id): (run.status, run.attempts, run.args, run.parent, run.result, run.error)
            for record, run in zip(self.run.facts.lineage.ordered, self.run.facts.lineage.canonical(), strict=True)
        }
        return ended, runs


class _StagedRunner(TaskRunner):
    """Runs attempts on the stage."""

    keeps_time = True

    def __init__(self, performance: Performance, services: WorkerServices, context: RunContext) -> None:
        setup = performance.setup
        super().__init__(
            setup.imports,
            performance.state.storages,
            context,
            setup.check_schema,
            setup.inputs,
            calls=services.task_calls,
        )
        self._performance = performance

    def run(
        self, task: TaskPlan, assignment: Assignment, wanted: Any = None, deadline: Deadline | None = None
    ) -> Attempt:
        """Run one attempt."""
        return self._performance.attempt(self, task, assignment, wanted, deadline)

    def run_code(self, task: TaskPlan, assignment: Assignment, *about: Any) -> Attempt:
        """Run the code of the project."""
        return super().run(task, assignment, *about)
