"""What an evaluation may cost is bounded and counted, whatever the results of tasks are."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.expressions.evaluate import EvaluationError, bind_text
from selinon_core.expressions.values import MAX_STEPS, MAX_TEXT
from tests.expressions.call_counts import calls
from tests.expressions.scopes import Values

BIG = "a" * (MAX_TEXT // 2)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def doubled(times: int) -> list[Any]:
    """A value that is small in memory and has 2**times parts."""
    value: list[Any] = []
    for _ in range(times):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("[1 for x in A]", {"A": [0] * (MAX_STEPS + 1)}),
        ("[[[1 for z in A] for y in A] for x in A]", {"A": [0] * 300}),
        ("count(x == x for x in A)", {"A": [0] * MAX_STEPS}),
        ("len([x for x in A if all(y == x for y in A)])", {"A": [0] * 300}),
        ("[x in A for x in A]", {"A": [*range(400)]}),
        ("[B == A for x in A]", {"A": [*range(400)], "B": [*range(400)]}),
        ("A == B", {"A": doubled(60), "B": doubled(60)}),
        ("[x for x in A] in [A]", {"A": [*range(MAX_STEPS)]}),
        ("unique(A)", {"A": [[0] * 1000] * 1000}),
        ("unique(A)", {"A": doubled(60)}),
        ("sorted(A)", {"A": [0] * (MAX_STEPS + 1)}),
        ("flatten([A for x in A])", {"A": [0] * 400}),
        ("flatten(A)", {"A": [[]] * (MAX_STEPS + 1)}),
        ("sum(A)", {"A": [0] * (MAX_STEPS + 1)}),
        ("any(A)", {"A": [False] * (MAX_STEPS + 1)}),
        ("keys(A)", {"A": dict.fromkeys(map(str, range(MAX_STEPS + 1)))}),
        ("{**A}", {"A": dict.fromkeys(map(str, range(MAX_STEPS + 1)))}),
        ("['x' in B for x in A]", {"A": [0] * 300, "B": "a" * 10**6}),
        ("[B == C for x in A]", {"A": [0] * 300, "B": "a" * 10**6 + "b", "C": "a" * 10**6 + "c"}),
        ("[B < C for x in A]", {"A": [0] * 300, "B": "a" * 10**6 + "b", "C": "a" * 10**6 + "c"}),
        ("[startswith(B, C) for x in A]", {"A": [0] * 300, "B": "a" * 10**6, "C": "a" * 10**6}),
        ("[len(split(B, 'a')) for x in A]", {"A": [0] * 3, "B": BIG}),
        ("split(B)", {"B": "a " * (MAX_STEPS + 1)}),
    ],
)
def test_more_steps_than_allowed_are_an_error(text: str, values: dict[str, Any]) -> None:
    bound = bind_text(text)
    with pytest.raises(EvaluationError, match="needs more than 100,000 steps") as raised:
        bound(Values(**values))
    assert 0 <= raised.value.start < raised.value.end <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "B + B + B",
        "[upper(B) for x in A]",
        "upper('\u00df' + B) + B",
        "join([B, B, B], '')",
        "join(A, B)",
        "replace(B, 'a', 'aaa')",
        "[text(x) + B for x in A]",
        "strip(C)",
        "lower(C)",
        "replace(C, 'b', '')",
    ],
)
def test_more_text_than_allowed_is_an_error(text: str) -> None:
    bound = bind_text(text)
    with pytest.raises(EvaluationError, match="more than 1,048,576 characters") as raised:
        bound(Values(A=["a", "a", "a", "a"], B=BIG, C=BIG * 3))
    assert 0 <= raised.value.start < raised.value.end <= len(text)


def test_texts_and_lists_from_outside_may_be_larger_than_what_is_made() -> None:
    values = Values(B="b" + "a" * 4 * MAX_TEXT, A=[0] * 10 * MAX_STEPS)
    assert bind_text("len(A)")(values) == 10 * MAX_STEPS
    assert bind_text("len(B)")(values) == 4 * MAX_TEXT + 1
    assert bind_text("'ba' in B and startswith(B, 'ba') and A[-1] == 0")(values) is True


@pytest.mark.parametrize(
    "text",
    [
        "9223372036854775807 + 1",
        "float(9223372036854775807)",
        "round(9223372036854775807, -1)",
        "-9223372036854775807 - 1",
        "3037000500 * 3037000500",
        "1e18 * 1e18",
        "1 / 1e-300",
        "huge + 0",
        "-huge",
        "abs(huge)",
        "sum([huge])",
        "max(huge, 1)",
        "sorted([huge])",
        "unique([huge])",
        "round(huge, 2)",
        "text(huge)",
        "int(huge)",
        "floor(nan)",
        "round(nan)",
        "infinite - infinite",
        "int(infinite)",
        "text(infinite)",
        "int('9223372036854775808')",
        "float('1e400')",
        "int('9' + digits)",
    ],
)
def test_numbers_are_finite_and_below_a_bound(text: str) -> None:
    bound = bind_text(text)
    values = Values(huge=10**5000, nan=float("nan"), infinite=float("inf"), digits="9" * 10_000)
    with pytest.raises(EvaluationError) as raised:
        bound(values)
    assert len(raised.value.message) < 200


def test_huge_numbers_from_outside_are_compared() -> None:
    values = Values(huge=10**5000, infinite=float("inf"), nan=float("nan"))
    assert bind_text("huge > 1 and huge < infinite and huge == huge and nan != nan")(values) is True


def test_values_that_are_nested_deeply_are_compared_without_calling_themselves() -> None:
    values = Values(A=nested(50_000), B=nested(50_000), C=nested(49_999))
    assert bind_text("A == B")(values) is True
    assert bind_text("A == C")(values) is False
    with pytest.raises(EvaluationError, match="levels"):
        bind_text("unique(A)")(values)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("[[[1 for z in A] for y in A] for x in A]", {"A": [0] * 300}),
        ("[sorted(A) for x in A]", {"A": [*range(400)]}),
        ("[x in A for x in A]", {"A": [[y] for y in range(400)]}),
        ("A == B", {"A": doubled(60), "B": doubled(60)}),
        ("[unique(A) for x in A]", {"A": [[y] for y in range(400)]}),
        ("[default(x.y.z, x in A) for x in A]", {"A": [None] * 1000}),
    ],
)
def test_the_work_before_the_error_is_bounded(text: str, values: dict[str, Any]) -> None:
    bound = bind_text(text)

    def work() -> None:
        with pytest.raises(EvaluationError):
            bound(Values(**values))

    assert calls(work) < 20 * MAX_STEPS
