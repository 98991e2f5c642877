"""Statistics of some measurements. Parts of them can be made again without repeating what comes before."""

from __future__ import annotations

import json
from pathlib import Path

from selinon_core import SelinonTask

LAST_RUN = Path("last-run.json")
MEASUREMENTS = [20.1, 20.4, 19.9, 20.0, 85.0, 20.2]


def reuse_last_run(flow_name, node_name, node_args, task_names, storage_pool):
    """Return the id of this node's run in the last report; None (run it) when there is no such report.

    Called, in a selective run, for each task on the way that was not asked for itself.
    """
    if not LAST_RUN.exists():
        return None
    nodes = json.loads(LAST_RUN.read_text())["nodes"]
    return next((node["id"] for node in nodes if node["name"] == node_name), None)


class ReadMeasurements(SelinonTask):
    def run(self, node_args) -> list[float]:
        return MEASUREMENTS


class RemoveOutliers(SelinonTask):
    """Leaves out what is further than ``limit`` from the middle."""

    def run(self, *, values: list[float], limit: float) -> list[float]:
        middle = sorted(values)[len(values) // 2]
        return [value for value in values if abs(value - middle) <= limit]


class Average(SelinonTask):
    def run(self, *, values: list[float]) -> float:
        return round(sum(values) / len(values), 3)


class Histogram(SelinonTask):
    """How many values are near each integer."""

    def run(self, *, values: list[float]) -> dict[str, int]:
        counts: dict[str, int] = {}
        for value in values:
            counts[str(round(value))] = counts.get(str(round(value)), 0) + 1
        return counts


class Summary(SelinonTask):
    def run(self, *, average: float, count: int) -> str:
        return f"average {average} of {count} measurements"
