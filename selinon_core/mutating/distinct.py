"""Made-up values of a case that can be told apart: a mistake that takes one for another then shows.

The results of a case that an exploration writes are the least ones, zeros and empty texts, as far as nothing is
decided on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from selinon_core.cases.model import UNGIVEN, Case, NodeMock, Outcome


def with_distinct_values(case: Case) -> Case:
    """The case with another number for each 0 and another text for each empty one, in results and arguments.

    Whether it still does what it did, and whether the values fit the schemas, is for the caller to find out.
    """
    numbers = count(3, 2)
    mocks = {name: _of_mock(mock, numbers) for name, mock in case.mocks.nodes.items()}
    return case._replace(mocks=case.mocks._replace(nodes=mocks), args=_distinct(case.args, numbers))


def _of_mock(mock: NodeMock, numbers: Iterator[int]) -> NodeMock:
    rules = []
    for rule in mock.rules:
        outcomes = tuple(_of_outcome(outcome, numbers) for outcome in rule.script.outcomes)
        rules.append(rule._replace(script=rule.script._replace(outcomes=outcomes)))
    return mock._replace(rules=tuple(rules))


def _of_outcome(outcome: Outcome, numbers: Iterator[int]) -> Outcome:
    if outcome.kind not in ("result", "output") or outcome.value is UNGIVEN:
        return outcome
    return outcome._replace(value=_distinct(outcome.value, numbers))


def _distinct(value: Any, numbers: Iterator[int]) -> Any:
    if isinstance(value, dict):
        return {key: _distinct(part, numbers) for key, part in value.items()}
    if isinstance(value, list):
        return [_distinct(part, numbers) for part in value]
    if value == "":
        return f"text {next(numbers)}"
    return next(numbers) if value == 0 and not isinstance(value, bool) else value
