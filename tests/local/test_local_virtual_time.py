"""Virtual time: exact, and nothing sleeps."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from selinon_core.local import Mocks
from tests.local.trying import build, each, failing, names, node, play, told


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {*threading.enumerate()} - {threading.current_thread()}  # of tests before this one
    really = time.sleep

    def sleep(seconds: float) -> None:
        if threading.current_thread() not in others:
            raise AssertionError(f"slept {seconds} s")
        really(seconds)

    monkeypatch.setattr(time, "sleep", sleep)


def starts(run: Any, name: str) -> list[float]:
    return [n["started_at"] for n in run.nodes if n["name"] == name]


def test_retries_a_throttled_fan_out_and_retries_of_the_flow_add_up() -> None:
    plan = build(
        {
            "f": {
                "edges": ["-> Fetch", ("Fetch -> Page", each()), "Page -> Check"],
                "max_retry": 1,
                "retry_countdown": 3600,
                "sampling": {"name": "constant", "args": {"retry": 15}},
            }
        },
        {
            "Fetch": {"max_retry": 10, "retry_countdown": 120},
            "Page": {"throttling": {"seconds": 2}},
            "Check": {},
        },
    )
    checks = iter(range(2000))

    def check(task: Any, args: Any) -> None:
        if next(checks) == 999:
            raise ValueError("the last of the first attempt of the flow")

    run = play(plan, does={"Fetch": failing(10), "items": lambda pool, args: range(1000), "Check": check})
    assert run.status == "success"
    # 10 retries of 120 s, then 1000 pages 2 s apart, then the flow again: no retries, and the pages follow on
    first_start, last_start = 1200.0, 1200.0 + 999 * 2
    assert starts(run, "Page")[:1000] == [first_start + 2.0 * i for i in range(1000)]
    assert told(run, "FLOW_RETRY")[0]["time"] == last_start
    assert starts(run, "Fetch") == [0.0, last_start + 3600]
    assert starts(run, "Page")[1000:] == [last_start + 3600 + 2.0 * i for i in range(1000)]
    assert run.virtual_seconds == last_start + 3600 + 999 * 2


def test_throttling_holds_over_all_flow_runs_and_delays_in_order() -> None:
    plan = build(
        {"f": ["-> g g g", "g -> A"], "g": ["-> A A"]},
        {"A": {"throttling": {"seconds": 10}}},
    )
    run = play(plan)
    assert starts(run, "A") == [10.0 * i for i in range(9)]
    assert run.virtual_seconds == 80.0
    assert [event["countdown"] for event in told(run, "TASK_SCHEDULE")][:3] == [None, 10.0, 20.0]


def test_throttled_sub_flows_start_at_their_distance() -> None:
    plan = build({"f": "-> g g g", "g": {"edges": "-> A", "throttling": {"minutes": 1}}})
    run = play(plan)
    assert starts(run, "g") == [0.0, 60.0, 120.0]
    assert starts(run, "A") == [0.0, 60.0, 120.0]


def test_a_throttled_task_that_comes_late_enough_is_not_delayed() -> None:
    plan = build({"f": ["-> A", "A -> B", "B -> A2"]}, {"A": {"throttling": {"seconds": 5}}})
    run = play(plan, mocks=Mocks.from_mapping({"B": {"after": 60}}))
    assert run.virtual_seconds == 60.0


def test_mocks_take_the_time_they_say_side_by_side() -> None:
    plan = build({"f": ["-> A B", "A -> C", "B -> D", "C D -> E"]})
    after = {"A": 5, "B": 30, "C": 10, "D": 1}
    run = play(plan, mocks=Mocks.from_mapping({name: {"after": s} for name, s in after.items()}))
    times = {n["name"]: (n["started_at"], n["finished_at"]) for n in run.nodes}
    assert times == {"A": (0, 5), "B": (0, 30), "C": (5, 15), "D": (30, 31), "E": (31, 31)}
    assert names(run) == ["A", "B", "C", "D", "E"]


def test_fractions_of_seconds_do_not_add_up_to_noise() -> None:
    plan = build({"f": ("-> " + "A " * 11)}, {"A": {"throttling": {"milliseconds": 100}}})
    run = play(plan)
    assert run.report()["virtual_seconds"] == 1.0
    assert starts(run, "A") == [round(0.1 * i, 6) for i in range(11)]


def test_a_flow_retry_waits_its_countdown_and_keeps_id_and_arguments() -> None:
    flow = {"edges": ["-> A"], "max_retry": 3, "retry_countdown": 45}
    run = play(build({"f": flow}), {"x": 1}, {"A": failing(3)})
    assert (run.status, run.virtual_seconds) == ("success", 135.0)
    assert [n["flow_attempt"] for n in run.nodes] == [1, 2, 3, 4]
    assert {n["flow_id"] for n in run.nodes} == {run.id}
    assert all(n["node_args"] == {"x": 1} for n in run.nodes)
    assert len({n["id"] for n in run.nodes}) == 4


def test_nowait_runs_are_waited_for_by_the_run_but_not_by_the_flow() -> None:
    plan = build({"f": {"edges": ["-> A B"], "nowait": "B"}})
    run = play(plan, mocks=Mocks.from_mapping({"B": {"error": "ValueError: no", "after": 90}}))
    assert run.status == "success"
    assert told(run, "FLOW_END")[0]["time"] == 0.0
    assert run.virtual_seconds == 90.0
    b = node(run, "B")
    assert (b["status"], b["finished_at"], b.get("abandoned")) == ("failure", 90.0, None)
    assert "B" not in str(run.result)


def test_what_an_eager_failure_leaves_behind_is_run_and_reported_as_abandoned() -> None:
    plan = build({"f": {"edges": ["-> A B", "B -> C"], "eager_failures": "A"}})
    run = play(plan, mocks=Mocks.from_mapping({"A": {"error": "ValueError: no"}, "B": {"after": 5}}))
    assert run.status == "failure"
    b = node(run, "B")
    assert (b["status"], b["finished_at"], b["abandoned"]) == ("success", 5.0, True)
    assert names(run) == ["A", "B"]
    assert len(told(run, "EAGER_FAILURE")) == 1
