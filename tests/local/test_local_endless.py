"""Runs that never end are stopped, and the message says what kept them going."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.local import LocalExecutor, LocalOptions, LocalRun, StepLimitExceeded
from selinon_core.plan import Plan
from tests.local.trying import HERE, behaviours, build_text

TASKS = "\n".join(f"- {{name: {name}, import: {HERE}, classname: Acting, storage: S}}" for name in "ABCDE")
HEAD = f"global: {{predicates_module: {HERE}}}\nstorages: [{{name: S, import: {HERE}, classname: Remembering}}]\n"


def stopped(flows: str, limit: int = 500, **does: object) -> str:
    plan = build_text(f"{HEAD}tasks:\n{TASKS}\nflow-definitions:\n{flows.lstrip()}")
    behaviours.clear()
    behaviours.update(does)
    run = LocalExecutor(plan, LocalOptions(max_steps=limit)).run("f")
    assert run.status == "failure"
    assert isinstance(run.stopped_by, StepLimitExceeded)
    assert run.error == run.report()["error"] == str(run.stopped_by)
    assert run.error.startswith(f"stopped after {limit} steps: ")
    return run.error


def test_a_cycle_is_named_with_the_places_of_its_edges() -> None:
    message = stopped(
        """
- name: f
  edges:
  - {from: , to: A}
  - {from: A, to: B}
  - {from: B, to: C}
  - {from: C, to: B, condition: {name: alwaysTrue}}
"""
    )
    assert any(cycle in message for cycle in ("B -> C -> B", "C -> B -> C"))
    assert "flow.yaml:14:5" in message
    assert "flow.yaml:15:5" in message
    assert "flow.yaml:13" not in message


def test_a_cycle_through_any_source_of_a_join_is_found() -> None:
    for sources in ("[C, A]", "[A, C]"):
        message = stopped(
            f"""
- name: f
  edges:
  - {{from: , to: [A, B]}}
  - {{from: {sources}, to: D}}
  - {{from: B, to: C}}
  - {{from: D, to: C, condition: {{name: alwaysTrue}}}}
"""
        )
        assert "the cycle " in message
        assert "flow.yaml:13:5" in message
        assert "flow.yaml:15:5" in message


def test_a_cycle_through_a_fallback_is_found() -> None:
    def fail(task: object, args: object) -> None:
        raise ValueError

    message = stopped(
        """
- name: f
  edges:
  - {from: , to: A}
  - {from: B, to: A}
  failures:
  - {nodes: A, fallback: B}
""",
        A=fail,
    )
    assert "the cycle " in message
    assert "edge at flow.yaml:13:5" in message
    assert "fallback at flow.yaml:15:5" in message


def test_a_recursion_is_named_with_the_places_of_the_edges_that_go_deeper() -> None:
    message = stopped(
        """
- name: f
  edges:
  - {from: , to: A}
  - {from: A, to: g, condition: {name: allows}}
- name: g
  edges:
  - {from: , to: f}
""",
        allows=lambda args: True,
    )
    assert any(f"the recursion {names} " in message for names in ("f -> g -> f", "g -> f -> g"))
    assert "flow.yaml:13:5" in message
    assert "flow.yaml:16:5" in message


def test_a_task_that_always_asks_for_another_attempt_is_named() -> None:
    message = stopped("- {name: f, edges: [{from: , to: A}]}", 50, A=lambda task, args: task.retry(1))
    assert "task A (flow.yaml:4:10) in flow f is run again and again (50 attempts)" in message


def test_a_flow_that_is_retried_for_ever_is_named() -> None:
    def fail(task: object, args: object) -> None:
        raise ValueError

    message = stopped("- {name: f, max_retry: 1000000, edges: [{from: , to: A}]}", 50, A=fail)
    assert "flow f (flow.yaml:10:10) fails and is run again and again" in message


def test_a_question_that_is_put_off_for_ever_is_named() -> None:
    def retrieve(*address: str) -> None:
        raise OSError("no route")

    behaviours.clear()
    behaviours.update({"retrieve": retrieve, "holds": lambda message, args: True})
    text = f"""{HEAD}tasks:
{TASKS}
flow-definitions:
- name: f
  edges:
  - {{from: , to: A}}
  - {{from: A, to: B, condition: {{name: holds}}}}
"""
    plan = build_text(text)
    run = LocalExecutor(plan, LocalOptions(max_steps=5, storage="real")).run("f")
    assert isinstance(run.stopped_by, StepLimitExceeded)
    assert "flow f, edge A -> B at flow.yaml:13:5: a storage cannot be read" in str(run.stopped_by)


def test_the_limit_counts_node_runs_attempts_and_retries_of_flows_together() -> None:
    def plan(edges: str = "{from: , to: A}") -> Plan:
        return build_text(f"{HEAD}tasks:\n{TASKS}\nflow-definitions:\n- {{name: f, edges: [{edges}]}}")

    chain = "{from: , to: A}, {from: A, to: B}, {from: B, to: C}"
    behaviours.clear()
    assert LocalExecutor(plan(chain), LocalOptions(max_steps=3)).run("f").status == "success"
    assert LocalExecutor(plan(chain), LocalOptions(max_steps=2)).run("f").stopped_by is not None


def test_a_project_larger_than_the_usual_limit_may_take_more_steps_than_it_has_nodes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("selinon_core.local.step_counter.LEAST_STEP_LIMIT", 10)
    many = ", ".join(["A"] * 20)
    flow = f"- {{name: f, edges: [{{from: , to: [{many}]}}]}}"
    plan = build_text(f"{HEAD}tasks:\n{TASKS}\nflow-definitions:\n{flow}")
    behaviours.clear()
    assert LocalExecutor(plan).run("f").status == "success"


def test_each_item_of_a_foreach_adds_steps_and_a_loop_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"LEAST_STEP_LIMIT": 10, "MOST_FOR_ITEMS": 200}
    for name, value in limits.items():
        monkeypatch.setattr(f"selinon_core.local.step_counter.{name}", value)
    each = f"{{from: , to: A, foreach: {{import: {__name__}, function: nine_items}}}}"
    behaviours.clear()

    def run(edges: str) -> LocalRun:
        flow = f"- {{name: f, edges: [{edges}]}}"
        plan = build_text(f"{HEAD}tasks:\n{TASKS}\nflow-definitions:\n{flow}")
        return LocalExecutor(plan).run("f")

    assert run(f"{each}, {{from: A, to: B}}, {{from: B, to: C}}").status == "success"  # 27 steps
    stopped = run(f"{each}, {{from: A, to: A}}").stopped_by
    assert "stopped after 110 steps" in str(stopped)
    looping = run(each.replace("from: ,", "from: B,") + ", {from: , to: B}, {from: A, to: B}").stopped_by
    assert "stopped after 200 steps" in str(looping) or "more than 200 steps" in str(looping)


def nine_items(storage_pool: Any, node_args: Any) -> list[int]:
    return list(range(9))
