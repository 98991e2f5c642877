"""The JSON Schema of case files, for editors; derived from the tables that read them."""

from __future__ import annotations

from typing import Any

from selinon_core.config.schema import case_expect, case_file, case_invariants, case_mocks_section, case_schedule
from selinon_core.config.schema.case_file import CASE_FILE
from selinon_core.config.schema.case_mocks_section import MocksType
from selinon_core.config.schema.matchers import MatcherType

TABLES = (
    *case_file.TABLES,
    *case_mocks_section.TABLES,
    *case_expect.TABLES,
    *case_invariants.TABLES,
    *case_schedule.TABLES,
)

#: What stands for a parameter of a case, wherever a value may be.
_PARAMETER = {"type": "string", "pattern": r"^\$[A-Za-z_][A-Za-z0-9_]*$"}


def case_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one case file; a fresh dictionary at every call."""
    definitions = {table.definition_name: _or_parameters(table.definition()) for table in TABLES}
    definitions["mocks"] = _or_parameters(MocksType.definition())
    definitions["matcher"] = MatcherType.definition()
    parameters = {"type": "array", "items": {"type": "object", "minProperties": 1}, "minItems": 1}
    matrix = {"type": "object", "additionalProperties": {"type": "array", "minItems": 1}, "minProperties": 1}
    properties = definitions["test_case"]["properties"]
    for name, schema in (("parameters", parameters), ("matrix", matrix)):
        properties[name] = {"description": properties[name]["description"], **schema}
    file = CASE_FILE.definition()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:selinon:flowtest",
        "title": "selinon flow tests",
        **file,
        "patternProperties": {"^x-": {}},
        "$defs": definitions,
    }


def _or_parameters(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition in which each value may be ``$name``."""
    for schema in (definition, *definition.get("anyOf", ())):
        properties = schema.get("properties")
        if properties is not None:
            schema["properties"] = {name: _or_parameter(value) for name, value in properties.items()}
        more = schema.get("additionalProperties")
        if isinstance(more, dict):
            schema["additionalProperties"] = _or_parameter(more)
    return definition


def _or_parameter(schema: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {key: schema[key] for key in ("description", "default") if key in schema}
    rest = {key: value for key, value in schema.items() if key not in described}
    if not rest or rest == {"$ref": "#/$defs/matcher"}:
        return schema
    choices = rest["anyOf"] if set(rest) == {"anyOf"} else [rest]
    return {**described, "anyOf": [*choices, _PARAMETER]}
