"""JSON values and copies of them: what may travel between nodes."""

from __future__ import annotations

import json
import math
from typing import Any

# One encoder for all: json.dumps would build one per call, because NaN is refused.
_encode = json.JSONEncoder(allow_nan=False).encode
_decode = json.JSONDecoder().raw_decode

_SCALARS = frozenset({type(None), bool, int, str})


def is_scalar(value: Any) -> bool:
    """Tell whether a value can be shared because nobody can change it."""
    kind = value.__class__
    return kind in _SCALARS or (kind is float and math.isfinite(value))


def copy_json(value: Any) -> Any:
    """Copy a JSON value; tuples become lists and subclasses their base, as a trip through JSON text would do.

    Raises ``TypeError`` or ``ValueError`` for what JSON cannot hold (sets, objects, NaN, circular references).
    """
    if is_scalar(value):
        return value
    if value.__class__ is dict and len(value) <= _MOST_FLAT_ITEMS and _is_flat(value):
        return dict(value)
    return _decode(_encode(value))[0]


def describe_json_error(value: Any) -> str:
    """Name the part of a value that JSON cannot hold, as a path and a type."""
    todo: list[tuple[str, Any, tuple[int, ...]]] = [("$", value, ())]
    while todo:
        path, part, above = todo.pop()
        if isinstance(part, int) and part.bit_length() > _LONGEST_INTEGER:
            return f"{path} is an integer of too many digits"
        if is_scalar(part) or isinstance(part, (str, int)):
            continue
        if id(part) in above:
            return f"{path} contains itself"
        if len(above) == _DEEPEST:
            continue
        inside = (*above, id(part))
        if isinstance(part, dict):
            for key, item in part.items():
                if not isinstance(key, (str, int, float, bool, type(None))):
                    return f"a key of {path} is a {type(key).__name__}"
                todo.append((f"{path}.{key}", item, inside))
        elif isinstance(part, (list, tuple)):
            todo.extend((f"{path}[{i}]", item, inside) for i, item in enumerate(part))
        else:
            what = "not a finite number" if isinstance(part, float) else f"a {type(part).__name__}"
            return f"{path} is {what}"
    return "it is nested too deeply"


_MOST_FLAT_ITEMS = 8
#: Bits: Python refuses to write integers of more than 4300 digits.
_LONGEST_INTEGER = 14_000
#: Levels: nobody reads a longer path, and looking further down would take time that grows with the square.
_DEEPEST = 1_000


class Snapshot:
    """A JSON value kept as text, so that later changes to the original object cannot reach it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def load(self) -> Any:
        """A fresh copy of the value."""
        return _decode(self.text)[0]


def snapshot(value: Any) -> Any:
    """A scalar as it is, anything else so that it cannot change any more; raises as ``copy_json`` does.

    Most results are small flat mappings: for them a copy is as good as text, and much faster.
    """
    if is_scalar(value):
        return value
    if value.__class__ is dict and len(value) <= _MOST_FLAT_ITEMS and _is_flat(value):
        return dict(value)
    return Snapshot(_encode(value))


def restore(value: Any) -> Any:
    """The inverse of ``snapshot``: a fresh copy each time."""
    kind = value.__class__
    if kind is Snapshot:
        return value.load()
    return dict(value) if kind is dict else value


def _is_flat(value: dict[Any, Any]) -> bool:
    return all(key.__class__ is str and is_scalar(item) for key, item in value.items())
