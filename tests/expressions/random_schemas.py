"""Random JSON Schemas, and values that often fit them."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

KEYS = ("a", "b", "c")
_SCALARS: list[Any] = [None, True, False, 0, 1, -1, 1.0, 2.5, 7, "", "a", "b", "x y"]
scalars = st.sampled_from(_SCALARS)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)

_types = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def _mapping(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with some of these keys."""
    return st.fixed_dictionaries({}, optional=parts)


#: Keywords that types do not read.
_others = _mapping(
    minimum=st.integers(-1, 2),
    maxLength=st.integers(0, 2),
    minItems=st.integers(0, 2),
    pattern=st.just("a"),
    title=st.just("t"),
    uniqueItems=st.just(True),
    minProperties=st.integers(0, 2),
)


def _schemas(inner: st.SearchStrategy[Any], refers: bool) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    objects = st.fixed_dictionaries(
        {"type": st.just("object"), "properties": properties},
        optional={
            "required": st.lists(st.sampled_from(KEYS), max_size=2, unique=True),
            "additionalProperties": st.booleans() | inner,
        },
    )
    lists = st.fixed_dictionaries(
        {"type": st.just("array"), "items": inner}, optional={"prefixItems": st.lists(inner, max_size=2)}
    )
    anything = _mapping(
        type=_types | st.lists(_types, min_size=1, max_size=3, unique=True),
        properties=properties,
        required=st.lists(st.sampled_from(KEYS), max_size=2, unique=True),
        additionalProperties=inner,
        items=inner,
        prefixItems=st.lists(inner, min_size=1, max_size=2),
        enum=st.lists(values, min_size=1, max_size=4),
        const=values,
        anyOf=st.lists(inner, min_size=1, max_size=2),
        oneOf=st.lists(inner, min_size=1, max_size=2),
        allOf=st.lists(inner, min_size=1, max_size=2),
        default=scalars,
        patternProperties=st.fixed_dictionaries({"^b": inner}),
        contains=inner,
        dependentSchemas=st.fixed_dictionaries({"a": inner}),
        **{"if": inner, "then": inner, "else": inner, "not": inner},
        **({"$ref": st.sampled_from(REFERENCES)} if refers else {}),
    )
    one_of = st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=2, max_size=3)})
    return objects | lists | one_of | st.builds(lambda a, b: {**a, **b}, anything, _others)


REFERENCES = ("#", "#/$defs/a", "#/$defs/b", "other.json", "other.json#/$defs/c%20d", "deep/down.json")
_leaves = (
    st.booleans()
    | st.fixed_dictionaries({"type": _types | st.lists(_types, min_size=2, max_size=2, unique=True)})
    | st.fixed_dictionaries({"enum": st.lists(scalars, min_size=1, max_size=3)})
)


@cache
def schemas(refers: bool = False) -> st.SearchStrategy[Any]:
    """JSON Schemas of draft 2020-12; with ``refers`` there are references, some to nothing or in circles."""
    return st.recursive(_leaves, lambda inner: _schemas(inner, refers), max_leaves=6)


def instances(schema: Any, depth: int = 4) -> st.SearchStrategy[Any]:
    """Values of which many fit a schema; each has to be checked."""
    if not isinstance(schema, dict) or not depth:
        return values
    choices: list[st.SearchStrategy[Any]] = []
    if "enum" in schema:
        choices.append(st.sampled_from(schema["enum"]))
    if "const" in schema:
        choices.append(st.just(schema["const"]))
    for key in ("anyOf", "oneOf", "allOf"):
        choices.extend(instances(part, depth - 1) for part in schema.get(key, ()))
    types = schema.get("type", ["object"] if "properties" in schema else [])
    choices.extend(_of_type(name, schema, depth) for name in ([types] if isinstance(types, str) else types))
    return st.one_of(choices) if choices else values


def _of_type(name: str, schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if name == "object":
        listed = {key: instances(part, depth - 1) for key, part in schema.get("properties", {}).items()}
        required = {key: listed.get(key, values) for key in schema.get("required", ())}
        optional = {key: part for key, part in listed.items() if key not in required}
        additional = schema.get("additionalProperties", True)
        if additional is not False:
            optional |= {
                key: instances(additional, depth - 1) for key in KEYS if key not in {**listed, **required}
            }
        return st.fixed_dictionaries(required, optional=optional)
    if name == "array":
        items = st.lists(instances(schema.get("items", True), depth - 1), max_size=3)
        first = st.tuples(*[instances(part, depth - 1) for part in schema.get("prefixItems", ())])
        return st.builds(lambda a, b: [*a, *b], first, items)
    fitting = {"null": [None], "boolean": [True, False], "integer": [0, 1, 2.0], "number": [0, -1, 2.5, 1.0]}
    return st.sampled_from(fitting.get(name, ["", "a", "b", "x y"]))


def fits(schema: Any, value: Any) -> bool:
    """Whether the validator says that a value fits."""
    return bool(Draft202012Validator(schema).is_valid(value))
