"""What the flows did in the last day: counted by the index, and kept for some seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.celery.stores.index import OPEN, Index, RunQuery
from selinon_core.plan import Plan
from selinon_core.web.quantiles import quantile
from selinon_core.web.timed_cache import TimedCache

DAY = 86400.0
#: Ended runs whose durations are looked at, per flow.
SAMPLE = 200
#: Seconds that figures are kept.
KEPT = 10.0


class FlowFigures:
    """Safe under threads."""

    def __init__(self, index: Callable[[], Index], monotonic: Callable[[], float]) -> None:
        self._index = index
        self._known: TimedCache[list[dict[str, Any]]] = TimedCache(KEPT, monotonic)

    def of_last_day(self, plan: Plan, now: float) -> list[dict[str, Any]]:
        """Per flow ``{"flow", "started", "open", "success", "failure", "cancelled", "failure_rate", "seconds"}``.

        Those with most failures come first. A flow that others start is left out while it has no runs of its own.
        ``failure_rate`` is that of ended runs, None without any.
        """
        return self._known.get("flows", lambda: self._made(plan, now))

    def _made(self, plan: Plan, now: float) -> list[dict[str, Any]]:
        every = [self._of(flow, now - DAY) for flow in plan.flows]
        found = [flow for flow in every if flow["started"] or flow["flow"] in plan.top_level_flows]
        return sorted(found, key=lambda flow: (-flow["failure"], -flow["started"]))

    def _of(self, flow: str, since: float) -> dict[str, Any]:
        index = self._index()
        counts = {
            name: index.count(RunQuery(flows=(flow,), statuses=statuses, since=since))
            for name, statuses in (
                ("open", OPEN),
                ("success", ("success",)),
                ("failure", ("failure",)),
                ("cancelled", ("cancelled",)),
            )
        }
        ended = counts["success"] + counts["failure"]
        sample = index.find(
            RunQuery(flows=(flow,), statuses=("success", "failure"), since=since), None, SAMPLE
        ).rows
        seconds = sorted(row.ended - (row.begun or row.created) for row in sample if row.ended is not None)
        return {
            "flow": flow,
            "started": sum(counts.values()),
            **counts,
            "failure_rate": counts["failure"] / ended if ended else None,
            "seconds": {"p50": quantile(seconds, 0.5), "p95": quantile(seconds, 0.95)},
        }
