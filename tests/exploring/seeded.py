"""Flows with a mistake on purpose, and their repaired twins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from selinon_core.plan import And, Condition, EdgePlan, FailurePlan, ImportRef, Leaf, Not, Or, Plan
from tests.dispatch.plans import NOWHERE, edge, failure, flow, plan


class Seeded(NamedTuple):
    """``property`` and ``subject`` of the finding; the twin has none."""

    id: str
    property: str
    subject: str
    wrong: Plan
    right: Plan


def when(name: str, node: str | None = None, quantifier: str | None = None, **args: Any) -> Leaf:
    """A shipped predicate on the result of ``node``, a path with slashes."""
    path = None if node is None else tuple(node.split("/"))
    return Leaf(ImportRef("selinon_core.predicates", name), path, args, quantifier, NOWHERE)


def on(sources: str | None, destinations: str, condition: Condition | None = None, **more: Any) -> EdgePlan:
    """An edge with a condition."""
    return edge(sources, destinations, **more)._replace(condition=condition)


def above(node: str, number: float = 0) -> Leaf:
    """The field n of a result is greater than a number."""
    return when("fieldGreater", node, key="n", value=number)


def equal(node: str, value: Any) -> Leaf:
    """The field n of a result is a value."""
    return when("fieldEqual", node, key="n", value=value)


def main(edges: Iterable[EdgePlan], failures: Iterable[FailurePlan] = (), **options: Any) -> Plan:
    """A plan of one flow."""
    return plan(flow("main", edges, failures, **options))


def _dead_join(id: str, one: Condition, other: Condition, both: Condition | None = None) -> Seeded:
    """``[B, C] -> D`` behind conditions that exclude each other; repaired by one that does not."""

    def of(second: Condition | None, *more: EdgePlan) -> Plan:
        return main([on(None, "A"), on("A", "B", one), on("A", "C", second), *more, on("B C", "D")])

    rest = on("A", "E", Not(Or((one, other))))
    right = main([on(None, "A"), on("A", "B C", one), on("A", "E", Not(one)), on("B C", "D")])
    return Seeded(f"dead join: {id}", "reachable", "edge [B, C] -> D", of(both or other, rest), right)


a = "A"
DEAD_JOINS = [
    _dead_join("above and not", above(a), Not(above(a))),
    _dead_join("two values", equal(a, 1), equal(a, 2)),
    _dead_join("above and below", above(a, 5), when("fieldLess", a, key="n", value=3)),
    _dead_join("two types", when("fieldInt", a, key="n"), when("fieldStr", a, key="n")),
    _dead_join("there and missing", when("fieldExist", a, key="n"), Not(when("fieldExist", a, key="n"))),
    _dead_join(
        "lengths", when("fieldLenGreater", a, key="n", length=3), when("fieldLenLess", a, key="n", length=2)
    ),
    _dead_join("and", And((above(a), equal(a, 1))), equal(a, 2)),
]


_OWN = Leaf(ImportRef("checks", "ready"), ("A",), {}, None, NOWHERE)


def _missing_else(id: str, *conditions: Condition, missing: Condition) -> Seeded:
    """Conditions behind A of which none may hold; repaired by one for what is missing."""
    names = ["B", "C", "D"]
    edges = [on(None, "A"), *(on("A", name, each) for name, each in zip(names, conditions, strict=False))]
    return Seeded(
        f"missing else: {id}", "silent-end", "node A", main(edges), main([*edges, on("A", "E", missing)])
    )


def _none_of(*conditions: Condition) -> Condition:
    return Not(Or(conditions))


MISSING_ELSES = [
    _missing_else("one branch", above(a), missing=_none_of(above(a))),
    _missing_else("two values", equal(a, 1), equal(a, 2), missing=_none_of(equal(a, 1), equal(a, 2))),
    _missing_else(
        "above and below",
        above(a, 1),
        when("fieldLess", a, key="n", value=1),
        missing=_none_of(above(a, 1), when("fieldLess", a, key="n", value=1)),
    ),
    _missing_else(
        "three branches",
        equal(a, "x"),
        equal(a, "y"),
        equal(a, "z"),
        missing=_none_of(equal(a, "x"), equal(a, "y"), equal(a, "z")),
    ),
    _missing_else(
        "two fields",
        And((above(a), when("fieldEqual", a, key="m", value=True))),
        missing=_none_of(And((above(a), when("fieldEqual", a, key="m", value=True)))),
    ),
    _missing_else(
        "a whole result",
        when("isDict", a),
        when("isList", a),
        missing=_none_of(when("isDict", a), when("isList", a)),
    ),
    _missing_else("a function of the project", _OWN, missing=Not(_OWN)),
]


def _shadowed(
    id: str, edges: list[EdgePlan], wrong: list[FailurePlan], right: list[FailurePlan], at: str, **options: Any
) -> Seeded:
    return Seeded(
        f"shadowed fallback: {id}",
        "reachable",
        f"fallback {at}",
        main(edges, wrong, **options),
        main(edges, right),
    )


_SPLIT = [on(None, "A"), on("A", "B", above(a)), on("A", "C", Not(above(a)))]
_CHAIN = [on(None, "A"), on("A", "B")]
_PAIR = [on(None, "A B"), on("A B", "C")]
SHADOWED = [
    _shadowed("behind each other", _CHAIN, [failure("A B", "X")], [failure("A", "X"), failure("B", "X")],
              "[A, B] -> X"),
    _shadowed("of two branches", _SPLIT, [failure("B C", "X")], [failure("B", "X"), failure("C", "X")],
              "[B, C] -> X"),
    _shadowed("with its own fallback", _PAIR, [failure("A", "X"), failure("A X", "Y")], [failure("A", "X")],
              "[A, X] -> Y"),
    _shadowed("of an eager node", _PAIR, [failure("A", "X")], [failure("A", "X")], "A -> X", eager_failures="A"),
    _shadowed("never true", _PAIR,
              [failure("A", "X")._replace(condition=when("alwaysFalse"))], [failure("A", "X")], "A -> X"),
    _shadowed("three behind each other", [*_CHAIN, on("B", "C")], [failure("A B C", "X")], [failure("C", "X")],
              "[A, B, C] -> X"),
    _shadowed("a contradiction of arguments", _PAIR,
              [failure("A", "X")._replace(condition=And((
                  when("argsFieldEqual", key="n", value=1), when("argsFieldEqual", key="n", value=2))))],
              [failure("A", "X")._replace(condition=when("argsFieldEqual", key="n", value=1)),
               failure("A", "Y")._replace(condition=Not(when("argsFieldEqual", key="n", value=1)))],
              "A -> X"),
]  # fmt: skip


def _endless(id: str, wrong: list[EdgePlan], right: list[EdgePlan]) -> Seeded:
    return Seeded(f"endless loop: {id}", "ends", "main", main(wrong), main(right))


b = "B"
ENDLESS = [
    _endless("itself", [on(None, "A"), on("A", "A")], [on(None, "A"), on("A", "B")]),
    _endless("two nodes", [on(None, "A"), on("A", "B"), on("B", "A")],
             [on(None, "A"), on("A", "B"), on("B", "A", above(b)), on("B", "C", Not(above(b)))]),
    _endless("both branches lead back",
             [on(None, "A"), on("A", "B", above(a)), on("A", "C", Not(above(a))), on("B", "A"), on("C", "A")],
             [on(None, "A"), on("A", "B", above(a)), on("A", "C", Not(above(a))), on("B", "A")]),
    _endless("a way in without a way out",
             [on(None, "A"), on("A", "B", above(a)), on("A", "C", Not(above(a))), on("B", "B")],
             [on(None, "A"), on("A", "B", above(a)), on("A", "C", Not(above(a)))]),
    _endless("as long as it is a number or not",
             [on(None, "A"), on("A", "A", Or((above(a), Not(above(a)))))],
             [on(None, "A"), on("A", "A", above(a)), on("A", "B", Not(above(a)))]),
    _endless("three nodes", [on(None, "A"), on("A", "B"), on("B", "C"), on("C", "A")],
             [on(None, "A"), on("A", "B"), on("B", "C")]),
    _endless("beside a branch that ends", [on(None, "A B"), on("A", "C"), on("B", "B")],
             [on(None, "A B"), on("A", "C")]),
]  # fmt: skip


def _unhandled(
    id: str, edges: list[EdgePlan], wrong: list[FailurePlan], right: list[FailurePlan], of: str, **options: Any
) -> Seeded:
    return Seeded(
        f"unhandled: {id}",
        "unhandled",
        f"failure of {of}",
        main(edges, wrong, **options),
        main(edges, right, **options),
    )


UNHANDLED = [
    _unhandled("one of a pair", _PAIR, [failure("A B", "X")],
               [failure("A B", "X"), failure("A", "X"), failure("B", "X")], "A"),
    _unhandled("the other of a pair", _PAIR, [failure("A B", "X"), failure("A", "X")],
               [failure("A B", "X"), failure("A", "X"), failure("B", "X")], "B"),
    _unhandled("two of three", [on(None, "A B D"), on("A B D", "C")], [failure("A B D", "X"), failure("D", "Y")],
               [failure(n, "X") for n in ("A", "B", "D")], "A"),
    _unhandled("by a condition", _PAIR, [failure("A", "X")._replace(condition=when("argsFieldExist", key="n"))],
               [failure("A", "X")], "A"),
    _unhandled("a fallback of a pair", _PAIR, [failure("A", "X"), failure("B X", "Y")],
               [failure("A", "X"), failure("B", "Y"), failure("X", "Y")], "B"),
    _unhandled("a branch", _SPLIT, [failure("A B", "X"), failure("B", "X")],
               [failure("A", "X"), failure("B", "X")], "A"),
]  # fmt: skip


def _growing(id: str, wrong: list[EdgePlan], right: list[EdgePlan], at: str) -> Seeded:
    return Seeded(f"join in a cycle: {id}", "join-growth", f"edge {at}", main(wrong), main(right))


c, d = "C", "D"
GROWING = [
    _growing("both start again",
             [on(None, "A B"), on("A B", "C"), on("C", "A B", above(c)), on("C", "D", Not(above(c)))],
             [on(None, "A"), on("A", "B"), on("B", "C"), on("C", "A", above(c)), on("C", "D", Not(above(c)))],
             "[A, B] -> C"),
    _growing("in two edges",
             [on(None, "A B"), on("A B", "C"), on("C", "A", above(c)), on("C", "B", above(c)),
              on("C", "D", Not(above(c)))],
             [on(None, "A B"), on("A B", "C"), on("C", "D", above(c)), on("C", "E", Not(above(c)))],
             "[A, B] -> C"),
    _growing("through another node",
             [on(None, "A B"), on("A B", "C"), on("C", "E", above(c)), on("E", "A B"),
              on("C", "D", Not(above(c)))],
             [on(None, "A"), on("A", "C"), on("C", "E", above(c)), on("E", "A"), on("C", "D", Not(above(c)))],
             "[A, B] -> C"),
    _growing("of three sources",
             [on(None, "A B E"), on("A B E", "C"), on("C", "A B E", above(c)), on("C", "D", Not(above(c)))],
             [on(None, "A B E"), on("A B E", "C"), on("C", "C", above(c)), on("C", "D", Not(above(c)))],
             "[A, B, E] -> C"),
    _growing("beside the loop",
             [on(None, "A"), on("A", "B C"), on("B C", "D"), on("B", "A", above(b)), on("B", "E", Not(above(b)))],
             [on(None, "A"), on("A", "B"), on("B", "D"), on("B", "A", above(b)), on("B", "E", Not(above(b)))],
             "[B, C] -> D"),
    _growing("of what came before",
             [on(None, "A"), on("A", "B"), on("A B", "D"), on("B", "A", above(b)), on("B", "E", Not(above(b)))],
             [on(None, "A"), on("A", "B"), on("B", "D"), on("B", "A", above(b)), on("B", "E", Not(above(b)))],
             "[A, B] -> D"),
]  # fmt: skip

SEEDED: list[Seeded] = [*DEAD_JOINS, *MISSING_ELSES, *SHADOWED, *ENDLESS, *UNHANDLED, *GROWING]
