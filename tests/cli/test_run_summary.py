"""What a run is summed up to, and the reasons it gives."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from selinon_cli.render.run_reasons import never_reached
from selinon_cli.render.run_summary import failures, run_summary, seconds
from selinon_core.explaining.reasons import not_started
from selinon_core.local import LocalExecutor, LocalOptions, Mocks
from selinon_core.project import compile_text
from tests.cli.golden import check_golden
from tests.cli.steady import steady

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
    scripts = Mocks.from_mapping({"A": {"result": {"count": 1}, "after": 1.5}, **mocks})
    return summed_up(YAML, LocalOptions(mock_all=True, mocks=scripts, fail=fail))


def summed_up(text: str, options: LocalOptions) -> str:
    plan = compile_text({"f.yaml": text}, environ={}).plan
    assert plan is not None
    run = LocalExecutor(plan, options).run("outer")
    events = [(event.event, event.details) for event in run.events]
    report = run.report()
    return run_summary(report, events, list(never_reached(not_started(run.facts))), color=False)


def test_every_reason_why_nodes_never_ran() -> None:
    check_golden("run-reasons.txt", steady(told({"B": None})))


ENDED_EARLY = """
tasks:
  - {name: A, import: none, storage: S}
  - {name: B, import: none}
  - {name: C, import: none}
storages:
  - {name: S, import: none}
flow-definitions:
  - name: outer
    edges:
      - {from: , to: [A, inner]}
      - {from: A, to: C, condition: {name: fieldExist, args: {key: x}}}
      - {from: inner, to: C}
  - name: inner
    edges:
      - {from: , to: [A, B]}
      - {from: B, to: C}
"""


def test_a_condition_without_an_answer_was_not_false() -> None:
    def boom(message: object) -> bool:
        raise KeyError("x")

    module = types.ModuleType("predicates_that_raise")
    module.boom = boom  # type: ignore[attr-defined]
    text = ENDED_EARLY.replace("fieldExist, args: {key: x}", "boom")
    text = "global: {predicates_module: predicates_that_raise}" + text
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        summary = summed_up(text, LocalOptions(mock_all=True))
    assert "the condition was false" not in summary
    assert "C in flow outer: its flow ended before the edge was decided (f.yaml:12:9)" in summary


def test_a_run_that_is_stopped_says_what_did_not_finish() -> None:
    summary = summed_up(ENDED_EARLY, LocalOptions(mock_all=True, max_steps=3))
    assert "unfinished" in summary
    assert "C in flow inner: B did not finish (f.yaml:17:9)" in summary
    assert "failed (f.yaml" not in summary


def test_what_a_selective_edge_leaves_out() -> None:
    text = ENDED_EARLY.replace("to: [A, inner]", "to: A").replace(
        "{from: inner, to: C}", "{from: A, to: inner, selective: {tasks: [A]}}"
    )
    summary = summed_up(text, LocalOptions(mock_all=True))
    assert "B in flow inner: the selective run leaves it out (f.yaml:16:9)" in summary
    assert "C in flow inner: B never ran (f.yaml:17:9)" in summary
    assert "inner: its edge did not fire" not in summary


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
    assert text.count("] in flow f") == 20
    assert "and 30 more" in text


def test_the_failed_item_of_a_fan_out_is_named() -> None:
    nodes = [
        {
            "id": str(number),
            "name": "A",
            "flow": "f",
            "flow_id": "1",
            "flow_attempt": 1,
            "kind": "task",
            "status": "failure" if number == 1500 else "success",
            "attempts": 1,
            "started_at": 0.0,
            "finished_at": 1.0,
            "error": {"type": "ValueError", "message": "no", "traceback": ""} if number == 1500 else None,
        }
        for number in range(2000)
    ]
    assert "A[1500] in flow f: ValueError: no" in failures(nodes, (), False)


def test_of_very_many_nodes_those_that_failed_are_shown() -> None:
    nodes = [
        {
            "name": f"N{number}",
            "flow": "f",
            "kind": "task",
            "status": "failure" if number > 4990 else "success",
            "attempts": 1,
            "started_at": 0.0,
            "finished_at": 0.0,
            "error": None,
        }
        for number in range(5000)
    ]
    report = {"nodes": nodes, "status": "failure", "flow": "f", "virtual_seconds": 0, "real_seconds": 0}
    lines = run_summary(report, [], [], color=False).splitlines()
    assert len(lines) < 110
    assert all(any(f"N{number} " in line for line in lines) for number in range(4991, 5000))
    assert "and 4900 more nodes" in lines
