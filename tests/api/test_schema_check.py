"""Results against schemas, and small values that fit them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.diagnostics.location import Place
from selinon_core.errors import ConfigurationError, SchemaMismatchError
from selinon_core.plan import ImportRef, TaskPlan
from selinon_core.schemas.check import ResultSchema


def write(path: Path, schema: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema))
    return path


INTEGERS = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}}


def test_what_fits_passes_and_what_does_not_says_where_and_why() -> None:
    schema = ResultSchema(INTEGERS)
    schema.check({"a": [1, 2]})
    with pytest.raises(SchemaMismatchError, match=r'at \$\.a\[1\]: is text \("x"\), not an integer$'):
        schema.check({"a": [1, "x"]})
    with pytest.raises(SchemaMismatchError, match=r"at \$: is null, not an object"):
        schema.check(None)


def test_a_tuple_is_a_list() -> None:
    ResultSchema(INTEGERS).check({"a": (1, 2)})


def test_the_message_about_a_large_result_is_short() -> None:
    with pytest.raises(SchemaMismatchError) as caught:
        ResultSchema({"type": "object"}).check(["x" * 100] * 1000)
    assert len(str(caught.value)) < 600
    assert "is a list, not an object" in str(caught.value)


@pytest.mark.parametrize("schema", [True, {}, {"$schema": "http://json-schema.org/draft-07/schema#"}])
def test_schemas_that_allow_everything(schema: Any) -> None:
    ResultSchema(schema).check({"a": [None]})


def test_found_beside_the_yaml_file_then_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "cwd" / "both.json", {"const": "cwd"})
    write(tmp_path / "cwd" / "here.json", {"const": "cwd"})
    write(tmp_path / "flows" / "both.json", {"const": "flows"})
    monkeypatch.chdir(tmp_path / "cwd")
    bases = [str(tmp_path / "flows")]
    ResultSchema.load("both.json", bases).check("flows")
    ResultSchema.load("here.json", bases).check("cwd")
    ResultSchema.load("both.json").check("cwd")
    ResultSchema.load(str(tmp_path / "flows" / "both.json")).check("flows")
    with pytest.raises(ConfigurationError, match=r"'nope.json' was not found in .*flows.*cwd"):
        ResultSchema.load("nope.json", bases)


def task(output_schema: str | None, file: str) -> TaskPlan:
    return TaskPlan(
        name="T",
        function=ImportRef("m", "T"),
        max_retry=0,
        retry_countdown=0,
        timeout=None,
        throttling=None,
        output_schema=output_schema,
        storage=None,
        storage_readonly=False,
        storage_task_name="T",
        selective_run_function=None,
        queue="q",
        place=Place(file, 1, 1),
    )


def test_of_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "flows" / "schemas" / "t.json", {"const": 1})
    found = ResultSchema.of_task(task("schemas/t.json", "flows/nodes.yaml"))
    assert found is not None
    found.check(1)
    assert ResultSchema.of_task(task(None, "flows/nodes.yaml")) is None


def test_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "schema_test_pkg" / "schemas" / "t.json", {"const": 1})
    (tmp_path / "schema_test_pkg" / "__init__.py").touch()
    (tmp_path / "schema_test_pkg" / "tasks.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for path in ("schema_test_pkg:schemas/t.json", "schema_test_pkg.tasks:schemas/t.json"):
        ResultSchema.load(path).check(1)
    for path in ("schema_test_pkg:schemas/u.json", "schema_test_pkg.nope:t.json", "schema_test_nope:t.json"):
        with pytest.raises(ConfigurationError, match=path):
            ResultSchema.load(path)


def test_read_once_and_again_when_it_changed(tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", {"const": 1})
    first = ResultSchema.load(str(path))
    assert ResultSchema.load(str(path)) is first
    write(path, {"const": "something longer"})
    ResultSchema.load(str(path)).check("something longer")


def test_read_again_when_a_file_changed_that_it_refers_to(tmp_path: Path) -> None:
    write(tmp_path / "number.json", {"const": 1})
    path = write(tmp_path / "t.json", {"$ref": "number.json"})
    in_place, where = {"$ref": "number.json"}, str(tmp_path / "nodes.yaml")
    for load in (lambda: ResultSchema.load(str(path)), lambda: ResultSchema.written(in_place, where)):
        write(tmp_path / "number.json", {"const": 1})
        first = load()
        first.check(1)
        assert load() is first
        write(tmp_path / "number.json", {"const": "something longer"})
        load().check("something longer")
        first.check(1)


def test_recursive_values_that_are_too_deep_are_reported(tmp_path: Path) -> None:
    schema = ResultSchema({"type": ["array", "null"], "items": {"$ref": "#"}})
    assert schema.fits([[None]])
    value: Any = None
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ConfigurationError, match="cannot be used"):
        schema.fits(value)
    while value:  # without recursion, as freeing it by itself would do
        value = value.pop()


def test_references_lead_to_files_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "parts.json", {"$defs": {"n": {"type": "integer", "minimum": 3}}})
    path = write(tmp_path / "t.json", {"properties": {"n": {"$ref": "parts.json#/$defs/n"}}, "required": ["n"]})
    schema = ResultSchema.load(str(path))
    schema.check({"n": 3})
    with pytest.raises(SchemaMismatchError, match=r"\$\.n"):
        schema.check({"n": 2})
    assert schema.minimal_value() == {"n": 3}


@pytest.mark.parametrize("reference", ["#/nowhere", "nowhere.json", "http://127.0.0.1:1/x.json", "/etc/passwd"])
def test_a_reference_to_nothing(reference: str, tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", {"$ref": reference})
    for use in (lambda schema: schema.check(1), lambda schema: schema.minimal_value()):
        with pytest.raises(ConfigurationError, match=r"t\.json"):
            use(ResultSchema.load(str(path)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("\xff", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"type": "nonsense"}', r"not a valid JSON Schema: at \$\.type"),
        ('{"required": "a"}', r"not a valid JSON Schema: at \$\.required"),
        ("[1]", "not a valid JSON Schema"),
        ("null", "not a valid JSON Schema"),
    ],
)
def test_what_is_no_schema(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(content, encoding="latin-1")
    with pytest.raises(ConfigurationError, match=message):
        ResultSchema.load("t.json", [str(tmp_path)])


WHATEVER = object()  # fits, and which one does not matter


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (True, None),
        ({}, None),
        ({"type": "null"}, None),
        ({"type": "boolean"}, False),
        ({"type": "integer"}, 0),
        ({"type": "number"}, 0),
        ({"type": "string"}, ""),
        ({"type": "array"}, []),
        ({"type": "object"}, {}),
        ({"type": ["string", "null"]}, None),
        ({"const": {"a": [1]}}, {"a": [1]}),
        ({"enum": ["b", "a"]}, "b"),
        ({"enum": [1, "a"], "type": "string"}, "a"),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "integer", "minimum": 1.5}, 2),
        ({"type": "integer", "maximum": -5}, -5),
        ({"type": "integer", "minimum": 10, "multipleOf": 7}, 14),
        ({"type": "integer", "minimum": 1, "multipleOf": 2.5}, 5),
        ({"type": "integer", "minimum": 10**20}, 10**20),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": "number", "minimum": 0.25, "maximum": 0.3}, 0.25),
        ({"type": "number", "minimum": 0.1, "multipleOf": 0.25}, 0.25),
        ({"type": "number", "exclusiveMaximum": -1000}, -1001),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 3, "exclusiveMinimum": True}, 4),
        ({"type": "string", "minLength": 3}, "xxx"),
        ({"type": "string", "format": "date-time"}, "2000-01-01T00:00:00Z"),
        ({"type": "string", "pattern": "^[a-f0-9]{4}-x+$"}, "aaaa-x"),
        ({"type": "string", "pattern": "^(foo|bar)_\\d\\1?$"}, "foo_0"),
        ({"type": "string", "pattern": "^a*$", "minLength": 4}, "aaaa"),
        ({"type": "string", "pattern": "^[^a-z]$"}, "0"),
        ({"type": "string", "pattern": "b", "minLength": 3}, "bxx"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True}, [0, 1, -1]),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2, "uniqueItems": True}, ["", "0"]),
        (
            {"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "minItems": 3, "items": {"const": 3}},
            [1, 2, 3],
        ),
        ({"type": "array", "contains": {"const": 7}}, [7]),
        ({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {}}}, {"a": ""}),
        ({"required": ["a"]}, {"a": None}),
        ({"type": "object", "required": ["a"], "additionalProperties": {"type": "integer"}}, {"a": 0}),
        ({"type": "object", "required": ["ab"], "patternProperties": {"^a": {"const": 3}}}, {"ab": 3}),
        ({"type": "object", "minProperties": 2, "properties": {"p": {"type": "integer"}}}, WHATEVER),
        ({"type": "object", "minProperties": 1, "propertyNames": {"pattern": "^k$"}}, {"k": None}),
        ({"type": "object", "required": ["a"], "dependentRequired": {"a": ["b"]}}, {"a": None, "b": None}),
        ({"anyOf": [{"type": "integer", "minimum": 2}, {"type": "string"}]}, 2),
        ({"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 0.5}], "minimum": 0.5}, WHATEVER),
        ({"allOf": [{"type": "number", "minimum": 2}, {"type": "integer", "maximum": 9}]}, 2),
        (
            {
                "allOf": [
                    {"required": ["a"], "properties": {"a": {"minimum": 1}}},
                    {"required": ["b"], "properties": {"a": {"type": "integer"}, "b": {"const": 0}}},
                ]
            },
            {"a": 1, "b": 0},
        ),
        (
            {
                "additionalProperties": {"type": "string"},
                "allOf": [{"type": "object", "required": ["a"], "properties": {"a": {}}}],
            },
            {"a": ""},
        ),
        (
            {
                "allOf": [
                    {"required": ["a"], "properties": {"a": {"minLength": 1}}},
                    {"properties": {"b": {}}, "additionalProperties": {"type": "string"}},
                ]
            },
            {"a": "x"},
        ),
        (
            {"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": False}, "type": "object"},
            {"b": None},
        ),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer", "minimum": 1}}}, 1),
        ({"definitions": {"s": {"minLength": 1, "type": "string"}}, "$ref": "#/definitions/s"}, "x"),
        ({"type": "object", "properties": {"next": {"$ref": "#"}}, "required": []}, {}),
        ({"anyOf": [{"type": "array", "items": {"$ref": "#"}, "minItems": 1}, {"const": 1}]}, WHATEVER),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "type": "object", "required": ["a"]}, WHATEVER),
        ({"not": {"type": "null"}}, WHATEVER),
        ({"type": "integer", "not": {"enum": [0, 1, -1]}}, 2),
        ({"required": ["a"], "properties": {"a": False}}, None),
    ],
)
def test_minimal_values(schema: Any, expected: Any) -> None:
    value = ResultSchema(schema).minimal_value()
    jsonschema.validate(value, schema)
    if expected is not WHATEVER:
        assert json.dumps(value) == json.dumps(expected)


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"not": {}},
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"type": "object", "required": ["a"], "properties": {"a": False}},
        {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {
            "type": "object",
            "required": ["l", "r"],
            "additionalProperties": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
        },
        {"type": "array", "minItems": 10**9},
        {"type": "string", "minLength": 10**12},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 3, "uniqueItems": True},
    ],
)
def test_where_no_value_is_found_the_error_asks_for_one(schema: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"give the result of the mock|cannot be used"):
        ResultSchema(schema, "some.json").minimal_value()


def test_each_minimal_value_is_a_new_one() -> None:
    schema = ResultSchema({"type": "object", "required": ["a"], "properties": {"a": {"type": "array"}}})
    schema.minimal_value()["a"].append(1)
    assert schema.minimal_value() == {"a": []}


numbers = st.integers(-50, 50) | st.floats(-50, 50).map(lambda value: round(value, 3))


@st.composite
def satisfiable_schemas(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    kinds = ["null", "boolean", "integer", "number", "string", "const", "enum"]
    kind = draw(st.sampled_from(kinds if depth > 2 else [*kinds, "array", "object", "anyOf", "allOf"]))
    inner = satisfiable_schemas(depth + 1)
    if kind in ("integer", "number"):
        low = draw(numbers)
        bounds = {"minimum": low, "maximum": low + draw(st.integers(1, 5))}
        step = draw(st.sampled_from([None, None, 0.5, 1]))
        chosen = draw(st.sets(st.sampled_from(sorted(bounds))))
        schema: dict[str, Any] = {"type": kind, **{name: bounds[name] for name in chosen}}
        return schema if step is None else {**schema, "multipleOf": step}
    if kind == "string":
        least = draw(st.integers(0, 5))
        return {"type": "string", "minLength": least, "maxLength": least + draw(st.integers(0, 3))}
    if kind == "const":
        return {"const": draw(st.integers() | st.text() | st.none())}
    if kind == "enum":
        return {"enum": draw(st.lists(st.integers() | st.text(), min_size=1, unique_by=repr))}
    if kind == "array":
        least = draw(st.integers(0, 3))
        return {"type": "array", "items": draw(inner), "minItems": least}
    if kind == "object":
        properties = draw(st.dictionaries(st.text(max_size=3), inner, max_size=3))
        required = draw(st.sets(st.sampled_from(sorted(properties)))) if properties else set()
        return {"type": "object", "properties": properties, "required": sorted(required)}
    if kind == "anyOf":
        return {"anyOf": draw(st.lists(inner, min_size=1, max_size=3))}
    if kind == "allOf":
        return {"allOf": [draw(inner), {}]}
    return {"type": kind}


@settings(deadline=None)
@given(schema=satisfiable_schemas())
def test_a_satisfiable_schema_gets_a_value_that_fits(schema: dict[str, Any]) -> None:
    jsonschema.validate(ResultSchema(schema).minimal_value(), schema)


@pytest.mark.parametrize(
    ("schema", "value", "says"),
    [
        ({"type": "integer"}, 1.5, "at $: is a number (1.5), not an integer"),
        ({"type": ["string", "null"]}, True, "at $: is a boolean, not text or null"),
        ({"required": ["a", "b"]}, {"a": 1}, 'at $: has no "b"'),
        ({"additionalProperties": False, "properties": {"a": {}}}, {"b": 1}, 'has "b", which the schema does not'),
        ({"properties": {"a": {"enum": ["x"]}}}, {"a": "y"}, 'at $.a: is text ("y") that is none of ["x"]'),
        ({"minimum": 3}, 1, "at $: is a number (1) that does not fit minimum: 3"),
        ({"type": "null"}, "é" * 99, f'is text ("{"é" * 59}...), not null'),
    ],
    ids=str,
)
def test_words_about_what_does_not_fit(schema: Any, value: Any, says: str) -> None:
    with pytest.raises(SchemaMismatchError) as caught:
        ResultSchema(schema).check(value)
    assert says in str(caught.value)
