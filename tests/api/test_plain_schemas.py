"""Schemas with plain keywords are checked without the validator; the answers are those of the validator."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from selinon_core.errors import ConfigurationError
from selinon_core.schemas.beside import FilesBeside
from selinon_core.schemas.check import ResultSchema, registry_of
from tests.example_counts import examples

NAMES = st.sampled_from(["a", "b", "c"])
NUMBERS = st.sampled_from([-1, 0, 1, 2, 1.0, 1.5, 10**30])
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(["", "a", "ab", "abc"]))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
#: What is usual for each keyword; now and then something else is put there, which may make the schema invalid.
USUAL: dict[str, st.SearchStrategy[Any]] = {
    "type": st.one_of(TYPES, st.lists(TYPES, max_size=3)),
    "enum": st.lists(SCALARS, max_size=3),
    "const": SCALARS,
    "required": st.lists(NAMES, max_size=2),
    "title": st.just("a title"),
    "default": SCALARS,
    "format": st.just("date"),
    "pattern": st.just("^a"),
    "uniqueItems": st.booleans(),
    "$schema": st.just("https://json-schema.org/draft/2020-12/schema"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), st.integers(0, 3)
    ),
}


def schemas_around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    usual = USUAL | {
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "items": inner,
        "additionalProperties": inner,
        "anyOf": st.lists(inner, min_size=1, max_size=2),
    }
    keywords = {name: st.one_of(*[strategy] * 12, VALUES) for name, strategy in usual.items() if name != "$schema"}
    return st.fixed_dictionaries({}, optional=keywords | {"$schema": usual["$schema"]})


SCHEMAS = schemas_around(schemas_around(schemas_around(st.booleans())))


@settings(max_examples=examples(60, 200), deadline=None)
@given(SCHEMAS, st.lists(VALUES, min_size=1, max_size=5))
def test_the_answers_are_those_of_the_validator(schema: Any, values: list[Any]) -> None:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        with pytest.raises(ConfigurationError, match="is not a valid JSON Schema"):
            ResultSchema(schema)
        return
    checked, validator = ResultSchema(schema), Draft202012Validator(schema)
    for value in values:
        assert checked.fits(value) == validator.is_valid(value), value


PLACES = st.sampled_from(
    ["#", "#/$defs/a", "#/$defs/b", "#/properties/a", "other.json", "other.json#/$defs/a", "deep/third.json", "#b"]
)
REFERRING = st.fixed_dictionaries(
    {},
    optional={
        "type": st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=3, unique=True)),
        "$ref": PLACES,
        "enum": st.lists(SCALARS, max_size=3),
        "minLength": st.just(2),
        "$id": st.just("here.json"),
    },
)
WITH_PARTS = st.fixed_dictionaries(
    {},
    optional={
        "$ref": PLACES,
        "items": REFERRING,
        "properties": st.dictionaries(NAMES, REFERRING, max_size=2),
        "allOf": st.lists(REFERRING, min_size=1, max_size=2),
        "anyOf": st.lists(REFERRING, min_size=1, max_size=2),
    },
)
DOCUMENTS = st.builds(
    lambda schema, parts: {**schema, "$defs": parts}, WITH_PARTS, st.dictionaries(NAMES, WITH_PARTS, max_size=2)
)


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS, DOCUMENTS, st.lists(VALUES, min_size=1, max_size=4))
def test_references_lead_where_those_of_the_validator_lead(schema: Any, other: Any, values: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "other.json").write_text(json.dumps(other))
        Path(directory, "deep").mkdir()
        Path(directory, "deep", "third.json").write_text(json.dumps(other))
        checked = ResultSchema(schema, directory=directory)
        validator = Draft202012Validator(schema, registry=registry_of(FilesBeside(directory)))
        for value in values:
            try:
                expected = validator.is_valid(value)
            except BaseException as error:  # a reference that leads nowhere, or back to itself
                if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                    raise
                with pytest.raises(ConfigurationError, match="cannot be used"):
                    checked.fits(value)
            else:
                assert checked.fits(value) == expected, value


class Text(str):
    """A subclass, which is a text for the validator as well."""


@pytest.mark.parametrize(
    ("schema", "value", "fits"),
    [
        ({"type": "integer"}, True, False),
        ({"type": "integer"}, 1.0, True),
        ({"type": "integer"}, float("inf"), False),
        ({"minimum": 1}, False, True),
        ({"minimum": 1}, float("nan"), True),
        ({"enum": ["a", None]}, Text("a"), True),
        ({"enum": [1]}, True, False),
        ({"enum": [False]}, 0, False),
        ({"const": 1}, 1.0, True),
        ({"type": "string", "maxLength": 1}, Text("ab"), False),
        ({"type": "array", "items": {"type": "string"}}, ("a", "b"), True),
        ({"type": "array", "items": {"type": "string"}}, {"a"}, False),
        ({"additionalProperties": False, "properties": {"a": True}}, {"a": 1, "b": 1}, False),
        ({"required": ["a"]}, {1: 2}, False),
        ({"properties": {"a": {"type": "null"}}}, {"a": None, 1: 2}, True),
    ],
)
def test_values_that_are_easily_confused(schema: Any, value: Any, fits: bool) -> None:
    assert ResultSchema(schema).fits(value) is fits


@pytest.mark.parametrize("properties", [5, ["a", []], "a", None])
def test_properties_that_are_none_do_not_make_the_others_plain(properties: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not a valid JSON Schema"):
        ResultSchema({"additionalProperties": False, "properties": properties})
