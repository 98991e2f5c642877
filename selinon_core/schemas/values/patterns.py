"""Short texts that a regular expression finds itself in: a best effort for mocked results.

Walks the tree that Python's own parser makes of the pattern. The parser is a private module; should it change
or should the pattern be none, there are no texts and the caller tries something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def matching_texts(pattern: str, least: int = 0) -> Iterator[str]:
    """Yield a few texts that probably match, shortest first, the later ones towards ``least`` characters."""
    try:
        from re import _parser  # type: ignore[attr-defined]

        tree = _parser.parse(pattern)
    except Exception:
        return
    for more in dict.fromkeys((0, 1, least)):
        try:
            text = _Writer(more).write(tree)
        except (KeyError, ValueError, TypeError, IndexError, AttributeError):
            return
        yield text


class _Writer:
    """Writes one text; repetitions are taken ``more`` times more often than they must, where they may."""

    def __init__(self, more: int) -> None:
        self._more = more
        self._groups: dict[int, str] = {}

    def write(self, tree: Any) -> str:
        return "".join(self._one(str(operation), argument) for operation, argument in tree)

    def _one(self, operation: str, argument: Any) -> str:
        if operation == "LITERAL":
            return chr(argument)
        if operation == "NOT_LITERAL":
            return "a" if argument != ord("a") else "b"
        if operation == "ANY":
            return "a"
        if operation == "IN":
            return _one_of(argument)
        if operation == "BRANCH":
            return self.write(argument[1][0])
        if operation in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, tree = argument
            return "".join(self.write(tree) for _ in range(min(least + self._more, int(most))))
        if operation == "SUBPATTERN":
            group, _, _, tree = argument
            text = self.write(tree)
            if group is not None:
                self._groups[group] = text
            return text
        if operation == "ATOMIC_GROUP":
            return self.write(argument)
        if operation == "GROUPREF":
            return self._groups[argument]
        return ""  # positions and look-arounds take no room


def _one_of(items: Any) -> str:
    parts = [(str(operation), argument) for operation, argument in items]
    if parts and parts[0][0] == "NEGATE":
        refused = {char for part in parts[1:] for char in _members(*part)}
        return next(char for char in "a0 _-.~:A" if char not in refused)
    # A letter or digit rather than whatever comes first, so that results look like something.
    members = [char for part in parts for char in _members(*part)]
    return next((char for char in members if char.isalnum()), members[0])


def _members(operation: str, argument: Any) -> list[str]:
    if operation == "LITERAL":
        return [chr(argument)]
    if operation == "RANGE":
        low, high = argument
        return [chr(code) for code in range(low, min(high, low + 255) + 1)]
    if operation == "CATEGORY":
        name = str(argument)
        kinds = {"CATEGORY_DIGIT": "0", "CATEGORY_WORD": "a0_", "CATEGORY_SPACE": " "}
        if name in kinds:
            return list(kinds[name])
        others = {"CATEGORY_NOT_DIGIT": "a", "CATEGORY_NOT_WORD": "-", "CATEGORY_NOT_SPACE": "a"}
        return list(others[name])
    raise KeyError(operation)
