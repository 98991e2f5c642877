"""Types of JSON Schemas: each value that fits a schema belongs to its type."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from selinon_core.expressions.schema_types import type_of_schema
from selinon_core.expressions.type_algebra import intersection, may_be_equal
from selinon_core.expressions.type_words import describe
from selinon_core.expressions.types import OBJECT, ObjectType, Type, contains, type_of_value, union
from tests.expressions.random_schemas import REFERENCES, RandomSchemas, fits

#: Schemas of one example; an example of Hypothesis costs much more than one of them.
_EACH = 100
_many = settings(max_examples=50, deadline=None)
_seeds = given(st.integers(0, 2**32))


@_many
@_seeds
def test_every_value_that_fits_a_schema_belongs_to_its_type(seed: int) -> None:
    schemas = RandomSchemas(Random(seed))
    for _ in range(_EACH):
        schema = schemas.schema()
        value = schemas.instance(schema)
        if fits(schema, value):
            assert contains(type_of_schema(schema), value), (schema, value)


@_many
@_seeds
def test_references_lead_where_the_validator_goes(seed: int) -> None:
    schemas = RandomSchemas(Random(seed), refers=True)
    for _ in range(_EACH // 5):
        root = {**schemas.object(), "$defs": {"a": schemas.schema(), "b": schemas.schema()}}
        if schemas.random.random() < 0.3:
            root["$ref"] = schemas.random.choice(REFERENCES)
        files = {
            "other.json": {"anyOf": [schemas.schema()], "$defs": {"c d": schemas.schema()}},
            "deep/down.json": {"items": schemas.schema(), "allOf": [{"$ref": "../other.json"}]},
        }
        registry: Registry[Any] = Registry().with_resources(
            (name, Resource.from_contents(content, default_specification=DRAFT202012))
            for name, content in files.items()
        )
        type_ = type_of_schema(root, files.get)
        assert describe(type_)
        for value in (schemas.instance(root), schemas.value()):
            try:
                valid = Draft202012Validator(root, registry=registry).is_valid(value)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException:  # a reference that leads nowhere or back to itself; Rust code panics there
                continue
            assert contains(type_, value) or not valid, (root, files, value)


@_many
@_seeds
def test_a_union_has_the_values_of_its_parts_and_an_intersection_those_of_both(seed: int) -> None:
    schemas = RandomSchemas(Random(seed))
    for _ in range(_EACH):
        first, second = schemas.schema(), schemas.schema()
        value = schemas.instance(schemas.random.choice((first, second)))
        a, b = type_of_schema(first), type_of_schema(second)
        in_a, in_b = contains(a, value), contains(b, value)
        assert contains(union((a, b)), value) or not (in_a or in_b), (first, second, value)
        assert contains(intersection(a, b), value) or not (in_a and in_b), (first, second, value)
        assert contains(type_of_value(value), value)
        assert may_be_equal(a, type_of_value(value)) or not in_a


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


@_many
@_seeds
def test_keywords_that_are_wrong_say_nothing(seed: int) -> None:
    schemas = RandomSchemas(Random(seed))
    for key in (
        "type",
        "properties",
        "required",
        "items",
        "prefixItems",
        "enum",
        "anyOf",
        "allOf",
        "$ref",
        "default",
    ):
        assert describe(type_of_schema({"properties": {"a": schemas.value()}, key: schemas.value()}))


def test_schemas_that_are_deep_or_wide_cost_little() -> None:
    deep: Any = {"type": "null"}
    for _ in range(900):
        deep = {"anyOf": [deep, {"type": "string"}]}
    assert describe(type_of_schema(deep)) == "anything"
    wide = {"allOf": [{"anyOf": [{"properties": {f"{i}{j}": True}} for i in range(60)]} for j in range(60)]}
    assert describe(type_of_schema(wide)) == "an object"
    circular = {"$defs": {str(i): {"anyOf": [{"$ref": f"#/$defs/{j}"} for j in range(40)]} for i in range(40)}}
    assert describe(type_of_schema({**circular, "$ref": "#/$defs/0"})) == "anything"
