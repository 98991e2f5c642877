"""Whether the file of an ``output_schema`` is a JSON Schema, or a schema in place one.

Common schemas are recognised by a look at their keywords, because the real validator takes longer to import than
everything else a run of the linter does. What is not plainly valid is given to the validator.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import Any

from selinon_core.errors import ConfigurationError
from selinon_core.schemas.check import ResultSchema, find_schema

#: The draft that the validator takes when a schema names none.
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
_TEXTS = frozenset({"title", "description", "format", "$comment"})
_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_COUNTS = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains"}
)
_ANYTHING = frozenset({"default", "const", "examples"})
_SCHEMAS = frozenset({"items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else"})
_SCHEMA_LISTS = frozenset({"anyOf", "oneOf", "allOf"})
_SCHEMA_MAPPINGS = frozenset({"properties", "$defs", "definitions"})
_DEEPEST = 50


def schema_fault(path: str, directories: Sequence[str]) -> str:
    """Say what is wrong with the schema at a path relative to one of the directories; ``""`` if nothing is."""
    found = find_schema(path, directories)
    if found is None:
        return f'there is no file "{path}"'
    try:
        with open(found, "rb") as file:
            schema = json.loads(file.read())
    except OSError as error:
        return f"the file cannot be read: {error.strerror or error}"
    except (ValueError, RecursionError) as error:
        return f"the file is not JSON: {error}"
    return fault_of(schema, path, os.path.dirname(found))


def fault_of(schema: Any, name: str, directory: str) -> str:
    """Say what is wrong with a schema; its references lead from ``directory``."""
    if _plainly_valid(schema, _DEEPEST):
        return ""
    try:
        ResultSchema(schema, name, directory)
    except ConfigurationError as error:
        return "it " + str(error).partition("' ")[2]
    from selinon_core.schemas.references import use_fault

    return use_fault(schema, directory)


def _plainly_valid(schema: Any, depth: int) -> bool:
    if isinstance(schema, bool):
        return True
    if not isinstance(schema, dict) or not depth:
        return False
    return all(_keyword_is_valid(key, value, depth) for key, value in schema.items())


def _keyword_is_valid(key: str, value: Any, depth: int) -> bool:
    if key == "type":
        return (isinstance(value, str) and value in _TYPES) or (
            _distinct_texts(value) and _TYPES.issuperset(value)
        )
    if key == "required":
        return _distinct_texts(value, may_be_empty=True)
    if key == "enum":
        return isinstance(value, list) and bool(value)
    if key == "$schema":
        return bool(value == _DRAFT)
    if key == "pattern":
        return isinstance(value, str) and _compiles(value)
    if key in _TEXTS:
        return isinstance(value, str)
    if key in _NUMBERS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if key in _COUNTS:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if key in _SCHEMAS:
        return _plainly_valid(value, depth - 1)
    if key in _SCHEMA_LISTS:
        return isinstance(value, list) and bool(value) and all(_plainly_valid(item, depth - 1) for item in value)
    if key in _SCHEMA_MAPPINGS:
        return isinstance(value, dict) and all(_plainly_valid(item, depth - 1) for item in value.values())
    return key in _ANYTHING and (key != "examples" or isinstance(value, list))


def _distinct_texts(value: Any, *, may_be_empty: bool = False) -> bool:
    return (
        isinstance(value, list)
        and (may_be_empty or bool(value))
        and all(isinstance(item, str) for item in value)
        and len(set(value)) == len(value)
    )


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True
