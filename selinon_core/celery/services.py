"""Everything a worker process needs to run nodes and advance flows, built once and on first use."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from selinon_core.celery.execution.flow_executor import FlowExecutor
from selinon_core.celery.execution.outbox_relay import OutboxRelay
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.reporting.opentelemetry import Spans
from selinon_core.celery.reporting.remote_error import rebuild
from selinon_core.celery.reporting.run_tracer import RunTracer
from selinon_core.celery.settings import AdapterSettings, state_url
from selinon_core.celery.stores import Store, open_store
from selinon_core.celery.transport.batching import BatchWatchdog, DurationEstimates, MessageBatcher
from selinon_core.celery.transport.message_builder import MessageBuilder
from selinon_core.celery.transport.publisher import Publisher
from selinon_core.dispatch import FlowOutcome, flow_indexes
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.errors import FlowError, FlowTimeout, StateStoreError
from selinon_core.migrations.repository import Migrations
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan
from selinon_core.runtime.conditions import BoundConditions
from selinon_core.runtime.environment import expand
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.question_answerer import QuestionAnswerer
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.task_runner import SchemaChecker, TaskRunner
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.storage import DataStorage

if TYPE_CHECKING:
    from celery import Celery

T = TypeVar("T")
_log = logging.getLogger("selinon")

#: Where a worker's main process tells its children (also spawned ones) which queues it consumes.
SERVED_VARIABLE = "SELINON_SERVED_QUEUES"


class WorkerServices:
    """The parts, wired. Survives forks: what holds connections connects anew in each process."""

    def __init__(
        self,
        app: Celery,
        plan: Plan,
        pythonpath: tuple[str, ...],
        settings: AdapterSettings,
        *,
        store: Store | None = None,
        publisher: Publisher | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.app = app
        self.plan = plan
        self.settings = settings
        if store is None:
            url = state_url(settings, app.conf.result_backend)
            store = open_store(url, settings.selinon_state_prefix)
        self.store: Store = store
        self.clock = clock = clock or store.clock
        self.flow_versions = FlowVersions(plan, flow_indexes(plan), _migrations(plan), self.store.get_definition)
        self.imports = Imports(pythonpath)
        self.messages = MessageBuilder(plan, app.conf.task_default_queue)
        self.publisher = publisher or Publisher(app)
        self.tracer = RunTracer(plan, self.imports)
        self.spans = Spans(plan)
        self.storages = Storages(plan, self.imports, self._trace_storage)
        self.tracer.attach(self.storages)
        self.check_schema = SchemaChecker()
        self._answering = threading.local()
        self._served: frozenset[str] | None = None
        self.durations = DurationEstimates()
        self.batch_watchdog = BatchWatchdog()
        relay = OutboxRelay(
            self.store,
            self.publisher,
            self.messages,
            settings,
            self.tracer,
            MessageBatcher(plan, self.durations, _without_batches(settings) if _limits_time(app) else settings),
            self.serves,
            self._write_result,
            clock,
        )
        self.relay = relay
        self._answers = QuestionAnswerer(
            plan,
            self.imports,
            BoundConditions(self.imports),
            self.storages,
            self._locate,
            self._result_of,
        )
        self.executor = FlowExecutor(
            plan,
            self.flow_versions,
            self.imports,
            self.store,
            relay,
            self.messages,
            settings,
            self.tracer,
            self.serves,
            self._answer,
            clock,
            self.spans,
        )

    # -- queues -----------------------------------------------------------------------------------------------

    def serves(self, queue: str) -> bool:
        """Whether this worker consumes a queue."""
        if self._served is None:
            self._served = frozenset(json.loads(os.environ.get(SERVED_VARIABLE) or "[]"))
        return queue in self._served

    def serve(self, queues: list[str]) -> None:
        """Set which queues this worker and its children consume."""
        os.environ[SERVED_VARIABLE] = json.dumps(queues)
        self._served = frozenset(queues)

    # -- patience ---------------------------------------------------------------------------------------------

    def retry_while_unavailable(self, action: Callable[[], T]) -> T:
        """Do something with the state store, again with growing pauses while it cannot be reached.

        Raises ``StateStoreError`` when it stays away for ``selinon_store_retry_timeout`` seconds.
        """
        until = time.monotonic() + self.settings.selinon_store_retry_timeout
        pause = 0.05
        while True:
            try:
                return action()
            except StateStoreError as error:
                if time.monotonic() + pause > until:
                    raise
                _log.warning("%s; trying again in %.1f s", error, pause)
                time.sleep(pause)
                pause = min(pause * 2, 5.0)

    def retry_as_redelivered(self, action: Callable[[bool], T], again: bool) -> T:
        """As ``retry_while_unavailable``, for a message: a second try has to take it for one that came again.

        The first may have been kept though its answer got lost, and the message would count as somebody else's.
        """
        tries = iter((again,))
        return self.retry_while_unavailable(lambda: action(next(tries, True)))

    # -- questions --------------------------------------------------------------------------------------------

    def _answer(self, run: CachedRun, question: do.Question) -> on.Event:
        self._answering.run = run
        try:
            answer = self._answers.answer(run.flow, run.machine.start.parent, question)
        finally:
            self._answering.run = None
        if not self.tracer.silent:
            record = self.tracer.flow(run)
            entry = trace_entries.of_answer(question, answer)
            if entry is not None:
                self.tracer.emit_entry(entry[0], record, *entry[1:])
        return answer

    def _locate(self, task_id: str) -> str | None:
        run: CachedRun | None = getattr(self._answering, "run", None)
        return None if run is None else run.result_locations.get(task_id)

    def _result_of(self, task_id: str) -> Any:
        return self.executor.results[task_id]

    def _trace_storage(self, event: str, details: dict[str, Any]) -> None:
        # Not "silent": that may connect a storage to trace to, which tells of it.
        if self.tracer.tracer.sinks:
            self.tracer.tracer.emit(event, details)

    # -- results ----------------------------------------------------------------------------------------------

    def _write_result(self, flow_id: str, outcome: FlowOutcome) -> None:
        """Put a flow's result where ``AsyncResult(flow_id)`` looks; a failing backend is tried again later."""
        backend: Any = self.app.backend
        if backend.__class__.__name__ == "DisabledBackend":
            return
        try:
            if outcome.succeeded:
                backend.store_result(flow_id, outcome.state, "SUCCESS")
            else:
                error = (FlowTimeout if outcome.timed_out else FlowError)(outcome.state)
                backend.store_result(flow_id, error, "FAILURE")
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            self.tracer.warn("RESULT_BACKEND_ISSUE", what, dispatcher_id=flow_id)
            raise

    # -- tasks ------------------------------------------------------------------------------------------------

    def runner(self, result_locations: Mapping[str, str]) -> TaskRunner:
        """What runs an attempt of a task whose parents were in the flows that ``origins`` says."""
        return TaskRunner(self.imports, self.storages, RunContext(self, result_locations), self.check_schema)


def _migrations(plan: Plan) -> Migrations:
    """The migration files as they are now: read here, so that a deployment does not change what a worker knows."""
    directory = plan.settings.migration_dir
    migrations = Migrations.load(None if directory is None else expand(directory))
    for version in migrations.versions:
        migrations.file(version)
    return migrations


def _limits_time(app: Celery) -> bool:
    """Whether Celery stops any message for taking long: then each has to be for one node run."""
    return bool(app.conf.task_time_limit or app.conf.task_soft_time_limit)


def _without_batches(settings: AdapterSettings) -> AdapterSettings:
    return settings._replace(selinon_batch_count=1)


class RunContext:
    """What a running task may ask for (``TaskContext``)."""

    __slots__ = ("_result_locations", "_services")

    def __init__(self, services: WorkerServices, result_locations: Mapping[str, str]) -> None:
        self._services = services
        self._result_locations = result_locations

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """The result of a task run, read where it was stored."""
        return self._services.storages.retrieve(
            self._result_locations.get(task_id) or flow_name, task_name, task_id
        )

    def storage_of(self, task_name: str) -> DataStorage | None:
        """The storage of a task."""
        return self._services.storages.of_task(task_name)

    def exception_of(self, task_id: str) -> BaseException | None:
        """What a failed run raised."""
        text = self._services.store.error(task_id)
        return None if text is None else rebuild(text)
