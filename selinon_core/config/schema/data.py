"""Data of users that the project understands: templates with expressions in them, and JSON Schemas in place."""

from __future__ import annotations

from typing import Any

from selinon_core.config.model import SchemaDef, TemplateDef
from selinon_core.config.read_context import BROKEN, Broken, KeyLocations, ReadContext, Via
from selinon_core.config.schema.types import JsonSchema, KeywordData, Text, ValueType
from selinon_core.config.yaml.nodes import BrokenNode, MappingNode, Node, SequenceNode


class TemplateValue(ValueType):
    """JSON data with expressions in its texts, as a ``TemplateDef``."""

    expected = "data, with ${...} in its texts"
    keeps_empty = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> TemplateDef | Broken:
        if type(node) is BrokenNode:
            return BROKEN
        # Files without templates do not need the language.
        from selinon_core.config.schema.templates import read_template

        return read_template(reading, node, via, label) or BROKEN

    def schema(self) -> JsonSchema:
        return {}


class TemplateText(TemplateValue):
    """A text with expressions in it, as a ``TemplateDef``."""

    expected = "text, with ${...} in it"
    keeps_empty = False

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> TemplateDef | Broken:
        if type(node) in (MappingNode, SequenceNode):
            return reading.wrong_type(node, via, label, self.expected)
        return super().read(reading, node, via, label)

    def schema(self) -> JsonSchema:
        return {"type": ["string", "number", "boolean"]}


class SchemaValue(ValueType):
    """The path of a JSON Schema, as a ``NameRef``, or one in place, as a ``SchemaDef``."""

    expected = "a path or a JSON Schema"

    def __init__(self) -> None:
        self._path = Text(self.expected)
        self._data = KeywordData()

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not MappingNode:
            return self._path.read(reading, node, via, label)
        data = self._data.read(reading, node, via, label)
        if isinstance(data, Broken):
            return BROKEN
        found = SchemaDef(reading.location(node, via), KeyLocations(reading, node, via))
        found.data = data
        return found

    def schema(self) -> JsonSchema:
        return {"anyOf": [self._path.schema(), {"type": "object"}]}


TEMPLATE = TemplateValue()
TEMPLATE_TEXT = TemplateText()
SCHEMA = SchemaValue()
SCHEMA_TEXT = (
    "a JSON Schema, or the path of one (relative to this file, then to the working directory, or "
    "package.module:file.json)"
)
