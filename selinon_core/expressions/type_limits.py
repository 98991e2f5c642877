"""What a JSON Schema says of the size of numbers and of texts, and what follows for comparisons.

``minimum``, ``maximum``, ``exclusiveMinimum``, ``exclusiveMaximum``, ``minLength``, ``maxLength`` and ``pattern``
are read; what is not as it has to be says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

Number = int | float

#: The longest text that is held against a pattern, and the repetitions that a pattern may have: the time that a
#: search may take grows with the power of their number.
_LONGEST_SEARCHED = 200
_MOST_REPETITIONS = 3
_REPETITION = re.compile(r"[*+{]")
_REPEATED_GROUP = re.compile(r"\)[*+{?]|\\[1-9]|\(\?P=")


class Limits(NamedTuple):
    """Bounds of a number, or of the length of a text; None: there is none. ``open``: the bound is not reached."""

    least: Number | None = None
    greatest: Number | None = None
    open_below: bool = False
    open_above: bool = False
    patterns: tuple[str, ...] = ()

    def allow(self, value: Any) -> bool:
        """Whether a number or text is within them, as far as is known."""
        if isinstance(value, str):
            return self._reach(len(value)) and all(_may_match(pattern, value) for pattern in self.patterns)
        return self._reach(value)

    def _reach(self, size: Number) -> bool:
        if self.least is not None and (size < self.least or (self.open_below and size == self.least)):
            return False
        return self.greatest is None or not (size > self.greatest or (self.open_above and size == self.greatest))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is within them."""
        return self.least is not None and not self._reach(self.least) and not self.open_below


def met(a: Limits | None, b: Limits | None) -> Limits | None:
    """What is within both."""
    if a is None or b is None:
        return a or b
    least, open_below = _inner(a.least, a.open_below, b.least, b.open_below, 1)
    greatest, open_above = _inner(a.greatest, a.open_above, b.greatest, b.open_above, -1)
    return Limits(least, greatest, open_below, open_above, tuple(dict.fromkeys((*a.patterns, *b.patterns))))


def _inner(
    one: Number | None, one_open: bool, other: Number | None, other_open: bool, sign: int
) -> tuple[Number | None, bool]:
    """The bound that leaves less."""
    if one is None or other is None:
        return (other, other_open) if one is None else (one, one_open)
    if one == other:
        return one, one_open or other_open
    return (one, one_open) if one * sign > other * sign else (other, other_open)


@cache
def _may_match(pattern: str, text: str) -> bool:
    """Whether a pattern may be found in a text; a pattern for which that could take long may."""
    if len(text) > _LONGEST_SEARCHED or _REPEATED_GROUP.search(pattern) is not None:
        return True
    if len(_REPETITION.findall(pattern)) > _MOST_REPETITIONS:
        return True
    try:
        return re.search(pattern, text) is not None
    except (re.error, OverflowError, RecursionError):
        return True


def limits_of_number(schema: Mapping[str, Any]) -> Limits | None:
    """What a schema says of numbers."""
    least, open_below = _inner(_number(schema, "minimum"), False, _number(schema, "exclusiveMinimum"), True, 1)
    greatest, open_above = _inner(_number(schema, "maximum"), False, _number(schema, "exclusiveMaximum"), True, -1)
    if least is None and greatest is None:
        return None
    return Limits(least, greatest, open_below, open_above)


def limits_of_text(schema: Mapping[str, Any]) -> Limits | None:
    """What a schema says of texts."""
    least, greatest, pattern = _number(schema, "minLength"), _number(schema, "maxLength"), schema.get("pattern")
    patterns = (pattern,) if isinstance(pattern, str) else ()
    if least is None and greatest is None and not patterns:
        return None
    return Limits(least, greatest, patterns=patterns)


def _number(schema: Mapping[str, Any], key: str) -> Number | None:
    value = schema.get(key)
    # Draft 4 has true and false beside a bound; what is not finite bounds nothing.
    if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
        return None
    return value


def always(operator: str, left: Iterable[Limits], right: Iterable[Limits]) -> bool | None:
    """Whether every value of ``left`` compares with every one of ``right`` alike; None where that depends."""
    if operator in (">", ">="):
        left, right, operator = right, left, "<" if operator == ">" else "<="
    a, b = _around(left), _around(right)
    if _is_below(a, b, strictly=operator == "<"):
        return True
    # Not below is at least as great: ``b < a`` or ``b <= a``.
    return False if _is_below(b, a, strictly=operator == "<=") else None


def _is_below(a: Limits, b: Limits, *, strictly: bool) -> bool:
    if a.greatest is None or b.least is None:
        return False
    if a.greatest == b.least:
        return not strictly or a.open_above or b.open_below
    return a.greatest < b.least


def _around(all_of: Iterable[Limits]) -> Limits:
    """Bounds of what is within any of some limits."""
    listed = list(all_of)
    lows = [(one.least, one.open_below) for one in listed if one.least is not None]
    highs = [(one.greatest, not one.open_above) for one in listed if one.greatest is not None]
    least, open_below = min(lows) if len(lows) == len(listed) else (None, False)
    greatest, closed = max(highs) if len(highs) == len(listed) else (None, True)
    return Limits(least, greatest, open_below, not closed)


def _shown(number: Number) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def describe_limits(limits: Limits, is_text: bool) -> str:
    """What limits say, behind the word for the values: `` from 1 to 5``, `` of at most 3 characters``."""
    least, greatest = limits.least, limits.greatest
    unit = " characters" if is_text else ""
    if least is not None and greatest is not None and not (limits.open_below or limits.open_above):
        found = (
            f" of {_shown(least)} to {_shown(greatest)}{unit}"
            if is_text
            else f" from {_shown(least)} to {_shown(greatest)}"
        )
    else:
        low = "" if least is None else f"{'more than' if limits.open_below else 'at least'} {_shown(least)}"
        high = "" if greatest is None else f"{'less than' if limits.open_above else 'at most'} {_shown(greatest)}"
        words = " and ".join(word for word in (low, high) if word)
        found = f" of {words}{unit}" if words else ""
    return found + "".join(f" that matches {pattern}" for pattern in limits.patterns)
