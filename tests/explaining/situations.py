"""Situations and questions about them: a small flow, what its tasks do, and the question.

Each has a golden text, the answer; it has to be the same from a report, a trace and the log of a run on workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from selinon_core.plan import Plan
from tests.local.trying import build, each, failing, holding

Json = dict[str, Any]


class Situation(NamedTuple):
    """``asks`` are the nodes that are asked about, ``edges`` the edges; neither: the whole run.

    ``selects``: the tasks of a selective run. ``local_only``: workers would not end it alike (virtual time).
    """

    flows: Mapping[str, Any]
    does: Callable[[], Mapping[str, Any]] = dict
    asks: tuple[str, ...] = ()
    edges: tuple[str, ...] = ()
    selects: tuple[str, ...] = ()
    tasks: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = {}
    args: Any = None
    local_only: bool = False

    def plan(self) -> Plan:
        """The plan of its flows."""
        return build(self.flows, self.tasks)


def no(*_: Any) -> bool:
    return False


def returns(value: Any) -> Callable[[Any, Any], Any]:
    return lambda task, node_args: value


GREATER: Json = {"condition": {"name": "fieldGreater", "args": {"key": "total", "value": 3}}}
ABOVE = {"condition": "A.total > 3"}
DEAR = {"condition": "A.total > 3 and A.kind == 'gift'"}
CYCLE = {"main": ["-> A", ("A -> B", holding()), "B -> C", "C -> B"]}
JOIN = {"main": ["-> A B", "A B -> C"]}
FALLBACKS = {
    "main": {"edges": ["-> A B"], "failures": ["A -> X", "A B -> Y"]},
}
NESTED = {"main": ["-> S", "S -> B"], "S": ["-> T"], "T": ["-> A", ("A -> C", holding())]}

SITUATIONS: dict[str, Situation] = {
    "a node that ran": Situation({"main": ["-> A", "A -> B"]}, asks=("A", "B")),
    "a node behind a true condition": Situation(
        {"main": ["-> A", ("A -> B", ABOVE)]}, lambda: {"A": returns({"total": 5})}, asks=("B",)
    ),
    "a false predicate": Situation(
        {
            "main": [
                "-> A",
                ("A -> B", GREATER),
            ]
        },
        lambda: {"A": returns({"total": 2})},
        asks=("B",),
    ),
    "a false predicate of the user": Situation(
        {"main": ["-> A", ("A -> B", holding())]}, lambda: {"holds": no}, asks=("B",)
    ),
    "a false expression": Situation(
        {"main": ["-> A", ("A -> B", DEAR)]}, lambda: {"A": returns({"total": 9, "kind": "parcel"})}, asks=("B",)
    ),
    "a negated condition": Situation(
        {
            "main": [
                "-> A",
                ("A -> B", {"condition": {"not": GREATER["condition"]}}),
            ]
        },
        lambda: {"A": returns({"total": 5})},
        asks=("B",),
    ),
    "a field that is missing": Situation(
        {"main": ["-> A", ("A -> B", {"condition": {"name": "fieldExist", "args": {"key": "no"}}})]},
        lambda: {"A": returns({"total": 5})},
        asks=("B",),
    ),
    "arguments of the flow": Situation(
        {"main": [("-> A", {"condition": "args.kind == 'gift'"})]}, args={"kind": "parcel"}, asks=("A",)
    ),
    "a foreach without items": Situation(
        {"main": ["-> A", ("A -> B", each())]}, lambda: {"items": lambda *_: []}, asks=("B",)
    ),
    "members of a foreach": Situation(
        {"main": ["-> A", ("A -> B", each())]}, lambda: {"items": lambda *_: [1, 2, 3]}, asks=("B", "B#2")
    ),
    "a source that failed": Situation(
        {"main": ["-> A", "A -> B"]}, lambda: {"A": failing(9, ValueError("no answer"))}, asks=("B",)
    ),
    "a source that never ran": Situation(
        {"main": ["-> A", ("A -> B", holding()), "B -> C", "C -> D"]}, lambda: {"holds": no}, asks=("D",)
    ),
    "a node that waits for itself": Situation(CYCLE, lambda: {"holds": no}, asks=("C",)),
    "one of two sources failed": Situation(JOIN, lambda: {"B": failing(9)}, asks=("C",)),
    "sources of different attempts": Situation(
        {
            "main": {
                "edges": ["-> A B", "A B -> C"],
                "failures": ["A -> X"],
                "max_retry": 1,
                "eager_failures": ["B"],
            }
        },
        lambda: {"A": failing_at(2), "B": failing(1)},
        asks=("C",),
        local_only=True,  # on workers B may fail before A has ended
    ),
    "left out by a selective run": Situation(
        {"main": ["-> A", "A -> B", "A -> C D"]}, asks=("B", "D"), selects=("C",)
    ),
    "a fallback that was not needed": Situation(
        {"main": {"edges": ["-> A"], "failures": ["A -> X"]}}, asks=("X",)
    ),
    "a fallback that was used": Situation(
        {"main": {"edges": ["-> A"], "failures": ["A -> X"]}}, lambda: {"A": failing(9)}, asks=("X", "A")
    ),
    "a larger fallback": Situation(FALLBACKS, lambda: {"A": failing(9), "B": failing(9)}, asks=("X", "Y")),
    "a smaller fallback": Situation(FALLBACKS, lambda: {"A": failing(9)}, asks=("X", "Y")),
    "a fallback whose condition was false": Situation(
        {"main": {"edges": ["-> A"], "failures": [("A -> X", holding("allows"))]}},
        lambda: {"A": failing(9), "allows": no},
        asks=("X",),
    ),
    "a task that was tried again": Situation(
        {"main": ["-> A"]},
        lambda: {"A": failing(2)},
        asks=("A",),
        tasks={"A": {"max_retry": 3, "retry_countdown": 5}},
        local_only=True,  # the log of workers has no attempts
    ),
    "a task that failed for good": Situation(
        {"main": ["-> A"]},
        lambda: {"A": failing(9)},
        asks=("A",),
        tasks={"A": {"max_retry": 1, "retry_countdown": 5}},
        local_only=True,
    ),
    "a sub-flow that failed": Situation(
        {"main": ["-> S", "S -> B"], "S": ["-> A"]}, lambda: {"A": failing(9)}, asks=("S", "B")
    ),
    "deep in sub-flows": Situation(NESTED, lambda: {"holds": no}, asks=("T/C",)),
    "a flow that did not run": Situation(
        {"main": ["-> A", ("A -> S", holding())], "S": ["-> B"]}, lambda: {"holds": no}, asks=("S/B",)
    ),
    "an eager failure": Situation(
        {"main": {"edges": ["-> A B", "B -> C"], "eager_failures": ["A"]}},
        lambda: {"A": failing(9)},
        asks=("C",),
        options={"durations": {"B": 9}},
        local_only=True,
    ),
    "a time-out": Situation(
        {"main": {"edges": ["-> A", "A -> B"], "timeout": 5}},
        asks=("B",),
        options={"durations": {"A": 9}},
        local_only=True,
    ),
    "how a run failed": Situation({"main": ["-> A B"]}, lambda: {"A": failing(9), "B": failing(9)}),
    "how a run succeeded": Situation({"main": ["-> A"]}),
    "how a run timed out": Situation(
        {"main": {"edges": ["-> A", "A -> B"], "timeout": 5}}, options={"durations": {"A": 9}}, local_only=True
    ),
    "an edge with a condition": Situation(
        {"main": ["-> A", ("A -> B", ABOVE)]}, lambda: {"A": returns({"total": 2})}, edges=("A -> B", "0")
    ),
    "an edge that was not considered": Situation(
        {"main": ["-> A", "A -> B"]}, lambda: {"A": failing(9)}, edges=("A -> B",)
    ),
    "an edge of a cycle": Situation(
        {"main": ["-> A", ("A -> B", ABOVE), "B -> A"]},
        lambda: {"A": in_turn({"total": 5}, {"total": 4}, {"total": 1})},
        edges=("A -> B",),
    ),
    "arguments that could not be worked out": Situation(
        {"main": ["-> A", ("A -> B", {"args": {"half": "${A.total}"}})]},
        lambda: {"A": returns({"sum": 2})},
        asks=("B",),
    ),
}


def failing_at(call: int) -> Any:
    """A task that fails at one of its calls."""
    calls = iter(range(1, 100))

    def act(task: Any, node_args: Any) -> None:
        if next(calls) == call:
            raise ValueError("this time")

    return act


def in_turn(*results: Any) -> Any:
    """A task that returns one result after another."""
    remaining = iter(results)
    return lambda task, node_args: next(remaining)
