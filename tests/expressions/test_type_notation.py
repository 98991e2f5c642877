"""How types are written out."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.expressions.schema_types import type_of_schema
from selinon_core.expressions.type_notation import notation


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, "anything"),
        (False, "nothing"),
        ({"type": ["integer", "null"]}, "integer | null"),
        ({"type": ["string", "number", "boolean"]}, "boolean | number | text"),
        ({"enum": ["a", 1, None, True]}, 'true | 1 | "a" | null'),
        ({"enum": list(range(20))}, "0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | ..."),
        ({"const": "x" * 60}, f'"{"x" * 35}..."'),
        ({"type": "array"}, "list"),
        ({"type": "array", "items": {"type": "string"}}, "list[text]"),
        ({"type": "array", "prefixItems": [{"type": "string"}], "items": False}, "list[text]"),
        ({"type": "array", "prefixItems": [{"type": "string"}]}, "list[text, *anything]"),
        ({"type": "array", "maxItems": 0}, "list[]"),
        ({"type": "object"}, "object"),
        ({"type": "object", "additionalProperties": False}, "{}"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "{...: number}"),
        (
            {"type": "object", "properties": {"a": {}, "b c": {}}, "required": ["a"]},
            '{a: anything, "b c"?: anything, ...}',
        ),
        ({"properties": {"a": {"type": "number"}}}, "{a?: number, ...} | ..."),
        (
            {"type": "object", "properties": {"a": {"$ref": "#"}}},
            "{a?: {a?: {a?: {a?: {...}, ...}, ...}, ...}, ...}",
        ),
    ],
)
def test_a_type_on_one_line(schema: Any, text: str) -> None:
    assert notation(type_of_schema(schema)) == text
