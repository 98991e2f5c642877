"""The sweep: finds flow runs with due timers, waiting outbox entries or silent workers, and has them advanced.

It runs in a thread of every worker's main process; one of them leads, and keeps the index of runs complete
(``index_upkeep``) and starts what is scheduled (``scheduler``). It never runs tasks and never advances a flow
itself: it sends a wake-up message to the flow's dispatcher queue. The store finds due runs by time, so that flow
runs that only wait cost nothing.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable

from selinon_core.celery.services import WorkerServices
from selinon_core.celery.stores.protocol import FOREVER, Due
from selinon_core.celery.worker.index_upkeep import IndexUpkeep
from selinon_core.celery.worker.limit_upkeep import LimitUpkeep
from selinon_core.celery.worker.scheduler import LOOK_AGAIN, Scheduler, Starts
from selinon_core.celery.worker.stuck_runs import StuckRuns
from selinon_core.errors import StateStoreError

_log = logging.getLogger("selinon")

#: Runs claimed in one step of the store.
BATCH = 200
#: The shortest pause between two sweeps, in seconds: runs that become due one by one are claimed together.
LEAST_PAUSE = 0.25
#: While a queue holds at least so many messages, of the wake-ups for it one in so many is sent.
LONG_QUEUE = 200
WAKE_ONE_IN = 10
#: Seconds between two clean-ups of the result backend.
CLEAN_EVERY = 86400.0


class Reaper:
    """One worker's part in the sweep; ``clean_results`` removes old results, ``starts`` starts schedules."""

    def __init__(
        self,
        services: WorkerServices,
        clean_results: Callable[[], object] = lambda: None,
        starts: Starts | None = None,
    ) -> None:
        self._services = services
        self._owner = uuid.uuid4().hex
        self._pause = services.settings.selinon_sweep_interval
        self._clean = clean_results
        self._clean_at = 0.0
        self._index = IndexUpkeep(services)
        self._limits = LimitUpkeep(services)
        self._scheduler = None if starts is None else Scheduler(services, starts)
        self._stuck = StuckRuns(services, services.relay.notices)
        #: Whether this worker led at its last sweep.
        self.leads = False

    def run_once(self) -> float:
        """Sweep once, if this worker leads; returns the seconds until the next sweep."""
        services = self._services
        settings = services.settings
        try:
            now = services.clock()
            if not services.store.acquire_leadership(self._owner, now + 4 * settings.selinon_sweep_interval, now):
                self.leads = False
                self._lost_the_lead()
                return settings.selinon_sweep_interval
            self.leads = True
            found = services.store.claim_due_runs(
                now,
                BATCH,
                settings.selinon_resend_after,
                settings.selinon_idle_check_interval,
                settings.selinon_heartbeat_timeout,
            )
            if found:
                # Also for flows this worker does not know: another one may.
                wanted = self._without_backlog(found)
                services.publisher.send(services.messages.wake(d.flow, d.flow_id, d.queue) for d in wanted)
            self._stuck.look(found, now)
            self._clean_results(now)
            self._index.run_once(now)
            self._limits.run_once(now)
            scheduled = self._start_what_is_due(now)
            self._pause = settings.selinon_sweep_interval
            if len(found) == BATCH:
                return 0.0
            due = min(services.store.next_due() or FOREVER, scheduled or FOREVER)
            if due < FOREVER:
                return min(max(due - services.clock(), LEAST_PAUSE), settings.selinon_sweep_interval)
        except StateStoreError as error:
            return self._away(str(error))
        except Exception as error:
            return self._away(f"{type(error).__name__}: {error}")
        return settings.selinon_sweep_interval

    def _start_what_is_due(self, now: float) -> float | None:
        """Start what is scheduled; returns when something is due again, None: never."""
        if self._scheduler is None:
            return None
        try:
            return self._scheduler.run_once(now)
        except StateStoreError:
            self._scheduler.look_again()
            raise
        except Exception as error:  # the rest of the sweep does not wait for it
            _log.exception("schedules cannot be looked after: %s", type(error).__name__)
            return now + LOOK_AGAIN

    def _lost_the_lead(self) -> None:
        if self._scheduler is not None:
            self._scheduler.look_again()

    def _without_backlog(self, found: list[Due]) -> list[Due]:
        """The wake-ups to be sent now.

        A long queue holds wake-ups of its runs already, and more would only make it longer. A share is sent
        anyway: the queue may never be empty, and its wake-ups may be lost.
        """
        waiting = {queue: self._services.publisher.waiting(queue) for queue in {due.queue for due in found}}
        return [
            due
            for due in found
            if waiting[due.queue] < LONG_QUEUE or random.randrange(WAKE_ONE_IN) == 0  # noqa: S311  (a share)
        ]

    def _clean_results(self, now: float) -> None:
        """Once a day remove old rows of the result backend, which without ``celery beat`` nothing else does."""
        if now < self._clean_at:
            return
        self._clean_at = now + CLEAN_EVERY
        try:
            self._clean()
        except Exception as error:
            _log.warning("cannot clean up the result backend: %s: %s", type(error).__name__, error)

    def _away(self, what: str) -> float:
        self._pause = min(self._pause * 2, 10.0)
        _log.warning("the sweep waits %.1f s: %s", self._pause, what)
        return self._pause
