"""Reading one case file: what its readers need beside the document."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via
from selinon_core.config.schema.types import JsonSchema, PlainText, ValueType
from selinon_core.config.yaml.document import Document
from selinon_core.config.yaml.nodes import Node
from selinon_core.diagnostics.kinds import Collector
from selinon_core.diagnostics.location import SourceLocation

#: From the path of a JSON Schema to the question whether a value fits; raises ``ConfigurationError``.
SchemaLoader = Callable[[str], Callable[[Any], bool]]


class NameUse(NamedTuple):
    """A name that a case gives to a thing of the plan; ``key`` is the key under which it stands.

    ``kind``: ``node`` (a reference), ``edge``, ``fallback``, ``task``, ``flow``, ``storage`` or ``case``, another
    case of the file.
    """

    kind: str
    text: str
    key: str
    location: SourceLocation


class CaseContext(ReadContext):
    """A case file on its way to cases.

    ``uses`` has the names that were read since it was emptied last. ``directory`` is where relative paths in it
    lead from. ``load_schema`` makes the check of ``$schema``: schemas are known to the caller, not to the readers.
    """

    __slots__ = ("directory", "load_schema", "uses")

    def __init__(
        self, document: Document, collector: Collector, load_schema: SchemaLoader, directory: str = os.curdir
    ) -> None:
        super().__init__(document, collector)
        self.directory = directory
        self.load_schema = load_schema
        self.uses: list[NameUse] = []


def case_context(reading: ReadContext) -> CaseContext:
    """The context as that of a case file, which it is wherever a reader of case files is called."""
    assert isinstance(reading, CaseContext)
    return reading


class NameOf(ValueType):
    """The name of a thing of the plan, as ``str``; see ``NameUse`` for the kinds."""

    def __init__(self, kind: str, expected: str, key: str = "") -> None:
        self.kind = kind
        self.key = key
        self.text = PlainText(expected, nonempty=True)
        self.expected = expected

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> str | Broken:
        found = self.text.read(reading, node, via, label)
        if not isinstance(found, str):
            return BROKEN
        use = NameUse(self.kind, found, self.key or label, reading.location(node, via))
        case_context(reading).uses.append(use)
        return found

    def schema(self) -> JsonSchema:
        return self.text.schema()
