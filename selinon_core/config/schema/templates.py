"""From nodes to templates: texts with ``${...}`` in them become expressions, the rest stays the data that it is.

Only files that have templates need this module and the language behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.config.model import ExpressionDef, TemplateDef, TextDef
from selinon_core.config.read_context import BROKEN, ReadContext, Via, resolve_alias
from selinon_core.config.schema.expressions import parsed, parts_of
from selinon_core.config.schema.types import JsonValue
from selinon_core.config.yaml.nodes import BrokenNode, MappingNode, Node, SequenceNode
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.location import SourceLocation
from selinon_core.expressions.templates import read_template_text

_Path = tuple[str | int, ...]
_Places = Callable[[int, int], SourceLocation]
_DATA = JsonValue()


def read_template(reading: ReadContext, node: Node, via: Via, label: str) -> TemplateDef | None:
    """The template that a value is; None after what is wrong in it has been reported."""
    reading.has_expressions = True
    value = _part(reading, node, via, label)
    if value is BROKEN:
        return None

    def at(path: _Path) -> tuple[SourceLocation, SourceLocation]:
        return _located(reading, node, via, path)

    return TemplateDef(value, reading.location(node, via), at)


def _part(reading: ReadContext, node: Node, via: Via, label: str) -> Any:
    node, via = resolve_alias(node, via)
    if type(node) is MappingNode:
        return _mapping(reading, node, via, label)
    if type(node) is SequenceNode:
        items = [_part(reading, item, via, label) for item in node.items]
        return BROKEN if BROKEN in items else items
    if type(node) is BrokenNode:
        return BROKEN
    text = reading.scalar(node)
    if not isinstance(text, str):
        return _DATA.read(reading, node, via, label)
    return _text(reading, node, via, text) if "${" in text else text


def _mapping(reading: ReadContext, node: MappingNode, via: Via, label: str) -> Any:
    found: dict[str, Any] = {}
    for key, (written, value, inner) in node.entries.items():
        if not isinstance(key, str):
            found[str(key)] = reading.report(
                kinds.WRONG_TYPE,
                written,
                via + inner,
                f"a key in {label} has to be text, not {reading.describe(written)}",
                note="it is a key of a JSON object",
                help="put it in quotes",
            )
        else:
            found[key] = _part(reading, value, via + inner, label)
    return BROKEN if any(part is BROKEN for part in found.values()) else found


def _text(reading: ReadContext, node: Node, via: Via, text: str) -> Any:
    """A text with ``${`` in it."""
    at = parts_of(reading, node, via)
    template = read_template_text(text)
    for fault in template.faults:
        reading.collector.add(kinds.EXPRESSION, at(fault.start, fault.end), fault.message, help=fault.help)
    if template.faults:
        return BROKEN
    parts: list[str | ExpressionDef | None] = []
    for part in template.parts:
        if isinstance(part, str):
            parts.append(part)
            continue
        inner = part.text.strip()
        offset = part.offset + len(part.text) - len(part.text.lstrip())
        location = at(offset, offset + len(inner))
        parts.append(parsed(reading, inner, location, _behind(at, offset)))
    if None in parts:
        return BROKEN
    whole = [part for part in parts if part is not None]
    if template.is_plain:
        return "".join(part for part in whole if isinstance(part, str))
    return whole[0] if template.only is not None else TextDef(tuple(whole), reading.location(node, via))


def _behind(at: _Places, offset: int) -> _Places:
    """The places of characters that are counted from ``offset`` on."""
    return lambda start, end: at(offset + start, offset + end)


def _located(reading: ReadContext, node: Node, via: Via, path: _Path) -> tuple[SourceLocation, SourceLocation]:
    """Where a part of a template is written: its key and its value, or the item; as far as the path leads."""
    node, via = resolve_alias(node, via)
    key = value = reading.location(node, via)
    for step in path:
        if type(node) is MappingNode and step in node.entries:
            written, node, inner = node.entries[step]
            via = via + inner
            key = reading.location(written, via)
            node, via = resolve_alias(node, via)
            value = reading.location(node, via)
        elif type(node) is SequenceNode and isinstance(step, int) and step < len(node.items):
            node, via = resolve_alias(node.items[step], via)
            key = value = reading.location(node, via)
        else:
            break
    return key, value
