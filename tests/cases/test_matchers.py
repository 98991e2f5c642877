"""Matchers: which values fit, and how messages write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.cases.matchers import Equal, Matcher, equal
from tests.cases.reading import case_of, wrong

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text("a$\\ ", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("a$ ", max_size=3), inner, max_size=3),
    max_leaves=6,
)


def matcher(text: str) -> Matcher:
    """The matcher that a case file writes as ``text``."""
    case = case_of(f"tests: [{{name: a, flow: f, expect: {{results: {{A: [{text}]}}}}}}]")
    (found,) = case.expect.results["A"].value
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("text", "fits", "does_not"),
    [
        ("1", [1, 1.0], [True, "1", 2, None, [1]]),
        ("true", [True], [1, "true"]),
        ("null", [None], [False, 0, "", [], {}]),
        ("{a: [1, 2]}", [{"a": [1, 2]}, {"a": (1.0, 2)}], [{"a": [1, 2], "b": 1}, {"a": [2, 1]}, {}]),
        ('{$match: "no .*answer"}', ["Busy: no quick answer"], ["no", 1, None]),
        ("{$type: int}", [1, 1.0], [True, 1.5, "1", None]),
        ("{$type: number}", [1, 1.5], [True, "1"]),
        ("{$type: [string, null]}", ["", None], [1, []]),
        ("{$type: null}", [None], [0, False]),
        ("{$type: object}", [{}], [[], "x"]),
        ("{$type: list}", [[], ()], [{}, "x"]),
        ("{$any: true}", [None, 1, {}], []),
        ("{$approx: 1.5}", [1.5, 1.5000001], [1.6, "1.5", None]),
        ("{$approx: 1}", [1, 1.0000001], [True, 2]),
        ("{$includes: {a: 1}}", [{"a": 1}, {"a": 1, "b": 2}], [{"a": 2}, {}, [], "a"]),
        ("{$includes: [1, {a: 2}]}", [[{"a": 2}, 1, 3]], [[1], [1, {"a": 2, "b": 3}], {"a": 2}]),
        ("{$includes: tea}", ["a tea", ["tea", "milk"]], ["milk", ["a tea"], {"tea": 1}]),
        ("{$not: 1}", [2, None, "1"], [1, 1.0]),
        ("{$type: int, $not: 0}", [1], [0, "1"]),
        (
            "{total: {$type: number}, lines: [{$any: true}]}",
            [{"total": 1, "lines": [None]}],
            [{"total": "1", "lines": [1]}, {"total": 1, "lines": []}, {"total": 1}],
        ),
        ("{$includes: {a: {$not: 1}}}", [{"a": 2}], [{"a": 1}, {}]),
        ("{$$x: 1}", [{"$x": 1}], [{"$$x": 1}, {"x": 1}]),
        ("$$x", ["$x"], ["$$x", "x"]),
        ("$$$x", ["$$x"], ["$x"]),
        ('"$5"', ["$5"], ["5"]),
    ],
)
def test_which_values_fit(text: str, fits: list[Any], does_not: list[Any]) -> None:
    found = matcher(text)
    assert [value for value in fits if not found.matches(value)] == []
    assert [value for value in does_not if found.matches(value)] == []


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, {"$type": "int"}], "$$x": "$$y"}',
        '{"$match": "no .*answer"}',
        '{"$type": ["string", "null"]}',
        '{"$any": true}',
        '{"$approx": 1.5}',
        '{"$includes": {"a": {"$not": 1}}}',
        '{"$includes": [1, {"$any": true}]}',
        '{"$includes": "tea"}',
        '{"$type": "int", "$not": 0}',
    ],
)
def test_a_matcher_is_written_as_case_files_write_it(text: str) -> None:
    found = matcher(text)
    assert str(found) == text
    assert matcher(str(found)) == found


def test_a_long_matcher_is_shortened_to_one_line() -> None:
    text = str(Equal({"lines": [{"item": "tea\nmilk", "quantity": number} for number in range(100)]}))
    assert len(text) <= 200
    assert "\n" not in text
    assert " ... " in text


@given(JSON)
def test_every_value_is_equal_to_itself_and_survives_being_written(value: Any) -> None:
    assert equal(value, value)
    if len(json.dumps(value)) < 150:
        assert matcher(str(Equal(value))) == Equal(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{$matches: a}", '"$matches" is not a matcher'),
        ("{$any: true, a: 1}", '"a" stands beside a matcher'),
        ('{$match: "("}', '"$match" is not a regular expression'),
        ("{$match: 1}", '"$match" has to be a regular expression'),
        ("{$type: integr}", '"integr" is not a type'),
        ("{$type: []}", '"$type" has to be the name of a type'),
        ("{$any: false}", '"$any" has to be true'),
        ("{$approx: a}", '"$approx" has to be a number'),
        ("{$includes: {$type: int}}", '"$includes" takes keys, items or a text'),
        ("{$schema: nowhere.json}", '"$schema": nowhere.json was not found'),
        ("{1: 2}", "has to be text, not the number 1"),
        ("{a: {$not: {$nope: 1}}}", '"$nope" is not a matcher'),
        ("{a: .nan}", ".nan is not a number that JSON has"),
    ],
)
def test_a_matcher_that_is_none_is_a_mistake(text: str, message: str) -> None:
    (found,) = wrong(f"tests: [{{name: a, flow: f, expect: {{results: {{A: {text}}}}}}}]")
    assert found[0] == "SEL800"
    assert message in found[2]


def test_a_schema_is_read_from_beside_the_case_file(tmp_path: Any) -> None:
    from selinon_core.project.case_files import read_case_file

    (tmp_path / "number.json").write_text('{"type": "number", "minimum": 1}')
    path = tmp_path / "a.flowtest.yaml"
    path.write_text("tests: [{name: a, flow: f, expect: {results: {A: {$schema: number.json}}}}]")
    (case,), found = read_case_file(str(path))
    assert found == []
    fits = case.expect.results["A"].value
    assert (fits.matches(1), fits.matches(0), str(fits)) == (True, False, '{"$schema": "number.json"}')
