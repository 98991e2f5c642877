"""What a rerun is going to do, and that it does that."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.errors import RequestError
from tests.local.trying import build, each, failing, holding, told
from tests.rerunning.recording import labels, play, play_again, preview, report_of, statuses

FAILS = {"max_retry": 0}
EACH = each(True)


def test_a_failed_node_and_what_comes_behind_it_run_again() -> None:
    plan = build({"main": ["-> A", "A -> B", "B -> C", "A -> D"]}, {"B": FAILS})
    run = play(plan, None, {"A": 1, "B": failing(1), "D": 4})
    found = preview(plan, run)
    assert labels(found) == {"again": ["B"], "then": ["C"], "reuse": ["A", "D"]}
    again = play_again(plan, found, {"A": failing(9), "B": 2, "D": failing(9)})
    assert again.status == "success"
    assert statuses(again) == {"A": "reused", "B": "success", "C": "success", "D": "reused"}
    assert [event["rerun_of"] for event in told(again, "RUN_RERUN")] == [run.id]
    assert again.id != run.id


def test_a_result_that_is_reused_can_be_read_by_its_id() -> None:
    plan = build({"main": ["-> A", "A -> B"]}, {"B": FAILS})
    run = play(plan, None, {"A": {"x": [1]}, "B": failing(1)})
    found = preview(plan, run)
    again = play_again(plan, found, {"B": lambda task, args: task.parent_task_result("A")})
    (of_b,) = [node for node in again.nodes if node["name"] == "B"]
    assert of_b["result"] == {"x": [1]}
    rows = {node["name"]: node.get("reused_from") for node in again.report()["nodes"]}
    assert rows == {"A": run.id, "B": None}


def test_the_members_of_a_foreach_are_runs_like_any_other() -> None:
    plan = build({"main": [("-> A", EACH), "A -> B"]}, {"A": FAILS})

    def fails_for_two(task: Any, args: Any) -> Any:
        if args == 2:
            raise ValueError
        return args

    run = play(plan, None, {"items": [1, 2, 3], "A": fails_for_two})
    found = preview(plan, run)
    assert labels(found) == {"again": ["A#2"], "reuse": ["A#1", "A#3", "B#1", "B#2"]}
    again = play_again(plan, found, {"items": failing(9), "A": "again"})
    assert statuses(again) == {
        "A#1": "reused",
        "A#2": "success",
        "A#3": "reused",
        "B#1": "reused",
        "B#2": "success",
        "B#3": "reused",
    }


def test_one_member_of_a_foreach_is_selected() -> None:
    plan = build({"main": [("-> A", EACH), "A -> B"]})
    run = play(plan, None, {"items": [1, 2, 3]})
    found = preview(plan, run, "A#3")
    assert labels(found) == {"again": ["A#3"], "then": ["B#3"], "reuse": ["A#1", "A#2", "B#1", "B#2"]}
    assert sorted(record.run.name for record in found.repeated) == ["A", "B"]


def test_a_sub_flow_is_reused_whole_or_entered() -> None:
    flows = {
        "main": ["-> one two", "one two -> Z"],
        "one": ["-> A"],
        "two": ["-> B", "B -> C"],
    }
    plan = build(flows, {"C": FAILS})
    run = play(plan, None, {"C": failing(1)})
    found = preview(plan, run)
    assert labels(found) == {"again": ["two", "two/C"], "then": ["Z"], "reuse": ["one", "two/B"]}
    again = play_again(plan, found, {"A": failing(9), "B": failing(9)})
    assert statuses(again) == {
        "one": "reused",
        "one/A": "reused",
        "two": "success",
        "two/B": "reused",
        "two/C": "success",
        "Z": "success",
    }


def test_a_sub_flow_that_is_selected_runs_from_its_beginning() -> None:
    plan = build({"main": ["-> part", "part -> Z"], "part": ["-> A", "A -> B"]})
    run = play(plan)
    found = preview(plan, run, "part")
    assert labels(found) == {"again": ["part"], "then": ["Z"]}
    assert len(found.repeated) == 3
    assert set(statuses(play_again(plan, found)).values()) == {"success"}


def test_fallbacks_are_not_run_again_unless_the_failure_is_there_again() -> None:
    failures = ["A -> F"]
    plan = build({"main": {"edges": ["-> A", "F -> G", "A -> B"], "failures": failures}}, {"A": FAILS})
    run = play(plan, None, {"A": failing(1)})
    found = preview(plan, run, "state:handled")
    assert labels(found) == {"again": ["A"], "then": ["B"], "not_again": ["F", "G"]}
    assert list(statuses(play_again(plan, found))) == ["A", "B"]
    assert list(statuses(play_again(plan, found, {"A": failing(1)}))) == ["A", "F", "G"]


def test_conditions_keep_their_answers_unless_they_are_reconsidered() -> None:
    edges = ["-> A", ("A -> B", holding()), ("A -> C", holding())]
    plan = build({"main": [*edges, "B -> D"]}, {"D": FAILS})
    answers = iter([True, False])
    run = play(plan, None, {"holds": lambda *_: next(answers), "D": failing(1)})
    assert "C" not in statuses(run)
    found = preview(plan, run)
    again = play_again(plan, found, {"holds": lambda *_: True})
    assert list(statuses(again)) == ["A", "B", "D"]
    reconsidered = play_again(plan, preview(plan, run, reconsider=True), {"holds": lambda *_: True})
    assert statuses(reconsidered)["C"] == "success"


def test_other_arguments_let_everything_run_that_gets_them() -> None:
    plan = build({"main": ["-> A", ("A -> B", EACH)]})
    run = play(plan, {"x": 1}, {"items": [1, 2]})
    found = preview(plan, run, args={"x": 2})
    assert labels(found) == {"again": ["A"], "then": ["B#1", "B#2"]}
    assert set(statuses(play_again(plan, found, {"items": [1, 2]})).values()) == {"success"}
    assert preview(plan, run, args={"x": 1}).does_nothing


def test_a_given_result_stands_in_for_a_task_that_failed_or_never_ran() -> None:
    plan = build({"main": ["-> A", "A -> B", "B -> C"]}, {"A": FAILS})
    run = play(plan, None, {"A": failing(1)})
    found = preview(plan, run, give={"A": {"a": 1}, "B": {"b": 2}})
    assert labels(found) == {"given": ["A"], "then": ["B", "C"]}
    read = {"C": lambda task, args: task.parent_task_result("B")}
    again = play_again(plan, found, {"A": failing(9), "B": failing(9), **read})
    assert statuses(again) == {"A": "reused", "B": "reused", "C": "success"}
    assert [node["result"] for node in again.nodes] == [{"a": 1}, {"b": 2}, {"b": 2}]


@pytest.mark.parametrize(
    ("give", "message"),
    [
        ({"part": 1}, "part is a flow"),
        ({"Aa": 1}, "no task is named Aa"),
        ({"B": 1}, "no edge of flow main starts B"),
        ({"A": 1}, "A ran 2 times"),
        ({"part/B#3": 1}, "did not run"),
    ],
)
def test_what_cannot_be_given(give: dict[str, Any], message: str) -> None:
    plan = build({"main": ["-> A A", "A -> part"], "part": ["-> B"]})
    with pytest.raises(RequestError, match=message):
        preview(plan, play(plan), give=give)


@pytest.mark.parametrize(("result", "behind"), [(1, "reused"), (2, "success")])
def test_what_depends_on_a_node_runs_only_if_its_result_changed(result: int, behind: str) -> None:
    plan = build({"main": ["-> A", "A -> B", "B -> C"]})
    run = play(plan, None, {"A": 1, "B": 5})
    found = preview(plan, run, "A", if_changed=True)
    again = play_again(plan, found, {"A": result, "B": 5})
    assert statuses(again) == {"A": "success", "B": behind, "C": "reused"}


def test_a_node_whose_task_or_edge_changed_runs_again_unless_it_is_excluded() -> None:
    before = build({"main": ["-> A B", "A -> C"]})
    run = report_of(before, play(before))
    after = build({"main": ["-> A B", ("A -> C", holding())]}, {"A": {"tags": "new"}, "B": {"max_retry": 4}})
    found = preview(after, run)
    assert labels(found) == {"again": ["B", "C"], "reuse": ["A"]}
    assert set(labels(preview(after, run, exclude=("changed",)))) == {"reuse"}
    assert labels(preview(after, run, exclude=("B",)))["again"] == ["C"]


def test_a_flow_that_is_gone_cannot_run_again() -> None:
    plan = build({"main": ["-> A"]})
    run = report_of(plan, play(plan))
    with pytest.raises(RequestError, match="flow main is not in the files any more"):
        preview(build({"other": ["-> A"]}), run)


def test_an_edge_that_stands_elsewhere_is_known_by_its_ends() -> None:
    plan = build({"main": ["-> A", "A -> B", "B -> C"]}, {"C": FAILS})
    run = report_of(plan, play(plan, None, {"C": failing(1)}))
    moved = build({"main": ["B -> C", "A -> B", "-> A"]}, {"C": FAILS})
    again = play_again(moved, preview(moved, run), {"A": failing(9), "B": failing(9)})
    assert statuses(again) == {"A": "reused", "B": "reused", "C": "success"}


def test_the_first_result_becomes_the_arguments_although_no_storage_has_it() -> None:
    flows = {"main": {"edges": ["-> A", "A -> B"], "node_args_from_first": True}}
    plan = build(flows, {"A": {"storage": None}, "B": FAILS})
    run = play(plan, None, {"A": {"x": 1}, "B": failing(1)})
    again = play_again(plan, preview(plan, run), {"A": failing(9), "B": lambda task, args: args})
    assert [node["result"] for node in again.nodes] == [{"x": 1}, {"x": 1}]


def test_a_destination_that_an_edge_names_twice_is_two_runs() -> None:
    plan = build({"main": ["-> A A", "A -> B"]}, {"A": FAILS})
    calls = iter([1, None])

    def second_fails(task: Any, args: Any) -> Any:
        result = next(calls)
        if result is None:
            raise ValueError
        return result

    run = play(plan, None, {"A": second_fails})
    again = play_again(plan, preview(plan, run), {"A": 2})
    assert [(node["name"], node["status"], node["result"]) for node in again.nodes if node["name"] == "A"] == [
        ("A", "reused", 1),
        ("A", "success", 2),
    ]


def test_reruns_of_reruns_name_the_run_that_made_a_result() -> None:
    plan = build({"main": ["-> A", "A -> B", "B -> C"]}, {"B": FAILS, "C": FAILS})
    first = play(plan, None, {"B": failing(1)})
    second = play_again(plan, preview(plan, first), {"C": failing(1)})
    third = play_again(plan, preview(plan, second), {})
    report = third.report()
    assert report["rerun"] == {"of": second.id, "origin": first.id, "select": ["state:failed", "state:unfinished"]}
    made_by = {node["name"]: node.get("reused_from") for node in report["nodes"]}
    assert made_by == {"A": first.id, "B": second.id, "C": None}


def test_a_preview_tells_of_thousands_of_node_runs() -> None:
    plan = build({"main": [("-> A", EACH), "A -> B", "B -> C"]})
    run = play(plan, None, {"items": list(range(3000))})
    found = preview(plan, run, "B#17")
    assert {kind: len(rows) for kind, rows in labels(found).items()} == {"again": 1, "then": 1, "reuse": 8998}
