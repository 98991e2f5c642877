"""``Selinon``: flows of a project on a Celery app.

>>> app = Celery("shop", broker="redis://...", backend="redis://...")
>>> selinon = Selinon(app, paths=["nodes.yaml", "flows/"])
>>> run = selinon.run_flow("order", {"id": 7})

Workers are ordinary Celery workers of that app. Importing this module imports Celery.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable
from typing import Any, NoReturn

from celery import Celery
from celery.exceptions import Ignore, Reject

from selinon_core.celery.execution.flow_executor import InlineBudget
from selinon_core.celery.handle import FlowHandle, check_json
from selinon_core.celery.reporting.opentelemetry import HEADER, Spans
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores import Store
from selinon_core.celery.transport.defaults import CONFIGURATION, improve_transport
from selinon_core.celery.transport.message_builder import MessageBuilder
from selinon_core.celery.transport.message_schema import (
    NodeMessage,
    StartMessage,
    WakeMessage,
    is_v1_message,
    read_dispatch,
    read_nodes,
)
from selinon_core.celery.transport.pending_starts import PendingStarts
from selinon_core.celery.transport.publisher import DISPATCHER, ENVELOPE, OutgoingMessage, Publisher
from selinon_core.celery.worker.shutdown import shutdown_guard
from selinon_core.celery.worker.task_handler import TaskMessageHandler
from selinon_core.celery.worker.unroutable import (
    PAUSE,
    Disposition,
    UnroutableMessages,
    requeue_at_tail,
    unknown_in,
)
from selinon_core.dispatch import select
from selinon_core.errors import (
    ConfigurationError,
    FormatSkew,
    MessageRefused,
    RequestError,
    StateStoreError,
    UnknownFlowError,
)
from selinon_core.plan import Plan
from selinon_core.runtime.ids import random_flow_id

_log = logging.getLogger("selinon")


class Selinon:
    """Runs the flows of one project through one Celery app.

    Give ``paths`` (files and directories; none: as ``compile_project``) or a compiled ``plan``. Nothing is read
    and nothing connected before it is needed. ``pythonpath`` is where the project's modules are looked for.
    """

    def __init__(
        self,
        app: Celery,
        paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
        *,
        plan: Plan | None = None,
        pythonpath: Iterable[str] = (),
    ) -> None:
        self.app = app
        self._paths = paths
        self._plan = plan
        self._pythonpath = tuple(pythonpath)
        self._lock = threading.RLock()
        self._services: WorkerServices | None = None
        self._publishing: tuple[MessageBuilder, Publisher] | None = None
        self._unroutable = UnroutableMessages()
        #: On Redis, starts of flow runs that may get lost.
        self.pending_starts = PendingStarts(app)
        app.add_defaults(lambda: dict(CONFIGURATION))
        app.on_after_configure.connect(improve_transport, weak=False)
        self._register()
        from selinon_core.celery.worker.maintenance import hook_into_workers

        hook_into_workers(self)

    # -- parts ------------------------------------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        """The compiled project; raises ``ConfigurationError`` with what is wrong with it."""
        if self._plan is None:
            with self._lock:
                if self._plan is None:
                    self._plan = self._compile()
        return self._plan

    def _compile(self) -> Plan:
        from selinon_core.project import compile_project

        project = compile_project(() if self._paths is None else self._paths, pythonpath=self._pythonpath)
        if project.plan is None:
            raise ConfigurationError("the project has errors", tuple(project.diagnostics))
        self._pythonpath = tuple(project.pythonpath)
        return project.plan

    @property
    def settings(self) -> AdapterSettings:
        """The ``selinon_*`` settings."""
        return AdapterSettings.of(self.app.conf)

    @property
    def services(self) -> WorkerServices:
        """What workers need; raises ``ConfigurationError`` when flow runs cannot be kept anywhere."""
        if self._services is None:
            with self._lock:
                if self._services is None:
                    plan = self.plan
                    self._services = WorkerServices(self.app, plan, self._pythonpath, self.settings)
        return self._services

    @property
    def store(self) -> Store:
        """The state store."""
        return self.services.store

    def _publisher(self) -> tuple[MessageBuilder, Publisher]:
        if self._publishing is None:
            self._publishing = (MessageBuilder(self.plan, self.app.conf.task_default_queue), Publisher(self.app))
        return self._publishing

    # -- for callers ------------------------------------------------------------------------------------------

    def run_flow(self, flow: str, node_args: Any = None) -> FlowHandle:
        """Ask for a run of a flow. Needs nothing but the broker; a worker creates the run.

        ``node_args`` is a JSON value. Raises ``UnknownFlowError``, ``RequestError`` for arguments that JSON cannot
        hold or that are too large, and kombu's ``OperationalError`` when the broker cannot be reached.
        """
        return self._start(flow, node_args, None)

    def run_flow_selective(
        self,
        flow: str,
        task_names: Iterable[str],
        node_args: Any = None,
        follow_subflows: bool = False,
        run_subsequent: bool | Iterable[str] = False,
    ) -> FlowHandle:
        """Ask for a run of only what leads to the named tasks; also raises ``SelectiveNoPathError``."""
        self._require_flow(flow)
        selective = select(self.plan, flow, task_names, follow_subflows, run_subsequent)
        return self._start(flow, node_args, selective.to_json())

    def _start(self, flow: str, node_args: Any, selective: dict[str, Any] | None) -> FlowHandle:
        self._require_flow(flow)
        check_json(node_args, self.settings.selinon_max_message_bytes)
        writer, publisher = self._publisher()
        id = random_flow_id()
        kwargs: dict[str, Any] = {"action": "start", "flow": flow, "id": id}
        if node_args is not None:
            kwargs["args"] = node_args
        if selective is not None:
            kwargs["selective"] = selective
        trace = Spans(self.plan).current()
        headers = {HEADER: trace} if trace else None
        shown = f"selinon.flow.{flow}"
        letter = OutgoingMessage(writer.queue(flow), DISPATCHER, shown, id, id, kwargs, headers=headers)
        if self.pending_starts.enabled:
            self.pending_starts.add(letter)
        publisher.send([letter])
        return FlowHandle(self, id, flow)

    def _require_flow(self, flow: str) -> None:
        if flow not in self.plan.flows:
            from selinon_core.diagnostics.wording import suggestion

            raise UnknownFlowError(f'no flow is named "{flow}"{suggestion(flow, self.plan.flows)}')

    def cancel(self, id: str, flow: str | None = None) -> None:
        """Ask for the end of a flow run; without ``flow`` the state store is asked which one it is.

        Raises ``RequestError`` when the store does not know the run.
        """
        writer, publisher = self._publisher()
        queue = None
        if flow is None:
            header = self.store.header(id)
            if header is None:
                raise RequestError(f"there is no flow run {id}")
            flow, queue = header["flow"], header["queue"]
        publisher.send([writer.wake(flow, id, queue, cancel=True)])

    def status(self, id: str) -> dict[str, Any]:
        """What is known of a flow run: see ``reporting.run_status``; raises ``RequestError``."""
        from selinon_core.celery.reporting.run_status import describe

        return describe(self.services, id)

    def handle(self, id: str) -> FlowHandle:
        """The handle of a flow run by its id; raises ``RequestError`` when the store does not know it."""
        header = self.store.header(id)
        if header is None:
            raise RequestError(f"there is no flow run {id}")
        return FlowHandle(self, id, header["flow"])

    # -- the two Celery tasks ---------------------------------------------------------------------------------

    def _register(self) -> None:
        options: dict[str, Any] = {
            "bind": True,
            "shared": False,  # another app of this process has tasks of its own by these names
            "acks_late": True,
            "ignore_result": True,
            "retry_on_worker_lost": True,
            "reject_on_worker_lost": True,  # only where publishing the retry fails; deliveries are counted
            "max_retries": None,
            "default_retry_delay": 0,
            "track_started": False,
            "store_errors_even_if_ignored": False,
            "serializer": "json",
            "Request": "selinon_core.celery.worker.celery_request:NodeRequest",
            "Strategy": "selinon_core.celery.worker.celery_request:strategy",
            "selinon": self,
        }
        selinon = self

        # A predicate that kills its worker must not do so for ever; the sweep reminds of its flow more rarely.
        @self.app.task(name=DISPATCHER, **{**options, "max_retries": 10})
        def dispatcher(celery_task: Any, *args: Any, **kwargs: Any) -> None:
            with shutdown_guard():
                selinon.dispatch(celery_task, kwargs)

        @self.app.task(name=ENVELOPE, **options)
        def envelope(celery_task: Any, *args: Any, **kwargs: Any) -> None:
            with shutdown_guard():
                selinon.run_nodes(celery_task, kwargs)

    def dispatch(self, task: Any, kwargs: dict[str, Any]) -> None:
        """Handle a message of ``selinon.Dispatcher``."""
        message = self._read(task, kwargs, read_dispatch)
        if message is None or self._handle_unroutable(task, message):
            return
        if isinstance(message, StartMessage):
            message = message._replace(trace=_traceparent(task))
        services = self.services
        try:
            if isinstance(message, StartMessage):
                start = message
                budget = InlineBudget(0, services.settings)
                ahead = services.retry_as_redelivered(
                    lambda again: services.executor.start(start, again, budget), _is_redelivery(task)
                )
                TaskMessageHandler(services).run_inline(ahead, budget)
            elif message.cancel:
                services.retry_while_unavailable(lambda: services.executor.cancel(message.id, message.flow))
            else:
                services.retry_while_unavailable(lambda: services.executor.process_due_work(message.id))
        except StateStoreError as error:
            self._give_back(str(error))
        except Exception as error:
            self._bug(message, error)
            if isinstance(message, StartMessage):  # of everything else the sweep will remind
                self._give_back(str(error))

    def run_nodes(self, task: Any, kwargs: dict[str, Any]) -> None:
        """Handle a message of ``selinon.SelinonTaskEnvelope``."""
        read = self._read(task, kwargs, read_nodes)
        if read is None:
            return
        trace = _traceparent(task)
        messages = [message._replace(trace=trace) for message in read]
        known = [message for message in messages if unknown_in(self.plan, message) is None]
        try:
            if known:
                TaskMessageHandler(self.services).handle(known, _is_redelivery(task))
        except StateStoreError as error:
            self._give_back(str(error))
        except Exception as error:  # counts as a delivery, so it comes to an end
            self._bug(messages[0], error)
            self._give_back(str(error))
        for message in messages:
            self._handle_unroutable(task, message)

    def _read(self, task: Any, kwargs: dict[str, Any], reader: Any) -> Any:
        """The checked message, None when it was refused (which is told)."""
        if is_v1_message(kwargs):
            self._refused(task, "a message in the format of selinon 1.x; it is put back")
            self._give_back("not ours")
        try:
            return reader(kwargs, self.services.settings.selinon_max_message_bytes)
        except FormatSkew as error:
            if self._unroutable.is_first(task.request.id):
                self.services.tracer.warn("MIGRATION_SKEW", f"{error}; left to another worker")
            self._put_back(task, str(error))
        except MessageRefused as error:
            self._refused(task, str(error))
            return None

    def _handle_unroutable(self, task: Any, message: NodeMessage | StartMessage | WakeMessage) -> bool:
        """Whether a message names what is unknown here; what becomes of it is seen to."""
        unknown = unknown_in(self.plan, message)
        if unknown is None:
            return False
        services = self.services
        try:
            if services.retry_while_unavailable(lambda: self._may_be_cancelled(message)):
                return False
            fate = services.retry_while_unavailable(
                lambda: self._unroutable.disposition(services, message, unknown)
            )
        except StateStoreError as error:
            self._give_back(str(error))
        if fate is Disposition.PUT_BACK:
            self._put_back(task, unknown)
        if fate is Disposition.REFUSE:
            self._refused(task, unknown)
        return True

    def _may_be_cancelled(self, message: NodeMessage | StartMessage | WakeMessage) -> bool:
        """Whether this asks for the end of a run, which needs nothing of its flow."""
        return isinstance(message, WakeMessage) and message.cancel and self.store.header(message.id) is not None

    def _bug(self, message: NodeMessage | StartMessage | WakeMessage, error: Exception) -> None:
        _log.exception("flow run %s of %s cannot be advanced", message.id, message.flow)
        what = f"{type(error).__name__}: {error}"
        details = {"flow_name": message.flow, "dispatcher_id": message.id}
        self.services.tracer.warn("DISPATCHER_FAILURE", what, **details)

    def _refused(self, task: Any, why: str) -> None:
        self.services.tracer.warn("DISPATCHER_FAILURE", f"message {task.request.id} refused: {why}")

    def _put_back(self, task: Any, why: str) -> NoReturn:
        """Leave a message to another worker."""
        if requeue_at_tail(self.services, task, _is_redelivery(task), _traceparent(task)):
            time.sleep(PAUSE)
            raise Ignore(why)
        self._give_back(why, PAUSE)

    @staticmethod
    def _give_back(why: str, pause: float = 1.0) -> NoReturn:
        time.sleep(pause)  # it would come straight back
        raise Reject(why, requeue=True)


def _is_redelivery(task: Any) -> bool:
    """Whether the message was delivered before: by the broker, or by Celery after a lost worker process."""
    request = task.request
    return bool(request.retries or (request.delivery_info or {}).get("redelivered"))


def _traceparent(task: Any) -> str:
    """The trace a message belongs to, as its header says."""
    found = getattr(task.request, HEADER, None) or (task.request.headers or {}).get(HEADER)
    return found if isinstance(found, str) else ""
