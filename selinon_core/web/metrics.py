"""Metrics for Prometheus, from the index of runs: what changed since the last scrape is counted, exactly once.

How long tasks waited for a worker comes from the logs of the runs that ended, see ``node_waits``. Nothing is
counted in workers, and nothing is written. A server counts from its first scrape on, so one server is to be
scraped. Labels are names of the project: a flow that is not in the files is counted as ``other``.
"""

from __future__ import annotations

import threading
from typing import Any

from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.stores.index import CLOSED, OPEN, IndexRow, RunQuery
from selinon_core.celery.stores.items import GIVEN_UP, NOTICE, PARKED
from selinon_core.celery.transport.message_schema import EXPIRY
from selinon_core.web.metric_series import MetricSeries
from selinon_core.web.node_waits import NodeWaits

#: Seconds of the past that are looked at again: a step that is kept later may have an earlier time.
OVERLAP = 10.0
#: Rows that one question asks for.
AT_ONCE = 500


class RunMetrics:
    """The metrics of one server. Safe under threads; raises ``MissingExtraError`` without prometheus-client."""

    def __init__(self, selinon: Owner) -> None:
        self._selinon = selinon
        self._lock = threading.Lock()
        self._since: float | None = None
        #: Ends that were counted and may be found again: (id, end) by the time of the change.
        self._counted: dict[tuple[str, float], float] = {}
        self._series = MetricSeries()
        self._waits_of_runs = NodeWaits(selinon, self._count_node_wait)

    def scrape(self, accept: str) -> tuple[bytes, str]:
        """The metrics as text, and its content type; raises as the store does."""
        from prometheus_client.exposition import choose_encoder

        with self._lock:
            now = self._selinon.store.clock()
            self._count_ends(now)
            self._count_open()
            self._count_limited()
            due = self._selinon.store.next_due()
            self._series.undecided.set(0.0 if due is None else max(now - due, 0.0))
            self._count_waiting()
            items = self._selinon.store.items
            self._series.notices.labels("waiting").set(items.count(NOTICE))
            self._series.notices.labels("given_up").set(items.count(GIVEN_UP))
            self._series.parked.set(items.count(PARKED))
            self._count_waits()
            encode, kind = choose_encoder(accept)
            return encode(self._series.registry), kind

    def _count_ends(self, now: float) -> None:
        """Count the ends of runs since the last time."""
        first = self._since is None
        if first:  # all series are there from the beginning
            for flow in self._selinon.plan.flows:
                self._series.expired.labels(flow)
                for status in CLOSED:
                    self._series.seconds.labels(flow, status)
        at, after = (now if self._since is None else self._since) - OVERLAP, ""
        ended: list[str] = []
        while True:
            rows = self._selinon.store.index.changed_since(at, AT_ONCE, after)
            # runs of sub-flows are read with those at the top
            ended += [row.id for row in rows if self._count_end(row, first) and not row.parent]
            if len(rows) < AT_ONCE:
                break
            at, after = rows[-1].changed, rows[-1].id
        self._since = now
        self._waits_of_runs.take(ended)
        self._counted = {end: changed for end, changed in self._counted.items() if changed >= now - 2 * OVERLAP}

    def _count_end(self, row: IndexRow, first: bool) -> bool:
        """Count an end that was not counted; what ended before the first scrape is only remembered.

        Returns whether it was counted.
        """
        if row.ended is None or (row.id, row.ended) in self._counted:
            return False
        self._counted[(row.id, row.ended)] = row.changed
        if first:
            return False
        if row.status == "cancelled" and row.begun is None and row.reason.startswith(EXPIRY):
            self._series.expired.labels(self._flow(row.flow)).inc()
        begun = row.created if row.begun is None else row.begun
        self._series.seconds.labels(self._flow(row.flow), row.status).observe(max(row.ended - begun, 0.0))
        return True

    def _count_node_wait(self, flow: str, node: str, seconds: float) -> None:
        known = flow in self._selinon.plan.flows and node in self._selinon.plan.tasks
        self._series.node_waits.labels(*((flow, node) if known else ("other", "other"))).observe(seconds)

    def _count_open(self) -> None:
        index = self._selinon.store.index
        for flow in self._selinon.plan.flows:
            for status in OPEN:
                number = index.count(RunQuery(flows=(flow,), statuses=(status,)))
                self._series.open.labels(flow, status).set(number)

    def _count_limited(self) -> None:
        flows = self._selinon.plan.flows
        if any(flow.limit is not None for flow in flows.values()):
            counts = self._selinon.store.limits.waiting_by_name()
            for name, flow in flows.items():
                if flow.limit is not None:
                    self._series.limited.labels(name).set(counts.get(name, 0))

        tasks = self._selinon.plan.tasks
        if any(task.limit is not None for task in tasks.values()):
            counts = self._selinon.store.task_limits.waiting_by_name()
            for name, task in tasks.items():
                if task.limit is not None:
                    self._series.limited.labels(name).set(counts.get(name, 0))

    def _count_waits(self) -> None:
        counts = dict.fromkeys(self._selinon.plan.flows, 0)
        for flow, number in self._selinon.store.waits.count_by_flow().items():
            counts[self._flow(flow)] = counts.get(self._flow(flow), 0) + number
        for flow, number in counts.items():
            self._series.waits.labels(flow).set(number)

    def _count_waiting(self) -> None:
        services: Any = self._selinon.services
        for queue in services.messages.queues(self._selinon.plan.flows):
            self._series.waiting.labels(queue).set(services.publisher.waiting(queue))

    def _flow(self, name: str) -> str:
        return name if name in self._selinon.plan.flows else "other"
