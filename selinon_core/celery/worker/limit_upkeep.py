"""Maintains the places of limits, in the worker that leads the sweep: gives back what no run holds any more.

The commits of runs do that. What is left is rare: older workers cancelled a queued run, or the store lost runs.
"""

from __future__ import annotations

from selinon_core.celery.services import WorkerServices

#: Seconds between two looks, and places that one look is about.
LOOK_EVERY = 30.0
PLACES_AT_ONCE = 200


class LimitUpkeep:
    """Keeps the places of one store; used by one thread. Does nothing for a project without limits."""

    def __init__(self, services: WorkerServices) -> None:
        self._services = services
        self._wanted = any(flow.limit is not None for flow in services.plan.flows.values())
        self._look_at = 0.0

    def run_once(self, now: float) -> None:
        """Look, if it is time to; raises as the store does."""
        if not self._wanted or now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY
        services = self._services
        granted = services.store.limits.tend(now, PLACES_AT_ONCE)
        if granted:
            services.publisher.send(
                services.messages.wake(each.name, each.run, each.queue, limited=True) for each in granted
            )
