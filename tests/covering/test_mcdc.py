"""When a predicate has been seen to decide a condition."""

from __future__ import annotations

import pytest

from selinon_core.covering.mcdc import deciding


def evaluations(*vectors: str) -> dict[str, dict[str, int]]:
    return {vector: {f"case {number}": 1} for number, vector in enumerate(vectors)}


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        # a and b: three evaluations show both
        (["tt:t", "f-:f", "tf:f"], [True, True]),
        (["tt:t", "f-:f"], [True, False]),
        (["tt:t", "tf:f"], [False, True]),
        (["tt:t"], [False, False]),
        # a or b
        (["t-:t", "ff:f", "ft:t"], [True, True]),
        # (a and b) or c: where two differ at once, either may have decided
        (["tft:t", "f-f:f"], [False, False, False]),
        (["tt-:t", "f-f:f"], [True, False, False]),
        (["tff:f", "tft:t", "tt-:t", "f-f:f"], [True, True, True]),
        # the outcome has to differ
        (["t-:t", "f-:t"], [False, False]),
    ],
)
def test_two_evaluations_that_differ_in_it_alone_and_in_the_outcome(
    vectors: list[str], expected: list[bool]
) -> None:
    found = evaluations(*vectors)
    assert [bool(deciding(found, leaf)) for leaf in range(len(expected))] == expected


def test_the_cases_of_both_evaluations_are_named() -> None:
    assert sorted(deciding(evaluations("tt:t", "f-:f", "tf:f"), 1)) == ["case 0", "case 2"]
