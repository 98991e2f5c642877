"""Schemas from annotations: what classes mean, and that values made by the runtime fit them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from selinon_core.errors import SchemaMismatchError
from selinon_core.lint.code.annotations import RunSchemas, schemas_of_run
from selinon_core.lint.code.imported import ImportedCode
from selinon_core.lint.code.index import CodeIndex
from selinon_core.lint.code.symbols import Symbol

HEAD = """
from __future__ import annotations
import dataclasses
import typing as t
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Optional, TypedDict, Union
from typing_extensions import NotRequired
from collections.abc import Sequence, Mapping
import datetime
import pydantic
import msgspec
from {name}_other import Colour, Base, Unknown

@dataclass
class Line:
    item: str
    count: int = 1
    tags: list[str] = field(default_factory=list)
    kind: ClassVar[str] = "line"

@dataclasses.dataclass
class Special(Line):
    next: Special | None = None

class Address(TypedDict):
    city: str
    street: NotRequired[str]

class Part(TypedDict, total=False):
    a: int

class Point(NamedTuple):
    x: int
    y: int = 0

class Order(pydantic.BaseModel):
    number: int
    text: str | None = None
    given: list[Line] = pydantic.Field(default_factory=list)
    wanted: int = pydantic.Field(...)

class Aliased(pydantic.BaseModel):
    number: int = pydantic.Field(alias="n")

class Parcel(Base):
    lines: list[Line]
    colour: Colour = Colour.RED

class Renamed(msgspec.Struct, rename="camel"):
    one_two: int

class Plain:
    a: int
"""
OTHER = """
import enum
import msgspec

class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"

class Base(msgspec.Struct):
    id: int

Unknown = make()
"""


class Project:
    """A module with a task, whose annotations a test gives."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.name = name

    def schemas(self, run: str) -> RunSchemas:
        """Those of ``run``, given as the text behind ``def run``."""
        (self.directory / f"{self.name}.py").write_text(
            HEAD.format(name=self.name) + f"\nclass Task:\n    def run{run}: ...\n"
        )
        (self.directory / f"{self.name}_other.py").write_text(OTHER)
        code = CodeIndex((str(self.directory),))
        symbol = code.lookup(self.name, "Task")
        assert isinstance(symbol, Symbol)
        found = schemas_of_run(code, symbol)
        assert found is not None
        return found

    def argument(self, annotation: str) -> Any:
        """The schema of one argument."""
        schema = self.schemas(f"(self, *, value: {annotation})").arguments
        inner = schema["properties"]["value"]
        return {**inner, "$defs": schema["$defs"]} if "$defs" in schema else inner

    def result(self, annotation: str) -> Any:
        return self.schemas(f"(self, node_args) -> {annotation}").result


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    return Project(tmp_path, f"annotated_{abs(hash(request.node.name))}")


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("int", {"type": "integer"}),
        ("float", {"type": "number"}),
        ("str | None", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("Optional[bool]", {"anyOf": [{"type": "boolean"}, {"type": "null"}]}),
        ("Union[int, str, None]", {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}),
        ("t.Optional[int]", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        ("list", {"type": "array"}),
        ("list[int]", {"type": "array", "items": {"type": "integer"}}),
        ("Sequence[int]", {"type": "array", "items": {"type": "integer"}}),
        ("set[str]", {"type": "array", "items": {"type": "string"}}),
        ("dict[str, int]", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("Mapping[str, Any]", {"type": "object", "additionalProperties": {}}),
        ("tuple[int, ...]", {"type": "array", "items": {"type": "integer"}}),
        ("Literal['a', 1]", {"enum": ["a", 1]}),
        ("Annotated[int, 'more than 0']", {"type": "integer"}),
        ("'list[int]'", {"type": "array", "items": {"type": "integer"}}),
        ("Any", {}),
        ("object", {}),
        ("int | Any", {}),
        ("datetime.date", {}),
        ("Unknown", {}),
        ("nowhere.Class", {}),
        ("Plain", {}),
        ("Aliased", {}),
        ("Renamed", {}),
        ("'not ( python'", {}),
        ("[int]", {}),
        ("Literal[Colour.RED]", {}),
    ],
)
def test_an_annotation_means(project: Project, annotation: str, schema: Any) -> None:
    assert project.argument(annotation) == schema
    assert project.result(annotation) == schema


def test_an_object_has_fields_with_defaults_always_and_arguments_perhaps(project: Project) -> None:
    properties = {"item": {"type": "string"}, "count": {"type": "integer"}}
    tags = {"tags": {"type": "array", "items": {"type": "string"}}}
    taken = project.argument("Line")["$defs"]["Line"]
    assert taken == {"type": "object", "properties": {**properties, **tags}, "required": ["item"]}
    given = project.result("Line")["$defs"]["Line"]
    assert given["required"] == ["item", "count", "tags"]
    assert given["additionalProperties"] is False


def test_a_class_may_have_itself_in_it(project: Project) -> None:
    special = project.argument("Special")["$defs"]["Special"]
    assert special["properties"]["next"] == {"anyOf": [{"$ref": "#/$defs/Special"}, {"type": "null"}]}
    assert special["required"] == ["item"]


def test_keyword_parameters_are_an_object(project: Project) -> None:
    assert project.schemas("(self, *, a: int, b='x')").arguments == {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert "additionalProperties" not in project.schemas("(self, *, a, **more)").arguments
    assert project.schemas("(self, node_args: int, *, b=1)").arguments == {"type": "integer"}
    assert project.schemas("(self, *args)").arguments == {}


def test_run_of_a_base_class_counts_and_a_decorated_one_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "shop_of_bases.py").write_text(
        "class A:\n    def run(self, *, a: int): ...\nclass B(A): ...\n"
        "class C:\n    @far_away\n    def run(self, *, a: int): ...\n"
    )
    code = CodeIndex((str(tmp_path),))
    found = [schemas_of_run(code, code.lookup("shop_of_bases", name)) for name in "BC"]  # type: ignore[arg-type]
    assert found[0] is not None
    assert found[0].arguments["properties"] == {"a": {"type": "integer"}}
    assert found[1] is None


def test_imported_code_has_the_schemas_of_its_text(tmp_path: Path) -> None:
    (tmp_path / "shop_imported.py").write_text("class A:\n    def run(self, *, a: int) -> str: ...\n")
    code = ImportedCode((str(tmp_path),))
    try:
        found = schemas_of_run(code, code.lookup("shop_imported", "A"))  # type: ignore[arg-type]
    finally:
        sys.modules.pop("shop_imported", None)
    assert found is not None
    assert found.result == {"type": "string"}


VALUES = (
    None, True, 0, 1, 1.5, "a", "red", "2024-01-31", [], ["a"], [1], [1, 2], [1, 2, 3], {}, {"a": 1}, {"a": "x"},
    {"item": "a"}, {"item": "a", "count": 2}, {"item": 1}, {"item": "a", "next": {"item": "b"}}, {"city": "x"},
    {"city": 1}, {"number": 1, "wanted": 2}, {"number": 1}, {"id": 1, "lines": []}, [{"item": "a"}],
    {"id": 1, "lines": [{"item": "a"}]}, {"id": 1, "lines": [{"itm": "a"}]},
    {"id": 1, "lines": [], "colour": "green"},
)  # fmt: skip


@pytest.mark.parametrize(
    "annotation",
    [
        "int", "float", "str", "bool", "None", "str | None", "list[int]", "dict[str, int]", "tuple[int, int]",
        "tuple[int, ...]", "Literal['a', 1]", "Line", "Special", "Address", "Part", "Point", "Order", "Parcel",
        "Colour", "list[Line]", "Line | None", "set[str]",
    ],
)  # fmt: skip
def test_what_the_runtime_converts_fits_and_what_it_gives_back_too(
    project: Project, annotation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from selinon_core.runtime.typed_values import converted, parameter_types, to_json

    taken = project.argument(annotation)
    given = project.result(annotation)
    project.schemas(f"(self, *, value: {annotation})")
    (project.directory / f"{project.name}_other.py").write_text(OTHER.replace("make()", "object"))
    monkeypatch.syspath_prepend(project.directory)
    task = importlib.import_module(project.name).Task
    try:
        type_ = parameter_types(task.run, "Task")["value"]
        fitting = 0
        for value in VALUES:
            try:
                made = converted(value, type_, "it does")
            except SchemaMismatchError:
                continue
            fitting += 1
            jsonschema.Draft202012Validator(taken).validate(value)
            jsonschema.Draft202012Validator(given).validate(to_json(made, "Task"))
        assert fitting
    finally:
        sys.modules.pop(project.name, None)
        sys.modules.pop(f"{project.name}_other", None)
