"""What the predicates on fields have in common: finding a field, and testing it without ever raising."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class _Missing:
    """Stands for a field that is not there; equal to nothing, of no type and without length."""


MISSING = _Missing()
#: What an integer picks one item of; of a text it is the character, as in Selinon 1.x.
_INDEXED = (list, tuple, str)


def field(value: Any, key: Any) -> Any:
    """Follow a key or a path of keys and indexes into ``value``; ``MISSING`` where it leads nowhere."""
    for step in key if isinstance(key, list) else (key,):
        try:
            if not isinstance(value, Mapping) and not (isinstance(value, _INDEXED) and type(step) is int):
                return MISSING
            value = value[step]
        except Exception:  # no such key or index, a key that cannot be one, whatever a foreign object raises
            return MISSING
    return value


def compare(test: Callable[[Any, Any], Any], found: Any, value: Any) -> bool:
    """Return whether ``test(found, value)`` holds; False for a missing field and for what cannot be compared."""
    if found is MISSING:
        return False
    try:
        return bool(test(found, value))
    except Exception:  # types that do not compare, and whatever the comparison of a foreign object raises
        return False


def compare_length(test: Callable[[Any, Any], Any], found: Any, length: Any) -> bool:
    """As ``compare``, with the length of what was found; False for what has no length."""
    try:
        return bool(test(len(found), length))
    except Exception:
        return False


def is_int(value: Any) -> bool:
    """Return whether a value is an integer; unlike in Python, a bool is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_list(value: Any) -> bool:
    """Return whether a value is, or would become in JSON, a list."""
    return isinstance(value, (list, tuple))


def is_empty(value: Any) -> bool:
    """Return whether a value is None or has the length 0."""
    try:
        return value is None or len(value) == 0
    except Exception:  # numbers have no length
        return False


def compare_url_part(part: str, found: Any, value: Any) -> bool:
    """Return whether a part (``scheme``, ``netloc``, ``path``) of the URL that was found equals ``value``.

    As in Selinon 1.x the path ends before ``;parameters``.
    """
    if not isinstance(found, str):
        return False
    from urllib.parse import urlparse

    # A text that is not a URL (an unclosed IPv6 address) does not compare either.
    return compare(lambda url, expected: getattr(urlparse(url), part) == expected, found, value)
