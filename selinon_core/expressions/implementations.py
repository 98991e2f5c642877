"""What the functions of expressions do.

All take the ``Budget`` of the evaluation and the arguments, whose types are those that the table of ``functions``
says. They take what their work costs from the budget before they do it, and change no argument.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable
from typing import Any

from selinon_core.expressions.parsing.literals import NUMBERS_BELOW
from selinon_core.expressions.values import (
    Budget,
    EvaluationError,
    Json,
    checked,
    described,
    is_integer,
    is_number,
    number,
    written,
)

#: Digits behind the point (or, negative, before it) that ``round`` knows.
_MOST_DIGITS = 15
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
#: Characters of a text that ``int`` and ``float`` read as a number.
_LONGEST_NUMBER = 400


def length(budget: Budget, value: Any) -> int:
    return len(value)


def _truths(budget: Budget, name: str, values: list[Json]) -> list[bool]:
    budget.take(len(values))
    for position, value in enumerate(values):
        if not isinstance(value, bool):
            raise EvaluationError(f"{name}() takes booleans, and item {position} is {described(value)}")
    return values


def any_true(budget: Budget, values: list[Json]) -> bool:
    return True in _truths(budget, "any", values)


def all_true(budget: Budget, values: list[Json]) -> bool:
    return False not in _truths(budget, "all", values)


def count_true(budget: Budget, values: list[Json]) -> int:
    return _truths(budget, "count", values).count(True)


def total(budget: Budget, values: list[Json]) -> int | float:
    # Not Python's own sum, which adds floats in another way from Python 3.12 on.
    budget.take(len(values))
    total: int | float = 0
    for value in values:
        if not is_number(value):
            position = next(at for at, item in enumerate(values) if item is value)
            raise EvaluationError(f"sum() takes numbers, and item {position} is {described(value)}")
        total += value if -NUMBERS_BELOW < value < NUMBERS_BELOW else number(value)
    return checked(total)


def _in_one_order(budget: Budget, name: str, values: list[Json]) -> list[Any]:
    """The values, which are all numbers or all texts."""
    budget.take(len(values))
    texts = bool(values) and isinstance(values[0], str)
    for position, value in enumerate(values):
        if texts and isinstance(value, str):
            budget.read(value)
        elif not texts and is_number(value):
            number(value)
        else:
            first = f" and item 0 is {described(values[0])}" if position else ""
            message = f"{name}() takes numbers only or texts only, and item {position} is {described(value)}"
            raise EvaluationError(message + first)
    return values


def least(budget: Budget, *values: Json) -> Json:
    return min(_candidates(budget, "min", values))


def greatest(budget: Budget, *values: Json) -> Json:
    return max(_candidates(budget, "max", values))


def _candidates(budget: Budget, name: str, values: tuple[Json, ...]) -> list[Any]:
    candidates = values[0] if len(values) == 1 else list(values)
    if not isinstance(candidates, list):
        raise EvaluationError(f"{name}() takes a list or several values, and this is {described(candidates)}")
    if not candidates:
        raise EvaluationError(f"{name}() of an empty list has no value")
    return _in_one_order(budget, name, candidates)


def magnitude(budget: Budget, value: Any) -> Json:
    return abs(value)


def rounded(budget: Budget, value: Any, digits: Any = None) -> Json:
    if digits is None:
        return round(value)
    if not is_integer(digits) or abs(digits) > _MOST_DIGITS:
        raise EvaluationError(f"the digits of round() are an integer from -{_MOST_DIGITS} to {_MOST_DIGITS}")
    return checked(round(value, int(digits)))


def rounded_down(budget: Budget, value: Any) -> Json:
    return checked(math.floor(value))


def integer(budget: Budget, value: Any) -> Json:
    if not isinstance(value, str):
        return int(value)
    if len(value) > _LONGEST_NUMBER or not _INTEGER.fullmatch(value):
        raise EvaluationError("int() takes a text of digits, and the text is none")
    return checked(int(value))


def fraction(budget: Budget, value: Any) -> Json:
    if not isinstance(value, str):
        return checked(float(value))  # the greatest integers are rounded up to the bound
    if len(value) > _LONGEST_NUMBER or not _NUMBER.fullmatch(value):
        raise EvaluationError("float() takes a number as text, and the text is none")
    return checked(float(value))


def as_text(budget: Budget, value: Json) -> str:
    text = written(value)
    budget.write(len(text))
    return text


def lower(budget: Budget, text: str) -> str:
    return _made(budget, text, str.lower)


def upper(budget: Budget, text: str) -> str:
    return _made(budget, text, str.upper)


def strip(budget: Budget, text: str) -> str:
    return _made(budget, text, str.strip)


def _made(budget: Budget, text: str, change: Callable[[str], str]) -> str:
    budget.write(len(text))
    changed = change(text)  # at most three times as long
    budget.write(max(0, len(changed) - len(text)))
    return changed


def split(budget: Budget, text: str, separator: str | None = None) -> list[str]:
    if separator == "":
        raise EvaluationError("the separator of split() is empty")
    budget.write(len(text))
    # Parts between white space are no more than half of the characters, and are counted when they are there.
    if separator is not None:
        budget.take(text.count(separator) + 1)
        return text.split(separator)
    parts = text.split()
    budget.take(len(parts))
    return parts


def join(budget: Budget, texts: list[Json], separator: str) -> str:
    budget.take(len(texts))
    characters = len(separator) * max(0, len(texts) - 1)
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise EvaluationError(f"join() takes texts, and item {position} is {described(text)}")
        characters += len(text)
    budget.write(characters)
    return separator.join(texts)


def replace(budget: Budget, text: str, old: str, new: str) -> str:
    if not old:
        raise EvaluationError("the text that replace() looks for is empty")
    budget.write(len(text))
    found = text.count(old)
    budget.write(max(0, found * (len(new) - len(old))))
    return text.replace(old, new)


def startswith(budget: Budget, text: str, beginning: str) -> bool:
    budget.read(beginning)
    return text.startswith(beginning)


def endswith(budget: Budget, text: str, ending: str) -> bool:
    budget.read(ending)
    return text.endswith(ending)


def keys(budget: Budget, value: dict[str, Json]) -> list[str]:
    budget.take(len(value))
    return list(value)


def values(budget: Budget, value: dict[str, Json]) -> list[Json]:
    budget.take(len(value))
    return list(value.values())


def items(budget: Budget, value: dict[str, Json]) -> list[Json]:
    budget.take(len(value))
    return [{"key": key, "value": item} for key, item in value.items()]


def flatten(budget: Budget, lists: list[Json]) -> list[Json]:
    budget.take(len(lists))
    flat: list[Json] = []
    for position, items in enumerate(lists):
        if not isinstance(items, list):
            raise EvaluationError(f"flatten() takes a list of lists, and item {position} is {described(items)}")
        budget.take(len(items))
        flat.extend(items)
    return flat


def in_order(budget: Budget, values: list[Json]) -> list[Json]:
    return sorted(_in_one_order(budget, "sorted", values))


def unique(budget: Budget, values: list[Json]) -> list[Json]:
    first: dict[Hashable, Json] = {}
    for value in values:
        first.setdefault(_hashed(budget, value, 0), value)
    return list(first.values())


#: Lists and objects inside each other that ``unique`` compares.
_DEEPEST = 100


def _hashed(budget: Budget, value: Json, depth: int) -> Hashable:
    """Something that is equal for equal values, and for no others."""
    budget.take(1)
    if depth > _DEEPEST:
        raise EvaluationError(f"unique() compares values of at most {_DEEPEST} levels")
    if isinstance(value, list):
        return "list", tuple(_hashed(budget, item, depth + 1) for item in value)
    if isinstance(value, dict):
        return "object", frozenset((key, _hashed(budget, item, depth + 1)) for key, item in value.items())
    if isinstance(value, bool):
        return "boolean", value
    if is_number(value):
        return "number", number(value)
    if isinstance(value, str):
        budget.read(value)
    return "other", value
