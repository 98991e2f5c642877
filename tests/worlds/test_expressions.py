"""Worlds of expressions: every way in which they can turn out for one value, and no other."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.schemas.check import ResultSchema
from selinon_core.worlds import ReadTest, read_test, worlds_of
from selinon_core.worlds.results import truth_of

LIMITS = {"limit": 2, "kinds": ["a"], "most": True}


def read(*texts: str) -> list[ReadTest]:
    found = [read_test(text, LIMITS) for text in texts]
    assert None not in found
    return [test for test in found if test is not None]


def vectors(tests: list[ReadTest], schema: Any = None) -> set[tuple[bool | None, ...]]:
    worlds = worlds_of(tests, None if schema is None else ResultSchema(schema))
    found = {tuple(truth_of(test, value) for test in tests) for value in worlds.values}
    for index, test in enumerate(tests):
        for world, value in enumerate(worlds.values):
            assert bool(worlds.truths[index] >> world & 1) is bool(test.truth(value))
            assert bool(worlds.undefined[index] >> world & 1) is (test.truth(value) is None)
            assert worlds.is_in(world, value)
    return found


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("Load.total > 0", "Load"),
        ("0 < Load.total <= 100", "Load"),
        ("Load.total > vars.limit", "Load"),
        ("-vars.limit < Load['total']", "Load"),
        ("results.Load.lines[0].price == null", "Load"),
        ("Load.kind in ['gift', 'order']", "Load"),
        ("has(args.number)", None),
        ("default(args.dry_run, false)", None),
        ("len(Load.lines) >= 3", "Load"),
        ("Load.ok if has(Load.ok) else Load.total > 1", "Load"),
    ],
)
def test_forms_that_are_read(text: str, node: str | None) -> None:
    test = read_test(text, LIMITS)
    assert test is not None
    assert test.node == node


@pytest.mark.parametrize(
    "text",
    [
        "'gift' in Load.tags",
        "Load.name > 'a'",
        "Load.total > args.limit",  # two values
        "Load.total > Load.least",
        "Load.total * 2 > 3",
        "any(line.price > 1 for line in Load.lines)",
        "sum(Load.prices) > 3",
        "last.Load.total > 1",
        "env.HOME == '/'",
        "Load[args.key] == 1",
        "Load.lines[-1] == 1",
        "len(Load.lines) > 1000",
        "Load.total > 10000000000000",
        "Load.kind in vars.kinds",
        "Load.total > vars.nothing",
        "true",
        "Load.total >",
    ],
)
def test_forms_that_stay_unknown(text: str) -> None:
    assert read_test(text, LIMITS) is None


def test_what_schemas_forbid_is_no_world() -> None:
    schema = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number", "minimum": 0}}}
    assert vectors(read("Load.total > 0", "Load.total == 0"), schema) == {(True, False), (False, True)}


def test_a_guard_has_a_world_in_which_what_it_guards_has_no_truth() -> None:
    found = vectors(read("has(Load.n)", "Load.n > 1"))
    assert found == {(True, True), (True, False), (True, None), (False, None)}


def test_vectors_that_cannot_be_have_no_world() -> None:
    tests = read("has(Load.n)", "Load.n > 1")
    worlds = worlds_of(tests, None, lambda vector: vector != (True, None))
    assert {tuple(truth_of(test, value) for test in tests) for value in worlds.values} == {
        (True, True),
        (True, False),
        (False, None),
    }


PATHS = st.sampled_from(["Load.a", "Load.b.c"])
NUMBERS = st.sampled_from(["0", "1", "2", "0.5", "-1", "vars.limit"])
CONSTANTS = st.one_of(NUMBERS, st.sampled_from(["'a'", "''", "true", "null"]))
COMPARISONS = st.one_of(
    st.builds("{} {} {}".format, PATHS, st.sampled_from(["<", "<=", ">", ">="]), NUMBERS),
    st.builds("{} {} {}".format, PATHS, st.sampled_from(["==", "!="]), CONSTANTS),
    st.builds("{} < {} <= {}".format, st.sampled_from(["0", "1"]), PATHS, st.sampled_from(["1", "2"])),
    st.builds("{} in [{}, {}]".format, PATHS, CONSTANTS, CONSTANTS),
    st.builds("len({}) {} {}".format, PATHS, st.sampled_from(["<", ">", "=="]), st.sampled_from(["0", "1", "2"])),
    st.builds("default({}, {}) == {}".format, PATHS, CONSTANTS, CONSTANTS),
    st.builds("has({})".format, PATHS),
    PATHS,
)
_GONE = object()
POOL = [
    _GONE, None, True, False, -2, -1, 0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3,
    "", "a", "ax", "b", [], [1], ["a"], ["a", 1], [3, 4, 5], {}, {"a": 1}, {"x": 1, "y": 2},
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(COMPARISONS, min_size=1, max_size=3, unique=True))
def test_every_way_in_which_expressions_turn_out_has_a_world(texts: list[str]) -> None:
    tests = read(*texts)
    found = vectors(tests)
    for a, c in product(POOL, POOL):
        value = {**({} if a is _GONE else {"a": a}), "b": {} if c is _GONE else {"c": c}}
        vector = tuple(test.truth(value) for test in tests)
        assert None in vector or vector in found, value
