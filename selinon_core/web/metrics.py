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
from selinon_core.errors import MissingExtraError
from selinon_core.web.node_waits import NodeWaits

#: The bounds of durations, in seconds: 0.1 s to a day.
BUCKETS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 86400)
#: The bounds of the seconds for which tasks wait for a worker: 0.05 s to a day.
WAIT_BUCKETS = (0.05, 0.25, 1, 5, 15, 60, 300, 1800, 7200, 86400)
#: Seconds of the past that are looked at again: a step that is kept later may have an earlier time.
OVERLAP = 10.0
#: Rows that one question asks for.
AT_ONCE = 500


class RunMetrics:
    """The metrics of one server. Safe under threads; raises ``MissingExtraError`` without prometheus-client."""

    def __init__(self, selinon: Owner) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        except ModuleNotFoundError as error:
            raise MissingExtraError("metrics need: pip install 'selinon[metrics]'") from error
        self._selinon = selinon
        self._lock = threading.Lock()
        self._since: float | None = None
        #: Ends that were counted and may be found again: (id, end) by the time of the change.
        self._counted: dict[tuple[str, float], float] = {}
        self.registry = CollectorRegistry()
        self._open = Gauge(
            "selinon_runs", "Flow runs that have not ended.", ["flow", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "selinon_run_seconds",
            "Seconds of flow runs that ended, from their begin.",
            ["flow", "status"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._expired = Counter(
            "selinon_expired_starts",
            "Starts that no worker began in time: their flow runs were cancelled.",
            ["flow"],
            registry=self.registry,
        )
        self._node_waits = Histogram(
            "selinon_node_wait_seconds",
            "Seconds from the decision that a task runs to its begin at a worker.",
            ["flow", "node"],
            buckets=WAIT_BUCKETS,
            registry=self.registry,
        )
        self._waits_of_runs = NodeWaits(selinon, self._count_node_wait)
        self._waiting = Gauge(
            "selinon_waiting", "Messages that wait in a queue of the broker.", ["queue"], registry=self.registry
        )
        self._undecided = Gauge(
            "selinon_oldest_undecided_seconds",
            "Since when the flow run is due that waits longest for a dispatcher.",
            registry=self.registry,
        )

        self._notices = Gauge(
            "selinon_notices",
            "Notices that wait to be posted, and that were given up in the last week.",
            ["state"],
            registry=self.registry,
        )
        self._limited = Gauge(
            "selinon_limit_waiting",
            "Flow runs that are queued because their limit is reached, by the flow that has the limit.",
            ["limit"],
            registry=self.registry,
        )

        self._parked = Gauge(
            "selinon_parked", "Starts that could not be handled and are parked.", registry=self.registry
        )
        self._waits = Gauge("selinon_waits", "Tasks that wait for a signal.", ["flow"], registry=self.registry)

    def scrape(self, accept: str) -> tuple[bytes, str]:
        """The metrics as text, and its content type; raises as the store does."""
        from prometheus_client.exposition import choose_encoder

        with self._lock:
            now = self._selinon.store.clock()
            self._count_ends(now)
            self._count_open()
            self._count_limited()
            due = self._selinon.store.next_due()
            self._undecided.set(0.0 if due is None else max(now - due, 0.0))
            self._count_waiting()
            items = self._selinon.store.items
            self._notices.labels("waiting").set(items.count(NOTICE))
            self._notices.labels("given_up").set(items.count(GIVEN_UP))
            self._parked.set(items.count(PARKED))
            self._count_waits()
            encode, kind = choose_encoder(accept)
            return encode(self.registry), kind

    def _count_ends(self, now: float) -> None:
        """Count the ends of runs since the last time."""
        first = self._since is None
        if first:  # all series are there from the beginning
            for flow in self._selinon.plan.flows:
                self._expired.labels(flow)
                for status in CLOSED:
                    self._seconds.labels(flow, status)
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
            self._expired.labels(self._flow(row.flow)).inc()
        begun = row.created if row.begun is None else row.begun
        self._seconds.labels(self._flow(row.flow), row.status).observe(max(row.ended - begun, 0.0))
        return True

    def _count_node_wait(self, flow: str, node: str, seconds: float) -> None:
        known = flow in self._selinon.plan.flows and node in self._selinon.plan.tasks
        self._node_waits.labels(*((flow, node) if known else ("other", "other"))).observe(seconds)

    def _count_open(self) -> None:
        index = self._selinon.store.index
        for flow in self._selinon.plan.flows:
            for status in OPEN:
                number = index.count(RunQuery(flows=(flow,), statuses=(status,)))
                self._open.labels(flow, status).set(number)

    def _count_limited(self) -> None:
        flows = self._selinon.plan.flows
        if any(flow.limit is not None for flow in flows.values()):
            counts = self._selinon.store.limits.waiting_by_name()
            for name, flow in flows.items():
                if flow.limit is not None:
                    self._limited.labels(name).set(counts.get(name, 0))

    def _count_waits(self) -> None:
        counts = dict.fromkeys(self._selinon.plan.flows, 0)
        for flow, number in self._selinon.store.waits.count_by_flow().items():
            counts[self._flow(flow)] = counts.get(self._flow(flow), 0) + number
        for flow, number in counts.items():
            self._waits.labels(flow).set(number)

    def _count_waiting(self) -> None:
        services: Any = self._selinon.services
        for queue in services.messages.queues(self._selinon.plan.flows):
            self._waiting.labels(queue).set(services.publisher.waiting(queue))

    def _flow(self, name: str) -> str:
        return name if name in self._selinon.plan.flows else "other"
