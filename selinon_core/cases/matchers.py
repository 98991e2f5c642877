"""Matchers: what a value in a case file says of a value of a run. Equality of JSON, or one of the ``$`` forms.

A matcher looks at JSON values alone. Nothing here reads a file: a schema is handed over ready to check.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

_LONGEST = 200  # characters of a matcher in a message
#: How far a number may be from the one of ``$approx``: relative to the larger of the two, and absolute.
RELATIVE, ABSOLUTE = 1e-6, 1e-12

#: The names of ``$type``: those of JSON Schema, and the shorter ones of Python.
TYPES: Mapping[str, str] = {
    "string": "string",
    "str": "string",
    "text": "string",
    "integer": "integer",
    "int": "integer",
    "number": "number",
    "float": "number",
    "boolean": "boolean",
    "bool": "boolean",
    "null": "null",
    "array": "array",
    "list": "array",
    "object": "object",
    "mapping": "object",
    "dict": "object",
}


class Matcher(Protocol):
    """Whether a value is as expected, and what is expected in words."""

    def matches(self, value: Any) -> bool:
        """Whether the value fits."""
        ...

    def __str__(self) -> str:
        """What is expected, as a case file would write it, on one line."""
        ...


class _Form:
    """What the matchers have in common: they are equal by what they say, and written as case files write them."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._said() == other._said()

    __hash__ = None  # type: ignore[assignment]  # what they hold need not be hashable

    def __str__(self) -> str:
        return shown(self)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._said()))})"

    def _said(self) -> tuple[Any, ...]:
        names: tuple[str, ...] = type(self).__slots__
        return tuple(getattr(self, name) for name in names)


class Equal(_Form):
    """Equal as JSON: 1 is 1.0, and neither is true."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def matches(self, value: Any) -> bool:
        """Whether the value is equal."""
        return equal(self.value, value)


class Fields(_Form):
    """A mapping with these keys and no others, each value as its matcher says."""

    __slots__ = ("fields",)

    def __init__(self, fields: Mapping[str, Matcher]) -> None:
        self.fields = fields

    def matches(self, value: Any) -> bool:
        """Whether it is such a mapping."""
        return (
            isinstance(value, Mapping)
            and value.keys() == self.fields.keys()
            and all(matcher.matches(value[key]) for key, matcher in self.fields.items())
        )


class Items(_Form):
    """A list of as many items as there are matchers, each as its matcher says."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Matcher, ...]) -> None:
        self.items = items

    def matches(self, value: Any) -> bool:
        """Whether it is such a list."""
        return (
            isinstance(value, list | tuple)
            and len(value) == len(self.items)
            and all(matcher.matches(item) for matcher, item in zip(self.items, value, strict=True))
        )


class Containing(_Form):
    """A text with ``part`` in it; what a plain text means where a case file expects a message."""

    __slots__ = ("part",)

    def __init__(self, part: str) -> None:
        self.part = part

    def matches(self, value: Any) -> bool:
        """Whether the value is a text with the part in it."""
        return isinstance(value, str) and self.part in value


class Match(_Form):
    """``$match``: a text in which the regular expression is found, anywhere."""

    __slots__ = ("pattern",)

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def matches(self, value: Any) -> bool:
        """Whether the value is a text with a match in it."""
        return isinstance(value, str) and re.search(self.pattern, value) is not None


class OfType(_Form):
    """``$type``: a value of one of the types, which are keys of ``TYPES``."""

    __slots__ = ("types",)

    def __init__(self, types: tuple[str, ...]) -> None:
        self.types = types

    def matches(self, value: Any) -> bool:
        """Whether the value is of one of the types."""
        kinds = _types_of(value)
        return any(TYPES[name] in kinds for name in self.types)


class Anything(_Form):
    """``$any``: every value."""

    __slots__ = ()

    def matches(self, value: Any) -> bool:
        """Yes."""
        return True


class Approx(_Form):
    """``$approx``: a number that is the given one but for rounding."""

    __slots__ = ("number",)

    def __init__(self, number: float) -> None:
        self.number = number

    def matches(self, value: Any) -> bool:
        """Whether the value is such a number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return abs(value - self.number) <= max(ABSOLUTE, RELATIVE * max(abs(value), abs(self.number)))


class Includes(_Form):
    """``$includes``: a mapping that has these keys (values by matchers) among others, a list that has these items
    among others, a text that has a part.

    ``wanted`` is a mapping of matchers, a tuple of matchers, or one matcher: of an item, or of text that is equal
    to a part.
    """

    __slots__ = ("wanted",)

    def __init__(self, wanted: Mapping[str, Matcher] | tuple[Matcher, ...] | Equal) -> None:
        self.wanted = wanted

    def matches(self, value: Any) -> bool:
        """Whether everything wanted is in the value."""
        wanted = self.wanted
        if isinstance(wanted, Equal):
            if isinstance(value, str):
                return isinstance(wanted.value, str) and wanted.value in value
            return isinstance(value, list | tuple) and any(wanted.matches(item) for item in value)
        if isinstance(wanted, tuple):
            return isinstance(value, list | tuple) and all(
                any(matcher.matches(item) for item in value) for matcher in wanted
            )
        return isinstance(value, Mapping) and all(
            key in value and matcher.matches(value[key]) for key, matcher in wanted.items()
        )


class FitsSchema(_Form):
    """``$schema``: a value that fits the JSON Schema in a file. ``fits`` asks the schema."""

    __slots__ = ("file", "fits")

    def __init__(self, file: str, fits: Callable[[Any], bool]) -> None:
        self.file = file
        self.fits = fits

    def matches(self, value: Any) -> bool:
        """Whether the value fits."""
        return self.fits(value)


class Negated(_Form):
    """``$not``: every value that the other matcher does not match."""

    __slots__ = ("matcher",)

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher

    def matches(self, value: Any) -> bool:
        """Whether the other one does not match."""
        return not self.matcher.matches(value)


class All(_Form):
    """Several ``$`` forms in one mapping: a value that fits each of them."""

    __slots__ = ("matchers",)

    def __init__(self, matchers: tuple[Matcher, ...]) -> None:
        self.matchers = matchers

    def matches(self, value: Any) -> bool:
        """Whether each of them matches."""
        return all(matcher.matches(value) for matcher in self.matchers)


def equal(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal: a boolean is not a number, a tuple is a list."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and one.keys() == other.keys()
            and all(equal(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, list | tuple):
        return (
            isinstance(other, list | tuple)
            and len(one) == len(other)
            and all(equal(mine, others) for mine, others in zip(one, other, strict=True))
        )
    return bool(one == other)


def written(matcher: Matcher) -> Any:
    """The data that a case file holds for a matcher, so that reading it gives an equal matcher."""
    if isinstance(matcher, Equal):
        return literal(matcher.value)
    if isinstance(matcher, Fields):
        return {_literal_key(key): written(value) for key, value in matcher.fields.items()}
    if isinstance(matcher, Items):
        return [written(item) for item in matcher.items]
    if isinstance(matcher, All):
        return {key: value for part in matcher.matchers for key, value in written(part).items()}
    if isinstance(matcher, Containing):
        return literal(matcher.part)
    if isinstance(matcher, Match):
        return {"$match": literal(matcher.pattern)}
    if isinstance(matcher, OfType):
        return {"$type": matcher.types[0] if len(matcher.types) == 1 else list(matcher.types)}
    if isinstance(matcher, Anything):
        return {"$any": True}
    if isinstance(matcher, Approx):
        return {"$approx": matcher.number}
    if isinstance(matcher, FitsSchema):
        return {"$schema": matcher.file}
    if isinstance(matcher, Negated):
        return {"$not": written(matcher.matcher)}
    if isinstance(matcher, Includes):
        wanted = matcher.wanted
        if isinstance(wanted, Equal):
            return {"$includes": written(wanted)}
        if isinstance(wanted, tuple):
            return {"$includes": [written(item) for item in wanted]}
        return {"$includes": {_literal_key(key): written(value) for key, value in wanted.items()}}
    return str(matcher)


def shown(matcher: Matcher) -> str:
    """A matcher on one line, shortened in its middle."""
    text = flow_text(written(matcher))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 43]} ... {text[-38:]}"


def flow_text(data: Any) -> str:
    """JSON that YAML 1.1 reads as the same: it takes 1e-06 for a text."""
    if isinstance(data, Mapping):
        return "{" + ", ".join(f"{flow_text(key)}: {flow_text(value)}" for key, value in data.items()) + "}"
    if isinstance(data, list | tuple):
        return "[" + ", ".join(flow_text(item) for item in data) + "]"
    text = json.dumps(data, ensure_ascii=False, default=repr)
    return text.replace("e", ".0e") if isinstance(data, float) and "e" in text and "." not in text else text


def literal(value: Any) -> Any:
    """Data as a case file has to write it: a dollar in front means something there."""
    if isinstance(value, Mapping):
        return {_literal_key(key): literal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [literal(item) for item in value]
    return f"${value}" if isinstance(value, str) and re.match(r"\$(\$|[A-Za-z_]\w*\Z)", value) else value


def _literal_key(key: Any) -> Any:
    return f"${key}" if isinstance(key, str) and key.startswith("$") else key


def _types_of(value: Any) -> tuple[str, ...]:
    if value is None:
        return ("null",)
    if isinstance(value, bool):
        return ("boolean",)
    if isinstance(value, int):
        return ("integer", "number")
    if isinstance(value, float):
        return ("integer", "number") if value.is_integer() else ("number",)
    if isinstance(value, str):
        return ("string",)
    if isinstance(value, Mapping):
        return ("object",)
    return ("array",) if isinstance(value, list | tuple) else ()
