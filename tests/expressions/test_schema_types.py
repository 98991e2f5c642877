"""Types of JSON Schemas: each value that fits a schema belongs to its type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from selinon_core.expressions.schema_types import type_of_schema
from selinon_core.expressions.type_algebra import intersection, may_be_equal
from selinon_core.expressions.type_words import describe
from selinon_core.expressions.types import OBJECT, ObjectType, Type, contains, type_of_value, union
from tests.expressions.random_schemas import fits, instances, schemas, values

_many = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@_many
@given(st.data())
def test_every_value_that_fits_a_schema_belongs_to_its_type(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    value = data.draw(instances(schema))
    assume(fits(schema, value))
    assert contains(type_of_schema(schema), value)


@_many
@given(st.data())
def test_references_lead_where_the_validator_goes(data: st.DataObject) -> None:
    inner = schemas(refers=True)
    root = data.draw(inner.filter(lambda schema: isinstance(schema, dict)))
    root = {**root, "$defs": {"a": data.draw(inner), "b": data.draw(inner)}}
    files = {
        "other.json": {"anyOf": [data.draw(inner)], "$defs": {"c d": data.draw(inner)}},
        "deep/down.json": {"items": data.draw(inner), "allOf": [{"$ref": "../other.json"}]},
    }
    registry: Registry[Any] = Registry().with_resources(
        (name, Resource.from_contents(content, default_specification=DRAFT202012))
        for name, content in files.items()
    )
    value = data.draw(instances(root))
    try:
        valid = Draft202012Validator(root, registry=registry).is_valid(value)
    except Exception:  # a reference that leads nowhere or back to itself
        valid = False
    type_ = type_of_schema(root, files.get)
    assert contains(type_, value) or not valid
    assert describe(type_)


@_many
@given(st.data())
def test_a_union_has_the_values_of_its_parts_and_an_intersection_those_of_both(data: st.DataObject) -> None:
    first, second = data.draw(schemas()), data.draw(schemas())
    value = data.draw(instances(first) | instances(second))
    a, b = type_of_schema(first), type_of_schema(second)
    in_a, in_b = contains(a, value), contains(b, value)
    assert contains(union((a, b)), value) or not (in_a or in_b)
    assert contains(intersection(a, b), value) or not (in_a and in_b)
    assert contains(type_of_value(value), value)
    if in_a:
        assert may_be_equal(a, type_of_value(value))


def _object(schema: Any, **options: Any) -> ObjectType:
    (member,) = type_of_schema(schema, **options).of(OBJECT)
    assert isinstance(member, ObjectType)
    return member


def _words(schema: Any, **options: Any) -> str:
    return describe(type_of_schema(schema, **options))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (True, "anything"),
        (False, "nothing"),
        ({"type": "string"}, "a text"),
        ({"type": ["integer", "null"]}, "an integer or null"),
        ({"enum": ["eur", "usd", None]}, '"eur" or "usd" or null'),
        ({"const": 3}, "3"),
        ({"enum": [1, 2, 3, 4, 5]}, "an integer"),
        ({"enum": [1, 2, 3, 4, 5.5]}, "a number"),
        ({"type": "integer", "enum": [1, "a", 2.5]}, "1"),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, "a number"),
        ({"oneOf": [{"const": True}, {"const": False}]}, "a boolean"),
        ({"type": "array", "items": {"type": "integer"}}, "a list of integers"),
        ({"type": "array", "items": {"type": ["integer", "null"]}}, "a list"),
        ({"type": "object", "properties": {}}, "an object"),
        ({"allOf": [{"type": ["string", "null"]}, {"type": ["null", "integer"]}]}, "null"),
        ({"minimum": 3}, "anything"),
        ({"not": {"type": "null"}}, "anything"),
        ({"if": {"type": "null"}, "then": {"type": "null"}}, "anything"),
        ({"type": "strnig"}, "anything"),
        ({"$ref": "#/$defs/none"}, "anything"),
        ({"$ref": "https://example.org/schema.json"}, "anything"),
        ({"$ref": "#"}, "anything"),
        ({"anyOf": [{"$ref": "#/anyOf/1"}, {"$ref": "#/anyOf/0"}]}, "anything"),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/x", "type": "null", "x": {}},
            "anything",
        ),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "type": "string", "const": "a"}, "a text"),
    ],
)
def test_types_in_words(schema: Any, words: str) -> None:
    assert _words(schema) == words


def test_properties_are_required_or_not_and_others_are_unsaid_excluded_or_told_of() -> None:
    unsaid = _object({"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a", "z"]})
    assert unsaid.required == {"a", "z"}
    assert unsaid.others is not None
    assert unsaid.others.is_any
    assert not unsaid.tells_others
    closed = _object({"type": "object", "additionalProperties": False})
    assert closed.others is None
    told = _object({"type": "object", "additionalProperties": {"type": "string"}})
    assert told.tells_others
    assert told.others is not None
    assert describe(told.others) == "a text"
    for more in ({"patternProperties": {"^x": True}}, {"if": True, "then": {"properties": {"b": True}}}):
        assert _object({"type": "object", "properties": {"a": True}, **more}).tells_others
    assert _object({"allOf": [{"properties": {"a": True}}, {"if": True}]}).tells_others


def test_parts_of_all_of_come_together() -> None:
    schema = {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}, "required": ["a"]},
            {"properties": {"a": {"type": ["integer", "string"]}, "b": {"type": "string"}}},
        ]
    }
    found = _object(schema)
    assert found.required == {"a"}
    assert {key: describe(value) for key, value in found.properties.items()} == {"a": "an integer", "b": "a text"}


def test_a_schema_may_refer_to_itself() -> None:
    tree = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "parts": {"type": "array", "items": {"$ref": "#"}}},
        "additionalProperties": False,
    }
    type_: Type = type_of_schema(tree)
    for _ in range(100):
        (member,) = type_.of(OBJECT)
        assert isinstance(member, ObjectType)
        assert describe(member.properties["parts"]) == "a list of objects"
        (parts,) = member.properties["parts"].members
        type_ = parts.item  # type: ignore[union-attr]
    assert contains(type_, {"parts": [{"parts": []}, {"name": "x"}]})
    assert not contains(type_, {"parts": [{"parts": [{"nmae": "x"}]}]})


def test_files_beside_are_read_once_and_when_they_are_needed() -> None:
    read: list[str] = []
    files = {
        "schemas/order.json": {"properties": {"lines": {"$ref": "parts/line.json#/$defs/lines"}}},
        "schemas/parts/line.json": {"$defs": {"lines": {"type": "array", "items": {"$ref": "../units.json"}}}},
        "schemas/units.json": {"type": "string"},
    }

    def resolve(path: str) -> Any:
        read.append(path)
        return files[path]

    schema = {"type": "object", "properties": {"lines": {"$ref": "schemas/order.json#/properties/lines"}}}
    found = _object(schema, resolve=resolve, base="flows.yaml")
    assert read == []
    assert describe(found.properties["lines"]) == "a list of texts"
    assert read == list(files)


def test_a_file_that_cannot_be_read_makes_its_part_unknown() -> None:
    def resolve(path: str) -> Any:
        if path == "torn.json":
            return json.loads("{")
        raise FileNotFoundError(path)

    for path in ("torn.json", "none.json"):
        assert _words({"$ref": path}, resolve=resolve) == "anything"


def test_defaults_are_there_once_they_are_filled_in() -> None:
    schema = {
        "properties": {"a": {"default": 1}, "b": {"$ref": "#/$defs/b"}, "c": {}},
        "required": ["c"],
        "$defs": {"b": {"default": 2}},
        "anyOf": [{"properties": {"d": {"default": 3}}}],
    }
    assert _object(schema).required == {"c"}
    assert _object(schema, filled=True).required == {"a", "b", "c"}
    assert _object(schema, filled=True).with_default == {"a", "b"}


@given(values, st.lists(st.sampled_from(["type", "properties", "required", "items", "enum", "anyOf", "allOf"])))
def test_keywords_that_are_wrong_say_nothing(value: Any, keywords: list[str]) -> None:
    for key in keywords:
        describe(type_of_schema({key: value}))


def test_schemas_that_are_deep_or_wide_cost_little() -> None:
    deep: Any = {"type": "null"}
    for _ in range(900):
        deep = {"anyOf": [deep, {"type": "string"}]}
    assert describe(type_of_schema(deep)) == "anything"
    wide = {"allOf": [{"anyOf": [{"properties": {f"{i}{j}": True}} for i in range(60)]} for j in range(60)]}
    assert describe(type_of_schema(wide)) == "an object"
    circular = {"$defs": {str(i): {"anyOf": [{"$ref": f"#/$defs/{j}"} for j in range(40)]} for i in range(40)}}
    assert describe(type_of_schema({**circular, "$ref": "#/$defs/0"})) == "anything"
