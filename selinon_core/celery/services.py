"""The composition root of a process: builds store, flow executor, outbox relay and the rest once, on first use."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from selinon_core.celery.execution.commit_steps import StepRunner
from selinon_core.celery.execution.executor_context import ExecutorParts
from selinon_core.celery.execution.flow_executor import FlowExecutor
from selinon_core.celery.execution.held_deliveries import HeldDeliveries
from selinon_core.celery.execution.index_changes import IndexChanges
from selinon_core.celery.execution.inline_selection import InlineBudget, InlineSelector, Round, SharedBudget
from selinon_core.celery.execution.joint_execution import JointExecution
from selinon_core.celery.execution.lease_renewer import LeaseRenewer
from selinon_core.celery.execution.notices import Notices
from selinon_core.celery.execution.outbox_relay import OutboxRelay
from selinon_core.celery.execution.retention import Retention
from selinon_core.celery.execution.run_cache import CachedRun, RunCache
from selinon_core.celery.execution.run_loader import RunLoader
from selinon_core.celery.execution.run_results import RunResults
from selinon_core.celery.execution.transition import Answer, QuestionHandler
from selinon_core.celery.execution.wait_endings import WaitEndings
from selinon_core.celery.execution.wakeup_policy import WakeupPolicy
from selinon_core.celery.reporting.opentelemetry import Spans
from selinon_core.celery.reporting.result_writer import (
    ResultInCommit,
    ResultsInCommits,
    ResultWriter,
    never_forgotten,
    never_in_commit,
)
from selinon_core.celery.reporting.run_reporter import RunReporter
from selinon_core.celery.reporting.run_tracer import RunTracer
from selinon_core.celery.settings import AdapterSettings, state_options, state_url
from selinon_core.celery.stores import Store, open_store
from selinon_core.celery.surroundings import REAL, Surroundings
from selinon_core.celery.transport.batching import BatchWatchdog, DurationEstimates, MessageBatcher
from selinon_core.celery.transport.message_builder import MessageBuilder
from selinon_core.celery.transport.publisher import ENVELOPE, Publisher
from selinon_core.dispatch import FlowOutcome, NodeRun, flow_indexes
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.references import Referring, shown
from selinon_core.errors import ArgumentError, ResultMissingError, StateStoreError, StorageError
from selinon_core.migrations.repository import Migrations
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import FlowPlan, Plan, TaskPlan
from selinon_core.runtime.conditions import BoundConditions
from selinon_core.runtime.environment import expand
from selinon_core.runtime.error_codec import decode_error
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.inputs import Inputs
from selinon_core.runtime.labels import Labels
from selinon_core.runtime.limit_keys import LimitKeys
from selinon_core.runtime.question_answerer import QuestionAnswerer
from selinon_core.runtime.redaction import redaction
from selinon_core.runtime.results import Asking, Limits, ReferredResults, ResultReader, with_values
from selinon_core.runtime.scope import Scope
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.task_calls import TaskCalls
from selinon_core.runtime.task_runner import Assignment, Attempt, SchemaChecker, Succeeded, TaskRunner
from selinon_core.storage import DataStorage

if TYPE_CHECKING:
    from celery import Celery

    from selinon_core.celery.rerunning.rerun_answers import RerunAnswers

T = TypeVar("T")
_log = logging.getLogger("selinon")

#: Characters that the log keeps of a value that a condition read.
SEEN_IN_LOG = 500
#: The environment variable by which a worker's child processes (also spawned ones) know its queues.
SERVED_VARIABLE = "SELINON_SERVED_QUEUES"


class ServedQueues:
    """The queues that this worker and its children consume."""

    def __init__(self) -> None:
        self._served: frozenset[str] | None = None

    def __call__(self, queue: str) -> bool:
        """Whether this worker consumes a queue."""
        if self._served is None:
            self._served = frozenset(json.loads(os.environ.get(SERVED_VARIABLE) or "[]"))
        return queue in self._served

    def set(self, queues: list[str]) -> None:
        """Set the queues, for child processes too."""
        os.environ[SERVED_VARIABLE] = json.dumps(queues)
        self._served = frozenset(queues)


class WorkerServices:
    """The parts, wired. Survives forks: what holds connections connects again in each process.

    ``serves(queue)`` says whether this worker consumes a queue, None: as set by ``serve``.
    ``write_result(flow_id, outcome)`` puts the result of a flow where Celery looks for it,
    ``result_in_commit`` gives it to the store where that can write it itself, ``forget_result(flow_id)`` removes
    it. Parts may be
    replaced in simulations: ``storages``, ``runner``, ``imports``, and ``answer``, which answers questions.
    """

    _plain_runner: TaskRunner | None = None

    def __init__(
        self,
        plan: Plan,
        pythonpath: tuple[str, ...],
        settings: AdapterSettings,
        *,
        store: Store,
        publisher: Publisher,
        default_queue: str,
        write_result: Callable[[str, FlowOutcome], None],
        result_in_commit: ResultInCommit = never_in_commit,
        forget_result: Callable[[str], None] = never_forgotten,
        serves: Callable[[str], bool] | None = None,
        surroundings: Surroundings = REAL,
        storages: Storages | None = None,
        runner: Callable[[WorkerServices, Mapping[str, str]], TaskRunner] | None = None,
        tracer: RunTracer | None = None,
        spans: Spans | None = None,
        imports: Imports | None = None,
        answer: Answer | None = None,
        flow_versions: FlowVersions | None = None,
    ) -> None:
        self.surroundings = surroundings
        self.clock = surroundings.now
        self.plan = plan
        self.settings = settings
        self.store = store
        self.publisher = publisher
        self._queues = ServedQueues()
        self.serves: Callable[[str], bool] = self._queues if serves is None else serves
        if flow_versions is None:
            flow_versions = flow_versions_of(plan, store.get_definition)
        self.flow_versions = flow_versions
        self.imports = Imports(pythonpath) if imports is None else imports
        self.messages = MessageBuilder(plan, default_queue, self.clock)
        self.tracer = RunTracer(plan, self.imports) if tracer is None else tracer
        self.spans = Spans(plan) if spans is None else spans
        self.storages = Storages(plan, self.imports, self._trace_storage) if storages is None else storages
        self.tracer.attach(self.storages)
        self.check_schema = SchemaChecker()
        self.inputs = Inputs()
        self.task_calls = TaskCalls(typed=plan.settings.typed_tasks)
        self._runner = _task_runner if runner is None else runner
        self.durations = DurationEstimates()
        self.batch_watchdog = BatchWatchdog(surroundings)
        self.held_deliveries = HeldDeliveries(store)
        self.hidden = redaction(plan.settings.redact)
        self.index_changes = IndexChanges(settings, self.hidden, plan.settings.lanes)
        self.retention = Retention(plan, settings.selinon_state_ttl)
        self.relay = self._outbox_relay(write_result)
        self._answer_of: Answer = self._answer if answer is None else answer
        seen = SEEN_IN_LOG if settings.selinon_keep_seen else 0
        limits = Limits(settings.selinon_max_args_bytes, refers=True, seen=seen)
        self._answerer = QuestionAnswerer(
            plan, self.imports, BoundConditions(self.imports), self.storages, self.inputs, limits
        )
        self._labels, self.limit_keys = Labels(limits), LimitKeys(limits)
        parts = self._executor_parts(result_in_commit, forget_result)
        self.executor = FlowExecutor(parts)
        self.joint_execution = JointExecution(parts, self.executor)

    def _outbox_relay(self, write_result: Callable[[str, FlowOutcome], None]) -> OutboxRelay:
        notices = Notices(self.plan, self.store, self.surroundings.now, self.imports, self.hidden)
        return OutboxRelay(
            self.store,
            self.publisher,
            self.messages,
            self.settings,
            MessageBatcher(self.plan, self.durations, self.settings),
            self.serves,
            lambda id, outcome: write_result(id, with_values(outcome, self.storages)),
            self.surroundings.now,
            self.index_changes,
            self.retention,
            WaitEndings(
                self.plan,
                self.store,
                self.retention.errors,
                self.surroundings.now,
                self.check_schema.signal,
                self._finish_wait,
                self.tracer.wait_ended,
                notices,
            ),
            notices,
        )

    def _finish_wait(self, run: CachedRun, node: NodeRun, task: TaskPlan, ended: Any) -> Attempt:
        """Store what a wait ended with, a value or an exception, as the end of an attempt."""
        args = shown(node.args)
        if isinstance(ended, BaseException):
            assignment = Assignment(run.flow.name, node.id, run.id, args, {}, {}, 1, 0)
            return self.runner({}).judge(task, assignment, ended)
        is_stored = task.storage is not None and not task.storage_readonly
        if is_stored:
            self.storages.store(args, run.flow.name, task.name, node.id, ended)
        return Succeeded(ended, is_stored)

    def _executor_parts(
        self, result_in_commit: ResultInCommit, forget_result: Callable[[str], None]
    ) -> ExecutorParts:
        leases = LeaseRenewer(self.store, self.settings.selinon_lease, self.surroundings)
        return ExecutorParts(
            plan=self.plan,
            settings=self.settings,
            surroundings=self.surroundings,
            store=self.store,
            cache=RunCache(self.settings.selinon_run_cache_size),
            loader=RunLoader(self.plan, self.flow_versions, self.store),
            leases=leases,
            wakeups=WakeupPolicy(self.imports, self.settings),
            questions=QuestionHandler(self._answer_of, leases, self.settings.selinon_max_deferrals),
            messages=self.messages,
            relay=self.relay,
            steps=StepRunner(self.store, self.relay, self.surroundings.monotonic),
            accept=self.accept,
            inline=InlineSelector(self.plan, self.messages, self.serves, self.durations),
            serves=self.serves,
            report=RunReporter(self.tracer, self.spans).take,
            tracer=self.tracer,
            own_trace=self.spans.own,
            result_in_commit=result_in_commit,
            forget_result=forget_result,
            index_changes=self.index_changes,
            labels=self._labels_of,
            retention=self.retention,
            limit_key=self._limit_key_of,
        )

    def serve(self, queues: list[str]) -> None:
        """Set which queues this worker and its children consume."""
        self._queues.set(queues)

    def inline_budget(self, carrier: int) -> InlineBudget:
        """How much may be run inline for the message of a node run (0: of the start of a flow)."""
        return InlineBudget(carrier, self.settings, self.surroundings)

    def shared_budget(self, round: Round) -> SharedBudget:
        """The same for the start of a flow that others take turns with."""
        return SharedBudget(0, self.settings, self.surroundings, round)

    # -- an unreachable store ---------------------------------------------------------------------------------

    def retry_while_unavailable(self, action: Callable[[], T]) -> T:
        """Call the state store; retry with growing pauses while it cannot be reached.

        Raises ``StateStoreError`` when it stays away for ``selinon_store_retry_timeout`` seconds.
        """
        monotonic = self.surroundings.monotonic
        until = monotonic() + self.settings.selinon_store_retry_timeout
        pause = 0.05
        while True:
            try:
                return action()
            except StateStoreError as error:
                if monotonic() + pause > until:
                    raise
                _log.warning("%s; trying again in %.1f s", error, pause)
                self.surroundings.sleep(pause)
                pause = min(pause * 2, 5.0)

    def retry_as_redelivered(self, action: Callable[[bool], T], again: bool) -> T:
        """As ``retry_while_unavailable``, for a message: every retry passes ``redelivered=True``.

        The first try may have been stored although its reply was lost; the retry must not be refused as stale.
        """
        tries = iter((again,))
        return self.retry_while_unavailable(lambda: action(next(tries, True)))

    # -- questions --------------------------------------------------------------------------------------------

    @cached_property
    def _rerun_answers(self) -> RerunAnswers:
        """What answers for runs that run others again; few workers ever have one."""
        from selinon_core.celery.rerunning.rerun_answers import RerunAnswers

        return RerunAnswers(self.store, self.flow_versions, self.storages)

    def _answer(self, run: CachedRun, question: do.Question, results: Mapping[str, Any]) -> on.Event:
        if run.header.rerun and (answer := self._rerun_answers.answer(run, question, results)) is not None:
            return answer
        known = RunResults(self.store, run, results)
        asking = Asking(run.flow, run.id, run.machine.attempt, run.machine.start.parent)
        return self._answerer.answer(asking, question, known)

    def _labels_of(self, run: CachedRun, args: Any) -> dict[str, str]:
        flow = self.plan.flows[run.flow.name]
        if flow.labels is None:
            return {}
        if not isinstance(args, Referring):
            args = self.hidden.masked(args)  # labels are shown to all who list runs
        return self._labels.of(flow, self._scope_at_start(flow, run, args))

    def _limit_key_of(self, run: CachedRun, args: Any) -> str:
        flow = self.plan.flows[run.flow.name]
        return self.limit_keys.of(flow, self._scope_at_start(flow, run, args))

    def _scope_at_start(self, flow: FlowPlan, run: CachedRun, args: Any) -> Scope:
        reader = ResultReader(self.storages, flow, RunResults(self.store, run, {}))
        return Scope(Asking(flow, run.id, 1, {}), reader, self.plan.settings.environment, (), args)

    def accept(self, flow: FlowPlan, args: Any) -> Any:
        """The arguments of a flow run that begins, with the defaults of its input schema.

        Raises ``ArgumentError`` for arguments that do not fit, ``StateStoreError`` while those that are stored
        cannot be read.
        """
        try:
            return self.inputs.accepted(flow, args, ReferredResults(self.storages).decoded)
        except ResultMissingError as error:
            raise ArgumentError(str(error)) from error
        except StorageError as error:
            raise StateStoreError(f"the arguments of flow {flow.name} cannot be read: {error}") from error

    def _trace_storage(self, event: str, details: dict[str, Any]) -> None:
        # Not "silent": that may connect a storage as a sink, and connecting is traced itself.
        if self.tracer.tracer.sinks:
            self.tracer.tracer.emit(event, details)

    # -- tasks ------------------------------------------------------------------------------------------------

    def runner(self, result_locations: Mapping[str, str]) -> TaskRunner:
        """The runner of an attempt; ``result_locations`` says in which flows its parents' results are."""
        if result_locations:
            return self._runner(self, result_locations)
        if self._plain_runner is None:  # most attempts share one
            self._plain_runner = self._runner(self, result_locations)
        return self._plain_runner


def _task_runner(services: WorkerServices, result_locations: Mapping[str, str]) -> TaskRunner:
    context = RunContext(services, result_locations)
    return TaskRunner(
        services.imports,
        services.storages,
        context,
        services.check_schema,
        services.inputs,
        calls=services.task_calls,
    )


def services_of(app: Celery, plan: Plan, pythonpath: tuple[str, ...], settings: AdapterSettings) -> WorkerServices:
    """The services of a worker of a Celery app; raises ``ConfigurationError`` without a place for flow runs."""
    store = open_store(state_url(settings, app.conf.result_backend), *state_options(settings, app.conf))
    tracer = RunTracer(plan, Imports(pythonpath))
    writer = ResultWriter(app, tracer)
    return WorkerServices(
        plan,
        pythonpath,
        _without_batches(settings) if _limits_time(app) else settings,
        store=store,
        publisher=Publisher(app, plan.settings.lanes),
        default_queue=app.conf.task_default_queue,
        write_result=writer,
        forget_result=writer.forget,
        result_in_commit=ResultsInCommits(app, store),
        surroundings=REAL._replace(now=store.clock),
        tracer=tracer,
    )


def flow_versions_of(plan: Plan, fetch: Callable[[str], str | None]) -> FlowVersions:
    """The flows of a plan, with the migration files as they are now; ``fetch`` finds definitions of others."""
    return FlowVersions(plan, flow_indexes(plan), _migrations(plan), fetch)


def _migrations(plan: Plan) -> Migrations:
    """The migration files as they are now: read here, so that a deployment does not change what a worker knows."""
    directory = plan.settings.migration_dir
    migrations = Migrations.load(None if directory is None else expand(directory))
    for version in migrations.versions:
        migrations.file(version)
    return migrations


def _limits_time(app: Celery) -> bool:
    """Whether Celery limits the time of every message: then a message may hold one node run only."""
    task = app.tasks.get(ENVELOPE)  # it has the limits of task_annotations
    of_task = task is not None and (task.time_limit or task.soft_time_limit)
    return bool(app.conf.task_time_limit or app.conf.task_soft_time_limit or of_task)


def _without_batches(settings: AdapterSettings) -> AdapterSettings:
    return settings._replace(selinon_batch_count=1)


class RunContext:
    """The ``TaskContext`` of a running task: results and errors of other node runs."""

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
        return None if text is None else decode_error(text)
