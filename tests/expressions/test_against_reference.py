"""The evaluator gives what a naive second opinion gives: the same value, or none for a reason of the same kind."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.expressions.evaluate import EvaluationError, MissingValue, bind
from selinon_core.expressions.functions import FUNCTIONS
from selinon_core.expressions.parser import parse
from tests.example_counts import examples
from tests.expressions import programs, reference
from tests.expressions.scopes import Values


def outcome(text: str, values: dict[str, Any]) -> Any:
    tree, faults = parse(text)
    assert faults == (), text
    try:
        return bind(tree)(Values(**values))
    except MissingValue:
        return MissingValue
    except EvaluationError as error:
        is_placed = 0 <= error.start < error.end <= len(text) and error.message
        return EvaluationError if is_placed else error


def expected(text: str, values: dict[str, Any]) -> Any:
    try:
        return reference.evaluate(text, values)
    except reference.Missing:
        return MissingValue
    except reference.Wrong:
        return EvaluationError


@settings(max_examples=examples(250, 1000))
@given(st.randoms(use_true_random=False))
def test_values_are_those_of_the_second_opinion(chance: Random) -> None:
    text, values = programs.expression(chance), programs.values(chance)
    found, wanted = outcome(text, values), expected(text, values)
    # By their text: 1, 1.0 and true are equal in Python.
    assert repr(found) == repr(wanted), text


def test_every_function_is_there_twice_and_used() -> None:
    assert {*reference.KINDS, "has", "default"} == {*FUNCTIONS}
    patterns = " ".join(pattern for patterns in programs.PATTERNS.values() for pattern in patterns)
    assert {name for name in FUNCTIONS if f"{name}(" not in patterns} == {"default"}  # it may stand for any part


def test_most_of_these_expressions_have_a_value() -> None:
    chance = Random(1)
    found = [outcome(programs.expression(chance), programs.values(chance)) for _ in range(1000)]
    without = sum(value in (MissingValue, EvaluationError) for value in found if isinstance(value, type))
    assert 100 < without < 600
