"""Limits of tasks in local runs: attempts wait for their places in virtual time, as they do on workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from selinon_core.cases.model import Mocks, NodeMock, Outcome, Rule, Script
from selinon_core.errors import Retry
from selinon_core.plan import Plan
from tests.local.trying import build, play, told


def limited(limit: Mapping[str, Any], edges: Any = "-> A A A", **more: Any) -> Plan:
    return build({"main": [edges] if isinstance(edges, str) else edges}, {"A": {"limit": dict(limit), **more}})


def spans(run: Any, name: str = "A") -> list[tuple[float, float]]:
    return sorted((node["started_at"], node["finished_at"]) for node in run.nodes if node["name"] == name)


def test_so_many_attempts_run_at_once_and_the_others_wait_in_virtual_time() -> None:
    run = play(limited({"key": "api", "max": 2}), durations={"A": 5})
    assert run.status == "success"
    assert spans(run) == [(0.0, 5.0), (0.0, 5.0), (5.0, 10.0)]
    (waited,) = told(run, "LIMIT_WAIT")
    third = next(node for node in run.nodes if node["started_at"] == 5.0)
    wanted = {"flow_name": "main", "node_name": "A", "node_id": third["id"], "key": "api", "max": 2}
    assert {name: waited[name] for name in wanted} == wanted
    free = play(limited({"key": "api", "max": 3}), durations={"A": 5})
    assert (free.virtual_seconds, told(free, "LIMIT_WAIT")) == (5.0, [])


def test_the_key_is_of_the_arguments_of_the_node_run() -> None:
    plan = limited(
        {"key": "${args.account}", "max": 1}, [("-> A", {"foreach": "args", "args": {"account": "${item}"}})]
    )
    assert spans(play(plan, ["a", "b", "a"], durations={"A": 5})) == [(0.0, 5.0), (0.0, 5.0), (5.0, 10.0)]


def test_tasks_with_the_same_key_count_together() -> None:
    limit = {"key": "api", "max": 1}
    run = play(
        build({"main": ["-> A B"]}, {"A": {"limit": limit}, "B": {"limit": limit}}), durations={"A": 5, "B": 1}
    )
    assert (spans(run), spans(run, "B")) == ([(0.0, 5.0)], [(5.0, 6.0)])


def test_a_task_keeps_no_place_between_two_attempts() -> None:
    failed: list[int] = []

    def fails_once(task: Any, args: Any) -> None:
        if not failed:
            failed.append(1)
            raise ValueError("not now")

    plan = limited({"key": "api", "max": 1}, "-> A A", max_retry=1, retry_countdown=100)
    run = play(plan, does={"A": fails_once}, durations={"A": 5})
    assert run.status == "success"
    assert spans(run) == [(0.0, 110.0), (5.0, 10.0)]


def test_a_task_that_asks_to_run_again_gives_its_place_back() -> None:
    asked: list[int] = []

    def later(task: Any, args: Any) -> None:
        if not asked:
            asked.append(1)
            raise Retry(20)

    run = play(limited({"key": "api", "max": 1}, "-> A A"), does={"A": later}, durations={"A": 1})
    assert (run.status, spans(run)) == ("success", [(0.0, 22.0), (1.0, 2.0)])


def test_mocks_and_time_outs_hold_their_places() -> None:
    mocks = Mocks({"A": NodeMock((Rule(None, Script((Outcome("result", 1, after=4.0),))),))})
    run = play(limited({"key": "api", "max": 1}), mocks=mocks)
    assert spans(run) == [(0.0, 4.0), (4.0, 8.0), (8.0, 12.0)]
    run = play(limited({"key": "api", "max": 1}, "-> A A", timeout=3), mocks=mocks)
    assert (run.status, spans(run)) == ("failure", [(0.0, 3.0), (3.0, 6.0)])


def test_a_key_that_cannot_be_worked_out_fails_the_task_and_says_where() -> None:
    run = play(limited({"key": "${args.account}", "max": 1}, "-> A"), {"other": 1})
    assert run.status == "failure"
    (node,) = run.nodes
    assert "limit.key at" in node["error"]["message"]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_code_that_runs_holds_the_limit(concurrency: int) -> None:
    at_once, most = [], [0]

    def work(task: Any, args: Any) -> None:
        at_once.append(1)
        most[0] = max(most[0], len(at_once))
        at_once.pop()

    run = play(limited({"key": "api", "max": 1}, "-> A A A A"), does={"A": work}, concurrency=concurrency)
    assert (run.status, most[0]) == ("success", 1)


def test_a_limit_changes_nothing_of_what_is_decided() -> None:
    def graph(run: Any) -> list[Any]:
        return sorted((node["name"], node["status"]) for node in run.nodes)

    edges = ["-> A A A", "A -> B", "A B -> C"]
    plain = play(build({"main": edges}), durations={"A": 3})
    held = play(limited({"key": "k", "max": 1}, edges), durations={"A": 3})
    assert (plain.status, graph(plain)) == (held.status, graph(held))
