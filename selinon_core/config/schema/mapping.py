"""Mappings of the language: a table of keys reads a mapping, and describes it as JSON Schema.

A key that is null or an empty list counts as not given, which is how an alias of a flow unsets a merged key.
A misspelt required key is reported once and read as what it was meant to be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from selinon_core.config.model import Definition
from selinon_core.config.read_context import BROKEN, Broken, KeyLocations, ReadContext, Via, resolve_alias
from selinon_core.config.schema.types import JsonSchema, ValueType
from selinon_core.config.yaml.nodes import AliasNode, BrokenNode, MappingNode, Node, SequenceNode
from selinon_core.diagnostics import Fix, Related, fixes_of, kinds
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.wording import did_you_mean, question

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))


class Key(NamedTuple):
    """A key of a mapping.

    ``attribute`` is the definition's attribute it fills; empty: the table's ``finish`` uses it. ``default``
    is the attribute's value when the key is not given, ``broken`` when its value is wrong.
    """

    name: str
    shape: ValueType
    text: str
    attribute: str = ""
    default: Any = None
    required: bool = False
    may_be_null: bool = False
    broken: Any = None


class MappingType(ValueType):
    """A mapping with known keys that becomes a ``Definition``.

    ``finish(reading, definition, raw)`` completes the definition from ``raw``, the values by key of those
    keys that were given and are not broken; it returns whether the definition can be used. ``together``
    lists keys that must not be given together: they mean the same. ``below`` lists, per key, the
    keys of its value: given beside it, they are indented wrongly. ``homes`` lists keys of other tables, and where
    they belong.
    """

    def __init__(
        self,
        title: str,
        factory: type[Definition],
        keys: tuple[Key, ...],
        *,
        finish: Callable[[ReadContext, Any, dict[str, Any]], bool] | None = None,
        together: tuple[tuple[str, str], ...] = (),
        one_of: tuple[str, ...] = (),
        below: tuple[tuple[str, tuple[str, ...]], ...] = (),
        homes: tuple[tuple[str, Collection[str]], ...] = (),
        empty_is_unset: bool = False,
        text: str = "",
    ) -> None:
        self.title = title
        self.below = below
        self.homes = homes
        self.expected = "a mapping"
        self.factory = factory
        self.keys = {key.name: key for key in keys}
        self.finish = finish
        self.together = together
        self.one_of = one_of
        self.empty_is_unset = empty_is_unset
        self.text = text
        self.defaults = tuple({key.attribute: key.default for key in keys if key.attribute}.items())
        self.required = tuple(key for key in keys if key.required)

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        """The definition; parts that are wrong are None in it (or the key's ``broken``)."""
        if type(node) is not MappingNode:
            return reading.wrong_type(node, via, label or self.title, self.expected)
        definition = self.factory(reading.location(node, via), KeyLocations(reading, node, via))
        for attribute, default in self.defaults:
            setattr(definition, attribute, default)
        raw: dict[str, Any] = {}
        given: dict[str, bool] = {}
        unknown: list[tuple[Any, Via, Node]] = []
        keys = self.keys
        for name, (written_key, value, inner) in node.entries.items():
            key = keys.get(name)
            at = via + inner if inner else via
            if key is None and name is True:  # YAML 1.1 reads these words as booleans
                key = keys.get(str(getattr(written_key, "value", "")))
            if key is None:
                unknown.append((written_key, at, value))
                continue
            self._read_key(reading, key, written_key, value, at, definition, raw, given)
        if unknown:
            self._report_unknown(reading, unknown, node, definition, raw, given)
        for key in self.required:
            if key.name not in given:
                self._missing(reading, key, node, via)
        for first, second in self.together:
            if given.get(first) and given.get(second):
                self._together(reading, node, via, first, second)
        if self.one_of and not any(name in given for name in self.one_of):
            self._missing(reading, keys[self.one_of[0]], node, via)
        if self.finish is not None and not self.finish(reading, definition, raw):
            return BROKEN
        return definition

    def _read_key(
        self,
        reading: ReadContext,
        key: Key,
        written_key: Any,
        value: Node,
        via: Via,
        definition: Definition,
        raw: dict[str, Any],
        given: dict[str, bool],
    ) -> None:
        if type(value) is AliasNode:
            value, via = resolve_alias(value, via)
        shape = key.shape
        if type(value) is MappingNode:
            unset = shape.empty_is_unset and not value.entries
        elif type(value) is SequenceNode:
            unset = not value.items and not shape.keeps_empty
        else:
            # nearly every value is an untagged scalar, and asking for its value would be done twice
            unset = type(value) is not BrokenNode and (
                (value.implicit[0] and value.value in _NULLS)
                if value.tag is None
                else reading.scalar(value) is None
            )
        if unset:
            definition.unset += (key.name,)
            if key.may_be_null:
                given[key.name] = True
            return
        given[key.name] = True
        result = shape.read(reading, value, via, key.name)
        if key.attribute:
            setattr(definition, key.attribute, key.broken if result is BROKEN else result)
        raw[key.name] = result

    def _report_unknown(
        self,
        reading: ReadContext,
        unknown: list[tuple[Any, Via, Node]],
        node: MappingNode,
        definition: Definition,
        raw: dict[str, Any],
        given: dict[str, bool],
    ) -> None:
        missing = {key.name for key in self.required if key.name not in given and key.name not in node.entries}
        missing.update(name for name in self.one_of if name not in given)
        for written_key, via, value in unknown:
            text = str(resolve_alias(written_key, ())[0].value)
            home = next((where for where, keys in self.homes if text in keys), None)
            meant = None if home is not None else did_you_mean(text, missing)
            close = meant or did_you_mean(text, (name for name in self.keys if name not in node.entries))
            reading.report(
                kinds.UNKNOWN_KEY,
                written_key,
                via,
                f'unknown key "{shorten(text)}" in {self.title}',
                note="not a key of " + self.title,
                help=self._outdented(text, node)
                or (f'"{text}" belongs {home}' if home is not None else "")
                or question(close, written=text, known=[name for name in self.keys if name not in node.entries])
                or "known keys: " + ", ".join(self.keys),
            )
            if meant is not None:
                missing.discard(meant)
                self._read_key(reading, self.keys[meant], written_key, value, via, definition, raw, given)
                given[meant] = True

    def _outdented(self, key: str, node: MappingNode) -> str:
        """What to do about a key that belongs below another one, which has no value."""
        for name, keys in self.below:
            value = node.entries[name][1] if name in node.entries else None
            if key in keys and getattr(value, "value", "something") == "":
                return f'"{name}" has no value: indent "{key}" and what belongs to it below "{name}"'
        return ""

    def _missing(self, reading: ReadContext, key: Key, node: MappingNode, via: Via) -> None:
        entry = node.entries.get(key.name)
        if entry is not None:
            at, _, inner = entry
            reading.report(
                kinds.MISSING_KEY,
                at,
                via + inner,
                f'"{key.name}" of {self.title} needs a value',
                note=f"expected {key.shape.expected}",
            )
            return
        reading.report(
            kinds.MISSING_KEY,
            _first_key(node),
            via,
            f'{self.title} has no "{key.name}"',
            note=f'"{key.name}" is missing',
            help=f'"{key.name}": {key.text}',
        )

    def _together(self, reading: ReadContext, node: MappingNode, via: Via, first: str, second: str) -> None:
        positions = [node.entries[name] for name in (first, second) if name in node.entries]
        if len(positions) < 2:
            return
        (early, _, early_via), (late, _, late_via) = positions
        reading.report(
            kinds.CONFLICTING_KEYS,
            late,
            via + late_via,
            f'"{first}" and "{second}" in {self.title} mean the same',
            note="give one of them",
            related=(Related(reading.location(early, via + early_via).span, "also given here"),),
            fixes=self._one_of_them(reading, node, via, first, second),
        )

    def _one_of_them(
        self, reading: ReadContext, node: MappingNode, via: Via, first: str, second: str
    ) -> tuple[Fix, ...]:
        """The second key goes where both have the same value."""
        one, other = (resolve_alias(node.entries[name][1], ())[0] for name in (first, second))
        if getattr(one, "value", one) != getattr(other, "value", other):
            return ()
        key, value = KeyLocations(reading, node, via)[second]
        return fixes_of((f'remove "{second}"', not key.is_shared, key.removed(value)))

    def schema(self) -> JsonSchema:
        return {"$ref": f"#/$defs/{self.definition_name}"}

    @property
    def definition_name(self) -> str:
        """The name of the mapping's schema under ``$defs``."""
        words = [word for word in self.title.split() if word not in ("a", "an", "the")]
        return "_".join(words)

    def definition(self) -> JsonSchema:
        """The JSON Schema of the mapping."""
        schema: JsonSchema = {"type": "object"}
        if self.text:
            schema["description"] = self.text
        schema["properties"] = {key.name: key_schema(key) for key in self.keys.values()}
        schema["additionalProperties"] = False
        required = [key.name for key in self.required]
        if required:
            schema["required"] = required
        rules: list[JsonSchema] = [
            {"not": {"required": list(pair), "properties": dict.fromkeys(pair, _SET)}} for pair in self.together
        ]
        if self.one_of:
            rules.append({"anyOf": [{"required": [name], "properties": {name: _SET}} for name in self.one_of]})
        if rules:
            schema["allOf"] = rules
        if self.empty_is_unset:
            return {"anyOf": [schema, {"type": "object", "maxProperties": 0}]}
        return schema


#: a key that is given: neither null nor an empty list
_SET: JsonSchema = {"not": {"enum": [None, []]}}


def key_schema(key: Key) -> JsonSchema:
    """The JSON Schema of a key's value, with "not given" where it may be."""
    schema = key.shape.schema()
    if not key.required or key.may_be_null:
        unset: list[Any] = [None] if key.shape.keeps_empty else [None, []]
        choices = schema.get("anyOf") if set(schema) == {"anyOf"} else None
        schema = {"anyOf": [*(choices or [schema]), {"enum": unset}]} if schema else {}
    elif not schema.get("minItems"):
        # [] counts as "not given" for a required key as well
        if schema.get("type") == "array":
            schema = {**schema, "minItems": 1}
        elif "anyOf" in schema:
            schema = {**schema, "not": {"const": []}}
    if key.default not in (None, (), "") and isinstance(key.default, bool | int | float | str):
        schema = {**schema, "default": key.default}
    return {"description": key.text, **schema}


class ListOf(ValueType):
    """A list of mappings, as a tuple of ``(index, definition)`` for those that can be used.

    ``nonempty``: an empty list is a mistake.
    """

    def __init__(self, item: MappingType, *, nonempty: bool = False) -> None:
        self.item = item
        self.nonempty = nonempty
        self.keeps_empty = nonempty
        self.expected = "a list"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> list[Any] | Broken:
        """The items in order, ``BROKEN`` in the place of those that cannot be used."""
        if type(node) is not SequenceNode:
            is_one = type(node) is MappingNode
            help_text = 'put "- " before the entry' if is_one else ""
            looks_right = is_one and any(key in self.item.keys for key in node.entries)
            offered = (
                fixes_of(("make it a list", True, reading.location(node, via).listed())) if looks_right else ()
            )
            return reading.wrong_type(node, via, label, "a list of mappings", help=help_text, fixes=offered)
        if not node.items and self.nonempty:
            return reading.report(kinds.EMPTY_LIST, node, via, f"{label} is empty", note="at least one is needed")
        table = self.item
        return [
            table.read(reading, *(resolve_alias(item, via) if type(item) is AliasNode else (item, via)), "")
            for item in node.items
        ]

    def schema(self) -> JsonSchema:
        schema: JsonSchema = {"type": "array", "items": self.item.schema()}
        if self.nonempty:
            schema["minItems"] = 1
        return schema


def _first_key(node: MappingNode) -> Node:
    """What to point at when something is missing: the first key written in the mapping itself."""
    for written_key, _, inner in node.entries.values():
        if not inner:
            return written_key
    return node
