"""The run report: what it says of decisions, attempts, fallbacks, and of where each node run came from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from selinon_core.runtime import run_report
from tests.local.trying import build, each, failing, holding, names, node, play


def test_a_node_run_says_which_edge_started_it_and_for_what() -> None:
    run = play(build({"main": ["-> A", "-> B", "B A -> C"]}))
    a, b, c = run.report()["nodes"]
    assert [(row["number"], row["edge"]) for row in (a, b, c)] == [(1, 0), (2, 1), (3, 2)]
    assert (a["sources"], c["sources"]) == ([], [b["id"], a["id"]])


def test_a_fallback_says_what_it_handles() -> None:
    run = play(build({"main": {"edges": ["-> A"], "failures": ["A -> B"]}}), does={"A": failing(1)})
    a, b = run.report()["nodes"]
    assert (b["edge"], b["sources"]) == (None, [a["id"]])


def test_only_a_node_run_under_a_foreach_has_an_item() -> None:
    run = play(build({"main": ["-> A", ("A -> B C", each())]}), does={"items": lambda *_: "xy"})
    assert [(row["name"], row.get("item")) for row in run.report()["nodes"]] == [
        ("A", None),
        ("B", 0),
        ("C", 0),
        ("B", 1),
        ("C", 1),
    ]


def test_attempts_that_were_followed_by_another_say_how_they_ended() -> None:
    plan = build({"main": "-> A"}, {"A": {"max_retry": 2, "retry_countdown": 10}})
    run = play(plan, does={"A": failing(2, KeyError("gone"))})
    ended = {"type": "KeyError", "message": "'gone'"}
    assert node(run, "A")["attempts_ended"] == [{"error": ended, "at": 0.0}, {"error": ended, "at": 10.0}]
    assert node(run, "A")["error"] is None


def test_an_attempt_that_ended_the_run_is_in_its_error_alone() -> None:
    run = play(build({"main": "-> A"}), does={"A": failing(1)})
    assert "attempts_ended" not in node(run, "A")
    assert node(run, "A")["error"]["type"] == "ValueError"


def test_every_fallback_is_counted_used_or_not() -> None:
    plan = build({"main": {"edges": ["-> A B"], "failures": ["A -> C", "B -> C", "A B ->"]}})
    rows = play(plan, does={"A": failing(1)}).report()["fallbacks"]
    assert [(row["nodes"], row["fallback"], row["considered"], row["used"]) for row in rows] == [
        (["A"], ["C"], 1, 1),
        (["B"], ["C"], 0, 0),
        (["A", "B"], True, 0, 0),
    ]
    assert all(row["where"] for row in rows)


def test_decisions_have_the_values_of_the_leaves_and_the_number_of_items() -> None:
    said = iter([True, False])
    both = {
        "condition": {"and": [{"name": "holds", "node": "A"}, {"not": {"name": "holds", "node": "A"}}]},
        **each(),
    }
    run = play(
        build({"main": ["-> A", ("A -> B", both)]}),
        does={"holds": lambda *_: next(said), "items": lambda *_: [1, 2]},
    )
    (decision,) = run.report()["decisions"]
    assert decision == {
        "flow": "main",
        "flow_id": run.id,
        "at": 0.0,
        "edge": 1,
        "sources": [run.nodes[0]["id"]],
        "value": True,
        "condition": {
            "and": [
                {"name": "holds", "node": "A", "args": {}, "value": True},
                {"not": {"name": "holds", "node": "A", "args": {}, "value": False}},
            ]
        },
        "items": 2,
    }


def test_decisions_of_fallbacks_and_edges_are_in_the_order_of_time() -> None:
    flow = {
        "edges": [("-> A", holding("allows")), ("X -> Y", holding("allows"))],
        "failures": [("A -> X", {"condition": {"name": "allows"}})],
    }
    plan = build({"main": flow}, {"A": {"max_retry": 1, "retry_countdown": 4}})
    decisions = play(plan, does={"allows": lambda *_: True, "A": failing(2)}).report()["decisions"]
    assert [(row.get("edge"), row.get("fallback"), row["at"]) for row in decisions] == [
        (0, None, 0.0),
        (None, 0, 4.0),
        (1, None, 4.0),
    ]
    assert decisions[1]["used"] is True
    assert decisions[1]["condition"] == {"name": "allows", "args": {}, "value": True}


def test_a_report_has_a_limited_number_of_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([True] * 7 + [False])
    run = play(build({"main": ["-> A", ("A -> A", holding())]}), does={"holds": lambda *_: next(said)})
    assert "decisions_omitted" not in run.report()
    monkeypatch.setattr(run_report, "MOST_DECISIONS", 3)
    report = run.report()
    assert (len(report["decisions"]), report["decisions_omitted"]) == (3, 5)


def test_a_report_is_json_and_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = build({"main": {"edges": ["-> A", ("A -> B", holding() | each())], "failures": ["B -> C"]}})
    does: dict[str, Any] = {"holds": lambda *_: True, "items": lambda *_: [1], "B": failing(1)}
    run = play(plan, does=does)
    report = run.report()
    assert names(run) == ["A", "B", "C"]
    text = json.dumps(report, allow_nan=False)
    report["decisions"].clear()
    report["fallbacks"][0]["nodes"].append("more")
    report["nodes"][1]["sources"].clear()
    assert json.dumps(run.report(), allow_nan=False) == text
