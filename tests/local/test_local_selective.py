"""Selective local runs, and results of earlier runs in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from selinon_core.errors import SelectiveNoPathError, UnknownFlowError
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan
from tests.local.trying import HERE, behaviours, build, each, holding, names, node, told

REUSING = {"selective_run_function": {"name": "reuse", "import": HERE}}


def run(
    plan: Plan, tasks: list[str], does: dict[str, Any] | None = None, args: Any = None, **options: Any
) -> LocalRun:
    behaviours.clear()
    behaviours.update(does or {})
    how = {key: options.pop(key) for key in ("follow_subflows", "run_subsequent") if key in options}
    return LocalExecutor(plan, LocalOptions(**options)).run_selective("f", tasks, args, **how)


def test_only_what_leads_to_the_tasks_runs() -> None:
    plan = build({"f": ["-> A X", "A -> B Y", "B -> C", "A X -> Z"]})
    found = run(plan, ["B"])
    assert (found.status, names(found)) == ("success", ["A", "B"])
    assert {event["edge"] for event in told(found, "SELECTIVE_OMIT_EDGE")} >= {2}
    assert {event["omitted_node"] for event in told(found, "SELECTIVE_OMIT_NODE")} == {"X", "Y"}
    assert found.unreached_nodes == []


def test_what_follows_runs_too_if_asked_for() -> None:
    plan = build({"f": ["-> A X", "A -> B Y", "B -> C"]})
    assert names(run(plan, ["B"], run_subsequent=True)) == ["A", "B", "C"]


def test_sub_flows_are_searched_if_asked_for() -> None:
    plan = build({"f": ["-> A", "A -> g"], "g": ["-> B", "B -> C D"]})
    assert names(run(plan, ["C"], follow_subflows=True)) == ["A", "g", "B", "C"]
    with pytest.raises(SelectiveNoPathError):
        run(plan, ["C"])
    with pytest.raises(UnknownFlowError, match='did you mean "f"'):
        LocalExecutor(plan).run_selective("ff", ["C"])


class TestReuse:
    plan = staticmethod(lambda: build({"f": ["-> A", ("A -> B", holding()), "B -> C"]}, {"A": REUSING}))

    def test_an_earlier_result_is_there_for_conditions_and_tasks(self) -> None:
        does = {
            "A": lambda task, args: {"expensive": True},
            "B": lambda task, args: task.parent_task_result("A"),
            "holds": lambda message, args: message["expensive"],
        }
        behaviours.clear()
        behaviours.update(does)
        first = LocalExecutor(self.plan()).run("f")
        report = json.loads(json.dumps(first.report()))
        earlier = node(first, "A")["id"]

        asked: list[Any] = []

        def reuse(flow: str, name: str, args: Any, tasks: list[str], pool: Any) -> str:
            asked.append((flow, name, args, tasks, pool.retrieve("f", "A", earlier)))
            return earlier

        again = run(self.plan(), ["B"], {**does, "A": None, "reuse": reuse}, {"x": 1}, reuse=report)
        assert asked == [("f", "A", {"x": 1}, ["B"], {"expensive": True})]
        assert (again.status, names(again)) == ("success", ["A", "B"])
        a, b = again.nodes
        assert (a["status"], a["id"], a["result"], a["attempts"]) == ("reused", earlier, {"expensive": True}, 0)
        assert b["result"] == {"expensive": True}
        assert b["parent"] == {"A": earlier}
        assert again.result["finished_nodes"]["A"] == [earlier]
        assert told(again, "SELECTIVE_TASK_REUSE")[0]["task_id"] == earlier
        assert told(again, "SELECTIVE_RUN_FUNC")[0]["result"] == earlier

    def test_what_was_reused_can_be_reused_again(self) -> None:
        does = {"A": lambda task, args: [1], "holds": lambda message, args: message == [1]}
        behaviours.clear()
        behaviours.update(does)
        first = LocalExecutor(self.plan()).run("f")
        earlier = node(first, "A")["id"]
        does |= {"reuse": lambda *arguments: earlier, "A": None}
        second = run(self.plan(), ["B"], does, reuse=first.report())
        third = run(self.plan(), ["B"], does, reuse=second.report())
        assert node(third, "A")["result"] == [1]
        assert names(third) == ["A", "B"]

    def test_none_runs_the_task(self) -> None:
        does = {"reuse": lambda *arguments: None, "holds": lambda message, args: True}
        found = run(self.plan(), ["B"], does)
        assert [n["status"] for n in found.nodes] == ["success", "success"]

    def test_an_id_that_nobody_knows_fails_the_decision_that_needs_it(self) -> None:
        does = {"reuse": lambda *arguments: "unheard-of", "holds": lambda message, args: True}
        found = run(self.plan(), ["B"], does)
        assert found.status == "failure"
        assert "unheard-of" in str(found.error)
        assert any("A to be reused cannot be read" in warning for warning in found.warnings)

    def test_results_of_sub_flows_are_found_in_the_flow_they_were_made_in(self) -> None:
        plan = build({"f": ["-> g"], "g": ["-> A", "A -> B"]}, {"A": REUSING})
        does = {"A": lambda task, args: "made in g", "B": lambda task, args: task.parent_task_result("A")}
        behaviours.clear()
        behaviours.update(does)
        first = LocalExecutor(plan).run("f")
        earlier = node(first, "A")["id"]
        does |= {"reuse": lambda *arguments: earlier, "A": None}
        again = run(plan, ["B"], does, reuse=first.report(), follow_subflows=True)
        assert node(again, "B")["result"] == "made in g"

    def test_under_foreach_the_function_is_asked_for_every_item(self) -> None:
        asked: list[Any] = []
        plan = build({"f": [("-> A", each(True)), "A -> B"]}, {"A": REUSING})
        does = {
            "items": lambda pool, args: ["x", "y"],
            "reuse": lambda flow, name, args, tasks, pool: asked.append(args),
        }
        assert names(run(plan, ["B"], does)) == ["A", "A", "B", "B"]
        assert asked == ["x", "y"]


def test_an_edge_may_run_its_sub_flow_selectively() -> None:
    chosen = {"selective": {"tasks": ["C"], "follow_subflows": False, "run_subsequent": False}}
    plan = build({"f": ["-> A", ("A -> g", chosen)], "g": ["-> B", "B -> C D"]})
    behaviours.clear()
    found = LocalExecutor(plan).run("f")
    assert names(found) == ["A", "g", "B", "C"]
    starts = {line["flow_name"]: line["selective"] for line in told(found, "FLOW_START")}
    assert starts["f"] is None
    assert starts["g"]["tasks"] == ["C"]
