"""Numbers and strings that may fit a schema, the simplest first. The validator chooses among them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, TypeGuard

from selinon_core.schemas.values.patterns import matching_texts

_SERIES = 100  # how many different values are offered, for lists that need them
_LONGEST = 1_000_000  # characters
# Not checked by the validator, but the task behind the mock may parse the string.
_FORMATS = {
    "date-time": "2000-01-01T00:00:00Z",
    "date": "2000-01-01",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "email": "a@example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "http://example.com/",
    "url": "http://example.com/",
    "iri": "http://example.com/",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "regex": "",
}


def numbers(schema: dict[str, Any], whole: bool) -> Iterator[int | float]:
    """Yield numbers around 0 and around the limits, multiples of ``multipleOf``."""
    lows, highs = _limits(schema)
    step = Fraction(str(schema["multipleOf"])) if "multipleOf" in schema else Fraction(1)
    if whole:
        step = Fraction(step.numerator)  # the integers among the multiples of n/d are those of n
    for start in (Fraction(0), *lows, *highs):
        base = math.ceil(start / step) * step
        for distance in range(3):
            yield _plain(base + distance * step)
            yield _plain(base - distance * step)
    if not whole:
        yield from (_plain(limit) for limit in (*lows, *highs))
        if lows and highs:
            yield _plain((max(lows) + min(highs)) / 2)
    if lows or not highs:
        base = math.ceil(max(lows, default=Fraction(0)) / step) * step
        yield from (_plain(base + number * step) for number in range(_SERIES))
    else:
        base = math.floor(min(highs) / step) * step
        yield from (_plain(base - number * step) for number in range(_SERIES))


def strings(schema: dict[str, Any]) -> Iterator[str]:
    """Yield strings of the format, of the pattern and of the least length."""
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength", math.inf)
    if least > _LONGEST:
        raise LookupError(f"a string of {least} characters is too long")
    sample = _FORMATS.get(schema.get("format", ""))
    if sample is not None:
        yield sample
    if "pattern" in schema:
        for text in matching_texts(schema["pattern"], least):
            yield text
            yield text.ljust(least, "x")
            yield text.rjust(least, "x")
    yield "x" * least
    for number in range(_SERIES):
        text = f"{number:x}".rjust(least, "x")
        if len(text) <= most:
            yield text


def _limits(schema: dict[str, Any]) -> tuple[list[Fraction], list[Fraction]]:
    # In draft 4 the exclusive ones are flags, not numbers.
    lows = [schema.get("minimum"), schema.get("exclusiveMinimum")]
    highs = [schema.get("maximum"), schema.get("exclusiveMaximum")]
    return [Fraction(low) for low in lows if _is_number(low)], [
        Fraction(high) for high in highs if _is_number(high)
    ]


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _plain(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)
