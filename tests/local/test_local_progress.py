"""How far tasks of local runs say they are: events of the trace, the same in every run."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core import progress
from tests.local.trying import build, play


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
