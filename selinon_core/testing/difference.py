"""Where a value first differs from what a matcher wants, for values that are too large to see it at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.cases.matchers import All, Equal, Fields, Includes, Items, Matcher
from selinon_core.explaining.words import shown


def difference(matcher: Matcher, value: Any) -> str:
    """`` (at lines[2].price: 8 instead of 9)``; nothing where the whole value differs."""
    path = ""
    while True:
        if isinstance(matcher, All):
            matcher = next(one for one in matcher.matchers if not one.matches(value))
            continue
        fields, is_complete = _fields(matcher), not isinstance(matcher, Includes)
        items = _items(matcher)
        if fields is not None and isinstance(value, Mapping):
            missing = next((key for key in fields if key not in value), None)
            surplus = next((key for key in value if key not in fields), None) if is_complete else None
            if missing is not None or surplus is not None:
                return _at(path, f"{surplus} is there too" if missing is None else f"{missing} is missing")
            step: Any = next(key for key, one in fields.items() if not one.matches(value[key]))
            matcher, value, path = fields[step], value[step], f"{path}.{step}" if path else str(step)
        elif items is not None and isinstance(value, list | tuple):
            if len(items) != len(value):
                return _at(path, f"{len(value)} items instead of {len(items)}")
            index = next(index for index, one in enumerate(items) if not one.matches(value[index]))
            matcher, value, path = items[index], value[index], f"{path}[{index}]"
        else:
            return _at(path, f"{shown(value)} instead of {matcher}") if path else ""


def _fields(matcher: Matcher) -> Mapping[str, Matcher] | None:
    """What a matcher wants of the values of a mapping."""
    if isinstance(matcher, Fields):
        return matcher.fields
    if isinstance(matcher, Includes) and isinstance(matcher.wanted, Mapping):
        return matcher.wanted
    if isinstance(matcher, Equal) and isinstance(matcher.value, Mapping):
        return {key: Equal(value) for key, value in matcher.value.items()}
    return None


def _items(matcher: Matcher) -> tuple[Matcher, ...] | None:
    """What a matcher wants of the items of a list, one by one."""
    if isinstance(matcher, Items):
        return matcher.items
    if isinstance(matcher, Equal) and isinstance(matcher.value, list | tuple):
        return tuple(map(Equal, matcher.value))
    return None


def _at(path: str, what: str) -> str:
    return f" (at {path}: {what})" if path else f" ({what})"
