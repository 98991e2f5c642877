"""Matchers and literal data in case files: JSON, in which ``$`` forms say more than equality."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from selinon_core.cases.matchers import (
    TYPES,
    All,
    Anything,
    Approx,
    Containing,
    Equal,
    Fields,
    FitsSchema,
    Includes,
    Items,
    Match,
    Matcher,
    Negated,
    OfType,
)
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.schema.case_context import case_context
from selinon_core.config.schema.types import JsonSchema, JsonValue, ValueType
from selinon_core.config.yaml.nodes import CONTAINERS, BrokenNode, MappingNode, Node, SequenceNode
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.wording import suggestion
from selinon_core.errors import ConfigurationError

_DATA = JsonValue()


class Literal(ValueType):
    """JSON data as it is, but for keys that begin with ``$$``: they lose one dollar, as in matchers.

    So one anchored value can be a mock's result here and an expectation there.
    """

    expected = "data"
    keeps_empty = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        data = _DATA.read(reading, node, via, label)
        whole = keys_are_text(reading, node, via, label)
        return BROKEN if data is BROKEN or not whole else unescaped(data)

    def schema(self) -> JsonSchema:
        return {}


LITERAL = Literal()


def keys_are_text(reading: ReadContext, node: Node, via: Via, label: str) -> bool:
    """Report the keys below a node that JSON cannot have; returns whether there are none."""
    node, via = resolve_alias(node, via)
    if type(node) is SequenceNode:
        found = [keys_are_text(reading, item, via, label) for item in node.items]  # each of them is reported
        return all(found)
    if type(node) is not MappingNode:
        return True
    whole = True
    for key, (written, value, inner) in node.entries.items():
        if not isinstance(key, str):
            whole = bad_key(reading, written, via + inner, label)
        whole = keys_are_text(reading, value, via + inner, label) and whole
    return whole


def bad_key(reading: ReadContext, written: Node, via: Via, label: str) -> bool:
    """Report a key that is not text; returns False."""
    key, at = resolve_alias(written, via)
    reading.report(
        kinds.WRONG_TYPE,
        key,
        at,
        f"a key of {label} has to be text, not {reading.describe(key)}",
        note="keys of JSON are text",
        help="put it in quotes",
    )
    return False


def unescaped(data: Any) -> Any:
    """Data without the escapes of keys; it is changed in place."""
    if isinstance(data, dict):
        for key in [key for key in data if isinstance(key, str) and key.startswith("$$")]:
            data[key[1:]] = data.pop(key)
        for value in data.values():
            unescaped(value)
    elif isinstance(data, list):
        for item in data:
            unescaped(item)
    return data


class MatcherType(ValueType):
    """A matcher. ``contains``: a plain text means a text that has it in it."""

    expected = "a value or a matcher"
    keeps_empty = True

    def __init__(self, *, contains: bool = False) -> None:
        self.contains = contains

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Matcher | Broken:
        if self.contains and type(node) not in CONTAINERS:
            value = reading.scalar(node)
            if isinstance(value, str):
                return Containing(value)
            return reading.wrong_type(node, via, label, "a text that has to be in it, or a matcher")
        return _matcher(reading, node, via, label)

    def schema(self) -> JsonSchema:
        if self.contains:
            return {"$ref": "#/$defs/matcher", "type": ["string", "object", "array"]}
        return {"$ref": "#/$defs/matcher"}

    @staticmethod
    def definition() -> JsonSchema:
        """The JSON Schema of a matcher: anything, but a ``$`` form has to be one of those that exist."""
        matcher = {"$ref": "#/$defs/matcher"}
        types = {"enum": [*TYPES, None]}
        forms: dict[str, JsonSchema] = {
            "$match": {"type": "string", "format": "regex"},
            "$type": {"anyOf": [types, {"type": "array", "items": types, "minItems": 1}]},
            "$any": {"const": True},
            "$approx": {"type": "number"},
            "$includes": {},
            "$schema": {"type": "string"},
            "$not": matcher,
        }
        return {
            "description": "A value that has to be equal, or one of the $ forms; $$x is the key $x.",
            "items": matcher,
            "if": {"type": "object"},
            "then": {
                "properties": forms,
                "patternProperties": {r"^(\$\$|[^$])|^$": matcher, "^[$][^$]": {}},
                "propertyNames": {"anyOf": [{"enum": list(forms)}, {"pattern": r"^(\$\$|[^$])|^$"}]},
            },
        }


MATCHER = MatcherType()
MESSAGE = MatcherType(contains=True)


def _matcher(reading: ReadContext, node: Node, via: Via, label: str) -> Matcher | Broken:
    kind = type(node)
    if kind is BrokenNode:
        return BROKEN
    if kind is MappingNode:
        if any(isinstance(key, str) and key.startswith("$") and not key.startswith("$$") for key in node.entries):
            return _forms(reading, node, via, label)
        fields = _fields(reading, node, via, label)
        if isinstance(fields, Broken):
            return BROKEN
        if all(isinstance(field, Equal) for field in fields.values()):
            return Equal({key: field.value for key, field in fields.items()})  # type: ignore[attr-defined]
        return Fields(fields)
    if kind is SequenceNode:
        items = _items(reading, node, via, label)
        if isinstance(items, Broken):
            return BROKEN
        if all(isinstance(item, Equal) for item in items):
            return Equal([item.value for item in items])  # type: ignore[attr-defined]
        return Items(items)
    value = _DATA.read(reading, node, via, label)
    return BROKEN if value is BROKEN else Equal(value)


def _fields(reading: ReadContext, node: MappingNode, via: Via, label: str) -> dict[Any, Matcher] | Broken:
    fields: dict[Any, Matcher] = {}
    whole = True
    for key, (written, value, inner) in node.entries.items():
        if not isinstance(key, str):
            whole = bad_key(reading, written, via + inner, label)
            continue
        matcher = _matcher(reading, *resolve_alias(value, via + inner), label)
        if isinstance(matcher, Broken):
            whole = False
        else:
            fields[key.removeprefix("$") if key.startswith("$$") else key] = matcher
    return fields if whole else BROKEN


def _items(reading: ReadContext, node: SequenceNode, via: Via, label: str) -> tuple[Matcher, ...] | Broken:
    items = [_matcher(reading, *resolve_alias(item, via), label) for item in node.items]
    usable = tuple(item for item in items if not isinstance(item, Broken))
    return usable if len(usable) == len(items) else BROKEN


def _forms(reading: ReadContext, node: MappingNode, via: Via, label: str) -> Matcher | Broken:
    """The matcher of a mapping with ``$`` keys: all of them have to hold."""
    matchers: list[Matcher] = []
    whole = True
    for key, (written, value, inner) in node.entries.items():
        at = via + inner
        read = FORMS.get(key) if isinstance(key, str) else None
        if read is None:
            whole = False
            _not_a_form(reading, written, at, key)
            continue
        matcher = read(reading, *resolve_alias(value, at), f'"{key}"')
        if isinstance(matcher, Broken):
            whole = False
        else:
            matchers.append(matcher)
    if not whole:
        return BROKEN
    return matchers[0] if len(matchers) == 1 else All(tuple(matchers))


def _not_a_form(reading: ReadContext, written: Node, via: Via, key: Any) -> None:
    if isinstance(key, str) and key.startswith("$") and not key.startswith("$$"):
        reading.report(
            kinds.UNKNOWN_KEY,
            written,
            via,
            f'"{shorten(key)}" is not a matcher',
            note="matchers: " + ", ".join(FORMS),
            help=suggestion(key, FORMS) or f'write "${shorten(key)}" if the key "{shorten(key)}" is meant',
        )
        return
    reading.report(
        kinds.UNKNOWN_KEY,
        written,
        via,
        f'"{shorten(str(key))}" stands beside a matcher',
        note="the keys of a matcher all begin with $",
        help="write {$includes: {...}} if other keys are allowed beside those",
    )


# --- the forms ----------------------------------------------------------------------------------------------


def _match(reading: ReadContext, node: Node, via: Via, label: str) -> Matcher | Broken:
    pattern = _text(reading, node, via, label, "a regular expression")
    if isinstance(pattern, Broken):
        return BROKEN
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return reading.report(
            kinds.WRONG_VALUE,
            node,
            via,
            f"{label} is not a regular expression: {error}",
            note="re.search reads it",
        )
    return Match(pattern)


def _type(reading: ReadContext, node: Node, via: Via, label: str) -> Matcher | Broken:
    listed = node.items if type(node) is SequenceNode else [node]
    if not listed:
        return reading.wrong_type(node, via, label, "the name of a type or a list of them")
    types: list[str] = []
    for item in listed:
        at, through = resolve_alias(item, via)
        value = "null" if _is_null(reading, at) else _text(reading, at, through, label, "the name of a type")
        if isinstance(value, Broken):
            return BROKEN
        if value not in TYPES:
            return reading.report(
                kinds.WRONG_VALUE,
                at,
                through,
                f'"{shorten(value)}" is not a type',
                note="types: " + ", ".join(TYPES),
                help=suggestion(value, TYPES),
            )
        types.append(value)
    return OfType(tuple(types))


def _any(reading: ReadContext, node: Node, via: Via, label: str) -> Matcher | Broken:
    if reading.value_of(node) is True:
        return Anything()
    return reading.wrong_type(node, via, label, "true")


def _approx(reading: ReadContext, node: Node, via: Via, label: str) -> Matcher | Broken:
    value = reading.value_of(node)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return reading.wrong_type(node, via, label, "a number")
    return Approx(value)


def _includes(reading: ReadContext, node: Node, via: Via, label: str) -> Matcher | Broken:
    if type(node) is SequenceNode:
        items = _items(reading, node, via, label)
        return BROKEN if isinstance(items, Broken) else Includes(items)
    if type(node) is MappingNode:
        if any(key in FORMS for key in node.entries):
            return reading.report(
                kinds.WRONG_VALUE,
                node,
                via,
                f"{label} takes keys, items or a text, not a matcher",
                note="of a matcher it is not clear in what it is included",
                help="put an item of a list in a list: {$includes: [{...}]}",
            )
        fields = _fields(reading, node, via, label)
        return BROKEN if isinstance(fields, Broken) else Includes(fields)
    value = _DATA.read(reading, node, via, label)
    return BROKEN if value is BROKEN else Includes(Equal(value))


def _schema(reading: ReadContext, node: Node, via: Via, label: str) -> Matcher | Broken:
    path = _text(reading, node, via, label, "the path of a JSON Schema")
    if isinstance(path, Broken):
        return BROKEN
    try:
        return FitsSchema(path, case_context(reading).load_schema(path))
    except ConfigurationError as error:
        return reading.report(
            kinds.WRONG_VALUE, node, via, f"{label}: {error}", note="relative paths lead from the case file"
        )


def _not(reading: ReadContext, node: Node, via: Via, label: str) -> Matcher | Broken:
    matcher = _matcher(reading, node, via, label)
    return BROKEN if isinstance(matcher, Broken) else Negated(matcher)


FORMS: dict[str, Callable[[ReadContext, Node, Via, str], Matcher | Broken]] = {
    "$match": _match,
    "$type": _type,
    "$any": _any,
    "$approx": _approx,
    "$includes": _includes,
    "$schema": _schema,
    "$not": _not,
}


def _text(reading: ReadContext, node: Node, via: Via, label: str, expected: str) -> str | Broken:
    value = reading.value_of(node)
    return value if isinstance(value, str) else reading.wrong_type(node, via, label, expected)


def _is_null(reading: ReadContext, node: Node) -> bool:
    return type(node) not in CONTAINERS and reading.scalar(node) is None
