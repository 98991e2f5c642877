"""Arguments that name large values instead of holding them: a part of a stored result, by its address.

Only arguments of the class ``Referring`` hold references. Whatever results of tasks or callers hold is data: in a
``Referring`` its keys ``$ref``, ``$$ref``, ... are written with one more ``$``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

_KEY = "$ref"
_LIKE_THE_KEY = re.compile(r"\$+ref")


class Reference(NamedTuple):
    """A part of the result of a task run; ``path`` has keys of objects and positions in lists."""

    flow: str
    task: str
    id: str
    path: tuple[str | int, ...]

    def to_json(self) -> dict[str, Any]:
        """``{"$ref": [flow, task, id, path]}``."""
        return {_KEY: [self.flow, self.task, self.id, list(self.path)]}

    def below(self, path: tuple[str | int, ...]) -> Reference:
        """The address of a part of this part."""
        return self._replace(path=(*self.path, *path))


class Referring:
    """Arguments in which some parts are references; ``value`` is the JSON value with them."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Referring({self.value!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Referring) and self.value == other.value

    def __hash__(self) -> int:
        return id(self)

    def resolved(self, read: Callable[[Reference], Any]) -> Any:
        """The arguments with the values in place; ``read`` gives that of a reference."""
        return _resolved(self.value, read)

    def reference_at(self, path: tuple[str | int, ...]) -> Reference | None:
        """The address of a part of these arguments, None for a part that is here or is not there."""
        part = self.value
        for taken, step in enumerate(path):
            reference = _reference(part)
            if reference is not None:
                return reference.below(path[taken:])
            key = _escaped(step) if isinstance(step, str) else step
            try:
                part = part[key]
            except (KeyError, IndexError, TypeError):
                return None
        reference = _reference(part)
        return None if reference is None else reference


def args_of(given: Sequence[Any], name: str) -> Any:
    """The arguments that were worked out for a destination; see ``events.ArgsAnswered``."""
    if len(given) > 4 and name in given[4]:
        filled, refers = given[4][name]
        return Referring(filled) if refers else filled
    return Referring(given[1]) if len(given) > 3 and given[3] else given[1]


def shown(args: Any) -> Any:
    """Arguments as reports and traces have them: references stand as they are written."""
    return args.value if args.__class__ is Referring else args


def written(value: Any) -> Any:
    """A JSON value with a ``Reference`` here and there, as a ``Referring`` holds it: all else in it is data."""
    if isinstance(value, Reference):
        return value.to_json()
    if isinstance(value, dict):
        return {_escaped(key): written(part) for key, part in value.items()}
    return [written(part) for part in value] if isinstance(value, list) else value


def _escaped(key: str) -> str:
    return f"${key}" if _LIKE_THE_KEY.fullmatch(key) else key


def _unescaped(key: str) -> str:
    return key[1:] if _LIKE_THE_KEY.fullmatch(key) else key


def _reference(part: Any) -> Reference | None:
    if isinstance(part, dict) and _KEY in part:
        flow, task, id, path = part[_KEY]
        return Reference(flow, task, id, tuple(path))
    return None


def _resolved(part: Any, read: Callable[[Reference], Any]) -> Any:
    if isinstance(part, dict):
        reference = _reference(part)
        if reference is not None:
            return read(reference)
        return {_unescaped(key): _resolved(inner, read) for key, inner in part.items()}
    return [_resolved(inner, read) for inner in part] if isinstance(part, list) else part
