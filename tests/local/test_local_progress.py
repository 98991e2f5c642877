"""How far tasks of local runs say they are: events of the trace, the same in every run."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from selinon_core import progress
from tests.local.trying import build, play
from tests.local.trying import told as events_of


def told(calls: list[tuple[Any, ...]], **options: Any) -> list[tuple[Any, ...]]:
    def task(task: Any, args: Any) -> None:
        for call in calls:
            progress(*call)

    run = play(build({"f": ["-> A"]}, {"A": {}}), does={"A": task}, **options)
    events = [event for event in run.trace() if event["event"] == "NODE_PROGRESS"]
    return [(event["done"], event["of"], event["text"]) for event in events]


@pytest.mark.parametrize("options", [{}, {"concurrency": 2}])
def test_each_new_percent_and_each_new_text_is_reported(options: dict[str, Any]) -> None:
    calls = [(number, 1000) for number in range(1, 31)] + [(30, 1000, "pages"), (5,), (6,)]
    expected = [(1, 1000, ""), (10, 1000, ""), (20, 1000, ""), (30, 1000, ""), (30, 1000, "pages"), (5, None, "")]
    assert told(calls, **options) == expected


def test_the_number_of_events_of_an_attempt_is_bounded() -> None:
    assert len(told([(number, None, str(number)) for number in range(1000)])) == 100


def test_an_attempt_that_was_given_up_is_not_heard_any_more() -> None:
    may_go = threading.Event()
    threads: list[threading.Thread] = []

    def late(task: Any, args: Any) -> None:
        threads.append(threading.current_thread())
        may_go.wait(60)
        progress(1, 2)

    def clean(task: Any, args: Any) -> None:
        may_go.set()
        threads[0].join(60)

    plan = build({"f": {"edges": ["-> A"], "failures": ["A -> B"]}}, {"A": {"timeout": 0.05}, "B": {}})
    run = play(plan, does={"A": late, "B": clean})
    assert run.status == "success"
    assert not threads[0].is_alive()
    assert events_of(run, "NODE_PROGRESS") == []
