"""The worlds of a result: every way in which its predicates can turn out has one, and each fits the schema."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selinon_core.diagnostics.location import Place
from selinon_core.plan import ImportRef, Leaf
from selinon_core.plan.functions import leaves_of
from selinon_core.schemas.check import ResultSchema
from selinon_core.worlds import judge, worlds_of
from selinon_core.worlds.pairwise import pairs_covered
from tests.example_counts import examples

NOWHERE = Place("flow.yaml", 1, 1)


def leaf(name: str, **args: Any) -> Leaf:
    return Leaf(ImportRef("selinon_core.predicates", name), ("Task",), args, None, NOWHERE)


def vectors(leaves: list[Leaf], schema: Any = None) -> set[tuple[bool, ...]]:
    worlds = worlds_of(leaves, None if schema is None else ResultSchema(schema))
    found = {tuple(judge(one, value) for one in leaves) for value in worlds.values}
    assert len(found) == len(worlds.values)  # one world for each vector
    for index, truths in enumerate(worlds.truths):
        for world, value in enumerate(worlds.values):
            assert bool(truths >> world & 1) is judge(leaves[index], value)
    return found


numbers = st.sampled_from([0, 1, 2, 5, -3, 0.5, 1e-6, 100])
keys = st.sampled_from(["a", "b", ["a", "c"], ["l", 1]])
leaves_on_numbers = st.builds(
    lambda name, key, value: leaf(name, key=key, value=value),
    st.sampled_from(
        ["fieldEqual", "fieldNotEqual", "fieldGreater", "fieldGreaterEqual", "fieldLess", "fieldLessEqual"]
    ),
    keys,
    numbers,
)
leaves_on_lengths = st.builds(
    lambda name, key, length: leaf(name, key=key, length=length),
    st.sampled_from(["fieldLenEqual", "fieldLenNotEqual", "fieldLenGreater", "fieldLenLess", "fieldLenLessEqual"]),
    keys,
    st.integers(0, 3),
)
leaves_on_types = st.builds(
    lambda name, key: leaf(name, key=key),
    st.sampled_from(["fieldExist", "fieldNone", "fieldBool", "fieldInt", "fieldStr", "fieldList", "fieldDict"]),
    keys,
)
any_leaves = st.lists(leaves_on_numbers | leaves_on_lengths | leaves_on_types, min_size=1, max_size=4)
scalars = st.none() | st.booleans() | numbers | st.integers(-5, 101) | st.sampled_from(["", "x", "yyy"])
lists = st.lists(scalars, max_size=4)
nested = st.fixed_dictionaries({}, optional={"c": scalars})
results = st.fixed_dictionaries({}, optional={"a": scalars | lists | nested, "b": scalars, "l": lists})


@given(any_leaves, results)
@example([leaf("fieldExist", key="a"), leaf("fieldEqual", key=["a", "c"], value=0)], {})
@example([leaf("fieldLenEqual", key="a", length=1), leaf("fieldExist", key=["a", "c"])], {"a": {"c": None}})
@example(
    [leaf("fieldLenGreater", key="a", length=1), leaf("fieldNone", key=["a", "c"])], {"a": {"c": None, "d": 1}}
)
@example([leaf("fieldBool", key="b"), leaf("fieldEqual", key="b", value=0)], {"b": False})
@settings(max_examples=examples(80, 300))
def test_whatever_a_result_is_some_world_has_the_same_truths(leaves: list[Leaf], result: Any) -> None:
    assert tuple(judge(one, result) for one in leaves) in vectors(leaves)


ORDER = {
    "type": "object",
    "required": ["total", "lines"],
    "properties": {
        "total": {"type": "number", "minimum": 0},
        "lines": {"type": "array", "items": {"type": "object", "required": ["price"]}},
        "state": {"enum": ["new", "paid", "sent"]},
    },
}


def test_a_schema_leaves_only_what_can_be() -> None:
    """A total is greater than 0 or 0: never both, never neither."""
    both = [leaf("fieldGreater", key="total", value=0), leaf("fieldEqual", key="total", value=0)]
    assert vectors(both, ORDER) == {(True, False), (False, True)}
    assert vectors(both) == {(True, False), (False, True), (False, False)}


@pytest.mark.parametrize(
    ("leaves", "expected"),
    [
        ([leaf("fieldLenGreater", key="lines", length=1)], {(True,), (False,)}),
        ([leaf("fieldExist", key="lines")], {(True,)}),
        ([leaf("fieldExist", key="state")], {(True,), (False,)}),
        ([leaf("fieldEqual", key="state", value="paid")], {(True,), (False,)}),
        ([leaf("fieldEqual", key="state", value="lost")], {(False,)}),
        ([leaf("isDict")], {(True,)}),
        ([leaf("fieldStr", key="total")], {(False,)}),
    ],
    ids=["length of objects", "required", "optional", "one of", "none of", "type", "type of a field"],
)
def test_values_are_built_around_the_schema(leaves: list[Leaf], expected: set[tuple[bool, ...]]) -> None:
    assert vectors(leaves, ORDER) == expected
    assert all(ResultSchema(ORDER).fits(value) for value in worlds_of(leaves, ResultSchema(ORDER)).values)


def test_whole_results_and_urls() -> None:
    assert vectors([leaf("empty"), leaf("isList"), leaf("isNone")]) == {
        (True, True, False),
        (False, True, False),
        (True, False, True),
        (True, False, False),
        (False, False, False),
    }
    parts = [
        leaf("fieldUrlScheme", key="url", scheme="https"),
        leaf("fieldUrlNetloc", key="url", netloc="shop.example"),
    ]
    assert len(vectors(parts)) == 4


def test_too_many_combinations_are_covered_in_pairs() -> None:
    leaves = [leaf("fieldEqual", key=f"key{number}", value=number) for number in range(13)]
    worlds = worlds_of(leaves)
    assert worlds.sampled
    assert len(worlds.values) < 100
    rows = list(pairs_covered([range(2)] * 13))
    for one in range(13):
        for other in range(one):
            assert {(row[one], row[other]) for row in rows} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_world_is_labelled_by_what_is_looked_at() -> None:
    worlds = worlds_of([leaf("fieldGreater", key=["sum", "net"], value=10)])
    assert sorted(worlds.label(number) for number in range(2)) == ["sum.net 10", "sum.net 11"]
    assert list(leaves_of(None)) == []
