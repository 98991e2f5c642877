"""Values against schemas of the usual kind, without the validator.

To import the validator takes as long as to lint a project, and to ask it tens of microseconds. Most schemas have
only keywords whose meaning is plain, and most values fit. The answer here is that a value surely fits; where that
is not so, the validator decides, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

#: Whether a value surely fits.
Check = Callable[[Any], bool]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_Classes = frozenset[type[Any]]
_NUMBER: _Classes = frozenset({int, float})
_TEXT: _Classes = frozenset({str})
_LIST: _Classes = frozenset({list, tuple})
_OBJECT: _Classes = frozenset({dict})
#: The classes of the values of each type; of floats some are integers.
_CLASSES: Mapping[str, _Classes] = {
    "null": frozenset({type(None)}),
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "number": _NUMBER,
    "string": _TEXT,
    "array": _LIST,
    "object": _OBJECT,
}
_JSON: _Classes = frozenset().union(*_CLASSES.values())


class _NotPlain(Exception):
    """The schema has something that only the validator knows to read, or may not be valid."""


def plain_check(schema: Any) -> Check | None:
    """What says whether a value surely fits a schema (JSON); None for one that is not plain, or not valid."""
    try:
        return _check_of(schema)
    except (_NotPlain, RecursionError):
        return None


def _check_of(schema: Any) -> Check:
    if schema is True:
        return lambda value: True
    _need(isinstance(schema, dict))
    properties = schema.get("properties", {})
    _need(isinstance(properties, dict))
    checks: list[Check] = []
    for keyword, given in schema.items():
        if keyword in _ANNOTATIONS:
            _need(isinstance(given, _ANNOTATIONS[keyword]))
        elif keyword == "additionalProperties":
            checks.append(_others(given, frozenset(properties)))
        elif keyword != "$schema":
            _need(keyword in _KEYWORDS)
            checks.append(_KEYWORDS[keyword](given))
        else:
            _need(given == _DRAFT)

    def fits(value: Any) -> bool:
        if value.__class__ not in _JSON:
            return False
        return all(check(value) for check in checks)

    return fits


def _need(holds: bool) -> None:
    if not holds:
        raise _NotPlain


#: Keywords that no value has to fulfil, and the classes of what they are given.
_ANNOTATIONS: Mapping[str, type] = {
    "title": str,
    "description": str,
    "$comment": str,
    "format": str,
    "default": object,
    "examples": list,
    "deprecated": bool,
    "readOnly": bool,
    "writeOnly": bool,
}


def _type(given: Any) -> Check:
    names = given if isinstance(given, list) else [given]
    _need(bool(names) and all(isinstance(name, str) and name in _CLASSES for name in names))
    _need(len(set(names)) == len(names))
    classes: _Classes = frozenset().union(*(_CLASSES[name] for name in names))
    if "integer" not in names or "number" in names:
        return lambda value: value.__class__ in classes
    return lambda value: value.__class__ in classes or (value.__class__ is float and value.is_integer())


def _enum(given: Any) -> Check:
    _need(isinstance(given, list) and all(value is None or isinstance(value, str) for value in given))
    values = frozenset(given)
    return lambda value: (value is None or value.__class__ is str) and value in values


def _properties(given: Any) -> Check:
    _need(isinstance(given, dict))
    checks = {name: _check_of(schema) for name, schema in given.items()}

    def fits(value: Any) -> bool:
        if value.__class__ is dict:
            for name, check in checks.items():
                if name in value and not check(value[name]):
                    return False
        return True

    return fits


def _others(given: Any, named: frozenset[str]) -> Check:
    """The keys that are not among the properties."""
    if given is False:
        return lambda value: value.__class__ is not dict or named.issuperset(value)
    check = _check_of(given)
    return lambda value: (
        value.__class__ is not dict or all(key in named or check(item) for key, item in value.items())
    )


def _required(given: Any) -> Check:
    _need(isinstance(given, list) and all(isinstance(name, str) for name in given))
    names = frozenset(given)
    _need(len(names) == len(given))
    return lambda value: value.__class__ is not dict or names <= value.keys()


def _items(given: Any) -> Check:
    check = _check_of(given)
    return lambda value: value.__class__ not in _LIST or all(map(check, value))


def _bound(is_beyond: Callable[[Any, Any], bool]) -> Callable[[Any], Check]:
    def bound(given: Any) -> Check:
        _need(given.__class__ in _NUMBER)
        return lambda value: value.__class__ not in _NUMBER or not is_beyond(value, given)

    return bound


def _length(classes: _Classes, is_beyond: Callable[[int, int], bool]) -> Callable[[Any], Check]:
    def bound(given: Any) -> Check:
        _need(given.__class__ is int and given >= 0)
        return lambda value: value.__class__ not in classes or not is_beyond(len(value), given)

    return bound


_KEYWORDS: Mapping[str, Callable[[Any], Check]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda given: _enum([given]),
    "properties": _properties,
    "required": _required,
    "items": _items,
    "minimum": _bound(lambda value, least: value < least),
    "maximum": _bound(lambda value, most: value > most),
    "exclusiveMinimum": _bound(lambda value, least: value <= least),
    "exclusiveMaximum": _bound(lambda value, most: value >= most),
    "minLength": _length(_TEXT, lambda length, least: length < least),
    "maxLength": _length(_TEXT, lambda length, most: length > most),
    "minItems": _length(_LIST, lambda length, least: length < least),
    "maxItems": _length(_LIST, lambda length, most: length > most),
    "minProperties": _length(_OBJECT, lambda length, least: length < least),
    "maxProperties": _length(_OBJECT, lambda length, most: length > most),
}
