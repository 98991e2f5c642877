"""How messages call types."""

from __future__ import annotations

import json

from selinon_core.expressions.type_limits import describe_limits
from selinon_core.expressions.types import (
    BOOLEAN,
    KINDS,
    LIST,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Constant,
    ListType,
    Plain,
    Type,
    is_integral,
)

WORDS = {
    BOOLEAN: "a boolean",
    NUMBER: "a number",
    TEXT: "a text",
    LIST: "a list",
    OBJECT: "an object",
    NULL: "null",
}
_PLURALS = {
    BOOLEAN: "booleans",
    NUMBER: "numbers",
    TEXT: "texts",
    LIST: "lists",
    OBJECT: "objects",
    NULL: "nulls",
}

#: Constants of a kind that are named one by one, and the characters that one may have.
_MOST_CONSTANTS = 4
_LONGEST_CONSTANT = 40


def describe(type_: Type, constants: bool = True) -> str:
    """A type in a few words: ``an integer or null``; without ``constants``, none of its values is shown."""
    if type_.is_any:
        return "anything"
    if type_.is_never:
        return "nothing"
    return " or ".join([words for kind in KINDS if (words := _of_kind(type_, kind, constants))])


def _of_kind(type_: Type, kind: str, show: bool) -> str:
    members = type_.of(kind)
    if not members:
        return ""
    constants = [member for member in members if isinstance(member, Constant)]
    if show and len(constants) == len(members) <= _MOST_CONSTANTS:
        shown = [json.dumps(member.value, ensure_ascii=False) for member in constants]
        if all(len(text) <= _LONGEST_CONSTANT for text in shown):
            return " or ".join(shown)
    if show and len(members) == 1 and isinstance(members[0], Plain) and members[0].limits is not None:
        word = "an integer" if members[0].is_integer else WORDS[kind]
        return word + describe_limits(members[0].limits, kind == TEXT)
    if kind == NUMBER and all(is_integral(member) for member in members):
        return "an integer"
    if kind == LIST and len(members) == 1 and isinstance(members[0], ListType):
        return _list(members[0])
    return WORDS[kind]


def _list(member: ListType) -> str:
    item = member.any_item()
    kinds = item.kinds()
    if item.loose or len(kinds) != 1:
        return "a list"
    (kind,) = kinds
    integers = kind == NUMBER and all(is_integral(m) for m in item.members)
    return f"a list of {'integers' if integers else _PLURALS[kind]}"
