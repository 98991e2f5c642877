"""Tables that several sections use: caches, throttling, functions by module and name."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from selinon_core.config.model import CacheDef, Definition, ImportDef, NameRef
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.types import (
    FUNCTION_PATTERN,
    LARGEST,
    MODULE_PATTERN,
    NAME_PATTERN,
    JsonSchema,
    KeywordData,
    Number,
    OneOrMore,
    PlainText,
    Text,
    ValueType,
)
from selinon_core.config.yaml.nodes import MappingNode, Node
from selinon_core.diagnostics import fixes_of, kinds
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.wording import suggestion

DEFAULT_CACHES = "selinon_core.caches"

NAME = Text("a name", check=NAME_PATTERN)
NODE = Text("the name of a task or flow")
MODULE = Text("a module", check=MODULE_PATTERN)
CLASS_NAME = Text("a class", check=FUNCTION_PATTERN)
FUNCTION_NAME = Text("a function", check=FUNCTION_PATTERN)
COUNT = Number(whole=True)
SECONDS = Number()
DURATION = Number(positive=True)
KEYWORDS = KeywordData()


def read_words(
    reading: ReadContext, node: MappingNode, via: Via, words: Collection[str], named: str, item: ValueType
) -> dict[str, Any] | Broken:
    """The values of a mapping whose keys are some of ``words``; ``named`` is how messages call another key."""
    found: dict[str, Any] = {}
    for word, (key, value, inner) in node.entries.items():
        if word in words:
            target, at = resolve_alias(value, via + inner)
            found[word] = item.read(reading, target, at, word)
        else:
            found[word] = reading.report(
                kinds.UNKNOWN_KEY,
                key,
                via + inner,
                "unknown " + named.format(word),
                note="expected " + ", ".join(words),
                help=suggestion(str(word), words),
            )
    return BROKEN if BROKEN in found.values() else found


def finish_with_rules(reading: ReadContext, found: Definition, raw: dict[str, Any]) -> bool:
    """For a table that few projects use: the rules about it are with those about expressions."""
    reading.has_expressions = True
    return True


def import_def(module: Any, name: Any, default_module: str, default_name: NameRef | None) -> ImportDef | None:
    """A function from the values of its two keys, either of which may be missing (None) or broken."""
    if module is BROKEN or name is BROKEN:
        return None
    name = name or default_name
    if name is None:
        return None
    if module is None:
        if not default_module:
            return None
        module = NameRef(default_module, name.location)
    return ImportDef(module, name)


# --- tags ---------------------------------------------------------------------------------------------------

_NOT_IN_TAGS = re.compile(r"[\s,+*?\[\]]+")


class Tag(PlainText):
    """A tag: text without the characters that mean something in selectors."""

    expected = "a word without blanks and , + * ? [ ]"

    def __init__(self) -> None:
        super().__init__(self.expected, nonempty=True)

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        value = super().read(reading, node, via, label)
        if value is BROKEN or not _NOT_IN_TAGS.search(value):
            return value
        repaired = _NOT_IN_TAGS.sub("-", value.strip()).strip("-")
        edits = reading.location(node, via).respelled(value, repaired) if repaired else ()
        return reading.report(
            kinds.WRONG_VALUE,
            node,
            via,
            f'{label}: "{shorten(value)}" cannot be a tag',
            note=f"expected {self.expected}",
            help=f'write "{shorten(repaired)}"' if repaired else "",
            fixes=fixes_of((f'write "{repaired}"', False, edits)),
        )

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": r"^[^\s,+*?\[\]]+$"}


TAGS = OneOrMore(Tag(), "a tag or a list of tags")


# --- caches -------------------------------------------------------------------------------------------------


def _finish_cache(reading: ReadContext, cache: CacheDef, raw: dict[str, Any]) -> bool:
    cache.function = import_def(raw.get("import"), raw.get("name"), DEFAULT_CACHES, NameRef("LRU", cache.location))
    configuration = raw.get("configuration", {})
    cache.configuration_broken = configuration is BROKEN
    cache.configuration = {} if cache.configuration_broken else configuration
    return True


CACHE = MappingType(
    "a cache",
    CacheDef,
    (
        Key("name", CLASS_NAME, "the class: FIFO, LIFO, LRU, MRU or RR, or a class of your own; default LRU"),
        Key("import", MODULE, "the module holding the class; default: the shipped caches"),
        Key("configuration", KEYWORDS, "keyword arguments of the class"),
    ),
    finish=_finish_cache,
    text="A cache.",
)


# --- functions ----------------------------------------------------------------------------------------------


class FunctionDef(Definition):
    """What a table of a function's module and name is read into on the way to an ``ImportDef``."""

    __slots__ = ("function",)

    function: ImportDef | None


class Function(ValueType):
    """A function given by module and name, as an ``ImportDef``."""

    def __init__(self, table: MappingType) -> None:
        self.table = table
        self.expected = table.expected
        self.empty_is_unset = table.empty_is_unset

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> ImportDef | Broken:
        found = self.table.read(reading, node, via, label)
        function = found.function if isinstance(found, FunctionDef) else None
        return function if function is not None else BROKEN

    def schema(self) -> JsonSchema:
        return self.table.schema()


# --- throttling ---------------------------------------------------------------------------------------------

_UNITS = {
    "weeks": 604800,
    "days": 86400,
    "hours": 3600,
    "minutes": 60,
    "seconds": 1,
    "milliseconds": 1e-3,
    "microseconds": 1e-6,
}


class Throttling(ValueType):
    """A duration in units, as seconds; one of no length is None."""

    expected = "a mapping of " + ", ".join(_UNITS)
    empty_is_unset = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> float | Broken | None:
        if type(node) is not MappingNode:
            return reading.wrong_type(node, via, label, self.expected, help="for instance {seconds: 30}")
        found = read_words(reading, node, via, _UNITS, 'unit "{}" in throttling', SECONDS)
        if isinstance(found, Broken):
            return BROKEN
        return sum((number * _UNITS[unit] for unit, number in found.items()), 0.0) or None

    def schema(self) -> JsonSchema:
        number = {"type": "number", "minimum": 0, "maximum": LARGEST}
        return {
            "type": "object",
            "properties": dict.fromkeys(_UNITS, number),
            "additionalProperties": False,
        }


THROTTLING = Throttling()
