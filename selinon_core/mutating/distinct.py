"""Made-up values of a case that can be told apart: a mistake that takes one for another then shows.

The results of a case that an exploration writes are the least ones, zeros and empty texts, as far as nothing is
decided on them; there are no arguments, and sub-flows leave no results.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from selinon_core.cases.model import UNGIVEN, Case, NodeMock, Outcome
from selinon_core.plan import FlowPlan, Plan


def with_distinct_values(case: Case, plan: Plan) -> Case:
    """The case with another number for each 0 and another text for each empty one, in results and arguments.

    Without arguments it gets some, and sub-flows that are mocked as a whole leave a result of each of their nodes.
    Whether it still does what it did, and whether the values fit the schemas, is for the caller to find out.
    """
    numbers = count(3, 2)
    mocks = {name: _of_mock(name, mock, numbers, plan) for name, mock in case.mocks.nodes.items()}
    args = {"number": next(numbers)} if case.args is None else _distinct(case.args, numbers)
    return case._replace(mocks=case.mocks._replace(nodes=mocks), args=args)


def _of_mock(name: str, mock: NodeMock, numbers: Iterator[int], plan: Plan) -> NodeMock:
    rules = []
    for rule in mock.rules:
        outcomes = tuple(_of_outcome(name, outcome, numbers, plan) for outcome in rule.script.outcomes)
        rules.append(rule._replace(script=rule.script._replace(outcomes=outcomes)))
    return mock._replace(rules=tuple(rules))


def _of_outcome(name: str, outcome: Outcome, numbers: Iterator[int], plan: Plan) -> Outcome:
    if outcome.kind == "finished" and not outcome.value and name in plan.flows:
        return outcome._replace(value=_finished(plan.flows[name], numbers, plan, (name,)))
    if outcome.kind not in ("result", "output") or outcome.value is UNGIVEN:
        return outcome
    return outcome._replace(value=_distinct(outcome.value, numbers))


def _finished(flow: FlowPlan, numbers: Iterator[int], plan: Plan, above: tuple[str, ...]) -> dict[str, list[Any]]:
    """What a run of each node of a flow leaves; of tasks without a schema, which may say what that has to be."""
    found: dict[str, list[Any]] = {}
    for name in dict.fromkeys(name for edge in flow.edges for name in edge.destinations):
        if name in plan.flows and name not in above:
            found[name] = [_finished(plan.flows[name], numbers, plan, (*above, name))]
        elif name in plan.tasks and plan.tasks[name].output_schema is None:
            found[name] = [next(numbers)]
    return found


def _distinct(value: Any, numbers: Iterator[int]) -> Any:
    if isinstance(value, dict):
        return {key: _distinct(part, numbers) for key, part in value.items()}
    if isinstance(value, list):
        return [_distinct(part, numbers) for part in value]
    if value == "":
        return f"text {next(numbers)}"
    return next(numbers) if value == 0 and not isinstance(value, bool) else value
