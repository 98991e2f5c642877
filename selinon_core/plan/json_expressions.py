"""Expressions, templates and schemas of a plan as JSON and back.

An expression is ``{"expr": text, "where": "file:line:column"}``. In a template it is ``{"$": text, "where": ...}``
and a text with values in it ``{"$text": [text or expression, ...]}``; the rest of a template is data of users.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.diagnostics.location import Place
from selinon_core.plan.json_data import unwrap, wrap
from selinon_core.plan.model import Computed, ComputedText, Expression, Schema, Template


def expression_json(expression: Expression, key: str = "expr") -> dict[str, str]:
    """An expression and its place; ``key`` names the text."""
    return {key: expression.text, "where": str(expression.place)}


def read_expression(data: Mapping[str, Any], key: str = "expr") -> Expression:
    """The inverse of ``expression_json``."""
    return Expression(data[key], _read_where(data["where"]))


def _read_where(text: str) -> Place:
    file, line, column = text.rsplit(":", 2)
    return Place(file, int(line), int(column))


def template_json(template: Template) -> Any:
    """The value of a template; its place is ``where_json(template)``."""
    return _part(template.value)


def where_json(template: Template) -> str:
    """Where a template begins."""
    return str(template.place)


def read_template(data: Any, where: str) -> Template:
    """The inverse of ``template_json`` and ``where_json``."""
    return Template(_read_part(data), _read_where(where))


def _part(value: Any) -> Any:
    if isinstance(value, Computed):
        return expression_json(value.expression, "$")
    if isinstance(value, ComputedText):
        return {
            "$text": [expression_json(part, "$") if isinstance(part, Expression) else part for part in value.parts]
        }
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: _part(item) for key, item in value.items()}
        return {"$map": [[wrap(key), _part(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_part(item) for item in value]
    return wrap(value)


def _read_part(data: Any) -> Any:
    if isinstance(data, Mapping):
        if "$" in data:
            return Computed(read_expression(data, "$"))
        if "$text" in data:
            parts = data["$text"]
            return ComputedText(
                tuple(part if isinstance(part, str) else read_expression(part, "$") for part in parts)
            )
        if "$map" in data:
            return {unwrap(key): _read_part(item) for key, item in data["$map"]}
        if "$float" in data:
            return unwrap(data)
        return {key: _read_part(item) for key, item in data.items()}
    return [_read_part(item) for item in data] if isinstance(data, list) else data


def schema_json(schema: Schema) -> Any:
    """A schema in place, or the path of one."""
    return wrap(schema)


def read_schema(data: Any) -> Schema:
    """The inverse of ``schema_json``."""
    found: Schema = unwrap(data)
    return found
