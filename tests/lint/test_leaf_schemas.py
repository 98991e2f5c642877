"""Predicates against schemas: what is said to be never true is false of every value that fits the schema."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.expressions.schema_types import type_of_schema
from selinon_core.lint.analysis.leaf_schemas import never_true
from selinon_core.plan import shipped
from selinon_core.predicates import on_message
from tests.expressions.random_schemas import KEYS, SCALARS, RandomSchemas, fits

_NAMES = sorted(
    name
    for name, signature in shipped.PREDICATES.items()
    if signature.takes_message and hasattr(on_message, name) and "status" not in signature.args
)


def _arguments(random: Random, names: tuple[str, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name in names:
        if name == "key":
            key: Any = random.choice(KEYS)
            made[name] = key if random.random() < 0.6 else [key, random.choice((*KEYS, 0, 1))]
        elif name == "value":
            made[name] = random.choice((*SCALARS, ["a"], {"a": 1}))
        else:
            made[name] = random.choice((0, 1, 2)) if name == "length" else "a"
    return made


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_never_true_is_false(seed: int) -> None:
    random = Random(seed)
    schemas = RandomSchemas(random)
    for _ in range(100):
        schema = schemas.object(closed=0.8) if random.random() < 0.8 else schemas.schema()
        name = random.choice(_NAMES)
        args = _arguments(random, shipped.PREDICATES[name].args)
        found = never_true(name, args, type_of_schema(schema))
        if found is None or found.written:  # a key that an open schema does not name may be there
            continue
        for _ in range(5):
            value = schemas.instance(schema)
            if fits(schema, value):
                assert getattr(on_message, name)(value, **args) is False, (name, args, schema, value)


def test_a_key_is_outside_of_a_closed_schema_only_when_no_value_has_it() -> None:
    closed = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
    more = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": True}
    unsaid = {"type": "object", "properties": {"a": {"type": "string"}}}
    for schema, name, expected in (
        (closed, "fieldExist", True),
        (unsaid, "fieldExist", False),
        (unsaid, "fieldEqual", True),
        (more, "fieldEqual", False),
        ({"type": "object"}, "fieldEqual", False),
        (True, "fieldEqual", False),
    ):
        assert (never_true(name, {"key": "b", "value": "x"}, type_of_schema(schema)) is not None) is expected
