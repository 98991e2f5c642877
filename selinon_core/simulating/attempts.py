"""Attempts of tasks in a simulation: as scripts say or by the code of the project, in virtual time."""

from __future__ import annotations

from typing import Any

from selinon_core.cases.model import Outcome
from selinon_core.celery.services import RunContext, WorkerServices
from selinon_core.errors import TaskTimeout
from selinon_core.local.driver_state import DriverState
from selinon_core.local.mocked_attempt import mocked_attempt
from selinon_core.local.mocks import InjectedFailure
from selinon_core.local.run_setup import RunSetup
from selinon_core.plan import TaskPlan
from selinon_core.runtime.deadline import Deadline
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.task_runner import Assignment, Attempt, TaskRunner, timeout_text
from selinon_core.runtime.trace.run_records import NodeRecord
from selinon_core.simulating.faults import Crash
from selinon_core.simulating.names import Names, NamingTracer
from selinon_core.simulating.shared import Memo, Scripted, Shared
from selinon_core.simulating.stage import Stage


class Attempts:
    """The attempts of one schedule.

    ``begun`` and ``completed`` count by label. ``poisoned`` are the labels whose attempts kill their workers.
    ``memo`` has what scripts said in this schedule.
    """

    def __init__(
        self, shared: Shared, state: DriverState, names: Names, tracer: NamingTracer, stage: Stage
    ) -> None:
        self._shared = shared
        self._state = state
        self._names = names
        self._tracer = tracer
        self._stage = stage
        self.memo = Memo()
        self.begun: dict[str, int] = {}
        self.completed: dict[str, int] = {}
        self.poisoned: set[str] = set()

    @property
    def setup(self) -> RunSetup:
        """What runs of the plan share."""
        return self._shared.setup

    @property
    def storages(self) -> Storages:
        """The storages of the run."""
        return self._state.storages

    def scripted(self, record: NodeRecord) -> Scripted:
        """How an attempt ends; the same whenever and however often it runs."""
        key = (self._names.key(record.run.id), record.attempts)
        for memo in (self._shared.memo, self.memo):
            if key in memo.outcomes:
                return memo.outcomes[key]
        outcome = self.memo.outcomes[key] = self._state.scripts.next(record)
        return outcome

    def seconds_of(self, task: TaskPlan, label: str, outcome: Scripted) -> float:
        """How long an attempt takes."""
        if isinstance(outcome, Outcome) and outcome.after:
            return outcome.after
        duration = self._shared.options.durations.get(task.name)
        if duration is None:
            return self._state.options.durations.get(task.name, 0.0)
        return self._stage.decisions.takes(label, duration.median, duration)

    def attempt(self, runner: StagedRunner, task: TaskPlan, assignment: Assignment, *about: Any) -> Attempt:
        """Run one attempt to its end, or to its time-out, or to the end of its worker."""
        stage = self._stage
        stage.boundary()
        record = self._tracer.node_of(assignment.task_id)
        label = self._names.node(assignment.task_id)
        self.begun[label] = self.begun.get(label, 0) + 1
        slot = stage.current
        assert slot is not None
        slot.subject = label  # it may run inline, behind another one
        stage.agenda.tell(f"{slot.name} runs {label}, attempt {assignment.attempt}")
        if label not in self.poisoned and stage.decisions.fault("poison", label):
            self.poisoned.add(label)
        if label in self.poisoned:
            stage.agenda.tell(f"{label} kills {slot.name}")
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
            stage.agenda.tell(f"{label} fails")
            return runner.judge(
                task, assignment, InjectedFailure(f"attempt {assignment.attempt} of {label} fails")
            )
        if outcome is None:
            return runner.run_code(task, assignment, *about)
        stand_in = self._shared.setup.stand_in
        return mocked_attempt(runner, self._state.storages, stand_in, task, assignment, outcome)


class StagedRunner(TaskRunner):
    """Runs attempts on the stage."""

    keeps_time = True

    def __init__(self, attempts: Attempts, services: WorkerServices, context: RunContext) -> None:
        setup = attempts.setup
        super().__init__(
            setup.imports,
            attempts.storages,
            context,
            setup.check_schema,
            setup.inputs,
            calls=services.task_calls,
        )
        self._attempts = attempts

    def run(
        self, task: TaskPlan, assignment: Assignment, wanted: Any = None, deadline: Deadline | None = None
    ) -> Attempt:
        """Run one attempt."""
        return self._attempts.attempt(self, task, assignment, wanted, deadline)

    def run_code(self, task: TaskPlan, assignment: Assignment, *about: Any) -> Attempt:
        """Run the code of the project."""
        return super().run(task, assignment, *about)
