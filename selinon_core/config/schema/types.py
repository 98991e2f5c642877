"""Kinds of values: each knows how to read itself from a node and how to describe itself as JSON Schema.

``read`` gets the node behind any aliases and gives the value for the model, or ``BROKEN`` after it has
reported why not. ``label`` names the value in messages. The kinds are in one module because reading a value and
describing it stand side by side in each of them, and they are made of each other.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

from selinon_core.config.model import NameRef, Names
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.yaml.nodes import CONTAINERS, BrokenNode, MappingNode, Node, SequenceNode
from selinon_core.config.yaml.scalars import reads_otherwise
from selinon_core.diagnostics import Fix, fixes_of, kinds
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.wording import suggestion

JsonSchema = dict[str, Any]

#: No duration or count is larger; it keeps every sum of them exact and printable.
LARGEST = 10**12

#: Workers refuse messages with longer names.
LONGEST_NAME = 255
NAME_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"
MODULE_PATTERN = r"^[^\W\d]\w*(\.[^\W\d]\w*)*$"
FUNCTION_PATTERN = r"^[^\W\d]\w*$"


def is_name(text: str) -> bool:
    """Return whether a task or flow can have this name."""
    return text.isascii() and text.isidentifier()


def is_module(text: str) -> bool:
    """Return whether this can be the full name of a module."""
    return all(part.isidentifier() for part in text.split("."))


class ValueType:
    """A kind of value. ``expected`` completes "has to be ..."."""

    expected: str
    #: whether an empty mapping means "not given", as an empty list and null do everywhere
    empty_is_unset = False
    #: whether an empty list is a value of its own, so that it does not mean "not given"
    keeps_empty = False

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        """The value, or ``BROKEN``."""
        raise NotImplementedError

    def schema(self) -> JsonSchema:
        """The values ``read`` accepts, as JSON Schema."""
        raise NotImplementedError


class Text(ValueType):
    """Text, as a ``Ref``. Unquoted YAML 1.1 booleans (``on``, ``no``) are taken as written, with a
    warning.
    """

    def __init__(self, expected: str = "text", *, check: str = "", nonempty: bool = False) -> None:
        self.expected = expected
        self.check = check
        self.nonempty = nonempty

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> NameRef | Broken:
        value = self._value(reading, node, via, label)
        return value if isinstance(value, Broken) else NameRef(value, reading.location(node, via))

    def _value(self, reading: ReadContext, node: Node, via: Via, label: str) -> str | Broken:
        if type(node) in CONTAINERS:
            return reading.wrong_type(node, via, label, self.expected)
        value = reading.scalar(node)
        if isinstance(value, bool) and isinstance(node.value, str):
            reading.report(
                kinds.YAML_BOOLEAN_NAME,
                node,
                via,
                f"{label}: {node.value} is a boolean in YAML 1.1",
                note="taken as text here",
                help=f'write "{node.value}" in quotes',
                fixes=_quoted(reading, node, via),
            )
            value = node.value
        if not isinstance(value, str):
            return reading.wrong_type(node, via, label, self.expected, fixes=_quoted(reading, node, via))
        if self.nonempty and not value:
            return reading.report(
                kinds.WRONG_VALUE, node, via, f"{label} must not be empty", note=f"expected {self.expected}"
            )
        if self.check and (len(value) > LONGEST_NAME or not self._fits(value)):
            self._bad(reading, node, via, label, value)
        return value

    def _fits(self, value: str) -> bool:
        if self.check == NAME_PATTERN:
            return value.isascii() and value.isidentifier()
        return is_module(value) if self.check == MODULE_PATTERN else value.isidentifier()

    def _bad(self, reading: ReadContext, node: Node, via: Via, label: str, value: str) -> None:
        if len(value) > LONGEST_NAME:
            text = f'{label}: "{shorten(value)}" is longer than {LONGEST_NAME} characters'
            reading.report(kinds.BAD_NAME, node, via, text, note=f"it has {len(value)}")
            return
        letters = "letters (a-z, A-Z)" if self.check == NAME_PATTERN and not value.isascii() else "letters"
        allowed = f"{letters}, digits and underscores, not beginning with a digit"
        if self.check == MODULE_PATTERN:
            allowed += "; dots between the parts"
        reading.report(
            kinds.BAD_NAME,
            node,
            via,
            f'{label}: "{shorten(value)}" is not {self.expected}',
            note=f"allowed are {allowed}",
            fixes=self._repaired(reading, node, via, value),
        )

    def _repaired(self, reading: ReadContext, node: Node, via: Via, value: str) -> tuple[Fix, ...]:
        """The path of a module as its name; a name with other characters between its words."""
        if self.check == MODULE_PATTERN:
            name = value.removeprefix("./").removesuffix(".py").replace("/", ".")
            fits, safe = is_module(name), True
        else:
            name = re.sub(r"\W+", "_", value.strip(), flags=re.ASCII)
            fits, safe = is_name(name), False  # other places may use the name
        edits = reading.location(node, via).respelled(value, name) if fits else ()
        return fixes_of((f'write "{name}"', safe, edits))

    def schema(self) -> JsonSchema:
        schema: JsonSchema = {"type": "string"}
        if self.check:
            schema["pattern"] = self.check
            schema["maxLength"] = LONGEST_NAME
        if self.nonempty:
            schema["minLength"] = 1
        return schema


class PlainText(Text):
    """Text, as ``str``."""

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        return self._value(reading, node, via, label)


class Choice(ValueType):
    """One of a few words, as ``str``."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.expected = "one of " + ", ".join(words)

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> str | Broken:
        value = reading.value_of(node)
        if not isinstance(value, str):
            return reading.wrong_type(node, via, label, self.expected)
        if value not in self.words:
            return reading.report(
                kinds.WRONG_VALUE,
                node,
                via,
                f'{label} has to be {self.expected}, not "{shorten(value)}"',
                note=f"expected {self.expected}",
                help=suggestion(value, self.words),
            )
        return value

    def schema(self) -> JsonSchema:
        return {"enum": list(self.words)}


class Flag(ValueType):
    """A boolean."""

    expected = "true or false"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> bool | Broken:
        value = reading.value_of(node)
        if isinstance(value, bool):
            return value
        offered = _unquoted(reading, node, via, str(value)) if value in ("true", "false") else ()
        return reading.wrong_type(node, via, label, self.expected, fixes=offered)

    def schema(self) -> JsonSchema:
        return {"type": "boolean"}


class Number(ValueType):
    """A number of at least 0; with ``positive``, more than 0; with ``whole``, an integer."""

    def __init__(self, *, whole: bool = False, positive: bool = False) -> None:
        self.whole = whole
        self.positive = positive
        kind = "an integer" if whole else "a number"
        self.expected = kind + (" greater than 0" if positive else " of at least 0")

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> float | Broken:
        value = reading.value_of(node)
        wanted = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, wanted):
            offered = (
                _unquoted(reading, node, via, value) if isinstance(value, str) and self._spells(value) else ()
            )
            return reading.wrong_type(node, via, label, self.expected, fixes=offered)
        if value < 0 or (self.positive and value == 0) or not isfinite(value) or value > LARGEST:
            above = value > LARGEST
            expected = f"a number of at most {LARGEST}" if above else self.expected
            return reading.report(
                kinds.WRONG_VALUE,
                node,
                via,
                f"{label} has to be {expected}, not {shorten(node.value)}",
                note=f"expected {expected}",
            )
        if "_" not in node.value:
            _report_yaml_1_1(reading, node, via, value)
        return value

    def _spells(self, text: str) -> bool:
        return re.fullmatch(r"(0|[1-9]\d{0,11})" + ("" if self.whole else r"(\.\d+)?"), text) is not None

    def schema(self) -> JsonSchema:
        # "integer" takes 1.0, which YAML has as another type than 1
        bound = "exclusiveMinimum" if self.positive else "minimum"
        return {"type": "integer" if self.whole else "number", bound: 0, "maximum": LARGEST}


class OneOrMore(ValueType):
    """One item or a list of them, as a tuple. ``nonempty``: an empty list is a mistake."""

    def __init__(self, item: ValueType, expected: str, *, nonempty: bool = False, only_list: bool = False) -> None:
        self.item = item
        self.expected = expected
        self.nonempty = nonempty
        self.only_list = only_list
        self.keeps_empty = nonempty

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> tuple[Any, ...] | Broken:
        if type(node) is not SequenceNode:
            if self.only_list or type(node) is MappingNode:
                listed = () if type(node) in CONTAINERS else reading.location(node, via).listed()
                fixes = fixes_of(("make it a list", True, listed))
                return reading.wrong_type(node, via, label, self.expected, fixes=fixes)
            one = self.item.read(reading, node, via, label)
            return BROKEN if one is BROKEN else (one,)
        if not node.items and self.nonempty:
            return reading.report(kinds.EMPTY_LIST, node, via, f"{label} is empty", note="at least one is needed")
        values = []
        whole = True
        for item in node.items:
            value = self.item.read(reading, *resolve_alias(item, via), f"an item of {label}")
            if value is BROKEN:
                whole = False
            values.append(value)
        return tuple(values) if whole else BROKEN

    def schema(self) -> JsonSchema:
        many: JsonSchema = {"type": "array", "items": self.item.schema()}
        if self.nonempty:
            many["minItems"] = 1
        return many if self.only_list else {"anyOf": [self.item.schema(), many]}


class NamesOrAll(ValueType):
    """``true``, a name or a list of names; with ``no``, also ``false``. Gives ``Names``."""

    def __init__(self, item: ValueType, *, no: bool = True, single: bool = True) -> None:
        self.names = OneOrMore(item, "", only_list=not single)
        self.no = no
        choices = ["true", *(["false"] if no else []), *(["a name"] if single else []), "a list of names"]
        self.expected = ", ".join(choices[:-1]) + " or " + choices[-1]

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Names | Broken:
        if type(node) is not SequenceNode:
            value = reading.value_of(node)
            if value is True:
                return Names(True)
            if value is False and self.no:
                return Names()
            if not isinstance(value, str) or self.names.only_list:
                listed = reading.location(node, via).listed() if isinstance(value, str) else ()
                fixes = fixes_of(("make it a list", True, listed))
                return reading.wrong_type(node, via, label, self.expected, fixes=fixes)
        refs = self.names.read(reading, node, via, label)
        return BROKEN if isinstance(refs, Broken) else Names(False, refs)

    def schema(self) -> JsonSchema:
        names = self.names.schema()
        flag: JsonSchema = {"type": "boolean"} if self.no else {"const": True}
        return {"anyOf": [flag, *names.get("anyOf", [names])]}


class JsonValue(ValueType):
    """Any JSON data, as it is."""

    expected = "data"
    keeps_empty = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        return _json_data(reading, node)

    def schema(self) -> JsonSchema:
        return {}


class KeywordData(ValueType):
    """A mapping of keyword arguments to JSON data."""

    expected = "a mapping"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> dict[str, Any] | Broken:
        if type(node) is not MappingNode:
            return reading.wrong_type(node, via, label, self.expected)
        whole = True
        for key, (written_key, _, inner) in node.entries.items():
            if not isinstance(key, str):
                whole = False
                reading.report(
                    kinds.WRONG_TYPE,
                    written_key,
                    via + inner,
                    f"a key of {label} has to be text, not {reading.describe(written_key)}",
                    note="it names an argument",
                )
        data = _json_data(reading, node)
        return data if whole and data is not BROKEN else BROKEN

    def schema(self) -> JsonSchema:
        return {"type": "object"}


def plain_data(reading: ReadContext, node: Node) -> Any:
    """JSON data from nodes, copied at every use of an alias; ``BROKEN`` when some of it is."""
    node, _ = resolve_alias(node, ())
    kind = type(node)
    if kind is MappingNode:
        mapping = {key: plain_data(reading, value) for key, (_, value, _) in node.entries.items()}
        return BROKEN if any(value is BROKEN for value in mapping.values()) else mapping
    if kind is SequenceNode:
        items = [plain_data(reading, item) for item in node.items]
        return BROKEN if any(item is BROKEN for item in items) else items
    return BROKEN if kind is BrokenNode else reading.scalar(node)


def _json_data(reading: ReadContext, node: Node) -> Any:
    """As ``plain_data``; numbers that JSON lacks are reported, and make it ``BROKEN``."""
    node, _ = resolve_alias(node, ())
    kind = type(node)
    if kind is MappingNode:
        mapping = {key: _json_data(reading, value) for key, (_, value, _) in node.entries.items()}
        return BROKEN if any(value is BROKEN for value in mapping.values()) else mapping
    if kind is SequenceNode:
        items = [_json_data(reading, item) for item in node.items]
        return BROKEN if any(item is BROKEN for item in items) else items
    if kind is BrokenNode:
        return BROKEN
    value = reading.scalar(node)
    if type(value) is str or value is None:
        return value
    _report_yaml_1_1(reading, node, (), value)
    if isinstance(value, float) and not isfinite(value):
        return reading.report(
            kinds.WRONG_VALUE,
            node,
            (),
            f"{shorten(node.value)} is not a number that JSON has",
            note="plans and messages are JSON",
            help="write a finite number, or leave it out",
        )
    return value


def _report_yaml_1_1(reading: ReadContext, node: Any, via: Via, value: Any) -> None:
    """Report an unquoted value of which YAML 1.1 makes something else than it seems."""
    if node.tag is not None or not node.implicit[0] or not reads_otherwise(node.value, value):
        return
    meaning = ("true" if value else "false") if isinstance(value, bool) else f"{value:.15g}"
    reading.report(
        kinds.YAML_1_1_VALUE,
        node,
        via,
        f"{shorten(node.value)} is {meaning} in YAML 1.1",
        note=f"read as {meaning}",
        help=f'write "{shorten(node.value)}" in quotes if text is meant, else {meaning}',
        fixes=fixes_of(
            ("write it in quotes", False, reading.location(node, via).rewritten(f'"{node.value}"')),
            (f"write {meaning}", False, reading.location(node, via).rewritten(meaning)),
        ),
    )


def _quoted(reading: ReadContext, node: Node, via: Via) -> tuple[Fix, ...]:
    """A plain value in quotes: it is text then."""
    if type(node) in CONTAINERS or not isinstance(node.value, str) or not node.value:
        return ()
    if "\\" in node.value or '"' in node.value:
        return ()
    return fixes_of(("write it in quotes", True, reading.location(node, via).rewritten(f'"{node.value}"')))


def _unquoted(reading: ReadContext, node: Node, via: Via, text: str) -> tuple[Fix, ...]:
    """A text without its quotes: it is a number or a boolean then."""
    return fixes_of(("write it without quotes", True, reading.location(node, via).rewritten(text)))
