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


def leaf(name: str, key: str | None = None, value: Json = None, node: str | None = None) -> Json:
    made: dict[str, Json] = {"name": name}
    if key is not None:
        made["args"] = {"key": key} if value is None else {"key": key, "value": value}
    if node is not None:
        made["node"] = node
    return made


def verdict_on(sources: list[str], condition: Json) -> Satisfiability:
    """The verdict on the condition of an edge from some sources."""
    edges = [{"from": [], "to": sources}, {"from": sources, "to": "Z", "condition": condition}]
    found = compile_data({"flow-definitions": [{"name": "f", "edges": edges}]}).model.flows[0].edges[1].condition
    assert found is not None
    return verdict(found, AtomMaker(Predicates(None, CodeIndex(())), tuple(sources)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # of one field of one result
        (leaf("fieldEqual", "a", 1), leaf("fieldEqual", "a", 2)),
        (leaf("fieldInt", "a"), leaf("fieldStr", "a")),
        (leaf("isInt"), leaf("isStr")),
    ],
)
def test_what_excludes_itself_does_so_about_one_field_of_one_result_only(first: Json, second: Json) -> None:
    assert verdict_on(["A"], {"and": [first, second]}) is Satisfiability.NEVER
    of_a, of_b = {**first, "node": "A"}, {**second, "node": "B"}
    assert verdict_on(["A", "B"], {"and": [of_a, of_b]}) is Satisfiability.MAYBE
    assert verdict_on(["A", "B"], {"and": [of_a, {**second, "node": "A"}]}) is Satisfiability.NEVER
    if "args" in second:
        other = {**second, "args": {**second["args"], "key": "b"}}
        assert verdict_on(["A"], {"and": [first, other]}) is Satisfiability.MAYBE
        below = {**second, "args": {**second["args"], "key": ["a", "b"]}}
        assert verdict_on(["A"], {"and": [first, below]}) is Satisfiability.MAYBE
    on_args = f"args{second['name'][0].upper()}{second['name'][1:]}"
    assert verdict_on(["A"], {"and": [first, {**second, "name": on_args}]}) is Satisfiability.MAYBE


def test_a_field_with_a_property_exists_in_the_same_result_only() -> None:
    has, missing = leaf("fieldInt", "a", node="A"), {"not": leaf("fieldExist", "a", node="A")}
    assert verdict_on(["A", "B"], {"and": [has, missing]}) is Satisfiability.NEVER
    elsewhere = {"not": leaf("fieldExist", "a", node="B")}
    assert verdict_on(["A", "B"], {"and": [has, elsewhere]}) is Satisfiability.MAYBE
    assert verdict_on(["A"], {"and": [leaf("fieldInt", "a"), {"not": leaf("fieldExist", "b")}]}) is (
        Satisfiability.MAYBE
    )


@pytest.mark.parametrize("places", [(0, 2), (0, 3), (1, 3), (2, 3)])
def test_any_two_of_many_may_exclude_each_other(places: tuple[int, int]) -> None:
    parts = [leaf("fieldExist", f"k{n}") for n in range(4)]
    for value, place in enumerate(places):
        parts[place] = leaf("fieldEqual", "a", value + 1)
    assert verdict_on(["A"], {"and": parts}) is Satisfiability.NEVER
    assert verdict_on(["A"], {"or": [{"not": part} for part in parts]}) is Satisfiability.ALWAYS


MANY = [leaf("fieldExist", f"k{n}") for n in range(MOST_UNKNOWNS + 1)]
TRUE, FALSE = leaf("alwaysTrue"), leaf("alwaysFalse")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"and": [*MANY, FALSE]}, Satisfiability.NEVER),
        ({"or": [*MANY, TRUE]}, Satisfiability.ALWAYS),
        ({"and": [*MANY, TRUE]}, Satisfiability.MAYBE),
        ({"or": [*MANY, FALSE]}, Satisfiability.MAYBE),
        ({"not": {"and": [*MANY, FALSE]}}, Satisfiability.ALWAYS),
        ({"not": {"or": [*MANY, TRUE]}}, Satisfiability.NEVER),
        ({"not": {"and": MANY}}, Satisfiability.MAYBE),
        # every operand certain in the same way
        ({"and": [{"or": [*MANY, TRUE]}, {"or": [*MANY, TRUE]}]}, Satisfiability.ALWAYS),
        ({"or": [{"and": [*MANY, FALSE]}, {"and": [*MANY, FALSE]}]}, Satisfiability.NEVER),
        ({"and": [{"or": [*MANY, TRUE]}, MANY[0]]}, Satisfiability.MAYBE),
        ({"or": [{"and": [*MANY, FALSE]}, MANY[0]]}, Satisfiability.MAYBE),
        # a negation of another one is not the opposite
        ({"and": [*MANY[1:], {"not": leaf("fieldExist", "else")}]}, Satisfiability.MAYBE),
        ({"or": [*MANY, {"and": [{"not": MANY[0]}, MANY[1]]}]}, Satisfiability.MAYBE),
    ],
)
def test_conditions_of_many_unknowns_are_judged_operand_by_operand(
    condition: Json, expected: Satisfiability
) -> None:
    assert verdict_on(["A"], condition) is expected
