"""Where the references of JSON Schemas lead: into the same document, or into a file beside it, never further.

A table has what differs between the drafts of JSON Schema: a reference may lead from one to another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Json = Any

#: Gives the schema of a file, by the path of the file; None (or ``OSError``): it has none.
Resolve = Callable[[str], Json]


class Document(NamedTuple):
    """A schema file: its path for ``resolve``, and keywords that its draft (or a referrer's) does not have."""

    schema: Json
    base: str
    unknown: frozenset[str]


class Place(NamedTuple):
    """A schema and the document in which it stands."""

    schema: Json
    document: Document


#: Older drafts, by a part of their address, with what they do not know. ``$ref`` stands for what is beside a
#: reference: there the reference is all that counts.
_DRAFTS = (
    ("draft-07", frozenset({"prefixItems", "$ref"})),
    ("draft-06", frozenset({"prefixItems", "$ref"})),
    ("2019-09", frozenset({"prefixItems"})),
    ("draft-04", frozenset({"prefixItems", "$ref", "const"})),
    (
        "draft-03",
        frozenset(
            {
                "prefixItems",
                "$ref",
                "const",
                "properties",
                "required",
                "additionalProperties",
                "type",
                "anyOf",
                "oneOf",
                "allOf",
            }
        ),
    ),
)


class Documents:
    """The files that one schema refers to, each read once."""

    def __init__(self, schema: Json, resolve: Resolve | None, base: str) -> None:
        self._resolve = resolve
        self._files: dict[str, Json] = {base: schema}
        self.first = Place(schema, Document(schema, base, _unknown_of(schema)))

    def target(self, reference: str, document: Document) -> Place | None:
        """What a reference in a document leads to; None where that cannot be read."""
        path, _, fragment = reference.partition("#")
        target = self._document(path, document)
        return None if target is None else _part(target, fragment)

    def _document(self, path: str, document: Document) -> Document | None:
        if not path:
            return document
        elsewhere = "://" in path or path.startswith("/") or has_address(document.schema)
        if elsewhere or self._resolve is None:
            return None
        base = _joined(document.base, path)
        if base not in self._files:
            try:
                self._files[base] = self._resolve(base)
            except (OSError, ValueError):
                self._files[base] = None
        schema = self._files[base]
        return None if schema is None else Document(schema, base, document.unknown | _unknown_of(schema))


def has_address(schema: Json) -> bool:
    """Whether a schema has an address of its own, from which its references lead."""
    return isinstance(schema, Mapping) and ("$id" in schema or isinstance(schema.get("id"), str))


def _part(document: Document, fragment: str) -> Place | None:
    """The part of a document that a JSON pointer leads to; None for other fragments and where there is nothing."""
    schema = document.schema
    if not fragment:
        return Place(schema, document)
    if not fragment.startswith("/"):
        return None
    if "%" in fragment:
        from urllib.parse import unquote

        fragment = unquote(fragment)
    for token in fragment[1:].split("/"):
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, Mapping) and key in schema:
            schema = schema[key]
        elif isinstance(schema, list) and key.isdecimal() and int(key) < len(schema):
            schema = schema[int(key)]
        else:
            return None
        if has_address(schema):
            return None
    return Place(schema, document)


def _joined(base: str, path: str) -> str:
    """A relative path seen from the file ``base``, without ``.`` and ``..`` where that can be."""
    parts: list[str] = base.split("/")[:-1]
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _unknown_of(schema: Json) -> frozenset[str]:
    draft = schema.get("$schema") if isinstance(schema, Mapping) else None
    if isinstance(draft, str):
        for part, unknown in _DRAFTS:
            if part in draft:
                return unknown
    return frozenset()
