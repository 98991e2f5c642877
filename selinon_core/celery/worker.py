"""What a worker does beside running tasks: its queues, the sweep, and keeping its messages its own.

Redis knows no connections of consumers, only that a message was not acknowledged for a while
(``visibility_timeout``). A short time makes a dead worker's messages come back soon, a long one keeps long tasks
from running twice. Here workers say every ``REFRESH_EVERY`` seconds that they still hold theirs, so that the time
can be short however long a task takes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from celery import bootsteps, signals

from selinon_core.celery.defaults import REFRESH_EVERY
from selinon_core.celery.starts import INTERVAL
from selinon_core.celery.sweep import Sweeper
from selinon_core.errors import SelinonException

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon

_log = logging.getLogger("selinon")


def hook_into_workers(selinon: Selinon) -> None:
    """Make workers of the app look after its flows."""

    class Caretaker(CaretakerStep):
        name = "selinon_core.celery.worker:Caretaker"
        owner = selinon

    selinon.app.steps["worker"].add(Caretaker)

    def queues_are_known(sender: Any = None, instance: Any = None, **_: Any) -> None:
        if instance.app is selinon.app:
            selinon.engine.serve(sorted(instance.app.amqp.queues.consume_from))

    def check(sender: Any = None, instance: Any = None, **_: Any) -> None:
        try:
            queues_are_known(sender, instance)
            if instance.app is selinon.app:
                selinon.store.prepare()
        except SelinonException as error:
            raise SystemExit(f"selinon: {_told(error)}") from None

    signals.celeryd_after_setup.connect(check, weak=False)


def _told(error: SelinonException) -> str:
    diagnostics = getattr(error, "diagnostics", ())
    lines = [f"{d.span.file}:{d.span.line}:{d.span.column}: {d.code} {d.message}" for d in diagnostics]
    return "\n".join([str(error), *lines])


class CaretakerStep(bootsteps.StartStopStep):
    """A thread of the worker's main process: sweeps, and refreshes the messages this worker holds."""

    owner: Selinon

    def __init__(self, worker: Any, **_: Any) -> None:
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, worker: Any) -> None:
        """The worker starts."""
        jobs: dict[str, Callable[[], None]] = {
            "selinon-sweep": self._sweep,
            "selinon-refresh": lambda: self._refresh(worker),
        }
        if self.owner.ledger.enabled:
            jobs["selinon-starts"] = self._remind_of_starts
        for name, target in jobs.items():
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, worker: Any) -> None:
        """The worker stops; what it still runs is kept until the process ends."""
        self._stop.set()

    def terminate(self, worker: Any) -> None:
        """The worker stops at once."""
        self._stop.set()

    def _sweep(self) -> None:
        sweeper = Sweeper(self.owner.engine)
        while not self._stop.wait(sweeper.tick()):
            pass

    def _remind_of_starts(self) -> None:
        ledger, engine = self.owner.ledger, self.owner.engine
        while not self._stop.wait(INTERVAL):
            try:
                if ledger.lead():
                    ledger.remind(engine.store, engine.publisher, ledger.clock())
            except Exception as error:
                _log.warning("cannot look for lost starts: %s: %s", type(error).__name__, error)

    def _refresh(self, worker: Any) -> None:
        while not self._stop.wait(REFRESH_EVERY):
            try:
                refresh_unacknowledged(worker)
            except Exception as error:
                _log.warning("cannot refresh unacknowledged messages: %s: %s", type(error).__name__, error)


def refresh_unacknowledged(worker: Any) -> int:
    """Tell Redis that the messages this worker holds are still being worked on; returns how many."""
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
