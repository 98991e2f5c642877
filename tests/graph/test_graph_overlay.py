"""Run reports on drawings."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.graph import draw, draw_run, drawing_of
from selinon_core.graph.build.overlay import seconds_text
from tests.graph.goldens import report
from tests.graph.plans import edge, everything, failure, flow, plan


def test_states_counts_and_durations() -> None:
    drawing = drawing_of(everything(), "release", report=report())
    by_name = {each.name: each for each in drawing.nodes if each.name}
    states = {name: by_name[name].state for name in ("Checkout", "Lint", "publish", "audit", "Notify")}
    assert states == {
        "Checkout": "success",
        "Lint": "reused",
        "publish": "mixed",
        "audit": "failure",
        "Notify": "unreached",
    }
    assert by_name["Build"].notes == ("3 attempts \u00b7 1 min",)
    assert by_name["publish"].notes[0] == "2 runs \u00b7 1 failed \u00b7 8.5 s"
    assert by_name["Notify"].notes == ("not run",)
    assert drawing.state == "failure"
    assert drawing.notes[-1] == "failed after 1 min 16 s"
    fired = {each.number: (each.fired, each.considered) for each in drawing.edges if each.kind == "flow"}
    assert fired[3] == (1, 1)
    assert fired[4] == (0, 1)
    assert next(each for each in drawing.nodes if each.id == "condition:5").notes == ("0/1",)


def test_fallbacks_whose_nodes_did_not_fail_are_idle() -> None:
    drawing = drawing_of(everything(), "release", report=report())
    assert all(each.idle for each in drawing.edges if each.kind == "fallback")
    failing = plan(flow("f", [edge("", "A")], [failure("A", "B")]))
    run = {"version": 1, "flow": "f", "nodes": [{"name": "A", "flow": "f", "status": "failure", "attempts": 1}]}
    assert not any(e.idle for e in drawing_of(failing, "f", report=run).edges if e.kind == "fallback")


def test_counts_follow_the_ends_when_the_report_is_older() -> None:
    flows = plan(flow("f", [edge("", "New"), edge("", "A"), edge("A", "B")]))
    rows = [
        {"flow": "f", "index": 0, "from": [], "to": ["A"], "considered": 5, "fired": 4},
        {"flow": "f", "index": 1, "from": ["A"], "to": ["B"], "considered": 4, "fired": 3},
    ]
    drawing = drawing_of(flows, "f", report={"version": 1, "flow": "f", "nodes": [], "edges": rows})
    assert [each.fired for each in drawing.edges] == [None, 4, 3]


def test_fallbacks_show_how_often_they_were_used_and_considered() -> None:
    flows = plan(flow("f", [edge("", "A B C")], [failure("A", "X"), failure("B", "X"), failure("C", "X")]))
    rows = [
        {"flow": "f", "index": 0, "nodes": ["B"], "fallback": ["X"], "considered": 5, "used": 4},
        {"flow": "f", "index": 1, "nodes": ["A"], "fallback": ["X"], "considered": 3, "used": 0},
        {"flow": "f", "index": 2, "nodes": ["C"], "fallback": True, "considered": 1, "used": 1},
    ]
    drawing = drawing_of(flows, "f", report={"version": 1, "flow": "f", "nodes": [], "fallbacks": rows})
    assert [each.notes for each in drawing.nodes if each.kind == "failure"] == [("0/3",), ("4/5",), ()]
    assert [each.idle for each in drawing.edges if each.kind == "fallback"][:1] == [True]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"nodes": None, "edges": 7},
        {"nodes": [1, {}, {"name": [], "flow": {}}], "edges": [{"from": 3, "to": [{}], "index": "x"}]},
        {"flow": "release", "status": ["?"], "virtual_seconds": "long"},
        {
            "nodes": [
                {"name": "Test", "flow": "release", "status": "failure", "error": "text", "finished_at": None}
            ]
        },
    ],
)
def test_broken_reports_draw_something(broken: dict[str, Any]) -> None:
    assert draw_run(everything(), "release", broken, "ascii")


def test_draw_run_is_draw_with_a_report() -> None:
    assert draw_run(everything(), "release", report(), "dot") == draw(
        everything(), "release", format="dot", report=report()
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25 s"), (12, "12 s"), (59.99, "60 s"), (60, "1 min"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
