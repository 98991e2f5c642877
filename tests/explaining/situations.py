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
    "one of two conditions": Situation(
        {"main": ["-> A", ("A -> B", {"condition": "A.total > 3 or A.kind == 'gift'"})]},
        lambda: {"A": returns({"total": 1, "kind": "parcel"})},
        asks=("B",),
    ),
    "conditions inside each other": Situation(
        {
            "main": [
                "-> A",
                ("A -> B", {"condition": {"or": [{"not": GREATER["condition"]}, {"name": "holds"}]}}),
            ]
        },
        lambda: {"A": returns({"total": 5}), "holds": no},
        asks=("B",),
    ),
    "two edges lead to a node": Situation(
        {"main": ["-> A B", ("A -> C", ABOVE), "B -> C"]},
        lambda: {"A": returns({"total": 2}), "B": failing(9, KeyError("stock"))},
        asks=("C",),
    ),
    "three edges lead to a node and one fired": Situation(
        {"main": ["-> A B", ("A -> C", ABOVE), "B -> C"]}, lambda: {"A": returns({"total": 2})}, asks=("C",)
    ),
    "a failure four flows below": Situation(
        {"main": ["-> S", "S -> B"], "S": ["-> T"], "T": ["-> U"], "U": ["-> A"]},
        lambda: {"A": failing(9, OSError("disk full"))},
        asks=("B", "S"),
    ),
    "nodes that wait for each other in a row": Situation(
        {"main": ["-> A", "A -> B", "B -> C", "C -> D", "D -> E"]},
        lambda: {"A": failing(9, ValueError("no answer"))},
        asks=("E",),
    ),
    "a member of a fan-out failed": Situation(
        {"main": ["-> A", ("A -> S", each(True)), "S -> B"], "S": ["-> F"]},
        lambda: {"items": lambda *_: [1, 2, 3], "F": failing_for(2)},
        asks=("S#2", "S/F", "B"),
    ),
    "no member of a fan-out succeeded": Situation(
        {"main": ["-> A", ("A -> F", each(True)), "F -> B"]},
        lambda: {"items": lambda *_: [1, 2], "F": failing(9, ValueError("away"))},
        asks=("B",),
    ),
    "an expression that gives no items": Situation(
        {"main": ["-> A", ("A -> B", {"foreach": "A.lines"})]}, lambda: {"A": returns({"lines": []})}, asks=("B",)
    ),
    "a node behind an empty fan-out": Situation(
        {"main": ["-> A", ("A -> B", each()), "B -> C"]}, lambda: {"items": lambda *_: []}, asks=("C",)
    ),
    "a fallback that failed": Situation(
        {"main": {"edges": ["-> A"], "failures": ["A -> X"]}},
        lambda: {"A": failing(9, ValueError("stolen")), "X": failing(9, OSError("no disk"))},
        asks=("X",),
    ),
    "how a run with a fallback that failed ended": Situation(
        {"main": {"edges": ["-> A"], "failures": ["A -> X"]}},
        lambda: {"A": failing(9, ValueError("stolen")), "X": failing(9, OSError("no disk"))},
    ),
    "a failure that another entry handled": Situation(
        {"main": {"edges": ["-> A B"], "failures": ["A B -> Y", "A -> X", "B -> Z"]}},
        lambda: {"A": failing(9), "B": failing(9)},
        asks=("Z",),
    ),
    "a failure that was handled before": Situation(
        {"main": {"edges": ["-> A", "X -> B"], "failures": ["A -> X", "A B -> Y"]}},
        lambda: {"A": failing(9), "B": failing(9)},
        asks=("Y",),
    ),
    "an accepted failure": Situation(
        {"main": {"edges": ["-> A", "A -> B"], "failures": ["A -> "]}}, lambda: {"A": failing(9)}, asks=("A", "B")
    ),
    "a fallback that passes the failure on": Situation(
        {"main": {"edges": ["-> A"], "failures": [("A -> X", {"propagate_failure": True})]}},
        lambda: {"A": failing(9, ValueError("stolen"))},
    ),
    "a node behind a fallback that was not needed": Situation(
        {"main": {"edges": ["-> A", "X -> Z"], "failures": ["A -> X"]}}, asks=("Z",)
    ),
    "a task that was too slow": Situation(
        {"main": ["-> A", "A -> B"]},
        asks=("B",),
        tasks={"A": {"timeout": 5}},
        options={"durations": {"A": 9}},
        local_only=True,
    ),
    "a result that does not fit": Situation(
        {"main": ["-> A", "A -> B"]},
        lambda: {"A": returns({"total": "a lot"})},
        asks=("A", "B"),
        tasks={"A": {"output_schema": {"type": "object", "properties": {"total": {"type": "number"}}}}},
    ),
    "a condition that cannot be decided": Situation(
        {"main": ["-> A", ("A -> B", holding())]}, lambda: {"holds": breaks}, asks=("B",)
    ),
    "how a run whose condition cannot be decided ended": Situation(
        {"main": ["-> A", ("A -> B", holding())]}, lambda: {"holds": breaks}
    ),
    "a run that was cancelled": Situation(
        {"main": ["-> A", "A -> B"]},
        asks=("B",),
        options={"durations": {"A": 9}, "at": ((1, "cancel"),)},
        local_only=True,
    ),
    "how a run that was cancelled ended": Situation(
        {"main": ["-> A", "A -> B"]}, options={"durations": {"A": 9}, "at": ((1, "cancel"),)}, local_only=True
    ),
    "a flow that was tried again": Situation(
        {"main": {"edges": ["-> A", "A -> B"], "max_retry": 1}},
        lambda: {"A": failing(1, ValueError("this time"))},
        asks=("A#1", "B"),
    ),
    "a round of a cycle that did not come": Situation(
        {"main": ["-> A", ("A -> B", ABOVE), "B -> A", ("A -> C", {"condition": "A.total > 9"})]},
        lambda: {"A": in_turn({"total": 5}, {"total": 1})},
        asks=("C", "B"),
    ),
    "what a sub-flow returned": Situation(
        {
            "main": ["-> S", ("S -> B", {"condition": "S.total > 3"})],
            "S": {"edges": ["-> A"], "output": {"total": "${A.total}"}},
        },
        lambda: {"A": returns({"total": 2})},
        asks=("B",),
    ),
    "results in a sub-flow": Situation(
        {
            "main": [
                "-> S",
                ("S -> B", {"condition": {**GREATER["condition"], "node": ["S", "F"], "quantifier": "all"}}),
            ],
            "S": [("-> F", each(True))],
        },
        lambda: {"items": lambda *_: [1, 2], "F": lambda task, item: {"total": 3 * item}},
        asks=("B",),
    ),
    "a sub-flow that waited for a place of its limit": Situation(
        {
            "main": {"edges": ["-> S T"], "timeout": 5},
            "S": {"edges": ["-> A"], "limit": {"key": "one", "max": 1}},
            "T": {"edges": ["-> B"], "limit": {"key": "one", "max": 1}},
        },
        lambda: {"A": failing(9)},
        tasks={"A": {"max_retry": 1, "retry_countdown": 60}},
        local_only=True,
    ),
    "a sub-flow that is not waited for": Situation(
        {"main": {"edges": ["-> A S"], "nowait": ["S"]}, "S": ["-> F"]},
        lambda: {"F": failing(9, ValueError("not now"))},
        asks=("S/F",),
    ),
}


def breaks(*_: Any) -> bool:
    raise LookupError("no rates today")


def failing_for(item: Any) -> Any:
    """A task that fails for one item."""

    def act(task: Any, node_args: Any) -> Any:
        if node_args == item:
            raise ValueError(f"no page {item}")
        return node_args

    return act


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
