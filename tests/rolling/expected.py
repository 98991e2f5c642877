"""What undisturbed local runs do, and flow runs in a form in which both can be compared."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import Any

from selinon_core.local import LocalExecutor
from selinon_core.plan import Plan
from tests.conformance.canonical import canonical_runs
from tests.rolling.histories import Launch

Json = dict[str, Any]


class Undisturbed:
    """Local runs of one version."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._report = cache(self._run)

    def _run(self, flow: str, args: str) -> Json:
        return LocalExecutor(self._plan).run(flow, json.loads(args)).report()

    def rows(self, flow: str, args: Any) -> Counter[str]:
        """The node runs of the flow itself, without those of sub-flows."""
        report = self._report(flow, json.dumps(args))
        return Counter(
            _row(node["name"], node["kind"] == "flow", node["node_args"], node["parent"], node["status"])
            for node in report["nodes"]
            if node["flow_id"] == report["id"]
        )

    def tree(self, flow: str, args: Any) -> list[list[Any]]:
        """All node runs, each with what led to it."""
        return canonical_runs(self._report(flow, json.dumps(args))["nodes"])


def rows_of(launches: list[Launch]) -> Counter[str]:
    """Node runs of an attempt as ``Undisturbed.rows`` has them."""
    return Counter(_row(run.name, run.is_flow, run.args, parent, status) for run, parent, _, status in launches)


def _row(name: str, is_flow: bool, args: Any, parent: Json, status: str) -> str:
    return json.dumps([name, is_flow, args, sorted(parent), status])
