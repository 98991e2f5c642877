"""The published JSON Schema and the readers accept the same files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.config.schema.json_schema import json_schema
from selinon_core.diagnostics import Severity
from tests.config.mutations import ANYTHING, PATHS, paths_of, replaced
from tests.config.reads import EXPRESSED, FULL, read_data
from tests.example_counts import examples, some

VALIDATOR = jsonschema.Draft202012Validator(json_schema())

#: What only readers see: an unknown top-level key is a warning, a key without another, a bad expression.
_BEYOND_SCHEMA = {"SEL102", "SEL110", "SEL430", "SEL448"}


def reader_accepts(data: Any) -> bool:
    _, found = read_data(data)
    faults = {d.code for d in found if d.severity is Severity.ERROR or d.code == "SEL901"}
    return not faults - _BEYOND_SCHEMA


def text_keys(value: Any) -> Any:
    """JSON has text keys only, and the schema's integers include 1.0; neither is about the language."""
    if isinstance(value, dict):
        return {str(key): text_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [text_keys(item) for item in value]
    if isinstance(value, float):
        return 1.5 if value != value or value in (float("inf"), float("-inf")) or value.is_integer() else value
    return value


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json.loads(json.dumps(json_schema())) == json_schema()


def test_a_file_with_every_key_is_valid() -> None:
    VALIDATOR.validate(text_keys(FULL))
    VALIDATOR.validate(text_keys(EXPRESSED))


@settings(max_examples=examples(100, 400))
@given(st.sampled_from(PATHS), ANYTHING)
def test_readers_and_schema_agree(path: tuple[Any, ...], new: Any) -> None:
    data = text_keys(replaced(FULL, path, new))
    assert VALIDATOR.is_valid(data) == reader_accepts(data)


@settings(max_examples=examples(60, 200))
@given(st.sampled_from(PATHS), st.sampled_from(PATHS))
def test_they_agree_on_parts_in_wrong_places(path: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    new: Any = FULL
    for step in other:
        new = new[step]
    data = text_keys(replaced(FULL, path, new))
    assert VALIDATOR.is_valid(data) == reader_accepts(data)


def _without(value: Any, path: tuple[Any, ...]) -> Any:
    head, *rest = path
    if isinstance(value, dict):
        items = value.items()
        if not rest:
            return {key: item for key, item in items if key != head}
        return {key: _without(item, tuple(rest)) if key == head else item for key, item in items}
    if not rest:
        return [item for index, item in enumerate(value) if index != head]
    return [_without(item, tuple(rest)) if index == head else item for index, item in enumerate(value)]


def _disagreements(datas: Iterable[tuple[tuple[Any, ...], Any]]) -> list[tuple[Any, ...]]:
    return [path for path, data in datas if VALIDATOR.is_valid(data) != reader_accepts(data)]


def test_they_agree_on_missing_parts() -> None:
    assert _disagreements((path, text_keys(_without(FULL, path))) for path in PATHS) == []
    expressed = paths_of(EXPRESSED)
    assert _disagreements((path, text_keys(_without(EXPRESSED, path))) for path in expressed) == []


@pytest.mark.parametrize(
    "new", [None, [], {}, True, False, 0, -1, 1.5, 10**13, "", "x", "a b", ["x"], [[]], {"x": 1}]
)
def test_they_agree_on_every_value_of_every_kind(new: Any) -> None:
    assert _disagreements((path, text_keys(replaced(FULL, path, new))) for path in some(PATHS)) == []
    expressed = some(paths_of(EXPRESSED))
    assert _disagreements((path, text_keys(replaced(EXPRESSED, path, new))) for path in expressed) == []


def test_every_key_is_described() -> None:
    for name, definition in json_schema()["$defs"].items():
        parts = definition.get("anyOf", [definition])
        for key, schema in parts[0].get("properties", {}).items():
            assert schema.get("description"), (name, key)
