"""OpenTelemetry's meter: workers record how long flow runs took, and how long their tasks waited for a worker.

The histogram ``selinon.run`` has the unit ``s`` and the attributes ``flow`` and ``status``, ``selinon.node_wait``
has ``flow`` and ``node``. An exporter for Prometheus calls them ``selinon_run_seconds`` and
``selinon_node_wait_seconds``, as the page of ``selinon web`` does. Without a provider of meters in the process the
API of OpenTelemetry does nothing.
"""

from __future__ import annotations

from typing import Any

from selinon_core.errors import MissingExtraError
from selinon_core.plan import Plan

#: The bounds of durations, in seconds: 0.1 s to a day.
BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 4 * 3600.0, 12 * 3600.0, 86400.0)
#: The bounds of the seconds for which tasks wait for a worker: 0.05 s to a day.
WAIT_BUCKETS = (0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0)


class Meters:
    """Records, if the project's ``trace`` says ``opentelemetry: true``; else everything here does nothing.

    ``api`` stands for ``opentelemetry.metrics``.
    """

    def __init__(self, plan: Plan, api: Any = None) -> None:
        self.enabled = any(sink.get("opentelemetry") for sink in plan.settings.trace)
        self._api = api
        self._runs: Any = None
        self._waits: Any = None

    def run_ended(self, flow: str, status: str, seconds: float) -> None:
        """Record the end of a flow run, which took so many seconds; raises ``MissingExtraError``."""
        if not self.enabled:
            return
        if self._runs is None:
            self._runs = self._histogram("selinon.run", "Seconds of flow runs that ended.", BUCKETS)
        self._runs.record(max(seconds, 0.0), {"flow": flow, "status": status})

    def task_began(self, flow: str, task: str, seconds: float) -> None:
        """Record that a task began, which waited for so many seconds; raises ``MissingExtraError``."""
        if not self.enabled:
            return
        if self._waits is None:
            what = "Seconds for which the first message of a task waited for a worker."
            self._waits = self._histogram("selinon.node_wait", what, WAIT_BUCKETS)
        self._waits.record(max(seconds, 0.0), {"flow": flow, "node": task})

    def _histogram(self, name: str, description: str, bounds: tuple[float, ...]) -> Any:
        meter = self._otel().get_meter("selinon")
        about = {"name": name, "unit": "s", "description": description}
        try:
            return meter.create_histogram(**about, explicit_bucket_boundaries_advisory=bounds)
        except TypeError:  # an API of before, where views of the provider say the bounds
            return meter.create_histogram(**about)

    def _otel(self) -> Any:
        if self._api is None:
            try:
                from opentelemetry import metrics
            except ImportError:
                raise MissingExtraError("metrics need: pip install 'selinon[opentelemetry]'") from None
            self._api = metrics
        return self._api
