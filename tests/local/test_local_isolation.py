"""Nothing that one node may change reaches another one, the report or the caller."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.local import LocalExecutor
from tests.local.trying import behaviours, build, each, holding, node, play

ARGS: dict[str, Any] = {"list": [1], "deep": {"a": {"b": [1]}}, "flat": 1}


def spoil(value: Any) -> None:
    """Change a mapping everywhere."""
    value["flat"] = value["new"] = "spoiled"
    value["list"].append("spoiled")
    value["deep"]["a"]["b"].append("spoiled")


def fresh() -> dict[str, Any]:
    return {"list": [1], "deep": {"a": {"b": [1]}}, "flat": 1}


@pytest.mark.parametrize("args", [fresh(), {"flat": 1}], ids=["deep", "flat"])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_arguments_are_never_shared(args: dict[str, Any], concurrency: int) -> None:
    seen: list[Any] = []

    def change(value: Any) -> None:
        value["flat"] = "spoiled"
        for inner in value.values():
            if isinstance(inner, list):
                inner.append("spoiled")

    def act(task: Any, given: Any) -> None:
        seen.append(repr(given))
        change(given)
        if task.task_name == "A" and task.attempt == 1:
            raise ValueError

    def looks(message: Any, given: Any) -> bool:
        seen.append(repr(given))
        change(given)
        return True

    def items(pool: Any, given: Any) -> list[int]:
        seen.append(repr(given))
        change(given)
        return [1, 2]

    plan = build(
        {
            "f": {
                "edges": ["-> A B", ("A -> C", holding()), ("B -> D", each()), "C -> g"],
                "propagate_node_args": True,
                "max_retry": 1,
            },
            "g": ["-> E"],
        },
        {"A": {"max_retry": 1}},
    )
    before = repr(args)
    does = {**dict.fromkeys("ABCDE", act), "holds": looks, "items": items}
    run = play(plan, args, does, concurrency=concurrency)
    assert run.status == "success"
    assert set(seen) == {before}
    assert repr(args) == before
    assert {repr(n["node_args"]) for n in run.nodes} == {before}
    assert repr(run.report()["node_args"]) == before


def test_items_of_a_foreach_are_not_shared_among_destinations() -> None:
    seen = []

    def act(task: Any, given: Any) -> None:
        seen.append(repr(given))
        spoil(given)

    item = fresh()
    plan = build({"f": ["-> A", ("A -> B C", each(True))]})
    does = {"B": act, "C": act, "items": lambda pool, args: [item, item]}
    run = play(plan, does=does)
    assert set(seen) == {repr(fresh())}
    assert {repr(n["node_args"]) for n in run.nodes if n["name"] in "BC"} == {repr(fresh())}


def test_the_parent_of_an_attempt_is_its_own() -> None:
    seen = []

    def act(task: Any, given: Any) -> None:
        seen.append((task.task_name, repr(task.parent)))
        task.parent["g"]["A"].append("spoiled")
        task.parent["Z"] = "spoiled"
        if task.attempt == 1:
            raise ValueError

    plan = build(
        {"f": {"edges": ["-> g", "g -> B C"], "propagate_finished": "g"}, "g": ["-> A"]},
        {"B": {"max_retry": 1}, "C": {"max_retry": 1}},
    )
    run = play(plan, does={"B": act, "C": act})
    expected = {"g": {"A": [node(run, "A")["id"]]}}
    assert [parent for _, parent in seen] == [repr(expected)] * 4
    assert node(run, "B")["parent"] == node(run, "C")["parent"] == expected


def test_failures_of_a_fallback_are_its_own() -> None:
    def fail(task: Any, args: Any) -> None:
        raise ValueError("no")

    def act(task: Any, args: Any) -> None:
        seen.append(repr(task.failures))
        assert str(task.parent_task_exception("A")) == "no"
        task.failures["A"].clear()

    seen: list[str] = []
    plan = build({"f": {"edges": ["-> A"], "failures": ["A -> B C"]}})
    run = play(plan, does={"A": fail, "B": act, "C": act})
    assert run.status == "success"
    assert len(set(seen)) == 1
    assert node(run, "B")["failures"] == {"A": [node(run, "A")["id"]]}


@pytest.mark.parametrize("storage", ["S", None])
@pytest.mark.parametrize("result", [fresh(), {"flat": 1}, [[1]]], ids=["deep", "flat", "list"])
def test_a_result_is_kept_as_it_was_when_it_was_returned(storage: str | None, result: Any) -> None:
    kept = repr(result)
    read: list[str] = []

    def give(task: Any, args: Any) -> Any:
        behaviours["given"] = result
        return result

    def change(task: Any, args: Any) -> None:
        if isinstance(result, dict):
            result["flat"] = "spoiled"
        else:
            result[0].append("spoiled")

    def reads(task: Any, args: Any) -> None:
        if storage is not None:
            value = task.parent_task_result("A")
            read.append(repr(value))
            value.clear()
            read.append(repr(task.parent_task_result("A")))

    plan = build({"f": ["-> A", "A -> B", "A B -> C"]}, {"A": {"storage": storage}})
    run = play(plan, does={"A": give, "B": change, "C": reads})
    assert run.status == "success", node(run, "C")["error"]
    assert repr(node(run, "A")["result"]) == kept
    assert set(read) <= {kept}


def test_a_predicate_that_changes_the_result_changes_its_copy() -> None:
    def looks(message: Any, args: Any) -> bool:
        seen.append(repr(message))
        message.clear()
        return True

    seen: list[str] = []
    plan = build({"f": ["-> A", ("A -> B", holding()), ("A -> C", holding())]})
    run = play(plan, does={"A": lambda task, args: fresh(), "holds": looks})
    assert seen == [repr(fresh())] * 2
    assert node(run, "A")["result"] == fresh()


def test_tuples_are_lists_as_they_are_in_production() -> None:
    run = play(build({"f": "-> A"}), {"t": (1, 2)}, {"A": lambda task, args: (args["t"], {1: "x"})})
    assert node(run, "A")["node_args"] == {"t": [1, 2]}
    assert node(run, "A")["result"] == [[1, 2], {"1": "x"}]


def test_two_runs_of_one_executor_share_nothing() -> None:
    plan = build(
        {"f": {"edges": ["-> A A", ("A -> B", holding())], "max_retry": 1}}, {"A": {"throttling": {"seconds": 5}}}
    )
    behaviours.clear()
    behaviours.update({"A": lambda task, args: 1, "holds": lambda message, args: True})
    executor = LocalExecutor(plan)
    first, second = executor.run("f"), executor.run("f")
    assert drop_real(first.report()) == drop_real(second.report())
    assert list(first.trace()) == list(second.trace())
    assert len(first.stored("S")) == 4


def drop_real(report: dict[str, Any]) -> dict[str, Any]:
    nodes = [{k: v for k, v in n.items() if k != "real_seconds"} for n in report["nodes"]]
    return {**{k: v for k, v in report.items() if k != "real_seconds"}, "nodes": nodes}
