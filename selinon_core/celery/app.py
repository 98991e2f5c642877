"""``Selinon``, the entry point: registers a project's flows on a Celery app, starts and cancels flow runs.

>>> app = Celery("shop", broker="redis://...", backend="redis://...")
>>> selinon = Selinon(app, paths=["nodes.yaml", "flows/"])
>>> run = selinon.run_flow("order", {"id": 7})

Workers are ordinary Celery workers of that app. Importing this module imports Celery.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from celery import Celery

from selinon_core.celery.handle import FlowHandle
from selinon_core.celery.reporting.opentelemetry import Spans
from selinon_core.celery.reporting.run_export import export_run
from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.celery.reporting.run_status import describe_pending, described
from selinon_core.celery.services import WorkerServices, services_of
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.steering import Pausing, Reruns, Retry, ScheduleSteering, Signalled, Signals, Steering
from selinon_core.celery.steering.auditing import record
from selinon_core.celery.steering.starts import StartSteering
from selinon_core.celery.stores import Store
from selinon_core.celery.transport.broker_deadline import within
from selinon_core.celery.transport.celery_defaults import CONFIGURATION, improve_transport
from selinon_core.celery.transport.message_builder import MessageBuilder
from selinon_core.celery.transport.message_limits import MAX_NAME, check_json, unfit_for_line
from selinon_core.celery.transport.pending_starts import PendingStart, PendingStarts
from selinon_core.celery.transport.publisher import Publisher
from selinon_core.celery.worker.celery_tasks import register_tasks
from selinon_core.celery.worker.revocation import Revocations
from selinon_core.diagnostics.wording import hint
from selinon_core.dispatch import select
from selinon_core.errors import ConfigurationError, RequestError, UnknownFlowError, UnknownRunError
from selinon_core.plan import Plan
from selinon_core.rerunning.request import DEFAULT_SELECT, RECORDED, Request
from selinon_core.runtime.ids import is_flow_id, keyed_flow_id, random_flow_id
from selinon_core.runtime.inputs import Inputs, UncheckedArguments

_log = logging.getLogger("selinon")

#: Seconds that a caller waits for the broker.
REQUEST_TIMEOUT = 10.0
#: Seconds that a start may be given to wait, a thousand years.
_LONGEST_WAIT = 3.2e10


def owner_of(app: Celery) -> Selinon | None:
    """The ``Selinon`` that was made for an app, None when there is none."""
    owner: Selinon | None = getattr(app, "_selinon_owner", None)
    return owner


def _claim(app: Any, owner: Selinon) -> None:
    """Record whose flows an app runs; raises ``ConfigurationError`` for a second owner.

    Both would register the same two Celery tasks, and Celery keeps the first of a name: flows of the second owner
    would be refused by the workers of its own app.
    """
    if owner_of(app) is not None:
        raise ConfigurationError(
            f"the Celery app {app.main or 'without a name'!r} has a Selinon already, and an app runs the flows of "
            "one: give all files to that one (Selinon(app, paths=[...])), or make another app with its own queues"
        )
    app._selinon_owner = owner


class Selinon:
    """Runs the flows of one project through one Celery app.

    Give ``paths`` (files and directories; none: as ``compile_project``) or a compiled ``plan``. Nothing is read
    and nothing connected before it is needed. ``pythonpath`` is where the project's modules are looked for. Raises
    ``ConfigurationError`` for an app that has a ``Selinon`` already.

    The class is long because it is the whole client: each method is a few lines that lead to where it is done.
    """

    def __init__(
        self,
        app: Celery,
        paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
        *,
        plan: Plan | None = None,
        pythonpath: Iterable[str] = (),
    ) -> None:
        _claim(app, self)
        self.app = app
        self._paths = paths
        self._plan = plan
        self._pythonpath = tuple(pythonpath)
        self._lock = threading.RLock()
        self._services: WorkerServices | None = None
        self._reader: RunReader | None = None
        self._publishing: tuple[MessageBuilder, Publisher] | None = None
        self._inputs: Inputs | None = None
        #: On Redis, starts of flow runs that may get lost.
        self.pending_starts = PendingStarts(app)
        #: In workers, what Celery throws away on purpose.
        self.revocations = Revocations(self)
        app.add_defaults(lambda: dict(CONFIGURATION))
        app.on_after_configure.connect(improve_transport, weak=False)
        register_tasks(self)
        from selinon_core.celery.worker.bootsteps import hook_into_workers

        hook_into_workers(self)

    # -- parts ------------------------------------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        """The compiled project; raises ``ConfigurationError`` with its mistakes."""
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
    def pythonpath(self) -> tuple[str, ...]:
        """Where modules of the project are looked for."""
        return self._pythonpath

    @property
    def settings(self) -> AdapterSettings:
        """The ``selinon_*`` settings."""
        return AdapterSettings.of(self.app.conf)

    @property
    def services(self) -> WorkerServices:
        """The services of a worker; raises ``ConfigurationError`` when there is no place for flow runs."""
        if self._services is None:
            with self._lock:
                if self._services is None:
                    plan = self.plan
                    self._services = services_of(self.app, plan, self._pythonpath, self.settings)
        return self._services

    @property
    def store(self) -> Store:
        """The state store."""
        return self.services.store

    @property
    def reader(self) -> RunReader:
        """Reads flow runs of the store, each of them replayed once."""
        if self._reader is None:
            services = self.services
            self._reader = RunReader(services.store, services.flow_versions)
        return self._reader

    @property
    def schedules(self) -> ScheduleSteering:
        """The schedules of the project: ``list()``, ``pause(name)``, ``resume(name)``."""
        return ScheduleSteering(self)

    def _publisher(self) -> tuple[MessageBuilder, Publisher]:
        if self._publishing is None:
            plan = self.plan
            messages = MessageBuilder(plan, self.app.conf.task_default_queue)
            self._publishing = messages, Publisher(self.app, plan.settings.lanes)
        return self._publishing

    # -- for callers ------------------------------------------------------------------------------------------

    def run_flow(
        self,
        flow: str,
        node_args: Any = None,
        *,
        key: str | None = None,
        lane: str | None = None,
        expires: float | None = None,
        timeout: float | None = REQUEST_TIMEOUT,
    ) -> FlowHandle:
        """Ask for a run of a flow. Needs nothing but the broker; a worker creates the run.

        All starts of the flow with one ``key`` (text of 1 to 255 characters, in one line) mean one run and return
        the same handle, until ``selinon_state_ttl`` after its end. The first start counts; ``status(id)`` and the
        trace event ``START_CONFLICT`` say when a later one has other arguments.

        The run, its tasks and its sub-flows are in ``lane``, one of ``global.lanes``; None: in that of the flow.

        If no worker begins the run within ``expires`` seconds, it is cancelled before it begins; None: that of the
        flow counts. A start without any waits as long as it has to.

        ``node_args`` is a JSON value. Raises ``UnknownFlowError``, ``RequestError`` for an unknown lane and for
        arguments that JSON cannot hold or that are too large, ``ArgumentError`` for what does not fit the flow's
        ``input_schema``, kombu's ``OperationalError`` when the broker cannot be reached, and ``TimeoutError`` when
        it does not take the request within ``timeout`` seconds (None: no limit); the flow may still run then.
        """
        return self._start(flow, node_args, None, key, lane, expires, timeout)

    def run_flow_selective(
        self,
        flow: str,
        task_names: Iterable[str],
        node_args: Any = None,
        follow_subflows: bool = False,
        run_subsequent: bool | Iterable[str] = False,
        *,
        key: str | None = None,
        lane: str | None = None,
        expires: float | None = None,
        timeout: float | None = REQUEST_TIMEOUT,
    ) -> FlowHandle:
        """Ask for a run of only what leads to the named tasks; also raises ``SelectiveNoPathError``.

        Another selection under the same ``key`` is a conflict, as other arguments are.
        """
        self._require_flow(flow)
        selective = select(self.plan, flow, task_names, follow_subflows, run_subsequent)
        return self._start(flow, node_args, selective.to_json(), key, lane, expires, timeout)

    def _start(
        self,
        flow: str,
        node_args: Any,
        selective: dict[str, Any] | None,
        key: str | None,
        lane: str | None,
        expires: float | None,
        timeout: float | None,
    ) -> FlowHandle:
        self._require_flow(flow)
        lanes = self.plan.settings.lanes
        if lane is not None and lane not in lanes:
            raise RequestError(f'no lane is named "{str(lane)[:50]}"{hint(str(lane), lanes)}')
        if expires is not None and not 0 < expires < _LONGEST_WAIT:
            raise RequestError(f"expires is not a number of seconds above 0: {str(expires)[:50]}")
        if key is not None and unfit_for_line(key, MAX_NAME):
            raise RequestError(f"key is not a text of 1 to {MAX_NAME} characters in one line: {str(key)[:50]!r}")
        limits = AdapterSettings.of(self.app.conf, "selinon_max_message_bytes")
        check_json(node_args, limits.selinon_max_message_bytes)
        self._check_arguments(flow, node_args)
        messages, publisher = self._publisher()
        id = random_flow_id() if key is None else keyed_flow_id(flow, key)
        seconds = self.plan.flows[flow].expires if expires is None else expires
        until = None if seconds is None else self.pending_starts.clock() + seconds
        message = messages.of_request(
            flow, id, node_args, selective, Spans(self.plan).current(), key, lane=lane, expires=until
        )

        note = self.pending_starts.note(message) if self.pending_starts.enabled else None
        within(timeout, lambda: publisher.send([message], note), f"the start of {flow}")
        return FlowHandle(self, id, flow)

    def _check_arguments(self, flow: str, node_args: Any) -> None:
        """Raise ``ArgumentError`` for what the flow would refuse; not where its schema is not at hand."""
        plan = self.plan.flows[flow]
        if plan.input_schema is None:
            return
        if self._inputs is None:
            self._inputs = Inputs()
        try:
            self._inputs.fitted(plan, node_args)
        except UncheckedArguments as error:
            _log.debug("%s; the worker that begins the flow run checks them", error)

    def _require_flow(self, flow: str) -> None:
        if flow not in self.plan.flows:
            raise UnknownFlowError(f'no flow is named "{flow}"{hint(flow, self.plan.flows)}')

    def cancel(
        self, id: str, flow: str | None = None, by: str | None = None, *, timeout: float | None = REQUEST_TIMEOUT
    ) -> None:
        """Ask for the end of a flow run; without ``flow`` the state store is asked which one it is.

        ``by`` says who asks, for the audit; with ``flow`` and without ``by`` only the broker is needed, and the
        audit has nothing. Raises ``RequestError`` for an unknown run, and as ``run_flow`` for the broker.
        """
        messages, publisher = self._publisher()
        queue = None
        if flow is None or by is not None:
            if flow is None:
                flow, queue = self._flow_of(id)
            record(self.store, "cancel", id, by)
        message = messages.wake(flow, id, queue, cancel=True)
        within(timeout, lambda: publisher.send([message]), f"the request to cancel {id}")

    def retry(
        self,
        id: str,
        nodes: Sequence[str] | None = None,
        by: str | None = None,
        *,
        timeout: float | None = REQUEST_TIMEOUT,
    ) -> Retry:
        """Ask for a failed flow run to go on, see ``steering.Steering.retry``."""
        return Steering(self).retry(id, nodes, by, timeout=timeout)

    def rerun(
        self,
        id: str,
        select: Sequence[str] = DEFAULT_SELECT,
        exclude: Sequence[str] = (),
        *,
        give: Mapping[str, Any] = {},
        node_args: Any = RECORDED,
        reconsider: bool = False,
        if_changed: bool = False,
        by: str | None = None,
        timeout: float | None = REQUEST_TIMEOUT,
    ) -> FlowHandle:
        """Ask for a new run that reuses what an ended flow run did, and runs the rest again.

        ``select`` and ``exclude`` are selectors, as ``selinon rerun`` takes them; by default what failed and what
        had not ended runs again. ``give`` has results by the names of tasks that do not run. ``node_args`` are
        other arguments of the flow. ``by`` says who asks, for the audit. ``steering.Reruns`` has a preview. Raises
        ``RequestError`` with the reason when the run cannot be run again, and as ``run_flow`` for the broker.
        """
        request = Request(tuple(select), tuple(exclude), give, node_args, reconsider, if_changed)
        planned, new = Reruns(self).rerun(id, request, by, timeout=timeout)
        return FlowHandle(self, new, planned.flow)

    def signal(
        self,
        id: str,
        node: str,
        value: Any = None,
        *,
        reject: str | None = None,
        by: str | None = None,
        early: bool = False,
        timeout: float | None = REQUEST_TIMEOUT,
    ) -> Signalled:
        """Give a task that waits what it waits for, see ``steering.Signals.signal``."""
        return Signals(self).signal(id, node, value, reject=reject, by=by, early=early, timeout=timeout)

    def pause(
        self, id: str, by: str | None = None, *, flow: str | None = None, timeout: float | None = REQUEST_TIMEOUT
    ) -> bool:
        """Ask for a pause of a flow run, see ``steering.pausing.Pausing.ask``."""
        return Pausing(self).ask(id, True, by, flow, timeout=timeout)

    def resume(self, id: str, by: str | None = None, *, timeout: float | None = REQUEST_TIMEOUT) -> bool:
        """Ask for a paused flow run to go on, see ``steering.pausing.Pausing.ask``."""
        return Pausing(self).ask(id, False, by, timeout=timeout)

    @property
    def starts(self) -> StartSteering:
        """The starts of the flows: ``pause(flow)``, ``resume(flow)``, ``paused()``."""
        return StartSteering(self)

    def status(self, id: str) -> dict[str, Any]:
        """The status of a flow run, see ``reporting.run_status``; raises ``RequestError`` for an unknown one.

        A run that was requested and that no worker has begun is ``pending``. Redis as the broker knows these runs.
        Other brokers do not say which starts wait: there every id of the form that ``run_flow`` returns is
        ``pending`` while there is no run, and its ``flow`` is None.
        """
        try:
            return described(self.reader, id)
        except RequestError:
            pending = self._pending(id)
        # It may have begun between the two questions.
        return described(self.reader, id) if pending is None else pending

    def _pending(self, id: str) -> dict[str, Any] | None:
        """The status of a run that no worker has begun; None when there is no such run."""
        cannot_say = "no worker has begun it, or there is no such flow run: the broker cannot say"
        if self.pending_starts.enabled:
            found: list[PendingStart | None] = []
            ask = f"the question for the start of {id}"
            try:
                within(REQUEST_TIMEOUT, lambda: found.append(self.pending_starts.find(id)), ask)
            except Exception as error:
                cannot_say += f" ({type(error).__name__}: {error})"
            else:
                (start,) = found
                if start is None:
                    return None
                asked = start.message.kwargs
                return describe_pending(id, asked.get("flow"), start.message.queue, start.at, key=asked.get("key"))
        return describe_pending(id, reason=cannot_say) if is_flow_id(id) else None

    def export(self, id: str, *, results: bool = True, redact: bool = True) -> dict[str, Any]:
        """A flow run as one JSON value, see ``reporting.run_export``; ``RequestError`` for an unknown one."""
        return export_run(self.reader, self.services.storages, id, results=results, redact=redact)

    def handle(self, id: str) -> FlowHandle:
        """The handle of a flow run by its id; raises ``RequestError`` when nothing is known of it."""
        return FlowHandle(self, id, self._flow_of(id)[0])

    def _flow_of(self, id: str) -> tuple[str, str]:
        """Flow and dispatcher queue of a run, also of one that no worker has begun if the broker knows it."""
        header = self.store.header(id)
        found = (self._pending(id) or self.store.header(id)) if header is None else header
        if found is None or found["flow"] is None:
            raise UnknownRunError(f"there is no flow run {id}")
        return found["flow"], found["queue"]
