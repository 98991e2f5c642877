"""Copies and snapshots of JSON values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.runtime.json_values import copy_json, describe_json_error, encode_json, restore, snapshot
from selinon_core.runtime.trace.tracer import jsonable

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
        try:
            copied = copy_json(value)
        except ValueError as error:
            assert "are the same in JSON" in str(error)  # noqa: PT017 - not every value is refused
        else:
            assert copied == expected


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
        ([-(10**4300)], "$[0] is an integer of too many digits"),
        ({"m": {float("nan"): 1}}, "a key of $.m is a number that JSON cannot hold"),
        ({"m": {10**5000: 1}}, "a key of $.m is a number that JSON cannot hold"),
        ({"m": [{1: "a", "1": "b"}]}, "the keys 1 and '1' of $.m[0] are the same in JSON"),
        ({"null": 0, None: 1}, "the keys 'null' and None of $ are the same in JSON"),
        ({"x": ({True: 0, "true": 1},)}, "the keys True and 'true' of $.x[0] are the same in JSON"),
        ({1.5: 0, "1.5": 1}, "the keys 1.5 and '1.5' of $ are the same in JSON"),
    ],
)
def test_the_offending_part_is_named(value: Any, says: str) -> None:
    assert describe_json_error(value) == says
    for encode in (encode_json, copy_json, snapshot):
        with pytest.raises((TypeError, ValueError)):
            encode(value)


@pytest.mark.parametrize(
    "value", [{"a": 10**4300 - 1}, {1: "a", "x": {"2": 1, None: 0, True: {"1": 2}}}, [{"1": 1}]]
)
def test_what_json_holds_is_copied(value: Any) -> None:
    assert copy_json(value) == restore(snapshot(value)) == json.loads(encode_json(value))


def test_integers_are_refused_from_the_same_number_of_digits_on_everywhere() -> None:
    for value in (10**4300 - 1, 10**4300):
        refused = []
        for given_as in (value, [value], {"n": value}, {"n": value, "l": []}):
            try:
                restore(snapshot(copy_json(given_as)))
            except ValueError:
                refused.append(given_as)
        assert len(refused) == (4 if value == 10**4300 else 0)


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
