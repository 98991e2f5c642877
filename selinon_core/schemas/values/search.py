"""A small value that fits a JSON Schema.

Candidates are built keyword by keyword, smallest first, and the validator chooses: what the builder does not
understand (``not``, ``contains``, ``if``) it leaves to luck, but what is returned fits. Where a keyword can be
met in several ways (``anyOf``, types) they are tried in turn. Nothing here is exponential: every level keeps
the first candidate that fits its own schema, and the whole search has a budget.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from selinon_core.schemas.values.merge import merged, same_json
from selinon_core.schemas.values.scalars import numbers, strings

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_BUDGET = 20_000  # candidates looked at
_DEPTH = 24  # of nested values; a schema that requires itself has no finite value
_TRIES = 100  # candidates per value
_ALL_TYPES = ("null", "object", "array", "string", "integer", "number", "boolean")
_HINTS = (
    ("object", ("properties", "required", "minProperties", "patternProperties", "additionalProperties")),
    ("array", ("items", "prefixItems", "minItems", "contains", "uniqueItems")),
    ("string", ("pattern", "minLength", "format", "maxLength")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)


def find_minimal_value(validator: Validator) -> Any:
    """Return a value the validator accepts; raises ``LookupError`` with the reason when none was found."""
    return _Search(validator).first(validator.schema, 0)


class _Search:
    def __init__(self, validator: Validator) -> None:
        self._validator = validator
        self._steps = 0

    def first(self, schema: Any, depth: int) -> Any:
        """Return the first candidate that fits ``schema``."""
        return self._chosen(schema, lambda candidate: True, depth)

    def _chosen(self, schema: Any, suits: Callable[[Any], bool], depth: int) -> Any:
        fits = self._validator.evolve(schema=schema).is_valid
        for candidate in self._candidates(schema, depth):
            self._step(depth)
            if suits(candidate) and fits(candidate):
                return candidate
        raise LookupError("none of the values tried fits")

    def _step(self, depth: int) -> None:
        self._steps += 1
        if self._steps > _BUDGET:
            raise LookupError(f"{_BUDGET} steps were not enough")
        if depth > _DEPTH:
            raise LookupError("it requires itself, or is nested too deeply")

    def _candidates(self, schema: Any, depth: int) -> Iterator[Any]:
        self._step(depth)
        schema = self._followed(schema)
        if schema is True:
            schema = {}
        if schema is False:
            return iter(())
        if "const" in schema:
            return iter([schema["const"]])
        if "enum" in schema:
            return iter(schema["enum"])
        if "allOf" in schema:
            whole = _without(schema, "allOf")
            for part in schema["allOf"]:
                whole = merged(whole, self._followed(part))
            return self._candidates(whole, depth + 1)
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                rest = _without(schema, choice)
                return self._one_of([merged(rest, self._followed(part)) for part in schema[choice]], depth + 1)
        if "if" in schema:
            rest = _without(schema, "if", "then", "else")
            either = [schema.get("else", True), merged(schema["if"], schema.get("then", True))]
            return self._one_of([merged(rest, part) for part in either], depth + 1)
        return _any_way(islice(self._of_type(kind, schema, depth), _TRIES) for kind in _types_of(schema))

    def _one_of(self, schemas: list[Any], depth: int) -> Iterator[Any]:
        return _any_way(self._later(schema, depth) for schema in schemas)

    def _later(self, schema: Any, depth: int) -> Iterator[Any]:
        yield from self._candidates(schema, depth)

    def _followed(self, schema: Any) -> Any:
        for _ in range(_DEPTH):
            if not isinstance(schema, dict) or "$ref" not in schema:
                return schema
            # The validator's own resolver: there is no public way to ask it, and another might disagree.
            resolver = self._validator._resolver  # type: ignore[attr-defined]
            schema = merged(_without(schema, "$ref"), resolver.lookup(schema["$ref"]).contents)
        raise LookupError("its references go round in circles")

    def _of_type(self, kind: str, schema: dict[str, Any], depth: int) -> Iterator[Any]:
        if kind == "null":
            yield None
        elif kind == "boolean":
            yield from (False, True)
        elif kind in ("integer", "number"):
            yield from numbers(schema, whole=kind == "integer")
        elif kind == "string":
            yield from strings(schema)
        elif kind == "array":
            yield from self._arrays(schema, depth)
        elif kind == "object":
            yield from self._objects(schema, depth)

    def _arrays(self, schema: dict[str, Any], depth: int) -> Iterator[Any]:
        items = schema.get("items", True)
        leading = schema.get("prefixItems", [])
        if isinstance(items, list):  # before draft 2020-12
            leading, items = items, schema.get("additionalItems", True)
        least = schema.get("minItems", 0)
        if "contains" in schema:
            if not leading:
                leading = [merged(schema["contains"], items)] * schema.get("minContains", 1)
            least = max(least, len(leading))
        value: list[Any] = []
        known = value if schema.get("uniqueItems") else []
        for position in range(int(least)):
            item = leading[position] if position < len(leading) else items
            value.append(self._chosen(item, lambda new: not any(same_json(new, old) for old in known), depth + 1))
        yield value

    def _objects(self, schema: dict[str, Any], depth: int) -> Iterator[Any]:
        value: dict[str, Any] = {}
        self._add(value, schema.get("required", []), schema, depth)
        needed = schema.get("dependentRequired", schema.get("dependencies", {}))
        for name in needed:
            if name in value and isinstance(needed[name], list):
                self._add(value, needed[name], schema, depth)
        least = schema.get("minProperties", 0)
        if len(value) < least:
            named = merged({"type": "string", "minLength": 1}, schema.get("propertyNames", True))
            for name in chain(schema.get("properties", {}), self._candidates(named, depth + 1)):
                if len(value) >= least:
                    break
                if schema.get("properties", {}).get(name, True) is not False:
                    self._add(value, [name], schema, depth)
        yield value

    def _add(self, value: dict[str, Any], names: Iterable[str], schema: dict[str, Any], depth: int) -> None:
        for name in names:
            if name not in value:
                value[name] = self.first(_schema_of(name, schema), depth + 1)


def _schema_of(name: str, schema: dict[str, Any]) -> Any:
    own = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    found = [own[name]] if name in own else []
    found += [patterns[pattern] for pattern in patterns if re.search(pattern, name)]
    if not found:
        return schema.get("additionalProperties", True)
    return found[0] if len(found) == 1 else {"allOf": found}


def _any_way(ways: Iterable[Iterator[Any]]) -> Iterator[Any]:
    """Yield from each in turn; a dead end is raised only after all ways were tried."""
    dead_end: LookupError | None = None
    for way in ways:
        try:
            yield from way
        except LookupError as exc:
            dead_end = exc
    if dead_end is not None:
        raise dead_end


def _without(schema: dict[str, Any], *keywords: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in keywords}


def _types_of(schema: dict[str, Any]) -> list[str]:
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return [kinds]
    if isinstance(kinds, list):
        return [kind for kind in _ALL_TYPES if kind in kinds]
    likely = [kind for kind, keywords in _HINTS if any(keyword in schema for keyword in keywords)]
    return likely + [kind for kind in _ALL_TYPES if kind not in likely]
