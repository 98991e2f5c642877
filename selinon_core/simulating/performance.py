"""One schedule that is played: the stage, the code of the project or its mocks on it, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from selinon_core.cases.model import Signal
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.run_results import RunResults
from selinon_core.celery.services import RunContext, WorkerServices
from selinon_core.celery.surroundings import Surroundings
from selinon_core.celery.transport.message_schema import SignalMessage
from selinon_core.celery.transport.publisher import DISPATCHER, OutgoingMessage
from selinon_core.celery.transport.start_batch import START_HEADER
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.local.answers import LocalAnswers
from selinon_core.local.driver_state import DriverState
from selinon_core.local.run import LocalRun
from selinon_core.local.step_limit import StepLimitExceeded
from selinon_core.runtime.active_run import ActiveRun, RunEnvironment
from selinon_core.runtime.ids import seeded_flow_id
from selinon_core.runtime.task_runner import TaskRunner
from selinon_core.simulating.attempts import Attempts, StagedRunner
from selinon_core.simulating.calls import BrokerCalls, StoreCalls
from selinon_core.simulating.decisions import Decisions
from selinon_core.simulating.mocked_answers import MockedAnswers
from selinon_core.simulating.names import Names, NamingTracer
from selinon_core.simulating.played import Played
from selinon_core.simulating.production import DidNotEnd
from selinon_core.simulating.queues import with_known_queues
from selinon_core.simulating.shared import Shared
from selinon_core.simulating.stage import Stage
from selinon_core.simulating.world import BEGINNING


class Performance:
    """One schedule."""

    def __init__(self, shared: Shared, decisions: Decisions, transcript: list[str] | None) -> None:
        self._shared = shared
        self._store = store = shared.stores.fresh()
        self._versions = shared.plans[0][1]
        self._deployed: set[int] = set()
        self.flow = shared.subject.flow
        self.state = state = DriverState(shared.setup, shared.subject.options)
        state.recorder.attach(shared.subject.options.sinks, state.lookup)
        names = Names(shared.labels)
        options = shared.options
        self.stage = Stage(
            decisions,
            store,
            shared.settings,
            shared.new_coroutine,
            names.message,
            workers=options.workers,
            slots=options.slots,
            shares=options.pool == "threads",
            transcript=transcript,
        )
        self._tracer = NamingTracer(state, self._clock, names)
        self._answers = LocalAnswers(state, shared.setup)
        self._store_calls = StoreCalls(store, self.stage, self._catch_up)
        self._broker_calls = BrokerCalls(self.stage)
        self._attempts = attempts = Attempts(shared, state, names, self._tracer, self.stage)
        self._mocked = MockedAnswers(shared.subject.options.mocks, names, shared.memo, attempts.memo)
        about = (self._tracer, attempts, decisions.deviations, self.stage.problems)
        self.played = Played(self.flow, state, names, *about)

    def perform(self, most: int, deploy_at: int | None = None) -> None:
        """Play to the end, at most so many messages and sweeps; workers change from message ``deploy_at`` on."""
        state, stage, subject, played = self.state, self.stage, self._shared.subject, self.played
        played.most = most
        state.lookup.preload(subject.options.reuse or {}, state.plan.tasks)
        began = time.perf_counter()
        stopped_by: Exception | None = None
        environment = RunEnvironment(state.lookup, state.storages, state.recorder.trace, subject.options.sinks)
        try:
            with ActiveRun(environment):
                stage.begin(self._new_services)
                if deploy_at is not None:
                    stage.deploys = lambda message: self._deploy(message - deploy_at)
                self._ask_for_run()
                played.is_over = stage.play(most, lambda: self._tracer.stopped_by is not None)
                stage.close()
        except StepLimitExceeded as error:
            stopped_by = error
        finally:
            state.storages.close()
        played.remains = self._shared.aftermath.remains_of(self._store)
        played.cancelled_before = frozenset(self.stage.cancelled_before)
        played.settle(self._store)
        root = state.flows[0] if state.flows else None
        stopped_by = self._tracer.stopped_by or stopped_by
        if stopped_by is not None:
            played.is_over = True
        elif root is None or root.outcome is None:
            stopped_by = DidNotEnd(f"flow {self.flow} did not end, although nothing is due any more")
        state.agenda.now = max([0.0, *(entry[1] for entry in state.recorder.journal)])
        assert root is not None
        played.run = LocalRun(state, root, time.perf_counter() - began, stopped_by)

    def close(self) -> None:
        """Let go of all parts: they know each other, and would have to wait for the garbage collector."""
        self.stage.staff.close()
        vars(self._store_calls).clear()
        vars(self).clear()

    def _ask_for_run(self) -> None:
        subject, stage = self._shared.subject, self.stage
        id = seeded_flow_id(0, subject.flow)
        kwargs: dict[str, Any] = {"action": "start", "flow": subject.flow, "id": id, "args": subject.node_args}
        if subject.select is not None:
            kwargs["selective"] = subject.select.to_json()
        start = OutgoingMessage("celery", DISPATCHER, subject.flow, id, id, kwargs, None, {START_HEADER: 1})
        for seconds, event in subject.options.at:
            stage.agenda.post_later(lambda event=event: self._steer(id, event), seconds)  # type: ignore[misc]
        stage.send([start])

    def _steer(self, id: str, event: str | Signal) -> None:
        messages, flow = self.stage.staff.services_of(self.stage.slots[0]).messages, self.flow
        if isinstance(event, Signal):
            signal = SignalMessage(flow, id, event.node, value=event.value, reject=event.reject, early=event.early)
            self.stage.send([messages.signal(signal, messages.queue(flow))])
        else:
            self.stage.send([messages.wake(flow, id, cancel=True)])

    def _new_services(self, worker: int, surroundings: Surroundings) -> WorkerServices:
        shared = self._shared
        plan, versions = shared.plans[-1 if worker in self._deployed else 0]
        return WorkerServices(
            with_known_queues(plan),
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
            flow_versions=versions,
        )

    def _catch_up(self, flow_id: str) -> None:
        self._tracer.catch_up(self._store, self._versions, flow_id)

    def _deploy(self, passed: int) -> None:
        """Change one more worker after each message, when it is idle."""
        staff = self.stage.staff
        for worker in range(min(passed + 1, len(staff.workers))):
            slots = [slot for slot in staff.slots if slot.worker == worker]
            if worker in self._deployed or any(slot.coroutine is not None for slot in slots):
                continue
            self._deployed.add(worker)
            self.stage.agenda.tell(f"{staff.workers[worker]} has other files")
            staff.end(slots)

    def _clock(self) -> float:
        return round(self.stage.agenda.now - BEGINNING, 9)

    def _write_result(self, id: str, outcome: Any) -> None:
        self.stage.boundary()
        if self.stage.current is not None:
            self.stage.current.point = "after result"
        self.played.results.setdefault(id, []).append((outcome.succeeded, outcome.state))

    def _answer(self, run: CachedRun, question: do.Question, results: Mapping[str, Any]) -> on.Event:
        known, record = RunResults(self._store, run, results), self._tracer.flow(run)
        return self._mocked.answer(record, question, lambda: self._answers.answer(record, question, known))

    def _runner(self, services: WorkerServices, result_locations: Mapping[str, str]) -> TaskRunner:
        return StagedRunner(self._attempts, services, RunContext(services, result_locations))
