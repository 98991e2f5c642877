"""Where a value first differs from what a matcher wants."""

from __future__ import annotations

import json

import pytest

from selinon_core.project.case_files import read_case_text
from selinon_core.testing.difference import difference


@pytest.mark.parametrize(
    ("wanted", "value", "said"),
    [
        ("5", "6", ""),
        ("{a: 1}", '{"a": 2}', " (at a: 2 instead of 1)"),
        ("{a: {b: [1, {c: 2}]}}", '{"a": {"b": [1, {"c": 3}]}}', " (at a.b[1].c: 3 instead of 2)"),
        ("{a: 1, b: 2}", '{"a": 1}', " (b is missing)"),
        ("{a: 1}", '{"a": 1, "b": 2}', " (b is there too)"),
        ("{a: {b: 1}}", '{"a": {}}', " (at a: b is missing)"),
        ("[[1, 2, 3]]", "[1, 2]", " (2 items instead of 3)"),
        ("{a: 1}", "[1]", ""),
        # What a matcher takes is not a difference, wherever it stands.
        ("{a: {$any: true}, b: 1}", '{"a": [1], "b": 2}', " (at b: 2 instead of 1)"),
        ("{a: {$approx: 1}, b: {$type: int}}", '{"a": 1.0, "b": "x"}', ' (at b: "x" instead of {"$type": "int"})'),
        ("{$includes: {a: 1, b: 2}}", '{"a": 1, "b": 3, "c": 4}', " (at b: 3 instead of 2)"),
        ("{$includes: {a: 1}}", '{"c": 4}', " (a is missing)"),
        ("{a: {$includes: [1]}}", '{"a": [2]}', ' (at a: [2] instead of {"$includes": [1]})'),
        ("{$type: object, $includes: {a: 1}}", '{"a": 2}', " (at a: 2 instead of 1)"),
        ("{a: true}", '{"a": 1}', " (at a: 1 instead of true)"),
    ],
)
def test_the_first_difference_is_named(wanted: str, value: str, said: str) -> None:
    text = f"flow: f\ntests: [{{name: a, expect: {{results: {{A: {wanted}}}}}}}]\n"
    (case,), wrong = read_case_text(text, "a.flowtest.yaml")
    assert wrong == []
    matcher = case.expect.results["A"].value
    if isinstance(matcher, tuple):
        (matcher,) = matcher
    assert difference(matcher, json.loads(value)) == said
