"""JSON values and copies of them: what may travel between nodes.

There is one encoder, here: whatever one storage, stand-in, message or process refuses, all refuse.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

# One encoder for all: json.dumps would build one per call, because NaN is refused.
_encode = json.JSONEncoder(allow_nan=False).encode
_parts_of = json.JSONEncoder(allow_nan=False).iterencode  # lazily: it is asked for the beginning only
_decode = json.JSONDecoder().raw_decode

#: Characters of JSON that a trace shows of one value.
LONGEST_SHOWN = 2000

_SCALARS = frozenset({type(None), bool, str})
#: The first integers that Python refuses to write: of more than 4300 digits. Negating one takes time.
_TOO_HIGH = 10**4300
_TOO_LOW = -_TOO_HIGH
#: A key that may have been something else than text.
_LIKE_AN_ODD_KEY = re.compile(r'"(?:-?[0-9][^"]*|true|false|null)":')


def is_scalar(value: Any) -> bool:
    """Return whether a value is JSON that can be shared because it cannot change."""
    return value.__class__ in _SCALARS or _is_number(value)


def _is_number(value: Any) -> bool:
    if value.__class__ is int:
        return _TOO_LOW < value < _TOO_HIGH
    return value.__class__ is float and math.isfinite(value)


def encode_json(value: Any) -> str:
    """The JSON text of a value.

    Raises ``TypeError``, ``ValueError`` or ``RecursionError`` for what JSON cannot hold: NaN and infinity, sets,
    objects, circular references, integers of too many digits, and mappings in which two keys (``1`` and ``"1"``)
    are written alike, so that one of their values would be lost. ``describe_json_error`` says which part it is.
    """
    text = _encode(value)
    if _LIKE_AN_ODD_KEY.search(text) is not None:
        where = _clashing_keys(value)
        if where is not None:
            raise ValueError(where)
    return text


def copy_json(value: Any, text: str = "") -> Any:
    """Copy a JSON value; tuples become lists and subclasses their base, as a trip through JSON text would do.

    ``text`` is its JSON text, where the caller has it already. Raises as ``encode_json`` does.
    """
    if value.__class__ in _SCALARS:
        return value
    if value.__class__ is dict:
        if len(value) <= _MOST_FLAT_ITEMS and _is_flat(value):
            return dict(value)
    elif _is_number(value):
        return value
    return _decode(text or encode_json(value))[0]


def shortened(value: Any, most: int) -> Any:
    """A JSON value as it is, or the first ``most`` characters of its text where there are more.

    Looks at no more of the value than that. What JSON cannot hold is shown by its type.
    """
    if is_scalar(value) and value.__class__ is not str:
        return value
    if value.__class__ is str:
        return value if len(value) <= most else f"{value[:most]}..."
    text = ""
    try:
        for part in _parts_of(value):
            text += part
            if len(text) > most:
                return f"{text[:most]}..."
    except (TypeError, ValueError, RecursionError):
        return f"<{type(value).__name__}>"
    return copy_json(value)


def describe_json_error(value: Any) -> str:
    """Name the part of a value that JSON cannot hold, as a path and a type."""
    todo: list[tuple[str, Any, tuple[int, ...]]] = [("$", value, ())]
    while todo:
        path, part, above = todo.pop()
        if isinstance(part, int) and not _TOO_LOW < part < _TOO_HIGH:
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
                if not isinstance(key, (str, bool)) and not is_scalar(key):
                    return f"a key of {path} is a number that JSON cannot hold"
                todo.append((f"{path}.{key}", item, inside))
            clash = _clash(part)
            if clash is not None:
                return f"the keys {clash} of {path} are the same in JSON"
        elif isinstance(part, (list, tuple)):
            todo.extend((f"{path}[{i}]", item, inside) for i, item in enumerate(part))
        else:
            what = "not a finite number" if isinstance(part, float) else f"a {type(part).__name__}"
            return f"{path} is {what}"
    return "it is nested too deeply"


def _clashing_keys(value: Any) -> str | None:
    """Which keys of a value, which JSON can hold otherwise, are written alike; None when there are none."""
    todo = [("$", value)]
    while todo:
        path, part = todo.pop()
        if isinstance(part, dict):
            clash = _clash(part)
            if clash is not None:
                return f"the keys {clash} of {path} are the same in JSON"
            todo += [
                (f"{path}.{key}", item) for key, item in part.items() if isinstance(item, (dict, list, tuple))
            ]
        elif isinstance(part, (list, tuple)):
            todo += [
                (f"{path}[{i}]", item) for i, item in enumerate(part) if isinstance(item, (dict, list, tuple))
            ]
    return None


def _clash(mapping: dict[Any, Any]) -> str | None:
    """Two keys that JSON writes alike: ``1 and '1'``."""
    if all(isinstance(key, str) for key in mapping):
        return None
    written: dict[str, Any] = {}
    for key in mapping:
        text = str.__str__(key) if isinstance(key, str) else _encode(key)
        if text in written:
            return f"{written[text]!r} and {key!r}"
        written[text] = key
    return None


_MOST_FLAT_ITEMS = 8
#: Levels: a longer path is unreadable, and a deeper search would take time that grows with the square.
_DEEPEST = 1_000


class Snapshot:
    """A JSON value kept as text, so that later changes to the original object cannot reach it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def load(self) -> Any:
        """A fresh copy of the value."""
        return _decode(self.text)[0]


class NotJson:
    """Stands for a result that JSON cannot hold.

    ``shown`` is its value in reports, ``why`` says what is wrong.
    """

    __slots__ = ("shown", "why")

    def __init__(self, shown: Any, why: str) -> None:
        self.shown = shown
        self.why = why


def snapshot(value: Any) -> Any:
    """A scalar as it is, anything else so that it cannot change any more; raises as ``copy_json`` does.

    Most results are small flat mappings: for them a copy is as good as text, and much faster.
    """
    if value.__class__ in _SCALARS:
        return value
    if value.__class__ is dict:
        if len(value) <= _MOST_FLAT_ITEMS and _is_flat(value):
            return dict(value)
    elif _is_number(value):
        return value
    return Snapshot(encode_json(value))


def restore(value: Any) -> Any:
    """The inverse of ``snapshot``: a fresh copy each time; for ``NotJson`` of what is shown of it."""
    kind = value.__class__
    if kind is dict:
        return dict(value)
    if kind is Snapshot:
        return value.load()
    return restore(snapshot(value.shown)) if kind is NotJson else value


def _is_flat(value: dict[Any, Any]) -> bool:
    # Most results pass here twice, and a generator would take twice as long.
    for key, item in value.items():
        if key.__class__ is not str or not (item.__class__ in _SCALARS or _is_number(item)):
            return False
    return True
