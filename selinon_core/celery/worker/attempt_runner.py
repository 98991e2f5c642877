"""Runs one attempt of a task on a worker: with its time-out, its span, and what it says while it runs."""

from __future__ import annotations

from selinon_core.celery.services import WorkerServices
from selinon_core.celery.stores.protocol import Begun
from selinon_core.celery.transport.message_schema import NodeMessage
from selinon_core.celery.worker.attempt_reports import AttemptReports
from selinon_core.celery.worker.task_timeout import run_with_deadline
from selinon_core.errors import SelinonException
from selinon_core.runtime.json_values import copy_json
from selinon_core.runtime.task_runner import Assignment, Attempt, Failed
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import NodeRecord


class WorkerKilled(SelinonException):
    """Raised for a task that killed its worker as often as ``selinon_max_deliveries`` allows."""


class AttemptRunner:
    """Runs attempts of the tasks of one plan; ``died`` as of ``TaskMessageHandler``."""

    def __init__(self, services: WorkerServices, died: int) -> None:
        self._services = services
        self._died = died

    def run(
        self, message: NodeMessage, task_id: str, begun: Begun, record: NodeRecord | None, inline: bool
    ) -> Attempt:
        """An attempt, with its beginning in the trace; one that killed its workers too often fails at once."""
        services = self._services
        most = services.settings.selinon_max_deliveries
        if begun.deliveries > most:
            how = f"its process died {self._died} times" if self._died else "its worker never came back from it"
            return Failed(WorkerKilled(f"{message.task} was delivered {most} times and {how}"))
        if record is not None:
            services.tracer.emit_entry(trace_entries.STARTED, record, record.attempts)
        if not services.spans.enabled:
            return self._attempt(message, task_id, begun)
        self._note_wait(message, begun, inline)
        about = (message.flow, message.id, message.task, task_id, begun.attempts + 1)
        with services.spans.attempt(message.trace, *about) as ended:
            attempt = self._attempt(message, task_id, begun)
            ended(attempt)
        return attempt

    def _note_wait(self, message: NodeMessage, begun: Begun, inline: bool) -> None:
        """Record how long the first message of a node run waited; what runs inline has waited for 0 s."""
        first = not message.delivery and not begun.attempts and begun.deliveries == 1
        if first and (inline or message.queued):
            seconds = 0.0 if inline else self._services.clock() - message.queued
            self._services.spans.meters.task_began(message.flow, message.task, seconds)

    def _attempt(self, message: NodeMessage, task_id: str, begun: Begun) -> Attempt:
        services = self._services
        task = services.plan.tasks[message.task]
        assignment = Assignment(
            message.flow,
            task_id,
            message.id,
            message.given if message.refers else copy_json(message.args),
            dict(message.parent),
            copy_json(message.failures),
            begun.attempts + 1,
            begun.retries,
        )
        runner = services.runner(message.result_locations)
        reports = AttemptReports(services, message, task_id, assignment.attempt)
        if task.timeout is None or runner.keeps_time:
            monotonic = services.surroundings.monotonic
            began = monotonic()
            attempt = reports.around(runner.run, task, assignment)
            services.durations.note(task.function, monotonic() - began)
            return attempt
        return run_with_deadline(
            lambda wanted, deadline: reports.around(runner.run, task, assignment, wanted, deadline),
            task.timeout,
            f"attempt {assignment.attempt} of {task.name} ran longer than {task.timeout} s",
            lambda error: runner.judge(task, assignment, error),
        )
