"""The metrics that a server has for Prometheus: their names, what they say, and their labels."""

from __future__ import annotations

from selinon_core.celery.reporting.meters import BUCKETS, WAIT_BUCKETS
from selinon_core.errors import MissingExtraError


class MetricSeries:
    """All metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        """Raise ``MissingExtraError`` without prometheus-client."""
        try:
            from prometheus_client import CollectorRegistry
        except ModuleNotFoundError as error:
            raise MissingExtraError("metrics need: pip install 'selinon[metrics]'") from error
        self.registry = CollectorRegistry()
        self._define_runs()
        self._define_waiting()

    def _define_runs(self) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        registry = self.registry
        self.open = Gauge("selinon_runs", "Flow runs that have not ended.", ["flow", "status"], registry=registry)
        self.seconds = Histogram(
            "selinon_run_seconds",
            "Seconds of flow runs that ended, from their begin.",
            ["flow", "status"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.expired = Counter(
            "selinon_expired_starts",
            "Starts that no worker began in time: their flow runs were cancelled.",
            ["flow"],
            registry=registry,
        )
        self.node_waits = Histogram(
            "selinon_node_wait_seconds",
            "Seconds from the decision that a task runs to its begin at a worker.",
            ["flow", "node"],
            buckets=WAIT_BUCKETS,
            registry=registry,
        )

    def _define_waiting(self) -> None:
        from prometheus_client import Gauge

        registry = self.registry
        self.waiting = Gauge(
            "selinon_waiting", "Messages that wait in a queue of the broker.", ["queue"], registry=registry
        )
        self.undecided = Gauge(
            "selinon_oldest_undecided_seconds",
            "Since when the flow run is due that waits longest for a dispatcher.",
            registry=registry,
        )
        self.notices = Gauge(
            "selinon_notices",
            "Notices that wait to be posted, and that were given up in the last week.",
            ["state"],
            registry=registry,
        )
        self.limited = Gauge(
            "selinon_limit_waiting",
            "Flow runs and tasks that wait because a limit is reached, by the flow or task that has it.",
            ["limit"],
            registry=registry,
        )
        self.parked = Gauge(
            "selinon_parked", "Starts that could not be handled and are parked.", registry=registry
        )
        self.waits = Gauge("selinon_waits", "Tasks that wait for a signal.", ["flow"], registry=registry)
