"""Whether a literal of the configuration is of the type that an annotation names."""

from __future__ import annotations

import re
from typing import Any

_OPTIONAL = r"(?:\w+\.)?Optional\[([\w |]+)\]"  # few annotations are written so: compiled for those
#: What annotations call the types of JSON values, with how messages call them.
_WORDS = {
    "str": "a text",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
    "None": "null",
}


def misfit(value: Any, annotation: str) -> str:
    """What the annotation wants, in words, when the value certainly is not of its type; else nothing.

    Only unions of the types of JSON values are understood. As for type checkers, an integer is a ``float`` too and
    ``True`` an ``int``.
    """
    wanted = _parts(annotation)
    if wanted is None or not wanted.isdisjoint(_names(value)):
        return ""
    *first, last = (word for name, word in _WORDS.items() if name in wanted)
    return f"{', '.join(first)} or {last}" if first else last


def describe(value: Any) -> str:
    """A value in a few words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{value}"' if len(value) <= 40 else "a text"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "a mapping"


def _parts(annotation: str) -> set[str] | None:
    """The types of a union; None when one of them is not among those of JSON."""
    parts = set()
    union = re.sub(_OPTIONAL, r"\1 | None", annotation) if "Optional" in annotation else annotation
    for part in union.split("|"):
        name = part.strip()
        if name.endswith("]"):
            name = name.partition("[")[0]
        if name not in _WORDS:
            return None
        parts.add(name)
    return parts


def _names(value: Any) -> set[str]:
    if value is None:
        return {"None"}
    if isinstance(value, bool):
        return {"bool", "int", "float"}
    if isinstance(value, int):
        return {"int", "float"}
    for kind in (float, str, list, dict):
        if isinstance(value, kind):
            return {kind.__name__}
    return set(_WORDS)
