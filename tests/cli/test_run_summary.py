"""What a run is summed up to, and the reasons it gives."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_cli.render.run_reasons import never_reached
from selinon_cli.render.run_summary import run_summary, seconds
from selinon_core.local import LocalExecutor, LocalOptions, Mocks
from selinon_core.project import compile_text
from tests.cli.golden import check_golden
from tests.cli.test_run import steady

YAML = """
tasks:
  - {name: A, import: none, storage: S}
  - {name: B, import: none, max_retry: 2, retry_countdown: 60}
  - {name: C, import: none}
  - {name: D, import: none}
  - {name: E, import: none}
  - {name: F, import: none}
storages:
  - {name: S, import: none}
flow-definitions:
  - name: inner
    edges:
      - {from: , to: B}
  - name: outer
    edges:
      - {from: , to: [A, inner]}
      - {from: inner, to: D}
      - from: A
        to: C
        condition: {name: fieldGreater, args: {key: count, value: 3}}
      - from: A
        to: E
        foreach: {import: none, function: items}
      - {from: [C, D], to: F}
    failures:
      - {nodes: inner, fallback: true}
"""


def told(fail: dict[str, int | None], **mocks: Any) -> str:
    plan = compile_text({"f.yaml": YAML}, environ={}).plan
    assert plan is not None
    scripts = Mocks.from_mapping({"A": {"result": {"count": 1}, "after": 1.5}, **mocks})
    options = LocalOptions(mock_all=True, mocks=scripts, fail=fail)
    run = LocalExecutor(plan, options).run("outer")
    events = [(event.event, event.details) for event in run.events]
    report = run.report()
    return run_summary(report, events, list(never_reached(plan, report, events)), color=False)


def test_every_reason_why_nodes_never_ran() -> None:
    check_golden("run-reasons.txt", steady(told({"B": None})))


def test_a_flow_that_fails_says_why() -> None:
    text = told({}, B={"fatal": "no use"})
    assert "B in flow inner: FatalTaskError: no use\n" in text
    assert "inner in flow outer: " in text
    assert "finished_nodes" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 s"),
        (0.0001, "0 s"),
        (0.25, "0.25 s"),
        (12.0, "12 s"),
        (90.5, "90.5 s"),
        (600, "10.0 min"),
        (86_400, "24.0 h"),
    ],
)
def test_durations(value: float, text: str) -> None:
    assert seconds(value) == text


def test_hostile_text_is_made_visible() -> None:
    text = told({}, B={"error": "ValueError: \x1b[2Jboo"})
    assert "\x1b" not in text
    assert "\\x1b[2Jboo" in text


def test_many_failures_are_cut() -> None:
    plan = compile_text(
        {
            "f.yaml": "tasks:\n  - {name: A, import: none}\n"
            "flow-definitions:\n  - name: f\n    edges:\n      - from:\n        to: ["
            + ", ".join(["A"] * 50)
            + "]\n"
        },
        environ={},
    ).plan
    assert plan is not None
    run = LocalExecutor(plan, LocalOptions(mock_all=True, fail={"A": None})).run("f")
    text = run_summary(run.report(), [], [], color=False)
    assert text.count("A in flow f") == 20
    assert "and 30 more" in text
