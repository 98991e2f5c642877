"""Maintains the places of limits, in the worker that leads the sweep: gives back what no run holds any more.

The commits of runs do that. What is left is rare: older workers cancelled a queued run, or the store lost runs, or
a worker died just when it had queued a start whose pause had ended, and the message was lost with it.
"""

from __future__ import annotations

from selinon_core.celery.execution.held_starts import AT_ONCE
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.stores.items import HELD
from selinon_core.celery.stores.limits import hold_key

#: Seconds between two looks, and places that one look is about.
LOOK_EVERY = 30.0
PLACES_AT_ONCE = 200
#: Seconds between two looks at queued starts of flows that are not paused any more.
HELD_EVERY = 600.0


class LimitUpkeep:
    """Keeps the places of one store, and lets paused starts go on; used by one thread."""

    def __init__(self, services: WorkerServices) -> None:
        self._services = services
        self._wanted = any(flow.limit is not None for flow in services.plan.flows.values())
        self._look_at = self._held_at = 0.0

    def run_once(self, now: float) -> None:
        """Look, if it is time to; raises as the store does."""
        services, limits = self._services, self._services.store.limits
        granted = []
        if now >= self._held_at:
            self._held_at = now + HELD_EVERY
            for flow in limits.waiting_by_name():
                if services.store.items.get(HELD, flow) is None:
                    granted += limits.allow(hold_key(flow), AT_ONCE, now)
        if self._wanted and now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            granted += limits.tend(now, PLACES_AT_ONCE)
        if granted:
            services.publisher.send(
                services.messages.wake(each.name, each.run, each.queue, limited=True) for each in granted
            )
