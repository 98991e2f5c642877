"""What is said to be certain about a condition is compared with what the shipped predicates really answer."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core import predicates
from selinon_core.config.model import ConditionDef
from selinon_core.lint.analysis.atoms import AtomMaker
from selinon_core.lint.analysis.predicates import Predicates
from selinon_core.lint.analysis.verdict import MOST_UNKNOWNS, Satisfiability, may_all_be_false, verdict
from selinon_core.lint.code.index import CodeIndex
from selinon_core.project import compile_data

Json = Any

VALUES: list[Json] = [None, True, False, 0, 1, 2, 1.0, 1.5, "a", "b", "", [], [1], {"a": 1}, {}]
MESSAGES: list[Json] = [*VALUES, *[{"a": value} for value in VALUES], *[{"b": value, "a": 1} for value in VALUES]]

_COMPARISONS = ["Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual"]
_TYPES = ["None", "Bool", "Int", "Float", "Str", "List", "Dict", "Exist"]
_WHOLE = ["isNone", "isBool", "isInt", "isFloat", "isStr", "isList", "isDict", "empty"]

_keys = st.sampled_from([{"key": "a"}, {"key": ["a"]}, {"key": "b"}])
_compared = st.builds(
    lambda name, key, value: {"name": f"field{name}", "args": {**key, "value": value}},
    st.sampled_from(_COMPARISONS),
    _keys,
    st.sampled_from(VALUES),
)
_measured = st.builds(
    lambda name, key, length: {"name": f"fieldLen{name}", "args": {**key, "length": length}},
    st.sampled_from(_COMPARISONS),
    _keys,
    st.integers(-1, 2),
)
_typed = st.builds(lambda name, key: {"name": f"field{name}", "args": key}, st.sampled_from(_TYPES), _keys)
_whole = st.builds(lambda name: {"name": name}, st.sampled_from([*_WHOLE, "alwaysTrue", "alwaysFalse"]))
leaves = st.one_of(_compared, _measured, _typed, _whole)


def trees(leaf: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(lambda x: {"not": x}, inner),
            st.builds(lambda x: {"and": x}, st.lists(inner, min_size=1, max_size=4)),
            st.builds(lambda x: {"or": x}, st.lists(inner, min_size=1, max_size=4)),
        ),
        max_leaves=8,
    )


def read(*conditions: Json) -> tuple[list[ConditionDef], AtomMaker]:
    """The conditions as read from files; on edges with the one source ``A``."""
    edges = [{"from": [], "to": "A"}, *[{"from": "A", "to": "A", "condition": c} for c in conditions]]
    model = compile_data({"flow-definitions": [{"name": "f", "edges": edges}]}).model
    found = [edge.condition for edge in model.flows[0].edges[1:]]
    assert None not in found
    return [c for c in found if c is not None], AtomMaker(Predicates(None, CodeIndex(())), ("A",))


def holds(tree: Json, message: Json) -> bool:
    if "and" in tree:
        return all(holds(operand, message) for operand in tree["and"])
    if "or" in tree:
        return any(holds(operand, message) for operand in tree["or"])
    if "not" in tree:
        return not holds(tree["not"], message)
    args: Mapping[str, Json] = tree.get("args", {})
    function = getattr(predicates, tree["name"])
    return bool(function(**args) if tree["name"].startswith("always") else function(message=message, **args))


@given(trees(leaves))
def test_what_is_certain_is_so_for_every_message(tree: Json) -> None:
    conditions, make = read(tree)
    found = verdict(conditions[0], make)
    answers = {holds(tree, message) for message in MESSAGES}
    if found is Satisfiability.NEVER:
        assert answers == {False}
    elif found is Satisfiability.ALWAYS:
        assert answers == {True}


@given(st.lists(trees(leaves), min_size=2, max_size=4))
def test_branches_that_cannot_all_be_false_never_are(branches: list[Json]) -> None:
    conditions, make = read(*branches)
    if may_all_be_false([(condition, make) for condition in conditions]) is False:
        assert all(any(holds(branch, message) for branch in branches) for message in MESSAGES)


@given(trees(st.builds(lambda n: {"name": "fieldEqual", "args": {"key": f"k{n}", "value": 1}}, st.integers(0, 4))))
def test_independent_leaves_are_judged_exactly(tree: Json) -> None:
    conditions, make = read(tree)
    rows = [{f"k{n}": row >> n & 1 for n in range(5)} for row in range(32)]
    answers = {holds(tree, message) for message in rows}
    expected = (
        Satisfiability.MAYBE
        if len(answers) == 2
        else Satisfiability.ALWAYS
        if answers == {True}
        else Satisfiability.NEVER
    )
    assert verdict(conditions[0], make) is expected


@pytest.mark.parametrize("size", [MOST_UNKNOWNS, MOST_UNKNOWNS + 1, 500])
def test_a_leaf_beside_its_negation_is_seen_in_conditions_of_any_size(size: int) -> None:
    some = [{"name": "fieldExist", "args": {"key": f"k{n}"}} for n in range(size)]
    opposite = {"not": some[size // 2]}
    both, make = read({"and": [*some, opposite]}, {"or": [*some, opposite]}, {"and": some})
    assert [verdict(condition, make) for condition in both] == [
        Satisfiability.NEVER,
        Satisfiability.ALWAYS,
        Satisfiability.MAYBE,
    ]


def test_two_requests_to_a_server_may_be_answered_differently() -> None:
    leaf = {"name": "httpStatus", "args": {"host": "h", "path": "p", "status": 200}}
    both, make = read({"and": [leaf, {"not": leaf}]})
    assert verdict(both[0], make) is Satisfiability.MAYBE


def test_answers_do_not_depend_on_the_order_of_operands() -> None:
    rng = random.Random(7)
    parts = [
        {"name": "fieldGreater", "args": {"key": "a", "value": 3}},
        {"name": "fieldLess", "args": {"key": "a", "value": 2}},
        {"name": "fieldExist", "args": {"key": "b"}},
    ]
    for _ in range(6):
        rng.shuffle(parts)
        conditions, make = read({"and": list(parts)})
        assert verdict(conditions[0], make) is Satisfiability.NEVER
