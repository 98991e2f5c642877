"""Whether two definitions say the same, whatever their layout. Imported where a name is defined twice."""

from __future__ import annotations

import os
from collections.abc import Hashable
from typing import Any

from selinon_core.config.model import (
    BrokenDef,
    Definition,
    ExpressionDef,
    ImportDef,
    NameRef,
    Names,
    TemplateDef,
    TestDef,
    TextDef,
)

#: Slots of definitions that say where they are.
_PLACES = frozenset({"location", "keys", "at"})
#: Slots that are None only where a part is broken.
_NEVER_NONE = ("function", "sources", "destinations", "nodes", "fallback", "expression")


class _UnclearError(Exception):
    """A part could not be read, or is null: what was meant by it is not known."""


def is_same(one: Definition, other: Definition) -> bool:
    """Whether two definitions certainly say the same; False where a part of one could not be read."""
    try:
        return _key(one) == _key(other)
    except _UnclearError:
        return False


def _key(part: Any) -> Hashable:
    """Equal for parts that say the same."""
    if isinstance(part, NameRef):
        return part.name
    if isinstance(part, ExpressionDef):
        return ("expression", part.text)
    if isinstance(part, TestDef):
        return ("expression", part.text)
    if isinstance(part, BrokenDef):
        raise _UnclearError
    if isinstance(part, Definition):
        return _definition(part)
    if isinstance(part, ImportDef | Names | TemplateDef | TextDef):
        return (
            type(part).__name__,
            *[_key(getattr(part, slot)) for slot in type(part).__slots__ if slot not in _PLACES],
        )
    if isinstance(part, tuple | list):
        return (type(part).__name__, *[_key(item) for item in part])
    if isinstance(part, dict):
        return ("dict", *[(str(key), _key(part[key])) for key in sorted(part, key=str)])
    return (type(part).__name__, repr(part))


def _definition(part: Definition) -> Hashable:
    slots = [slot for slot in type(part).__slots__ if slot not in _PLACES]
    values = {slot: getattr(part, slot) for slot in slots}
    if any(values.get(key, key) is None for key in (*part.keys, *_NEVER_NONE)) or values.get("node_broken"):
        raise _UnclearError
    has_schemas = "input_schema" in part.keys or "output_schema" in part.keys
    beside = os.path.dirname(part.span.file) if has_schemas else ""  # where paths in them lead from
    return (type(part).__name__, beside, *sorted(part.keys), *[_key(values[slot]) for slot in slots])
