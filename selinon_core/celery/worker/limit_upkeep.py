"""Maintains the places of limits, in the worker that leads the sweep: gives back what no run holds any more.

The commits of runs do that. What is left is rare: older workers cancelled a queued run, or the store lost runs, or
a worker died just when it had queued a start whose pause had ended, and the message was lost with it.

Places of tasks are given back by the workers that took them. What is left are those of workers that died, where no
further attempt follows: the run ended or is paused, or the node run ended in another way.
"""

from __future__ import annotations

from collections.abc import Sequence

from selinon_core.celery.execution.held_starts import AT_ONCE
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.stores.items import HELD
from selinon_core.celery.stores.limits import LimitPlace, hold_key, is_left, read_holder
from selinon_core.celery.stores.protocol import NodeRecord
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.worker.task_places import wakes_of

#: Seconds between two looks, and places that one look is about.
LOOK_EVERY = 30.0
PLACES_AT_ONCE = 200
#: Seconds between two looks at queued starts of flows that are not paused any more.
HELD_EVERY = 600.0


class LimitUpkeep:
    """Keeps the places of one store, and lets paused starts go on; used by one thread."""

    def __init__(self, services: WorkerServices) -> None:
        self._services = services
        plan = services.plan
        self._wanted = any(flow.limit is not None for flow in plan.flows.values())
        self._tasks_wanted = any(task.limit is not None for task in plan.tasks.values())
        self._look_at = self._held_at = self._tasks_at = 0.0

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
        if self._tasks_wanted and now >= self._tasks_at:
            self._tasks_at = now + LOOK_EVERY
            self._tend_tasks(now)

    def _tend_tasks(self, now: float) -> None:
        services, limits = self._services, self._services.store.task_limits
        by_run: dict[str, list[tuple[int, LimitPlace, bool]]] = {}
        for place, held in limits.some(PLACES_AT_ONCE):
            flow_id, number = read_holder(place.run)
            by_run.setdefault(flow_id, []).append((number, place, held))
        granted: list[LimitPlace] = []
        for flow_id, places in by_run.items():
            for place in self._left_of(flow_id, places, now):
                granted += limits.give_back(place, now)
        if granted:
            services.publisher.send(wakes_of(services, granted))

    def _left_of(
        self, flow_id: str, places: Sequence[tuple[int, LimitPlace, bool]], now: float
    ) -> list[LimitPlace]:
        """The places of a run that are of no use to it any more."""
        store = self._services.store
        fields = store.header(flow_id)
        header = None if fields is None else RunHeader.read(fields)
        records = store.records(flow_id, [number for number, _, _ in places])
        stalled = set(store.stalled_nodes(flow_id, now - self._services.settings.selinon_heartbeat_timeout))
        found = []
        for number, place, held in places:
            record = records.get(number, NodeRecord())
            about = (record.done, record.begun_at > 0, number in stalled)
            if header is None or is_left(held, header.status, header.is_paused, *about):
                found.append(place)
        return found
