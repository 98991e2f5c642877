"""Which goals of retries, time-outs and failures a run meets, kind by kind."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from selinon_core.covering import CoverageData, collect, judge
from selinon_core.covering.histories import read_history
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan
from selinon_core.project.case_files import mocks_from_data
from tests.covering.small_flows import STORAGES, plan_of

FLOWS = (
    STORAGES
    + """\
tasks:
  - {name: A, import: m, max_retry: 2, timeout: 10}
  - {name: B, import: m}
  - {name: C, import: m}
flow-definitions:
  - name: inner
    edges: [{from: , to: C}]
  - name: outer
    max_retry: 1
    timeout: 100
    nowait: B
    edges:
      - {from: , to: [A, B, inner]}
    failures:
      - {nodes: inner, fallback: true, condition: {name: argsIsNone}}
"""
)
#: Goals about nodes that run and edges that fire.
PLAIN = ("node-ran", "edge-fired")
ERROR = "ValueError: no"


def met(mocks: dict[str, Any], node_args: Any = None) -> set[str]:
    plan = plan_of(FLOWS)
    read, wrong = mocks_from_data(mocks, "mocks", plan)
    assert wrong == []
    data = CoverageData()
    executor = LocalExecutor(plan, LocalOptions(mocks=read, mock_all=True))
    run = executor.run("outer", node_args)
    collect(run.facts, "case", data)
    report = judge(plan, data, counted=["failures"])
    found = {goal.goal.key for goal in report.having("covered") if goal.goal.kind not in PLAIN}
    assert found == of_trace(plan, run)
    return found


def of_trace(plan: Plan, run: LocalRun) -> set[str]:
    """What the trace of the run meets."""
    data = CoverageData()
    with TemporaryDirectory() as directory:
        file = Path(directory, "trace.jsonl")
        file.write_text("".join(json.dumps(line) + "\n" for line in run.trace()), encoding="utf-8")
        read_history(plan, str(file), data)
    report = judge(plan, data, counted=["failures"])
    return {goal.goal.key for goal in report.having("covered") if goal.goal.kind not in PLAIN}


@pytest.mark.parametrize(
    ("mocks", "expected"),
    [
        ({}, set()),
        ({"A": [{"error": ERROR}, {"result": 1}]}, {"node:A/retry-helped"}),
        ({"A": [{"retry": 1}, {"result": 1}]}, set()),
        ({"A": [{"retry": 1}, {"error": ERROR}, {"retry": 1}, {"result": 1}]}, {"node:A/retry-helped"}),
        ({"A": {"fatal": "no"}}, {"flow/retry-gave-up"}),
        ({"A": {"error": ERROR}}, {"node:A/retry-gave-up", "flow/retry-gave-up"}),
        ({"A": [{"fatal": "no"}, {"result": 1}]}, {"flow/retry-helped"}),
        ({"A": [{"result": 1, "after": 11}, {"result": 1}]}, {"node:A/timeout", "node:A/retry-helped"}),
        ({"A": {"result": 1, "after": 10}}, set()),
        ({"C": {"result": 1, "after": 101}}, {"flow/timeout"}),
        ({"B": {"fatal": "no"}}, {"node:B/nowait-failure"}),
        (
            {"C": {"fatal": "no"}},
            {"node:inner/subflow-failure", "failure:0/used", "failure:0/true"},
        ),
    ],
    ids=lambda value: "-".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_a_run_meets_these_goals(mocks: dict[str, Any], expected: set[str]) -> None:
    assert met(mocks) == expected


def test_a_fallback_whose_condition_is_false_is_not_used() -> None:
    keys = met({"C": {"fatal": "no"}}, {"given": 1})
    assert keys == {"node:inner/subflow-failure", "failure:0/false", "flow/retry-gave-up"}
