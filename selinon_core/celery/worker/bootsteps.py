"""The bootsteps of a worker: declares queues, runs the sweep, extends the visibility of its messages.

Redis does not see that a consumer's connection is gone, only that a message was not acknowledged for a while
(``visibility_timeout``). A short time makes a dead worker's messages come back soon, a long one keeps long tasks
from running twice. Here workers extend the visibility of the messages they hold every ``REFRESH_EVERY`` seconds,
so that the time can be short however long a task takes.

Clock, threads and the event that stops them are those of the real process, not of ``Surroundings``: Celery calls
the steps, and the times that are compared and written here are Celery's and kombu's, by the clock of this machine.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from celery import bootsteps, signals
from celery.worker import state

from selinon_core.celery.reporting.opentelemetry import Spans
from selinon_core.celery.transport.celery_defaults import (
    REFRESH_EVERY,
    check_accepts_json,
    check_result_backend,
    is_redis,
)
from selinon_core.celery.transport.pending_starts import INTERVAL
from selinon_core.celery.transport.publisher import DISPATCHER, ENVELOPE
from selinon_core.celery.transport.redis_resilience import LostConnectionStep
from selinon_core.celery.transport.start_batch import starts_in
from selinon_core.celery.worker.fork_gate import fork_gate
from selinon_core.celery.worker.notifier import LOOK_AGAIN, LOOK_EVERY, Notifier
from selinon_core.celery.worker.revocation import extend_commands
from selinon_core.celery.worker.scheduler import check_schedules
from selinon_core.celery.worker.sweep import Reaper
from selinon_core.celery.worker.webhooks import check_webhooks
from selinon_core.celery.worker.worker_facts import add_command
from selinon_core.errors import SelinonException

if TYPE_CHECKING:
    from selinon_core.celery.selinon_protocol import Owner
    from selinon_core.plan import Plan

_log = logging.getLogger("selinon")

#: Heartbeats of a long node run within ``selinon_heartbeat_timeout``, after which it counts as stalled.
HEARTBEATS = 6
#: Modules of storages that are private to a process (``DataStorage.private_to_process``); by name, because the
#: main process of a worker imports nothing that tasks use.
_IN_MEMORY = ("selinon_core.storages.memory", "selinon.storages.memory")


def hook_into_workers(selinon: Owner) -> None:
    """Add the bootsteps and start-up checks to the workers of the app."""

    class Maintenance(MaintenanceStep):
        name = "selinon_core.celery.worker.bootsteps:Maintenance"
        owner = selinon

    extend_commands()
    add_command()
    selinon.app.steps["worker"].add(Maintenance)
    selinon.app.steps["consumer"].add(LostConnectionStep)

    def queues_are_known(sender: Any = None, instance: Any = None, **_: Any) -> None:
        if instance.app is selinon.app:
            selinon.services.serve(sorted(instance.app.amqp.queues.consume_from))

    def check(sender: Any = None, instance: Any = None, **_: Any) -> None:
        try:
            if instance.app is selinon.app:
                # What needs no server comes first: its mistakes are not hidden behind a store that is down.
                check_accepts_json(instance.app.conf)
                check_result_backend(instance.app)
                Spans(selinon.plan).check()
                check_schedules(selinon.plan)
                check_webhooks(selinon.plan)
                _warn_of_private_storages(selinon.plan)
                for queue in queues_that_drop(instance.app):
                    _log.warning(
                        "the quorum queue %r has no dead-letter exchange: RabbitMQ 4 drops a message whose "
                        "workers died 20 times; set x-dead-letter-exchange, or x-delivery-limit to -1",
                        queue,
                    )
                queues_are_known(sender, instance)
                selinon.store.prepare()
        except SelinonException as error:
            raise SystemExit(f"selinon: {_described(error)}") from None

    def give_back(**_: Any) -> None:
        # What threads of this process run: they cannot be stopped, and may be killed before they end. Processes of
        # a pool give back what they hold by themselves.
        selinon.services.held_deliveries.give_back()

    signals.celeryd_after_setup.connect(check, weak=False)
    signals.worker_shutting_down.connect(give_back, weak=False)


def private_storages(plan: Plan) -> list[str]:
    """The storages of tasks whose results only the process that stored them can read."""
    used = sorted({task.storage for task in plan.tasks.values() if task.storage is not None})
    return [name for name in used if plan.storages[name].function.module in _IN_MEMORY]


def _warn_of_private_storages(plan: Plan) -> None:
    for name in private_storages(plan):
        _log.warning(
            'storage "%s" keeps results in the memory of one process: tasks and conditions in other processes '
            "do not find them. Name one that processes share (files, Redis, SQL, ...)",
            name,
        )


def queues_that_drop(app: Any) -> list[str]:
    """The consumed queues that, by the configuration, drop a message that came back too often."""
    if is_redis(app.conf.broker_url):
        return []
    found = []
    for name, queue in app.amqp.queues.consume_from.items():
        arguments = queue.queue_arguments or {}
        limited = arguments.get("x-queue-type") == "quorum" and arguments.get("x-delivery-limit") != -1
        if limited and "x-dead-letter-exchange" not in arguments:
            found.append(name)
    return sorted(found)


def _described(error: SelinonException) -> str:
    diagnostics = getattr(error, "diagnostics", ())
    lines = [f"{d.span.file}:{d.span.line}:{d.span.column}: {d.code} {d.message}" for d in diagnostics]
    return "\n".join([str(error), *lines])


class MaintenanceStep(bootsteps.StartStopStep):
    """Threads of the worker's main process: sweep, heartbeats, visibility, revocations, lost starts.

    They start when the processes of the pool are there, and run until those have ended: a task that a shutdown
    waits for needs heartbeats too.
    """

    requires = ("celery.worker.components:Pool",)
    owner: Owner

    def __init__(self, worker: Any, **_: Any) -> None:
        self._stop = threading.Event()
        self._heartbeat_at = 0.0
        self._threads: list[threading.Thread] = []
        self._gate = fork_gate()
        signals.worker_shutdown.connect(self._ended, sender=worker)

    def start(self, worker: Any) -> None:
        """The worker starts."""
        owner = self.owner
        self._reaper = Reaper(owner.services, clean_results=lambda: owner.app.backend.cleanup(), starts=owner)
        jobs: dict[str, Callable[[], None]] = {
            "selinon-sweep": self._sweep,
            "selinon-refresh": lambda: self._refresh(worker),
            "selinon-revoked": lambda: self.owner.revocations.run(self._stop, self._gate.passed),
        }
        if self.owner.pending_starts.enabled:
            jobs["selinon-starts"] = self._resend_lost_starts
        notifier = Notifier(owner.services, gate=self._gate.passed)
        if notifier.is_needed:
            jobs["selinon-notify"] = lambda: self._notify(notifier)
        for name, target in jobs.items():
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _ended(self, **_: Any) -> None:
        """The worker has stopped."""
        self._stop.set()

    def terminate(self, worker: Any) -> None:
        """The worker stops at once."""
        self._stop.set()

    def _sweep(self) -> None:
        while True:
            with self._gate.passed():
                pause = self._reaper.run_once()
            if self._stop.wait(pause):
                return

    def _notify(self, notifier: Notifier) -> None:
        pause = LOOK_EVERY
        while not self._stop.wait(pause):
            try:
                pause = notifier.run_once() if self._reaper.leads else LOOK_EVERY
            except Exception:
                _log.exception("notices cannot be sent")
                pause = LOOK_AGAIN

    def _resend_lost_starts(self) -> None:
        pending, services = self.owner.pending_starts, self.owner.services
        while not self._stop.wait(INTERVAL):
            try:
                with self._gate.passed():
                    if pending.try_lead():
                        pending.resend_lost(services.store, services.publisher, pending.clock())
            except Exception as error:
                _log.warning("cannot look for lost starts: %s: %s", type(error).__name__, error)

    def _refresh(self, worker: Any) -> None:
        while not self._stop.wait(REFRESH_EVERY):
            try:
                with self._gate.passed():
                    extend_visibility(worker)
                    self._heartbeat()
            except Exception as error:
                _log.warning("cannot refresh unacknowledged messages: %s: %s", type(error).__name__, error)

    def _heartbeat(self) -> None:
        """Send heartbeats for node runs that take long."""
        now = time.time()
        if now < self._heartbeat_at:
            return
        every = self.owner.settings.selinon_heartbeat_timeout / HEARTBEATS
        self._heartbeat_at = now + every
        store = self.owner.store
        for flow_id, numbers in long_running_nodes(self.owner.app, now - every):
            store.heartbeat(flow_id, numbers, store.clock())


def long_running_nodes(app: Any, since: float) -> list[tuple[str, list[int]]]:
    """The node runs, by flow run id, of messages that were taken by a process of this worker before then.

    0 stands for the message that started the flow run.
    """
    held: list[tuple[str, list[int]]] = []
    for request in list(state.active_requests):
        if request.app is not app or not request.time_start or request.time_start > since:
            continue
        kwargs = request.kwargs
        if request.task.name == DISPATCHER:
            held += [(start["id"], [0]) for start in starts_in(kwargs)]
        elif request.task.name == ENVELOPE:
            nodes = kwargs.get("nodes") or [kwargs]
            held.append((kwargs["id"], [node["number"] for node in nodes]))
    return held


def extend_visibility(worker: Any) -> int:
    """Extend the visibility timeout of the messages this worker holds on Redis; returns how many."""
    consumer = getattr(getattr(worker, "consumer", None), "task_consumer", None)
    channel: Any = getattr(consumer, "channel", None)
    qos: Any = getattr(channel, "qos", None)
    key = getattr(qos, "unacked_index_key", None)
    if key is None:
        return 0
    for _ in range(10):
        try:
            tags = list(qos._delivered)
            break
        except RuntimeError:  # changed while it was listed
            continue
    else:
        return 0
    if tags:
        with channel.conn_or_acquire() as client:
            now = time.time()
            client.zadd(key, dict.fromkeys(tags, now), xx=True)
    return len(tags)
