"""JSON values as expressions see them: their types, strict comparisons, and the limits of one evaluation.

There are six types: null, boolean, number, text, list, object. Integers and other numbers are one type, so 1 ==
1.0; true and false are not numbers, so 1 == true is false. An integer is a number without a fraction: 2.0 is
one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.expressions.parsing.literals import NUMBERS_BELOW

Json = Any

#: Steps that one evaluation may take. A step is a part of a ``for`` evaluated for an item, an item or a value
#: that a function or a comparison looks at, or 1,000 characters of a text.
MAX_STEPS = 100_000
#: Characters of all texts together that one evaluation may make.
MAX_TEXT = 1024 * 1024
_CHARACTERS_A_STEP = 1000


class EvaluationError(Exception):
    """Raised when an expression has no value: ``message``, and the part of the text from ``start`` to ``end``.

    Offsets count code points; -1 until the place is known.
    """

    def __init__(self, message: str, start: int = -1, end: int = -1) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


class MissingValue(EvaluationError):
    """Raised when what a path names does not exist: a run, a key, an item. ``has`` and ``default`` ask for
    that.
    """


class Budget:
    """What is left of the steps and the characters of one evaluation."""

    __slots__ = ("characters", "steps")

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.characters = MAX_TEXT

    def take(self, steps: int) -> None:
        """Take a number of steps; ``EvaluationError`` when there are not that many."""
        self.steps -= steps
        if self.steps < 0:
            raise EvaluationError(f"the evaluation needs more than {MAX_STEPS:,} steps")

    def read(self, text: str) -> None:
        """Take the steps for looking through a text."""
        if len(text) >= _CHARACTERS_A_STEP:
            self.take(len(text) // _CHARACTERS_A_STEP)

    def write(self, characters: int) -> None:
        """Take the characters of a text that is about to be made."""
        self.characters -= characters
        if self.characters < 0:
            raise EvaluationError(f"the texts that are made have more than {MAX_TEXT:,} characters")
        if characters >= _CHARACTERS_A_STEP:
            self.take(characters // _CHARACTERS_A_STEP)


def type_name(value: Json) -> str:
    """The type of a value for messages: null, boolean, number, text, list, object, or the name of a Python
    type.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, name in _TYPES:
        if isinstance(value, kind):
            return name
    return type(value).__name__


_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    ((int, float), "number"),
    (str, "text"),
    (list, "list"),
    (dict, "object"),
)


def described(value: Json) -> str:
    """What a value is, for messages that must not show it: ``null``, ``a number``, ``an object``."""
    name = type_name(value)
    return {"null": "null", "text": "text", "object": "an object"}.get(name, f"a {name}")


def is_number(value: Json) -> bool:
    """Whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: Json) -> bool:
    """Whether a value is a number without a fraction."""
    return is_number(value) and (isinstance(value, int) or value.is_integer())


def checked(value: int | float) -> int | float:
    """The number, which has to be finite and below the bound; ``EvaluationError`` otherwise."""
    if -NUMBERS_BELOW < value < NUMBERS_BELOW:
        return value
    raise EvaluationError("the result is too large: numbers have to be below 2**63")


#: Types that Python compares as expressions do.
_SIMPLE = frozenset({int, float, bool, str, type(None)})


def equal(budget: Budget, left: Json, right: Json) -> bool:
    """Whether two values are the same: of one type, and alike in all their parts."""
    if type(left) is type(right) and type(left) in _SIMPLE:
        if type(left) is str:
            budget.read(left)
        return bool(left == right)
    pairs = [(left, right)]
    while pairs:
        left, right = pairs.pop()
        if isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            budget.take(len(left))
            pairs.extend(zip(left, right, strict=True))
        elif isinstance(left, dict) and isinstance(right, dict):
            if len(left) != len(right):
                return False
            budget.take(len(left))
            if left.keys() != right.keys():
                return False
            pairs.extend((value, right[key]) for key, value in left.items())
        elif type_name(left) != type_name(right):
            return False
        else:
            if isinstance(left, str):
                budget.read(left)
            if left != right:
                return False
    return True


def contains(budget: Budget, value: Json, whole: Json) -> bool:
    """Whether a list has an item, an object a key, or a text another text in it."""
    if isinstance(whole, list):
        budget.take(len(whole))
        return any(equal(budget, value, item) for item in whole)
    if isinstance(whole, dict):
        if not isinstance(value, str):
            raise EvaluationError(f"keys are texts, and this is {described(value)}")
        return value in whole
    if isinstance(whole, str):
        if not isinstance(value, str):
            raise EvaluationError(f"only a text is in a text, and this is {described(value)}")
        budget.read(whole)
        return value in whole
    raise EvaluationError(f'"in" asks a list, an object or a text, and this is {described(whole)}')


def in_order(budget: Budget, compare: Callable[[Any, Any], bool], left: Json, right: Json) -> bool:
    """The comparison of two numbers or of two texts by their order."""
    if is_number(left) and is_number(right):
        return compare(left, right)
    if isinstance(left, str) and isinstance(right, str):
        budget.read(left)
        return compare(left, right)
    raise EvaluationError(f"numbers or texts have an order, not {described(left)} and {described(right)}")


def number(value: Json) -> int | float:
    """The value as an operand of arithmetic: a number, finite and below the bound."""
    if not is_number(value):
        raise EvaluationError(f"{described(value)} is not a number")
    if -NUMBERS_BELOW < value < NUMBERS_BELOW:
        result: int | float = value
        return result
    raise EvaluationError("a number is too large: numbers have to be below 2**63")


def written(value: Json) -> str:
    """The text of a value in a longer text: texts as they are, numbers and booleans as in JSON; others are
    errors.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return repr(number(value))
    raise EvaluationError(f"{described(value)} is not written as text: only texts, numbers and booleans are")
