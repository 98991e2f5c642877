"""What is said to keep values of one schema from fitting another: no value with that place fits."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.expressions.schema_types import type_of_schema
from selinon_core.expressions.type_fit import MISSING, misfits
from tests.expressions.random_schemas import RandomSchemas, fits


def _has_place(value: Any, path: tuple[str | int, ...]) -> bool:
    for key in path:
        if isinstance(key, int):
            if not isinstance(value, list) or key >= len(value):
                return False
        elif not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_what_certainly_does_not_fit_is_refused(seed: int) -> None:
    schemas = RandomSchemas(Random(seed))
    for _ in range(60):
        given_schema, wanted = schemas.schema(), schemas.schema()
        found = [one for one in misfits(type_of_schema(given_schema), type_of_schema(wanted)) if one.certain]
        if not found:
            continue
        values = [schemas.instance(given_schema) for _ in range(4)]
        for value in (value for value in values if fits(given_schema, value)):
            for misfit in found:
                place = misfit.path[:-1] if misfit.kind == MISSING else misfit.path
                if _has_place(value, place) and (misfit.kind != MISSING or not _has_place(value, misfit.path)):
                    assert not fits(wanted, value), (given_schema, wanted, value, misfit)


_SCALARS = ("null", "boolean", "integer", "number", "string")


class _PlainSchemas(RandomSchemas):
    """Schemas of types, closed objects and items: nothing in them is unknown, and everything is compared."""

    def schema(self, depth: int = 3) -> Any:
        pick = self.random.random()
        if not depth or pick < 0.4:
            return {"type": self.random.sample(_SCALARS, 2) if pick < 0.1 else self.random.choice(_SCALARS)}
        return self.object(depth, 1.0) if pick < 0.8 else {"type": "array", "items": self.schema(depth - 1)}

    def near(self, schema: Any) -> Any:
        """A schema that differs in a few places."""
        if self.random.random() < 0.15 or not isinstance(schema, dict):
            return self.schema(1)
        changed = dict(schema)
        if "properties" in schema:
            changed["properties"] = {key: self.near(part) for key, part in schema["properties"].items()}
        if "items" in schema:
            changed["items"] = self.near(schema["items"])
        if "required" in schema and self.random.random() < 0.2:
            changed["required"] = self._keys()
        return changed


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_not_refused_fits(seed: int) -> None:
    schemas = _PlainSchemas(Random(seed))
    for _ in range(60):
        given_schema = schemas.schema()
        wanted = schemas.near(given_schema)
        if list(misfits(type_of_schema(given_schema), type_of_schema(wanted))):
            continue
        for value in (schemas.instance(given_schema) for _ in range(4)):
            if fits(given_schema, value):
                assert fits(wanted, value), (given_schema, wanted, value)


_A = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("given_schema", "wanted", "certain"),
    [
        ({"type": "integer"}, {"type": "string"}, [True]),
        ({"type": ["integer", "string"]}, {"type": "string"}, [False]),
        ({"properties": {"a": {}}}, {"type": "string"}, [False]),  # anything but an object may be there
        ({"type": "array", "items": {"type": "integer"}}, {"type": "array", "items": {"type": "string"}}, [True]),
        ({"anyOf": [_A, {"type": "object", "additionalProperties": False}]}, _A, [False]),
        ({"type": "object", "additionalProperties": False}, _A, [True]),
        ({"anyOf": [{"type": "object", "additionalProperties": False}, {"type": "array"}]}, _A, [True]),
        ({"type": "number"}, {"type": "integer"}, [False]),
    ],
)
def test_what_depends_on_the_value_is_not_certain(given_schema: Any, wanted: Any, certain: list[bool]) -> None:
    found = list(misfits(type_of_schema(given_schema), type_of_schema(wanted)))
    assert [one.certain for one in found] == certain


@pytest.mark.parametrize("required", [[], ["a"]])
@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "object", "properties": {"a": {"type": "integer"}}},
        {"type": "object", "additionalProperties": False},
    ],
)
def test_what_is_wrong_with_a_key_that_may_be_missing_is_wrong_where_it_is_given(
    required: list[str], wanted: Any
) -> None:
    [found] = misfits(type_of_schema(_A | {"required": required}), type_of_schema(wanted))
    assert (found.certain, found.may_be_absent) == (True, not required)
