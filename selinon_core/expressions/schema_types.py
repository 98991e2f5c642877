"""Types of JSON Schemas.

The keywords that say what a value consists of are read: ``type``, ``properties``, ``required``,
``additionalProperties``, ``items``, ``prefixItems``, ``maxItems``, ``enum``, ``const``, ``anyOf``, ``oneOf``,
``allOf``, ``$ref``, ``default``, and the bounds of numbers and texts (``type_limits``). Every other keyword, and
every keyword that is not as it has to be, makes the type larger and never smaller: each value that fits the schema
belongs to the type. The validator is not needed, which takes longer to import than all checks of expressions.

With ``filled``, the type is that of arguments after the defaults of the schema were filled in: a property with a
``default`` is there. Below ``anyOf`` and ``oneOf`` none is filled in, because which of their schemas holds is
found out later.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from selinon_core.expressions.schema_documents import Document, Documents, Resolve, has_address
from selinon_core.expressions.type_algebra import intersection, within
from selinon_core.expressions.type_limits import limits_of_number, limits_of_text
from selinon_core.expressions.types import (
    ANY,
    BOOL,
    FLOAT,
    INTEGER,
    NEVER,
    NULL_TYPE,
    NUMBER,
    STRING,
    TEXT,
    ListType,
    ObjectType,
    Type,
    is_integer,
    type_of_value,
    union,
)

Json = Any

_TYPES = {
    "null": NULL_TYPE,
    "boolean": BOOL,
    "integer": INTEGER,
    "number": FLOAT,
    "string": STRING,
    "array": Type((ListType(ANY),)),
    "object": Type((ObjectType({}, (), ANY),)),
}
_OF_OBJECTS = ("properties", "required", "additionalProperties")
_LIMITING = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern"}
)

#: Keywords that speak of further properties in ways that are not read.
_MORE_PROPERTIES = frozenset(
    {
        "patternProperties",
        "unevaluatedProperties",
        "dependentSchemas",
        "dependencies",
        "if",
        "not",
        "$dynamicRef",
        "$recursiveRef",
    }
)

#: Schemas about one and the same value that lie within or refer to each other; deeper ones are not looked at.
DEEPEST = 40


def type_of_schema(schema: Json, resolve: Resolve | None = None, base: str = "", filled: bool = False) -> Type:
    """Return the type of the values that fit a schema, given as JSON.

    ``base`` is the path of its file for ``resolve``, which is given the paths of other files. Parts of the type
    are worked out, and files read, when they are first looked at; a schema may refer to itself.
    """
    documents = Documents(schema, resolve, base)
    return _Reader(documents).later(*documents.first, filled)


class _Reader:
    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._referred: dict[tuple[str, frozenset[str], bool, str], Type] = {}
        self._depth = 0

    def later(self, schema: Json, document: Document, filled: bool) -> Type:
        return Type.later(partial(self._type, schema, document, filled))

    def _type(self, schema: Json, document: Document, filled: bool) -> Type:
        """The type of a schema, all keywords of which hold for a value."""
        if schema is False:
            return NEVER
        if not isinstance(schema, Mapping) or self._depth >= DEEPEST:
            return ANY
        if has_address(schema) and schema is not document.schema:
            return ANY  # a document of its own inside of another: references lead elsewhere
        self._depth += 1
        try:
            return self._of_keywords(schema, document, filled)
        finally:
            self._depth -= 1

    def _of_keywords(self, schema: Mapping[str, Json], document: Document, filled: bool) -> Type:
        reference = schema.get("$ref")
        if isinstance(reference, str):
            found = self._reference(reference, document, filled)
            if "$ref" in document.unknown:
                return found
        else:
            found = ANY
        for read in (self._kinds, self._object, self._list, self._values):
            found = intersection(found, read(schema, document, filled))
        for key in ("anyOf", "oneOf"):
            choices = schema.get(key)
            if isinstance(choices, list) and choices and key not in document.unknown:
                found = intersection(found, union([self._type(choice, document, False) for choice in choices]))
        parts = schema.get("allOf")
        if isinstance(parts, list) and "allOf" not in document.unknown:
            for part in parts:
                found = intersection(found, self._type(part, document, filled))
        found = _limited(found, schema)
        return _with_others(found) if _speaks_of_others(schema) else found

    def _kinds(self, schema: Mapping[str, Json], document: Document, filled: bool) -> Type:
        named = schema.get("type")
        names = [named] if isinstance(named, str) else named
        if "type" in document.unknown or not isinstance(names, list):
            return ANY
        return union([_TYPES.get(name, ANY) if isinstance(name, str) else ANY for name in names])

    def _object(self, schema: Mapping[str, Json], document: Document, filled: bool) -> Type:
        """What is said of objects; values of other kinds are not concerned."""
        if "type" in document.unknown or not any(key in schema for key in _OF_OBJECTS):
            return ANY
        listed = schema.get("properties")
        listed = listed if isinstance(listed, Mapping) else {}
        properties = {key: self.later(value, document, filled) for key, value in listed.items()}
        required = schema.get("required")
        names = {key for key in required if isinstance(key, str)} if isinstance(required, list) else set()
        with_default: set[str] = set()
        if filled:
            with_default = {key for key, value in listed.items() if self._has_default(value, document)}
            names |= with_default
        additional = schema.get("additionalProperties", None)
        others: Type | None = ANY
        if "patternProperties" not in schema and additional is not None:
            others = None if additional is False else self.later(additional, document, filled)
        tells = others is not None and additional is not None
        return Type((ObjectType(properties, names, others, tells, with_default),), True)

    def _has_default(self, schema: Json, document: Document) -> bool:
        """Whether a property has a default, perhaps behind its reference."""
        for _ in range(DEEPEST):
            if not isinstance(schema, Mapping) or "default" in schema:
                return isinstance(schema, Mapping)
            reference = schema.get("$ref")
            found = self._documents.target(reference, document) if isinstance(reference, str) else None
            if found is None:
                return False
            schema, document = found
        return False

    def _list(self, schema: Mapping[str, Json], document: Document, filled: bool) -> Type:
        """What is said of lists; values of other kinds are not concerned."""
        items, first = schema.get("items"), schema.get("prefixItems")
        known = isinstance(items, Mapping | bool)
        if "prefixItems" in document.unknown or not isinstance(first, list):
            first = []
        bound: Any = schema.get("maxItems")
        most = int(bound) if is_integer(bound) and bound >= 0 else None
        if not known and not first and most is None:
            return ANY
        item = self.later(items, document, filled) if known else ANY
        return Type((ListType(item, tuple([self.later(part, document, filled) for part in first]), most),), True)

    def _values(self, schema: Mapping[str, Json], document: Document, filled: bool) -> Type:
        """``enum`` and ``const``."""
        found = ANY
        listed = schema.get("enum")
        if isinstance(listed, list):
            found = union([type_of_value(value) for value in listed])
        if "const" in schema and "const" not in document.unknown:
            found = intersection(found, type_of_value(schema["const"]))
        return found

    def _reference(self, reference: str, document: Document, filled: bool) -> Type:
        """The type that a reference leads to; ``ANY`` where it leads to nothing that can be read."""
        target = self._documents.target(reference, document)
        if target is None:
            return ANY
        key = (target.document.base, target.document.unknown, filled, reference.partition("#")[2])
        if key not in self._referred:
            self._referred[key] = self.later(*target, filled)
        return self._referred[key]


def _limited(found: Type, schema: Mapping[str, Json]) -> Type:
    """The type within the bounds of numbers and texts; where a kind is not known they say nothing."""
    if _LIMITING.isdisjoint(schema):
        return found
    limits = {NUMBER: limits_of_number(schema), TEXT: limits_of_text(schema)}
    members = [within(member, limits.get(member.kind)) for member in found.members]
    return Type(tuple([member for member in members if member is not None]), found.loose)


def _speaks_of_others(schema: Mapping[str, Json]) -> bool:
    """Whether a schema may name properties in ways that are not read."""
    if not _MORE_PROPERTIES.isdisjoint(schema):
        return True
    lists = [schema[key] for key in ("allOf", "anyOf", "oneOf") if isinstance(schema.get(key), list)]
    return any(
        isinstance(part, Mapping) and not _MORE_PROPERTIES.isdisjoint(part) for parts in lists for part in parts
    )


def _with_others(found: Type) -> Type:
    """The type, of whose objects more keys are known to be there."""
    return Type(tuple([_telling(m) if isinstance(m, ObjectType) else m for m in found.members]), found.loose)


def _telling(member: ObjectType) -> ObjectType:
    told = member.others is not None
    return ObjectType(member.properties, member.required, member.others, told, member.with_default)
