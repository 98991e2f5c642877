"""What flows and tasks may be given: defaults are filled in, what does not fit is named and not shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selinon_core.dispatch.references import Reference, Referring, written
from selinon_core.errors import ArgumentError, ConfigurationError
from selinon_core.project import compile_text
from selinon_core.runtime.inputs import Inputs
from selinon_core.schemas.arguments import MOST_DEFAULTS, ArgumentSchema
from selinon_core.schemas.check import ResultSchema

NUMBER = {"type": "object", "required": ["number"], "properties": {"number": {"type": "integer", "default": 7}}}


def schema_of(schema: Any, directory: Path | str = ".") -> ArgumentSchema:
    return ArgumentSchema.written(schema, "flows.yaml", str(directory))


@pytest.mark.parametrize(
    ("schema", "given", "filled"),
    [
        (NUMBER, {}, {"number": 7}),
        (NUMBER, {"number": 1}, {"number": 1}),
        (NUMBER, {"other": 1}, {"other": 1, "number": 7}),
        (NUMBER, None, {"number": 7}),
        ({"type": ["object", "null"], "properties": {"a": {"default": 1}}}, None, None),
        ({"type": "integer"}, None, None),
        ({"type": "object", "required": ["a"]}, None, None),
        (True, {"a": 1}, {"a": 1}),
        ({"properties": {"a": {"default": None}}}, {}, {"a": None}),
        ({"properties": {"a": {"default": {}, "properties": {"b": {"default": 2}}}}}, {}, {"a": {"b": 2}}),
        ({"properties": {"a": {"properties": {"b": {"default": 2}}}}}, {"a": {}}, {"a": {"b": 2}}),
        ({"properties": {"a": {"properties": {"b": {"default": 2}}}}}, {"a": [1]}, {"a": [1]}),
        ({"items": {"properties": {"n": {"default": 1}}}}, [{}, {"n": 2}], [{"n": 1}, {"n": 2}]),
        ({"prefixItems": [{"properties": {"n": {"default": 1}}}]}, [{}, {}], [{"n": 1}, {}]),
        ({"additionalProperties": {"properties": {"n": {"default": 1}}}}, {"x": {}}, {"x": {"n": 1}}),
        ({"allOf": [NUMBER, {"properties": {"x": {"default": "y"}}}]}, {}, {"number": 7, "x": "y"}),
        ({"$ref": "#/$defs/one", "$defs": {"one": NUMBER}}, {}, {"number": 7}),
        ({"properties": {"a": {"$ref": "#/$defs/one"}}, "$defs": {"one": {"default": 3}}}, {}, {"a": 3}),
        ({"anyOf": [NUMBER, {"type": "object"}]}, {}, {}),
        (
            {"properties": {"a": {"$ref": "#"}, "n": {"default": 1}}},
            {"a": {"a": {}}},
            {"n": 1, "a": {"n": 1, "a": {"n": 1}}},
        ),
    ],
)
def test_defaults_are_filled_in(schema: Any, given: Any, filled: Any) -> None:
    before = json.dumps(given)
    assert schema_of(schema).filled(given) == filled
    assert json.dumps(given) == before


def test_a_default_is_copied_for_every_value() -> None:
    schema = schema_of({"properties": {"a": {"default": []}}})
    schema.filled({})["a"].append(1)
    assert schema.filled({}) == {"a": []}


@pytest.mark.parametrize("plain", [True, False])
def test_defaults_of_files_that_a_schema_refers_to_are_filled_in(tmp_path: Path, plain: bool) -> None:
    (tmp_path / "inner.json").write_text(json.dumps({"properties": {"deep": {"default": 3}}}))
    (tmp_path / "outer.json").write_text(json.dumps({"properties": {"a": {"$ref": "inner.json"}}}))
    schema: dict[str, Any] = {"properties": {"x": {"$ref": "outer.json#/properties/a"}}}
    if not plain:  # only the validator knows this keyword
        schema["patternProperties"] = {"^y": True}
    assert schema_of(schema, tmp_path).filled({"x": {}}) == {"x": {"deep": 3}}


def test_a_schema_with_references_is_not_searched_for_defaults_where_no_file_has_any(tmp_path: Path) -> None:
    (tmp_path / "inner.json").write_text(json.dumps({"properties": {"deep": {"type": "integer"}}}))
    schema = ResultSchema({"properties": {"x": {"$ref": "inner.json"}}}, directory=str(tmp_path))
    assert not schema.may_have_defaults


def test_defaults_without_an_end_are_the_fault_of_the_schema() -> None:
    endless = {"properties": {"a": {"default": {}, "$ref": "#"}}}
    wide = {"properties": {f"k{n}": {"default": 0} for n in range(MOST_DEFAULTS + 1)}}
    for schema in (endless, wide):
        with pytest.raises(ConfigurationError):
            schema_of(schema).filled({})


@pytest.mark.parametrize(
    ("schema", "given", "message"),
    [
        (NUMBER, {"number": "secret"}, "at $.number: is text, not an integer"),
        (NUMBER, "secret", "is text, not an object"),
        ({"required": ["a", "b"]}, {"a": 1}, 'has no "b"'),
        (
            {"properties": {"number": {}}, "additionalProperties": False},
            {"numbr": "secret"},
            'has "numbr", which the schema does not have (it has "number")',
        ),
        ({"enum": ["a", "b"]}, "secret", 'is text that is none of ["a", "b"]'),
        ({"properties": {"a": {"minimum": 1}}}, {"a": 0}, "at $.a: is a number that does not fit minimum: 1"),
        ({"items": {"type": ["integer", "null"]}}, [1, True], "at $[1]: is a boolean, not an integer or null"),
    ],
)
def test_a_misfit_is_named_and_not_shown(schema: Any, given: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        schema_of(schema).check(given)
    assert str(caught.value) == message


def test_references_of_a_schema_in_place_lead_from_its_yaml_file(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "order.json").write_text(
        json.dumps({"properties": {"lines": {"type": "array", "items": {"properties": {"n": {"default": 1}}}}}})
    )
    lines = {"properties": {"lines": {"$ref": "schemas/order.json#/properties/lines"}}}
    schema = ArgumentSchema.written(lines, "flows.yaml", str(tmp_path))
    assert schema.filled({"lines": [{}]}) == {"lines": [{"n": 1}]}
    with pytest.raises(ArgumentError, match=r"at \$.lines: is text, not a list"):
        schema.check({"lines": "x"})
    by_path = ArgumentSchema.written("schemas/order.json", "flows.yaml", str(tmp_path))
    assert by_path.filled({"lines": [{}]}) == {"lines": [{"n": 1}]}


def test_a_reference_that_leads_nowhere_is_the_fault_of_the_schema(tmp_path: Path) -> None:
    schema = ArgumentSchema.written({"properties": {"a": {"$ref": "gone.json"}}}, "flows.yaml", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"^input_schema 'flows.yaml' cannot be used"):
        schema.filled({"a": 1})


def test_defaults_stand_beside_what_refers_to_results() -> None:
    """Also where the arguments as a whole are a reference: a default is not lost in it."""
    text = """
tasks:
  - {name: A, import: tasks, storage: S, input_schema: {type: object, properties: {currency: {default: EUR}}}}
  - name: B
    import: tasks
    input_schema: {type: array, items: {type: object, properties: {currency: {default: EUR}}}}
storages:
  - {name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}
flow-definitions:
  - {name: f, edges: [{from: , to: [A, B]}]}
"""
    plan = compile_text({"nodes.yaml": text}).plan
    assert plan is not None
    task = plan.tasks["A"]
    stored: dict[Any, Any] = {"lines": [1, 2], "$ref": 3}
    whole = Referring(Reference("f", "Load", "1", ()).to_json())
    partly = Referring(written({"lines": Reference("f", "Load", "1", ("lines",)), "$ref": 3}))

    def read(reference: Reference) -> Any:
        assert (reference.flow, reference.task, reference.id) == ("f", "Load", "1")
        return stored[reference.path[0]] if reference.path else stored

    for args in (whole, partly):
        accepted = Inputs().accepted(task, args, lambda value: value.resolved(read))
        assert isinstance(accepted, Referring)
        assert "[1, 2]" not in str(accepted.value)
        assert accepted.resolved(read) == {**stored, "currency": "EUR"}
    listed = Referring(Reference("f", "Load", "1", ("items",)).to_json())
    stored |= {"items": [{}], "currency": "USD"}
    accepted = Inputs().accepted(plan.tasks["B"], listed, lambda value: value.resolved(read))
    assert accepted == [{"currency": "EUR"}]
    assert Inputs().accepted(task, whole, lambda value: value.resolved(read)) is whole
