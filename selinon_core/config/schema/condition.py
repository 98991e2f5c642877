"""Conditions: expressions, and trees of ``and``/``or``/``not`` with predicate calls and expressions as leaves."""

from __future__ import annotations

from typing import Any

from selinon_core.config.model import (
    AndDef,
    BrokenDef,
    ConditionDef,
    ExpressionDef,
    LeafDef,
    NameRef,
    NotDef,
    OrDef,
)
from selinon_core.config.read_context import BROKEN, Broken, KeyLocations, ReadContext, Via, resolve_alias
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.types import (
    FUNCTION_PATTERN,
    Choice,
    JsonSchema,
    KeywordData,
    OneOrMore,
    Text,
    ValueType,
)
from selinon_core.config.yaml.nodes import BrokenNode, MappingNode, Node, SequenceNode
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.wording import did_you_mean, question

_OPERATORS = ("and", "or", "not")
_KINDS = (*_OPERATORS, "name")


def _finish_leaf(reading: ReadContext, leaf: LeafDef, raw: dict[str, Any]) -> bool:
    node = raw.get("node")
    leaf.node_broken = node is BROKEN
    leaf.node = None if node is BROKEN else node
    args = raw.get("args", {})
    leaf.args = None if args is BROKEN else args
    leaf.arg_locations = {}
    entry = leaf.keys
    if args and args is not BROKEN and isinstance(entry, KeyLocations):
        leaf.arg_locations = entry.below("args")
    if leaf.quantifier is not None and not leaf.node_broken and len(leaf.node or ()) < 2:
        reading.collector.add(
            kinds.KEY_WITHOUT_KEY,
            leaf.key_location("quantifier"),
            '"quantifier" needs a "node" that is a path',
            note="there is one result only",
            help="write node: [flow, ..., Task]",
        )
    return isinstance(raw.get("name"), NameRef)


LEAF = MappingType(
    "a predicate",
    LeafDef,
    (
        Key(
            "name",
            Text("the name of a predicate", check=FUNCTION_PATTERN),
            "the predicate to call",
            "name",
            required=True,
        ),
        Key(
            "node",
            OneOrMore(Text("the name of a node"), "a node or a path of nodes"),
            "whose result is looked at: a source of the edge, or a path through sub-flows to a task; "
            "may be left out when the edge has one source",
        ),
        Key("args", KeywordData(), "arguments of the predicate", default={}),
        Key(
            "quantifier",
            Choice("any", "all", "none"),
            "with a path: how many of the task's results the predicate has to hold for",
            "quantifier",
        ),
    ),
    finish=_finish_leaf,
    text="A predicate call.",
)


class ExpressionText(ValueType):
    """A text of the expression language, as an ``ExpressionDef``."""

    def __init__(self, expected: str = "an expression") -> None:
        self.expected = expected

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> ExpressionDef | Broken:
        if not isinstance(reading.value_of(node), str):
            return reading.wrong_type(node, via, label, self.expected)
        # Files without expressions do not need the language.
        from selinon_core.config.schema.expressions import read_expression

        return read_expression(reading, node, via, label) or BROKEN

    def schema(self) -> JsonSchema:
        return {"type": "string"}


class Condition(ValueType):
    """An expression or a tree, as a ``ConditionDef``; what is wrong in it becomes ``BrokenDef``."""

    expected = "a condition"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> ConditionDef:
        if type(node) is not MappingNode:
            return self._text(reading, node, via, label) or self._broken(reading, node, via)
        entries = node.entries
        if "name" in entries and not any(operator in entries for operator in _OPERATORS):
            return self._leaf(reading, node, via)
        found = [key for key in entries if key in _KINDS]
        if not found:
            return self._unknown(reading, node, via, label)
        if len(found) > 1:
            key, _, inner = entries[found[1]]
            reading.report(
                kinds.BAD_CONDITION,
                key,
                via + inner,
                f'{label} has "{found[0]}" and "{found[1]}" side by side',
                note="one of and, or, not, name is allowed",
                help="combine them with and: [...] or or: [...]",
            )
            return self._broken(reading, node, via)
        for name, (key, _, inner) in entries.items():
            if name != found[0]:
                reading.report(
                    kinds.UNKNOWN_KEY,
                    key,
                    via + inner,
                    f'unknown key "{name}" beside "{found[0]}"',
                    note="not a part of a condition",
                )
        _, value, inner = entries[found[0]]
        return self._operator(reading, node, via, found[0], *resolve_alias(value, via + inner))

    @staticmethod
    def _text(reading: ReadContext, node: Node, via: Via, label: str) -> ConditionDef | None:
        if type(node) not in (SequenceNode, BrokenNode) and isinstance(reading.scalar(node), str | bool):
            from selinon_core.config.schema.expressions import read_test

            return read_test(reading, node, via, label)
        help_text = "combine conditions with and: [...] or or: [...]" if type(node) is SequenceNode else ""
        reading.wrong_type(
            node, via, label, "an expression, or a mapping with and, or, not or name", help=help_text
        )
        return None

    def _leaf(self, reading: ReadContext, node: MappingNode, via: Via) -> ConditionDef:
        leaf = LEAF.read(reading, node, via, "")
        return leaf if isinstance(leaf, LeafDef) else self._broken(reading, node, via)

    def _unknown(self, reading: ReadContext, node: MappingNode, via: Via, label: str) -> ConditionDef:
        if any(did_you_mean(str(name), ("name",)) for name in node.entries) or "args" in node.entries:
            return self._leaf(reading, node, via)
        names = [str(name) for name in node.entries]
        close = next((hit for name in names if (hit := did_you_mean(name, _OPERATORS))), None)
        reading.report(
            kinds.BAD_CONDITION,
            next((key for key, _, inner in node.entries.values() if not inner), node),
            via,
            f"{label} has none of and, or, not, name" if names else f"{label} is empty",
            note="expected a condition",
            help=question(close),
        )
        return self._broken(reading, node, via)

    def _operator(
        self, reading: ReadContext, node: MappingNode, via: Via, operator: str, value: Node, value_via: Via
    ) -> ConditionDef:
        keys = KeyLocations(reading, node, via)
        location = reading.location(node, via)
        if operator == "not":
            negation = NotDef(location, keys)
            if type(value) is SequenceNode:
                if len(value.items) != 1:
                    fault = kinds.WRONG_VALUE if value.items else kinds.EMPTY_LIST
                    reading.report(
                        fault, value, value_via, f'"not" takes one condition, not {len(value.items)}', note="one"
                    )
                    return self._broken(reading, node, via)
                value, value_via = resolve_alias(value.items[0], value_via)
            negation.operand = self.read(reading, value, value_via, "not")
            return negation
        if type(value) is not SequenceNode:
            reading.wrong_type(value, value_via, operator, "a list of conditions")
            return self._broken(reading, node, via)
        if not value.items:
            reading.report(
                kinds.EMPTY_LIST, value, value_via, f'"{operator}" is empty', note="at least one is needed"
            )
            return self._broken(reading, node, via)
        operands = tuple(
            self.read(reading, *resolve_alias(item, value_via), f"an item of {operator}") for item in value.items
        )
        both: AndDef | OrDef = AndDef(location, keys) if operator == "and" else OrDef(location, keys)
        both.operands = operands
        return both

    @staticmethod
    def _broken(reading: ReadContext, node: Node, via: Via) -> BrokenDef:
        return BrokenDef(reading.location(node, via))

    def schema(self) -> JsonSchema:
        return {"$ref": "#/$defs/condition"}

    @staticmethod
    def definition() -> JsonSchema:
        """The JSON Schema of a condition."""
        tree = {"$ref": "#/$defs/condition"}
        some = {"type": "array", "items": tree, "minItems": 1}
        one = {"anyOf": [tree, {"type": "array", "items": tree, "minItems": 1, "maxItems": 1}]}

        def only(key: str, value: JsonSchema) -> JsonSchema:
            return {
                "type": "object",
                "properties": {key: value},
                "required": [key],
                "additionalProperties": False,
            }

        return {
            "description": "An expression, or a tree: and, or, not, or a predicate.",
            "oneOf": [
                {"type": ["string", "boolean"]},
                only("and", some),
                only("or", some),
                only("not", one),
                LEAF.schema(),
            ],
        }
