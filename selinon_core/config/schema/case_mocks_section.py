"""The mapping ``mocks`` of a case file, which is also all that a file of mocks holds."""

from __future__ import annotations

from typing import Any, NamedTuple

from selinon_core.cases.model import FunctionMock, NodeMock
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.schema.case_mocks import (
    ATTEMPTS,
    NODE_MOCK,
    OUTCOME,
    RULE,
    WHEN,
    place_of,
)
from selinon_core.config.schema.matchers import LITERAL
from selinon_core.config.schema.types import JsonSchema, ValueType
from selinon_core.config.yaml.nodes import AliasNode, BrokenNode, MappingNode, Node, SequenceNode
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.location import SourceLocation


class NamedEntry(NamedTuple):
    """An entry of ``mocks``: what it is for as text, where that stands, and what it says."""

    name: str
    location: SourceLocation
    value: Any


class MocksRead(NamedTuple):
    """What ``mocks`` says, with its names as written: nothing is held against a plan yet.

    ``nodes``: ``NodeMock``, ``functions``: ``FunctionMock``, ``conditions``: a tuple of booleans. A value that was
    reported is ``BROKEN``.
    """

    nodes: tuple[NamedEntry, ...] = ()
    functions: tuple[NamedEntry, ...] = ()
    conditions: tuple[NamedEntry, ...] = ()

    def over(self, below: MocksRead) -> MocksRead:
        """These mocks, and those of ``below`` that these do not replace by name."""
        return MocksRead(*(_over(mine, others) for mine, others in zip(self, below, strict=True)))


def _over(mine: tuple[NamedEntry, ...], others: tuple[NamedEntry, ...]) -> tuple[NamedEntry, ...]:
    own = {entry.name for entry in mine}
    return (*(entry for entry in others if entry.name not in own), *mine)


class MocksType(ValueType):
    """Mocks by task or sub-flow, ``functions`` and ``conditions``, as ``MocksRead``.

    ``tasks`` may hold those of the tasks, for one that is called like one of the other keys.
    """

    expected = "a mapping of tasks to outcomes"
    keeps_empty = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> MocksRead | Broken:
        if type(node) is not MappingNode:
            return reading.wrong_type(node, via, f'"{label}"' if label else "the content", self.expected)
        parts: dict[str, list[NamedEntry]] = {"tasks": [], "functions": [], "conditions": []}
        for key, (written, value, inner) in node.entries.items():
            at = via + inner
            if key in parts:
                _section(reading, key, *resolve_alias(value, at), parts[key])
            elif isinstance(key, str):
                parts["tasks"].append(_node_mock(reading, key, written, value, at))
            else:
                _bad_name(reading, written, at)
        return MocksRead(tuple(parts["tasks"]), tuple(parts["functions"]), tuple(parts["conditions"]))

    def schema(self) -> JsonSchema:
        return {"$ref": "#/$defs/mocks"}

    @staticmethod
    def definition() -> JsonSchema:
        """The JSON Schema of the mapping."""
        nodes = {"type": "object", "additionalProperties": NODE_MOCK.schema()}
        truths = {"type": "array", "items": {"type": "boolean"}, "minItems": 1}
        return {
            "description": "What tasks, sub-flows, functions and conditions do instead of their code.",
            "type": "object",
            "properties": {
                "tasks": {"description": "Mocks of tasks and sub-flows.", "anyOf": [nodes, {"type": "null"}]},
                "functions": {
                    "description": "module.name: the value of each call, or {calls: [...]}.",
                    "type": ["object", "null"],
                },
                "conditions": {
                    "description": 'The name of an edge or "A -> B": its truth, or one for each time it is asked.',
                    "anyOf": [
                        {"type": "object", "additionalProperties": {"anyOf": [{"type": "boolean"}, truths]}},
                        {"type": "null"},
                    ],
                },
            },
            "additionalProperties": NODE_MOCK.schema(),
        }


MOCKS = MocksType()

#: The tables of the section, for the JSON Schema.
TABLES = (OUTCOME, ATTEMPTS, RULE, WHEN)


def _section(reading: ReadContext, key: str, node: Node, via: Via, entries: list[NamedEntry]) -> None:
    if type(node) is not MappingNode:
        if type(node) in (SequenceNode, BrokenNode) or reading.scalar(node) is not None:
            expected = MOCKS.expected if key == "tasks" else f"a mapping of {key} to values"
            reading.wrong_type(node, via, f'"{key}"', expected)
        return
    for name, (written, value, inner) in node.entries.items():
        at = via + inner
        if not isinstance(name, str):
            _bad_name(reading, written, at)
        elif key == "tasks":
            entries.append(_node_mock(reading, name, written, value, at))
        else:
            read = _function if key == "functions" else _truths
            found = read(reading, *resolve_alias(value, at), name)
            entries.append(NamedEntry(name, reading.location(written, at), found))


def _bad_name(reading: ReadContext, written: Node, via: Via) -> None:
    key, at = resolve_alias(written, via)
    reading.wrong_type(key, at, "what a mock is for", "a name", help="put it in quotes")


def _node_mock(reading: ReadContext, name: str, written: Node, value: Node, via: Via) -> NamedEntry:
    location = reading.location(written, via)
    mock = NODE_MOCK.read(reading, *resolve_alias(value, via), f'the mock of "{shorten(name)}"')
    if isinstance(mock, NodeMock):
        mock = mock._replace(place=location.place)
        rule = mock.rules[0]
        if type(value) is MappingNode and rule.when is None and len(rule.script.outcomes) == 1:
            # a plain outcome is where its name stands, which is what people look for
            outcome = rule.script.outcomes[0]._replace(place=location.place)
            rule = rule._replace(script=rule.script._replace(outcomes=(outcome,)), place=location.place)
            mock = mock._replace(rules=(rule, *mock.rules[1:]))
    return NamedEntry(name, location, mock)


def _function(reading: ReadContext, node: Node, via: Via, name: str) -> FunctionMock | Broken:
    label = f'the value of "{shorten(name)}"'
    place = place_of(reading, node, via)
    if type(node) is MappingNode and list(node.entries) == ["calls"]:
        _, calls, inner = node.entries["calls"]
        calls, via = resolve_alias(calls, via + inner)
        if type(calls) is not SequenceNode or not calls.items:
            return reading.wrong_type(calls, via, '"calls"', "a list of at least one value")
        values = [LITERAL.read(reading, *resolve_alias(item, via), label) for item in calls.items]
        return BROKEN if BROKEN in [v for v in values if v is BROKEN] else FunctionMock(tuple(values), place)
    value = LITERAL.read(reading, node, via, label)
    return BROKEN if value is BROKEN else FunctionMock((value,), place)


def _truths(reading: ReadContext, node: Node, via: Via, name: str) -> tuple[bool, ...] | Broken:
    items = node.items if type(node) is SequenceNode else [node]
    truths: list[bool] = []
    for item in items:
        item, at = resolve_alias(item, via) if type(item) is AliasNode else (item, via)
        value = reading.value_of(item)
        if not isinstance(value, bool):
            return reading.wrong_type(
                item,
                at,
                f'the condition "{shorten(name)}"',
                "true or false, or a list with one for each time it is asked",
            )
        truths.append(value)
    if not truths:
        return reading.wrong_type(node, via, f'the condition "{shorten(name)}"', "true or false")
    return tuple(truths)
