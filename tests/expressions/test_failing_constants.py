"""Constants that always fail are found, fail when they are worked out, and are no findings where nothing comes to
them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from selinon_core.expressions.check import check
from selinon_core.expressions.checking.known_names import Entry, Family, Known
from selinon_core.expressions.evaluate import bind
from selinon_core.expressions.parser import parse
from selinon_core.expressions.schema_types import type_of_schema
from selinon_core.expressions.types import type_of_value
from selinon_core.expressions.values import EvaluationError, Json

VARS: dict[str, Json] = {
    "zero": 0,
    "two": 2,
    "word": "abc",
    "digits": "12",
    "kind": "text",
    "off": False,
    "none": "",
}
ARGS = {
    "type": "object",
    "required": ["total", "word", "size", "text"],
    "properties": {
        "total": {"type": "number"},
        "word": {"enum": ["one", "two"]},
        "size": {"enum": ["1", "many"]},
        "text": {"type": "string"},
    },
}
#: Each of them fits.
GIVEN: tuple[dict[str, Json], ...] = (
    {"total": 3, "word": "one", "size": "1", "text": "a b"},
    {"total": 0, "word": "two", "size": "many", "text": "7"},
)


class _Names:
    def find(self, name: str) -> Entry | None:
        if name == "vars":
            return Family(lambda key: Known(type_of_value(VARS[key]), is_there=True), lambda: VARS, "constant")
        return Known(type_of_schema(ARGS), is_there=True) if name == "args" else None

    def names(self) -> Iterable[str]:
        return ("args",)


class _Values:
    def __init__(self, args: dict[str, Json]) -> None:
        self._args = args

    def value(self, kind: str, name: str) -> Json:
        return VARS[name] if kind == "vars" else self._args


def _findings(text: str) -> list[tuple[str, str, bool]]:
    parsed = parse(text)
    assert not parsed.faults
    return [
        (text[found.start : found.end], found.message, found.certain)
        for found in check(parsed.tree, text, _Names()).findings
    ]


def _fails(text: str, args: dict[str, Json]) -> bool:
    try:
        bind(parse(text).tree)(_Values(args))
    except EvaluationError:
        return True
    return False


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("args.total / 0", "0", "nothing is divided by 0"),
        ("args.total // 0.0", "0.0", "nothing is divided by 0"),
        ("args.total % -0", "-0", "nothing is divided by 0"),
        ("args.total / vars.zero", "vars.zero", "nothing is divided by 0"),
        ("float(vars.word)", "vars.word", "float() takes a number as text, and the text is none"),
        ("float(args.word)", "args.word", "float() takes a number as text, and the text is none"),
        ('int("1.5")', '"1.5"', "int() takes a text of digits, and the text is none"),
        ("min([])", "[]", "min() of an empty list has no value"),
        ("max([])", "[]", "max() of an empty list has no value"),
        ("round(args.total, 16)", "16", "the digits of round() are an integer from -15 to 15"),
        ("split(args.text, vars.none)", "vars.none", "the separator of split() is empty"),
        ('replace(args.text, "", "-")', '""', "the text that replace() looks for is empty"),
    ],
)
def test_a_constant_that_always_fails_is_found(text: str, place: str, reason: str) -> None:
    assert _findings(text) == [(place, f"{text} always fails: {reason}", True)]
    assert all(_fails(text, args) for args in GIVEN)


@pytest.mark.parametrize(
    "text",
    [
        "args.total / vars.two",
        "float(vars.digits) + int(vars.digits)",
        'float("1e3")',
        "min([args.total])",
        "sum([])",
        "round(args.total, -15)",
        "split(args.text)",
        # Another value of the enumeration is a number.
        "int(args.size)",
        # Some runs divide by 0, others do not.
        "1 / args.total",
    ],
)
def test_what_some_run_works_out_is_no_finding(text: str) -> None:
    assert _findings(text) == []
    assert not all(_fails(text, args) for args in GIVEN)


@pytest.mark.parametrize(
    "text",
    [
        "args.total / vars.zero if vars.zero != 0 else 0",
        "args.total / vars.zero if vars.zero > 0 else 0",
        "0 if 1 > vars.zero else args.total / vars.zero",
        "vars.zero >= 1 and args.total / vars.zero > 3",
        'float(vars.word) if vars.kind == "number" else 0',
        "float(vars.word) if vars.off else 0",
        "args.total / 0 if vars.two < 2 else 0",
    ],
)
def test_what_no_run_comes_to_is_no_finding(text: str) -> None:
    assert [found for found in _findings(text) if "always fails" in found[1]] == []
    assert not any(_fails(text, args) for args in GIVEN)
