"""How long the list of a foreach may be: what schemas say, where its expression is a path into a checked value.

A bound that is found is one that no run can break: a result that does not fit its schema fails its task, and
arguments that do not fit theirs fail the run. What is not found bounds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from selinon_core.plan.expression_uses import paths_of

if TYPE_CHECKING:
    from selinon_core.schemas.check import ResultSchema

#: The schema of what a node gives, and for None of the arguments of the flow; None where values are not checked.
SchemaOf = Callable[[str | None], "ResultSchema | None"]
#: References that are followed at one place of a schema.
_MOST_REFERENCES = 20


def possible_lengths(text: str, lengths: tuple[int, ...], schema_of: SchemaOf) -> tuple[int, ...]:
    """Those of the lengths that the list of an expression may have; the least possible one where none may."""
    paths = paths_of(text)
    path = paths[0] if len(paths) == 1 else None
    if path is None or path.start != 0 or path.end != len(text) or None in path.keys:
        return lengths
    schema = None
    if path.use.kind in ("args", "node"):
        schema = schema_of(path.use.name if path.use.kind == "node" else None)
    if schema is None:
        return lengths
    least, most = _bounds(schema, path.keys)
    return tuple(length for length in lengths if least <= length <= most) or (least,)


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
