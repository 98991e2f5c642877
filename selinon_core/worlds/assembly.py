"""Results put together from values at places, and held against the schema of the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from selinon_core.errors import ConfigurationError
from selinon_core.predicates.values import MISSING
from selinon_core.worlds.candidates import Candidate, Path

if TYPE_CHECKING:
    from selinon_core.schemas.check import ResultSchema

_MOST_SEARCHES = 256  # for values of one task: each takes about a millisecond
_FARTHEST = 50  # index of a list that is built up to it


def assembled(base: Any, chosen: Mapping[Path, Any]) -> Any:
    """A copy of ``base`` with the chosen values in their places, outer ones first.

    A place inside a value that is missing, or cannot have it, stays empty.
    """
    value = _copy(base)
    missing: list[Path] = []
    for path in sorted(chosen, key=len):
        if any(path[: len(outer)] == outer for outer in missing):
            continue
        if chosen[path] is MISSING:
            missing.append(path)
        if not path:
            value = _copy(chosen[path])
        else:
            value = _with(value, path, chosen[path])
    return value


def _with(value: Any, path: Path, new: Any) -> Any:
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        if not isinstance(value, dict):
            return value
        inner = value.get(step, MISSING)
        if not rest:
            if new is MISSING:
                value.pop(step, None)
            else:
                value[step] = _copy(new)
        elif inner is not MISSING:
            value[step] = _with(inner, rest, new)
        elif new is not MISSING:
            value[step] = _with({} if isinstance(rest[0], str) else [], rest, new)
        return value
    if not isinstance(value, list) or not 0 <= step <= _FARTHEST:
        return value
    if new is MISSING and not rest:
        return value[:step]
    if new is MISSING and step >= len(value):
        return value
    value += [None] * (step + 1 - len(value))
    if rest and value[step] is None:
        value[step] = {} if isinstance(rest[0], str) else []
    value[step] = _with(value[step], rest, new) if rest else _copy(new)
    return value


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_copy(inner) for inner in value]
    return value


class Builder:
    """Builds results of one task: ``schema`` None accepts everything.

    ``base`` is the result that choices are put into. Raises ``ConfigurationError`` when the schema is unusable or
    has no value that can be found.
    """

    def __init__(self, schema: ResultSchema | None, root: Path) -> None:
        self._schema = schema
        self._searches = 0
        if schema is not None:
            self.base = schema.minimal_value()
        else:
            self.base = {} if not root or isinstance(root[0], str) else []

    def build(self, chosen: Mapping[Path, Candidate]) -> tuple[bool, Any]:
        """Whether a result with the chosen values was found, and the result."""
        value = assembled(self.base, {path: candidate.value for path, candidate in chosen.items()})
        if self._schema is None or self._schema.fits(value):
            return True, value
        if self._searches >= _MOST_SEARCHES:
            return False, None
        self._searches += 1
        overlay: Any = True
        for path, candidate in chosen.items():
            overlay = _both(overlay, _schema_at(path, candidate))
        try:
            return True, self._schema.value_within(overlay)
        except ConfigurationError:
            return False, None


def _both(one: Any, other: Any) -> Any:
    return other if one is True else {"allOf": [one, other]}


def _schema_at(path: Path, candidate: Candidate) -> Any:
    """A schema of the results that have, at a place, the value or one that the constraint allows."""
    if candidate.value is MISSING:
        if not path or not isinstance(path[-1], str):
            return False
        schema: Any = {"not": {"required": [path[-1]]}}
        path = path[:-1]
    else:
        schema = {"const": candidate.value} if candidate.constraint is None else candidate.constraint
    for step in reversed(path):
        if isinstance(step, str):
            schema = {"type": "object", "properties": {step: schema}, "required": [step]}
        else:
            leading: list[Any] = [True] * step
            schema = {"type": "array", "prefixItems": [*leading, schema], "minItems": step + 1}
    return schema
