"""How long the list of a foreach may be: what schemas and conditions say, where its expression is a path.

A bound that is found is one that no run can break: a result that does not fit its schema fails its task, and
arguments that do not fit theirs fail the run. What is not found bounds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from selinon_core.plan.expression_uses import paths_of
from selinon_core.predicates.values import field
from selinon_core.worlds.assembly import assembled

if TYPE_CHECKING:
    from selinon_core.expressions.names import PathUse
    from selinon_core.schemas.check import ResultSchema
    from selinon_core.worlds import Worlds

#: The schema of what a node gives, and for None of the arguments of the flow; None where values are not checked.
SchemaOf = Callable[[str | None], "ResultSchema | None"]
#: The longest list that a world is given for its own sake: each item is a run.
_LONGEST = 20
#: References that are followed at one place of a schema.
_MOST_REFERENCES = 20


def possible_lengths(text: str, lengths: tuple[int, ...], schema_of: SchemaOf) -> tuple[int, ...]:
    """Those of the lengths that the list of an expression may have; the least possible one where none may."""
    path = path_alone(text)
    if path is None:
        return lengths
    schema = None
    if path.use.kind in ("args", "node"):
        schema = schema_of(path.use.name if path.use.kind == "node" else None)
    if schema is None:
        return lengths
    least, most = _bounds(schema, path.keys)
    return tuple(length for length in lengths if least <= length <= most) or (least,)


def path_alone(text: str) -> PathUse | None:
    """The path that an expression is; None for one that is more, or has a key that is worked out."""
    paths = paths_of(text)
    path = paths[0] if len(paths) == 1 else None
    if path is None or path.start != 0 or path.end != len(text) or None in path.keys:
        return None
    return path


def lengths_by_worlds(path: PathUse, worlds: Worlds, lengths: tuple[int, ...]) -> dict[int, int]:
    """Length -> the worlds in which the list at a path may be that long; each world has a length.

    What conditions say of the list (``len(Load.lines) > 2``) bounds it: a world that none of the lengths fits has
    the one of its own list. One in which there is no list, or whose list no length fits, bounds nothing.
    """
    place = tuple(key for key in path.keys if key is not None)
    found = dict.fromkeys(lengths, 0)
    for world, value in enumerate(worlds.values):
        listed = field(value, list(place)) if place else value
        items = listed[:1] if isinstance(listed, list) and listed else ["x"]
        fitting = [n for n in lengths if worlds.is_in(world, assembled(value, {place: items * n}))]
        if not fitting and isinstance(listed, list) and len(listed) <= _LONGEST:
            fitting = [len(listed)]
        for length in fitting or lengths:
            found[length] = found.get(length, 0) | (1 << world)
    return found


def _bounds(schema: ResultSchema, keys: tuple[Any, ...]) -> tuple[int, float]:
    found: Any = schema.schema
    resolver = schema.resolver
    for key in (*keys, None):
        for _ in range(_MOST_REFERENCES):
            if not isinstance(found, dict) or not isinstance(found.get("$ref"), str):
                break
            try:
                resolved = resolver.lookup(found["$ref"])
            except Exception:  # whatever the library raises for what it cannot find or read
                return 0, float("inf")
            found, resolver = resolved.contents, resolved.resolver
        if not isinstance(found, dict):
            return 0, float("inf")
        if key is not None:
            properties = found.get("properties")
            found = properties.get(key) if isinstance(properties, dict) else None
    least, most = found.get("minItems"), found.get("maxItems")
    return (
        least if isinstance(least, int) and not isinstance(least, bool) else 0,
        most if isinstance(most, int) and not isinstance(most, bool) else float("inf"),
    )
