"""Values against schemas of the usual kind, without the validator.

To import the validator takes as long as to lint a project, and to ask it tens of microseconds. Most schemas have
only keywords whose meaning is plain, and most values fit. The answer here is that a value surely fits; where that
is not so, the validator decides, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from selinon_core.schemas.beside import References

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
_SCALARS: _Classes = frozenset({bool, str}) | _NUMBER
_JSON: _Classes = frozenset().union(*_CLASSES.values())


class _NotPlain(Exception):
    """The schema has something that only the validator knows to read, or may not be valid."""


def plain_check(schema: Any, references: References) -> Check | None:
    """What says whether a value surely fits a schema (JSON); None for one that is not plain, or not valid."""
    try:
        return _Reader().check_of(schema, references)
    except (_NotPlain, RecursionError):
        return None


class _Reader:
    """Reads one schema, and what it refers to."""

    def __init__(self) -> None:
        #: The checks of places that references lead to, by file and place; None while one is being made.
        self._known: dict[tuple[str, str], Check | None] = {}

    def check_of(self, schema: Any, references: References) -> Check:
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
                checks.append(self._others(given, frozenset(properties), references))
            elif keyword in _WITH_SCHEMAS:
                checks.append(_WITH_SCHEMAS[keyword](self, given, references))
            elif keyword != "$schema":
                _need(keyword in _KEYWORDS)
                checks.append(_KEYWORDS[keyword](given))
            else:
                _need(given == _DRAFT)

        if len(checks) == 1 and "type" in schema:
            return checks[0]  # most schemas of keys and items; no value that is not JSON is of a type

        def fits(value: Any) -> bool:
            if value.__class__ not in _JSON:
                return False
            for check in checks:  # noqa: SIM110  (a generator takes longer than the checks)
                if not check(value):
                    return False
            return True

        return fits

    def _properties(self, given: Any, references: References) -> Check:
        _need(isinstance(given, dict))
        checks = {name: self.check_of(schema, references) for name, schema in given.items()}

        def fits(value: Any) -> bool:
            if value.__class__ is dict:
                for name, check in checks.items():
                    if name in value and not check(value[name]):
                        return False
            return True

        return fits

    def _others(self, given: Any, named: frozenset[str], references: References) -> Check:
        """The keys that are not among the properties."""
        if given is False:
            return lambda value: value.__class__ is not dict or named.issuperset(value)
        check = self.check_of(given, references)
        return lambda value: (
            value.__class__ is not dict or all(key in named or check(item) for key, item in value.items())
        )

    def _items(self, given: Any, references: References) -> Check:
        check = self.check_of(given, references)
        return lambda value: value.__class__ not in _LIST or all(map(check, value))

    def _any_of(self, given: Any, references: References) -> Check:
        checks = self._listed(given, references)
        return lambda value: any(check(value) for check in checks)

    def _all_of(self, given: Any, references: References) -> Check:
        checks = self._listed(given, references)
        return lambda value: all(check(value) for check in checks)

    def _listed(self, given: Any, references: References) -> list[Check]:
        _need(isinstance(given, list) and bool(given))
        return [self.check_of(schema, references) for schema in given]

    def _definitions(self, given: Any, references: References) -> Check:
        """Nothing has to fit them, but they have to be valid."""
        self._properties(given, references)
        return lambda value: True

    def _reference(self, given: Any, references: References) -> Check:
        _need(isinstance(given, str))
        try:
            contents, inner = references.lookup(given)
        except LookupError:
            raise _NotPlain from None
        key = (inner.uri, given.partition("#")[2])
        known = self._known
        if key not in known:
            known[key] = None
            _need(not (isinstance(contents, dict) and "$id" in contents))
            known[key] = self.check_of(contents, inner)
        check = known[key]
        if check is not None:
            return check

        def recursive(value: Any) -> bool:
            check = known[key]
            return check is not None and check(value)

        return recursive


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
    _need(isinstance(given, list) and all(value is None or value.__class__ in _SCALARS for value in given))
    numbers = frozenset(value for value in given if value.__class__ in _NUMBER)
    _need(all(number == number for number in numbers))
    values: Mapping[type[Any], frozenset[Any]] = {  # 1 == True, but not in JSON
        type(None): frozenset({None}) & frozenset(given),
        str: frozenset(value for value in given if value.__class__ is str),
        bool: frozenset(value for value in given if value.__class__ is bool),
        int: numbers,
        float: numbers,
    }
    return lambda value: value in values.get(value.__class__, ())


def _required(given: Any) -> Check:
    _need(isinstance(given, list) and all(isinstance(name, str) for name in given))
    names = frozenset(given)
    _need(len(names) == len(given))
    return lambda value: value.__class__ is not dict or names <= value.keys()


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
    "required": _required,
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

#: Keywords that have schemas in them, and what reads those.
_WITH_SCHEMAS: Mapping[str, Callable[[_Reader, Any, References], Check]] = {
    "properties": _Reader._properties,
    "items": _Reader._items,
    "anyOf": _Reader._any_of,
    "allOf": _Reader._all_of,
    "$defs": _Reader._definitions,
    "$ref": _Reader._reference,
}
