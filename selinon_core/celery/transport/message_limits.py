"""Limits of values in messages: size, depth and length. Checked where a value is sent and where it arrives."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from selinon_core.errors import RequestError
from selinon_core.runtime.json_values import describe_json_error, encode_json

#: The size of the JSON of what ``is_small``, at the most, in characters.
SMALL = 1000
#: How many lists and mappings of a value may be inside each other: Celery's main process pickles messages, with a
#: call per level, and ends when it runs out of stack.
MAX_DEPTH = 100
#: How many more a message has around its values.
AROUND = 4
#: The lengths of names, and of ids, which are keys in the store.
MAX_NAME = 255
MAX_ID = 64
#: The largest number of a node run or a delivery that every store can hold.
MAX_COUNT = (1 << 31) - 1

_SCALARS = frozenset({type(None), bool, int, float})
#: Line ends and other control characters, and halves of surrogate pairs, which are not text.
_UNFIT = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff]")


def is_small(value: Any) -> bool:
    """Whether it is obvious that a value's JSON is small: most are, and encoding twice costs."""
    kind = value.__class__
    if kind is str:
        return len(value) < 150
    if kind is dict and len(value) < 8:
        for each in value.values():
            inner = each.__class__
            if inner not in _SCALARS and (inner is not str or len(each) >= 100):
                return False
        return True
    return kind in _SCALARS


def is_too_deep(value: Any, text: str | bytes, most: int = MAX_DEPTH) -> bool:
    """Whether more than ``most`` lists and mappings are inside each other; ``text`` is the value's JSON."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if text.count("[") + text.count("{") <= most:
        return False
    level = [value]
    for _ in range(most + 1):
        level = [inner for item in level for inner in _inside(item) if isinstance(inner, dict | list | tuple)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()


def one_line(text: str) -> str:
    """The text for a line of a log: line ends and other control characters are written as escapes."""
    return _UNFIT.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def unfit_for_line(text: Any, most: int) -> bool:
    """Whether this is not text that fits in one line of a log, of at most so many characters."""
    return not isinstance(text, str) or not 0 < len(text) <= most or _UNFIT.search(text) is not None


def check_json(args: Any, most_bytes: int, what: str = "node_args") -> None:
    """Raise ``RequestError`` for arguments that are no JSON value, or too large to be sent."""
    try:
        text = encode_json(args)
    except (TypeError, ValueError, RecursionError):
        raise RequestError(f"{what} is not a JSON value: {describe_json_error(args)}") from None
    if is_too_deep(args, text):
        raise RequestError(
            f"{what} has more than {MAX_DEPTH} lists and mappings inside each other: store the value and send "
            "an id"
        )
    size = len(text)
    if size > most_bytes:
        raise RequestError(
            f"{what} are {size} bytes of JSON, selinon_max_message_bytes is {most_bytes}: store them and send "
            "an id"
        )
