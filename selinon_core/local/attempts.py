"""Carrying out attempts of tasks: right here, at the side in threads or processes, or as a mock says."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from selinon_core.cases.model import UNGIVEN, Outcome
from selinon_core.errors import SelinonException
from selinon_core.local.event_queue import EventQueue, Step
from selinon_core.local.mocked_attempt import Played, mocked_attempt
from selinon_core.local.mocked_storage import LocalStorages
from selinon_core.local.options import LocalOptions
from selinon_core.local.progress_events import ProgressEvents
from selinon_core.local.run_index import RunIndex
from selinon_core.local.run_setup import RunSetup
from selinon_core.local.scripts import TaskScripts
from selinon_core.plan import TaskPlan
from selinon_core.runtime.json_values import copy_json
from selinon_core.runtime.task_runner import Assignment, Attempt, Failed, Succeeded, TaskRunner, timeout_text
from selinon_core.runtime.threads import NOWHERE, AttemptHandle, ThreadRunner, TimedOut
from selinon_core.runtime.trace.run_records import NodeRecord
from selinon_core.task_progress import listener

if TYPE_CHECKING:
    from selinon_core.local.process_pool import ProcessPool


class Attempts:
    """The attempts of one local run.

    ``ended(record, attempt)`` hears how those ended that ``begin`` began, ``emit(event, details)`` what happens to
    storages in other processes, and how far tasks are.
    ``plain``: tasks without a time-out run their own code right here, one at a time.
    """

    def __init__(
        self,
        prepared: RunSetup,
        options: LocalOptions,
        agenda: EventQueue,
        storages: LocalStorages,
        lookup: RunIndex,
        scripts: TaskScripts,
        emit: Callable[[str, dict[str, Any]], None],
        ended: Callable[[NodeRecord, Attempt], None],
    ) -> None:
        self.plan = prepared.plan
        self._pythonpath = prepared.imports.pythonpath
        self._options = options
        self._agenda = agenda
        self._storages = storages
        self._lookup = lookup
        self._emit = emit
        #: Listens to the attempts that run right here, while the run goes on.
        self.progress = ProgressEvents(emit)
        self._ended = ended
        self._stand_in = prepared.stand_in
        self._scripted = prepared.scripted
        self._directory = prepared.directory
        self._runner = TaskRunner(
            prepared.imports,
            storages,
            lookup,
            prepared.check_schema,
            prepared.inputs,
            typed=prepared.plan.settings.typed_tasks,
        )
        self._scripts = scripts
        self._here = options.concurrency == 1 and options.pool == "thread"
        self._durations = options.durations
        self.plain = self._here and self._scripts.empty and not options.durations
        self._side: ThreadRunner | None = None
        self._processes: ProcessPool | None = None

    @property
    def running(self) -> int:
        """How many run at the side."""
        return 0 if self._side is None else self._side.running

    def is_full(self) -> bool:
        """Whether no more may run at the side."""
        return self._side is not None and self._side.running >= self._options.concurrency

    def run(self, record: NodeRecord, task: TaskPlan) -> Attempt:
        """Run the code of a task right here, to its end."""
        self.progress.record = record
        record.began = began = perf_counter()
        attempt = self._runner.run(task, self._assignment(record))
        record.real_seconds += perf_counter() - began
        record.began = None
        return attempt

    def _heard(self, record: NodeRecord, run: Callable[[], Attempt]) -> Attempt:
        """Run an attempt, and hear how far it says it is."""
        token = listener.set(ProgressEvents(self._emit, record))
        try:
            return run()
        finally:
            listener.reset(token)

    def begin(self, record: NodeRecord, task: TaskPlan) -> None:
        """Begin the next attempt as the options say; it may end at once, and by its time-out at the latest."""
        outcome = self._scripts.next(record)
        duration = self._durations.get(task.name, 0.0) if self._durations else 0.0
        end: Step
        if outcome is not None:
            after = (outcome.after if isinstance(outcome, Outcome) else 0.0) or duration
            end = EndMocked(self, record, outcome)
        elif duration:
            after, end = duration, RunCode(self, record)
        else:
            self.run_code(record, task)
            return
        if task.timeout is not None and after > task.timeout:
            after, end = task.timeout, EndMocked(self, record, None)
        self._agenda.add(after, end)

    def run_code(self, record: NodeRecord, task: TaskPlan) -> None:
        """Run the code of a task, here or at the side."""
        if self._here and task.timeout is None:
            self._ended(record, self.run(record, task))
        else:
            self._run_at_side(record, task)

    def wait(self, patience: float | None) -> None:
        """Wait for an attempt at the side to end; ``patience`` is in real seconds, None: for ever."""
        assert self._side is not None
        ended = self._side.wait(patience)
        if ended is None:
            return
        record, returned = ended
        task = self.plan.tasks[record.run.name]
        record.began = None
        if isinstance(returned, TimedOut):
            assert task.timeout is not None
            record.real_seconds += task.timeout
            record.abandoned = self._options.pool == "thread"  # processes are killed
            attempt = self._timed_out(record, task, returned)
        else:
            attempt, seconds = returned
            record.real_seconds += seconds
        self._ended(record, attempt)

    def close(self) -> None:
        """Give up what still runs, and let the processes go."""
        if self._side is not None:
            self._side.close()
        if self._processes is not None:
            self._processes.close()
        del self._ended  # see TaskEffects.close

    # -- at the side --------------------------------------------------------------------------------------------

    def _run_at_side(self, record: NodeRecord, task: TaskPlan) -> None:
        assignment = self._assignment(record)
        if self._side is None:
            self._side = ThreadRunner()
        if self._processes is None and self._options.pool == "process":
            self._processes = self._start_processes()
        run = self._run_in_thread if self._processes is None else self._run_in_process

        def timed(ticket: AttemptHandle) -> tuple[Attempt, float]:
            began = perf_counter()
            attempt = self._heard(record, lambda: run(task, assignment, ticket))
            return attempt, perf_counter() - began

        record.began = perf_counter()
        self._side.submit(record, timed, task.timeout)
        if self._options.concurrency == 1:
            self.wait(None)  # one at a time, also where another thread is needed for a time-out

    def _run_in_thread(self, task: TaskPlan, assignment: Assignment, ticket: AttemptHandle) -> Attempt:
        ticket.begin()
        return self._runner.run(task, assignment, ticket.wanted)

    def _start_processes(self) -> ProcessPool:
        from selinon_core.local.process_pool import ProcessPool

        real = frozenset(name for name in self.plan.storages if not self._storages.stands_in(name))
        return ProcessPool(self.plan, tuple(self._pythonpath), self._directory, real, self._emit)

    def _run_in_process(self, task: TaskPlan, assignment: Assignment, ticket: AttemptHandle) -> Attempt:
        assert self._processes is not None
        try:
            attempt = self._processes.run(task, assignment, self._lookup.known_of, ticket)
        except SelinonException as error:
            return Failed(error) if ticket.given_up else self._runner.judge(task, assignment, error)
        if isinstance(attempt, Succeeded) and attempt.stored and self._storages.is_mocked(task.name):
            self._storages.store(
                assignment.args, assignment.flow_name, task.name, assignment.task_id, attempt.result
            )
        return attempt

    # -- in virtual time ----------------------------------------------------------------------------------------

    def end_mocked(self, record: NodeRecord, outcome: Outcome | BaseException | None) -> None:
        """End a mocked attempt; ``outcome`` None: by its time-out."""
        task = self.plan.tasks[record.run.name]
        if outcome is None:
            attempt = self._timed_out(record, task)
        else:
            attempt = self._played(task, record, outcome) or mocked_attempt(
                self._runner, self._storages, self._stand_in, task, self._assignment(record), outcome
            )
        self._ended(record, attempt)

    def _played(self, task: TaskPlan, record: NodeRecord, outcome: Outcome | BaseException) -> Attempt | None:
        """A scripted result for which no code of the project runs: by far the most; None for everything else."""
        if not isinstance(outcome, Outcome) or outcome.kind != "result" or outcome.value is UNGIVEN:
            return None
        try:
            kept = self._scripted.snapshot(outcome)
        except (TypeError, ValueError, RecursionError):
            return None
        stored = task.storage is not None and not task.storage_readonly
        run = record.run
        if stored and not self._storages.keep(record.flow_run.flow.name, run.name, run.id, kept):
            return None
        record.given_parent = None
        return Played(kept, stored)

    # -- what an attempt is given, and what it means when it takes too long -------------------------------------

    def _assignment(self, record: NodeRecord) -> Assignment:
        run, flow_run = record.run, record.flow_run
        return Assignment(
            flow_run.flow.name,
            run.id,
            flow_run.id,
            copy_json(run.args),
            record.take_parent(),
            copy_json(run.failures) if run.failures else {},
            record.attempts,
            record.retries,
        )

    def _timed_out(self, record: NodeRecord, task: TaskPlan, late: TimedOut = NOWHERE) -> Attempt:
        assignment = self._assignment(record)
        return self._runner.judge(task, assignment, late.error(timeout_text(task, assignment)))


class EndMocked(NamedTuple):
    """A mocked attempt ends."""

    attempts: Attempts
    record: NodeRecord
    outcome: Outcome | BaseException | None

    def is_obsolete(self) -> bool:
        """A task runs to its end even when its flow is over."""
        return False

    def run(self) -> None:
        """End it."""
        self.attempts.end_mocked(self.record, self.outcome)


class RunCode(NamedTuple):
    """An attempt ends whose code has still to run."""

    attempts: Attempts
    record: NodeRecord

    def is_obsolete(self) -> bool:
        """A task runs to its end even when its flow is over."""
        return False

    def run(self) -> None:
        """Run the code."""
        self.attempts.run_code(self.record, self.attempts.plan.tasks[self.record.run.name])
