"""Schemas that are valid and fail all the same whenever a result is checked."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from selinon_core.errors import SchemaMismatchError
from selinon_core.project import lint_project
from selinon_core.schemas.check import ResultSchema

PROJECT = """
tasks: [{name: A, import: nowhere, output_schema: s.json}]
flow-definitions: [{name: f, edges: [{from: , to: A}]}]
"""


def found(tmp_path: Path, schema: Any, **others: Any) -> list[str]:
    for name, content in {"s": schema, **others}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "f.yaml").write_text(PROJECT)
    return [d.message for d in lint_project([tmp_path / "f.yaml"]).diagnostics if d.code == "SEL406"]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "#"}, 'the reference "#" leads back to itself'),
        ({"$ref": "s.json"}, 'the reference "s.json" leads back to itself'),
        ({"allOf": [{"$ref": "#"}]}, 'the reference "#" leads back to itself'),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "to itself"),
        ({"$ref": "nope.json"}, 'the reference "nope.json" leads nowhere: there is no file nope.json in '),
        ({"properties": {"x": {"$ref": "#/nope"}}}, 'the reference "#/nope" leads nowhere'),
        ({"items": {"$ref": "other.json#/$defs/c"}}, "leads nowhere"),
        ({"$ref": "http://localhost/s.json"}, "leads nowhere"),
        ({"pattern": "("}, 'the output_schema of "A" cannot be used: "(" is not a regular expression'),
        ({"patternProperties": {"[": {}}}, '"[" is not a regular expression'),
        ({"items": {"$ref": "other.json#/$defs/bad"}}, '"*" is not a regular expression'),
        ({"$schema": 5}, "cannot be used"),
    ],
)
def test_found(tmp_path: Path, schema: Any, message: str) -> None:
    other = {"$defs": {"bad": {"pattern": "*"}}}
    assert [message in text for text in found(tmp_path, schema, other=other)] == [True]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"child": {"$ref": "#"}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}},
        {"items": {"$ref": "other.json"}},
        {"$ref": "other.json#/$defs/b"},
        {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}], "$defs": {"a": {}}},
        {"$defs": {"node": {"$anchor": "node", "items": {"$ref": "#node"}}}, "$ref": "#node"},
        {"pattern": "^(a|b)+$"},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
    ],
)
def test_fine(tmp_path: Path, schema: Any) -> None:
    other = {"properties": {"s": {"$ref": "s.json"}}, "$defs": {"b": {"items": {"$ref": "#"}}}}
    assert found(tmp_path, schema, other=other) == []
    with contextlib.suppress(SchemaMismatchError):  # anything else would say that it cannot be used
        ResultSchema.load("s.json", [str(tmp_path)]).check([{"child": {}}])
