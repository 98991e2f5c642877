"""Calls of shipped predicates against the schema of what they look at: whether one can ever be true.

The predicates of fields are false where the field is missing, and where values cannot be compared.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from selinon_core.expressions.type_algebra import may_be_equal
from selinon_core.expressions.type_words import describe
from selinon_core.expressions.types import (
    BOOLEAN,
    LIST,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    TEXT,
    ListType,
    ObjectType,
    Type,
    kind_of,
    type_of_value,
    union,
)


class NeverTrue(NamedTuple):
    """Why a predicate is never true: the argument that says so, a message and a note.

    ``written`` and ``names`` are the key that the schema does not have, and those that it has.
    """

    argument: str
    message: str
    note: str
    written: str = ""
    names: tuple[str, ...] = ()


#: The kinds that a test of a type is true for; by the name without "is" and "field".
_KINDS = {
    "None": (NULL,),
    "Bool": (BOOLEAN,),
    "Int": (NUMBER,),
    "Float": (NUMBER,),
    "Str": (TEXT,),
    "List": (LIST,),
    "Dict": (OBJECT,),
    "UrlScheme": (TEXT,),
    "UrlNetloc": (TEXT,),
    "UrlPath": (TEXT,),
}
_ORDERS = ("Greater", "GreaterEqual", "Less", "LessEqual")
_WITH_LENGTH = (TEXT, LIST, OBJECT)


def never_true(test: str, args: dict[str, Any], type_: Type) -> NeverTrue | None:
    """Why a call of the predicate ``test`` is never true of values of a type; None where it may be."""
    if test.startswith("is") and test[2:] in _KINDS:
        return _of_kinds("", "the value", type_, _KINDS[test[2:]])
    if not test.startswith("field") or "key" not in args:
        return None
    test = test.removeprefix("field")
    key = args["key"]
    field = type_
    for step in key if isinstance(key, list) else [key]:
        found = _step(field, step, test == "Exist")
        if found is None or isinstance(found, NeverTrue):
            return found
        field = found
    return _test(test, args, field, ".".join(map(str, key)) if isinstance(key, list) else str(key))


def _step(type_: Type, step: Any, asks: bool) -> Type | NeverTrue | None:
    """The type behind a key; None where nothing is known of it."""
    values: list[Type] = []
    names: dict[str, None] = {}
    for member in type_.members:
        if isinstance(member, ObjectType) and isinstance(step, str):
            known = [name for name in (*member.properties, *sorted(member.required)) if member.names(name)]
            names.update(dict.fromkeys(known))
            if not member.names(step) and member.others is not None and (member.tells_others or asks or not known):
                return None
            if member.names(step):
                values.append(member.value_of(step))
        elif isinstance(member, ListType) and type(step) is int:
            values.append(member.at(step))
        elif member.kind == TEXT and type(step) is int:
            values.append(STRING)
    found = union(values)
    if found.is_any or (type_.loose and not names):
        return None
    if found.is_never:
        note = f"it has {', '.join(names)}" if names else f"it is {describe(type_)}"
        message = f'"{step}" is not in the schema: the predicate is never true'
        return NeverTrue("key", message, note, str(step), tuple(names))
    return found


def _test(test: str, args: dict[str, Any], type_: Type, name: str) -> NeverTrue | None:
    what = f'"{name}"'
    if test in _KINDS:
        return _of_kinds("key", what, type_, _KINDS[test])
    if test.startswith("Len"):
        return _of_kinds("key", what, type_, _WITH_LENGTH)
    if "value" not in args:
        return None
    value = args["value"]
    kind = kind_of(value)
    kinds = (BOOLEAN, NUMBER) if kind in (BOOLEAN, NUMBER) else (kind,)  # Python's true is 1
    if test == "Contain":
        return _of_kinds("key", what, type_, _WITH_LENGTH if kind == TEXT else (LIST, OBJECT))
    if test in _ORDERS:
        return _of_kinds("value", what, type_, kinds)
    if test == "Equal":
        is_number = kind in (BOOLEAN, NUMBER) and not type_.kinds().isdisjoint(kinds)
        if not is_number and not may_be_equal(type_, type_of_value(value)):
            return _never("value", what, type_)
    return None


def _of_kinds(argument: str, what: str, type_: Type, kinds: tuple[str, ...]) -> NeverTrue | None:
    if type_.loose or type_.is_never or not type_.kinds().isdisjoint(kinds):
        return None
    return _never(argument, what, type_)


def _never(argument: str, what: str, type_: Type) -> NeverTrue:
    words = describe(type_)
    return NeverTrue(argument, f"the predicate is never true: {what} is {words}", f"the schema says {words}")
