"""The decisions that the original made, as recorded, and how to let this system make them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan

Json = dict[str, Any]
HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden"


def recorded_cases() -> list[Json]:
    return [json.loads(line) for path in sorted(GOLDEN.glob("*.jsonl")) for line in path.read_text().splitlines()]


def write_configuration(case: Json, directory: Path) -> Path:
    """One YAML file with everything in it (JSON is YAML)."""
    path = directory / "nodes.yaml"
    path.write_text(json.dumps({**case["nodes"], "flow-definitions": case["flow_definitions"]}))
    return path


def run_locally(plan: Plan, request: Json) -> LocalRun:
    # The cases' own storage is used: a selective run may reuse results that it holds from earlier runs.
    executor = LocalExecutor(plan, LocalOptions(storage="real"))
    selective = request["selective"]
    if not selective:
        return executor.run(request["flow"], request["node_args"])
    return executor.run_selective(
        request["flow"],
        selective["task_names"],
        request["node_args"],
        selective["follow_subflows"],
        selective["run_subsequent"],
    )
