"""Types written out, for people: ``{number: integer, note?: text | null, lines: list[{item: text, ...}]}``.

``?`` stands behind a key that may be missing, ``...`` in an object for keys that its schema does not name, and
``a | b`` for one of several. A list is ``list[item]``; the types of its first items stand before that of the
others.
"""

from __future__ import annotations

import json

from selinon_core.expressions.types import KINDS, NUMBER, Constant, ListType, Member, ObjectType, Plain, Type

#: Lists and objects in each other that are written out.
DEEPEST = 4
_MOST_CONSTANTS = 8
_MOST_KEYS = 30
_LONGEST_TEXT = 40


def notation(type_: Type, depth: int = DEEPEST) -> str:
    """A type on one line. What lies deeper than ``depth`` lists and objects is left out."""
    if type_.is_any:
        return "anything"
    if type_.is_never:
        return "nothing"
    parts = [_member(member, depth) for kind in KINDS for member in type_.of(kind)]
    if len(parts) > _MOST_CONSTANTS:
        parts = [*parts[:_MOST_CONSTANTS], "..."]
    if type_.loose:
        parts.append("...")
    return " | ".join(dict.fromkeys(parts))


def _member(member: Member, depth: int) -> str:
    if isinstance(member, Plain):
        return "integer" if member.kind == NUMBER and member.is_integer else member.kind
    if isinstance(member, Constant):
        text = json.dumps(member.value, ensure_ascii=False)
        return text if len(text) <= _LONGEST_TEXT else f'{text[: _LONGEST_TEXT - 4]}..."'
    return _list(member, depth) if isinstance(member, ListType) else _object(member, depth)


def _list(member: ListType, depth: int) -> str:
    longest = member.longest()
    if longest == 0:
        return "list[]"
    if not depth or (member.item.is_any and not member.first):
        return "list"
    items = [notation(item, depth - 1) for item in member.first]
    if longest is None or longest > len(items):
        items.append(f"{'*' if items else ''}{notation(member.item, depth - 1)}")
    return f"list[{', '.join(items)}]"


def _object(member: ObjectType, depth: int) -> str:
    names = list(dict.fromkeys((*member.properties, *sorted(member.required))))
    names = [key for key in names if key in member.required or not member.value_of(key).is_never]
    if not depth:
        return "{...}"
    if not names and member.others is not None and member.others.is_any:
        return "object"
    parts = [_key(member, key, depth) for key in names[:_MOST_KEYS]]
    if len(names) > _MOST_KEYS or (member.others is not None and member.others.is_any):
        parts.append("...")
    elif member.others is not None:
        parts.append(f"...: {notation(member.others, depth - 1)}")
    return f"{{{', '.join(parts)}}}"


def _key(member: ObjectType, key: str, depth: int) -> str:
    written = key if key.isidentifier() else json.dumps(key, ensure_ascii=False)
    optional = "" if key in member.required else "?"
    return f"{written}{optional}: {notation(member.value_of(key), depth - 1)}"
