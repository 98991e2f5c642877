"""What a validator finds out only when a value is checked: references that lead nowhere or back, bad patterns."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urldefrag, urljoin

from selinon_core.schemas.beside import FilesBeside
from selinon_core.schemas.check import registry_of

#: Keywords whose schemas are about the same value, and those about a part of it.
_SAME_LISTS = ("allOf", "anyOf", "oneOf")
_SAME = ("not", "if", "then", "else")
_SAME_MAPPINGS = ("dependentSchemas",)
_PARTS = (
    "additionalProperties",
    "contains",
    "items",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_PART_LISTS = ("items", "prefixItems")
_PART_MAPPINGS = ("properties", "patternProperties", "$defs", "definitions")

#: Places that are looked at; people write schemas that are much smaller.
MOST_PLACES = 20_000


def use_fault(schema: Any, directory: str | None) -> str:
    """Say why a valid schema fails whenever it is used; ``""`` if it does not. ``directory`` as for a schema."""
    return _Walk(schema, directory).fault()


class _Walk:
    """Visits a schema and the schemas it refers to, each place once."""

    def __init__(self, schema: Any, directory: str | None) -> None:
        from referencing import Resource
        from referencing.jsonschema import DRAFT202012

        self._schema = schema
        self._directory = directory
        root = Resource.from_contents(schema, default_specification=DRAFT202012)
        self._resolver = registry_of(FilesBeside(directory)).with_resource("", root).resolver()
        self._seen: set[str] = set()
        #: schemas still to look at: where relative references lead from, and the references taken for this value
        self._todo: list[tuple[Any, str, tuple[str, ...]]] = []

    def fault(self) -> str:
        self._todo.append((self._schema, "", ("",)))
        for _ in range(MOST_PLACES):
            if not self._todo:
                break
            schema, base, taken = self._todo.pop()
            if not isinstance(schema, dict) or ("$id" in schema and schema is not self._schema):
                continue  # a resource of its own is left to the validator
            fault = self._pattern_fault(schema) or self._follow(schema, base, taken)
            if fault:
                return fault
            self._todo.extend((below, base, taken) for below in _same(schema))
            self._todo.extend((below, base, ()) for below in _parts(schema))
        return ""

    def _pattern_fault(self, schema: dict[str, Any]) -> str:
        patterns = schema.get("patternProperties")
        listed = list(patterns) if isinstance(patterns, dict) else []
        for pattern in [schema.get("pattern"), *listed]:
            try:
                if isinstance(pattern, str):
                    re.compile(pattern)
            except (re.error, RecursionError, OverflowError) as error:
                return f'"{pattern}" is not a regular expression: {error}'
        return ""

    def _follow(self, schema: dict[str, Any], base: str, taken: tuple[str, ...]) -> str:
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return ""
        target = urljoin(base, reference).removesuffix("#")
        if target in taken:
            return f'the reference "{reference}" leads back to itself'
        try:
            found = self._resolver.lookup(target).contents
        except Exception:  # whatever the library raises for what it cannot find or read
            return f'the reference "{reference}" leads nowhere{self._looked_up(target)}'
        if target not in self._seen or taken:
            self._seen.add(target)
            self._todo.append((found, urldefrag(target).url, (*taken, target)))
        return ""

    def _looked_up(self, target: str) -> str:
        """Where a reference to a file is looked up; nothing for one within a file that was found."""
        file = urldefrag(target).url
        if not file or "://" in file or self._directory is None:
            return ""
        if os.path.isfile(os.path.join(self._directory, file)):
            return ""
        return f": there is no file {file} in {os.path.normpath(self._directory)}"


def _same(schema: dict[str, Any]) -> Iterator[Any]:
    yield from (schema[key] for key in _SAME if key in schema)
    yield from _below(schema, _SAME_LISTS, _SAME_MAPPINGS)


def _parts(schema: dict[str, Any]) -> Iterator[Any]:
    yield from (schema[key] for key in _PARTS if key in schema)
    yield from _below(schema, _PART_LISTS, _PART_MAPPINGS)


def _below(schema: dict[str, Any], lists: tuple[str, ...], mappings: tuple[str, ...]) -> Iterator[Any]:
    for key in lists:
        if isinstance(schema.get(key), list):
            yield from schema[key]
    for key in mappings:
        if isinstance(schema.get(key), dict):
            yield from schema[key].values()
