"""Copies and snapshots of JSON values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.runtime.json_values import copy_json, describe_json_error, restore, snapshot
from selinon_core.runtime.trace import jsonable

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=10),
    max_leaves=20,
)


def containers(value: Any) -> set[int]:
    if isinstance(value, dict):
        return {id(value)}.union(*(containers(item) for item in value.values()))
    if isinstance(value, list):
        return {id(value)}.union(*(containers(item) for item in value))
    return set()


@given(values)
def test_a_copy_is_equal_and_shares_nothing(value: Any) -> None:
    copied = copy_json(value)
    assert copied == value == json.loads(json.dumps(value))
    assert not containers(copied) & containers(value)


@given(values)
def test_a_snapshot_gives_equal_copies_that_share_nothing(value: Any) -> None:
    kept = snapshot(value)
    first, second = restore(kept), restore(kept)
    assert first == second == value
    assert not containers(first) & (containers(second) | containers(value))


@given(values)
def test_what_json_holds_is_told_as_it_is(value: Any) -> None:
    assert jsonable(value) == value


anything = st.recursive(
    values | st.binary() | st.floats() | st.complex_numbers() | st.dates() | st.just(object()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.integers() | st.text() | st.tuples(st.integers()), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(anything)
def test_anything_can_be_told(value: Any) -> None:
    told = jsonable(value)
    assert json.loads(json.dumps(told, allow_nan=False)) == told


@given(anything)
def test_a_copy_is_what_json_would_make_of_it_or_refused(value: Any) -> None:
    try:
        expected = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        with pytest.raises((TypeError, ValueError)):
            copy_json(value)
        assert describe_json_error(value)
    else:
        assert copy_json(value) == expected


def circular() -> Any:
    value: dict[str, Any] = {"x": []}
    value["x"].append(value)
    return value


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": [1, {2}]}, "$.a[1] is a set"),
        ({"a": {(1, 2): 3}}, "a key of $.a is a tuple"),
        ([float("nan")], "$[0] is not a finite number"),
        (circular(), "$.x[0] contains itself"),
        ({"n": 10**5000}, "$.n is an integer of too many digits"),
    ],
)
def test_the_offending_part_is_named(value: Any, says: str) -> None:
    assert describe_json_error(value) == says


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises((ValueError, RecursionError)):
        copy_json(value)
    assert describe_json_error(value) == "it is nested too deeply"
    assert describe_json_error([{1}, value]) == "$[0] is a set"
    assert jsonable(value)
    while value:  # Python would take it apart recursively
        value = value.pop()
