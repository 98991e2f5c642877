"""Suggested cases have results and arguments that fit their schemas, or it is said that there is none."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

from selinon_cli.goal_search import GoalSearch
from selinon_cli.suggested_coverage import suggest
from selinon_core.cases.model import UNGIVEN, Case
from selinon_core.cases.writing import case_file_text
from selinon_core.covering import Goal
from selinon_core.covering.goals import goals_of
from selinon_core.plan import Plan
from selinon_core.project import compile_project
from tests.cli.conftest import Cli
from tests.example_counts import examples

Json = dict[str, Any]


class Missing(NamedTuple):
    """A goal as coverage reports have it."""

    goal: Goal


def scalar(dice: random.Random) -> Json:
    kind = dice.choice(["string", "integer", "number", "boolean"])
    schema: Json = {"type": kind}
    if kind == "string":
        if dice.random() < 0.3:
            return {"type": kind, "pattern": dice.choice(["^[a-c]{2}$", "^x-[0-9]+$", "^(red|blue)$"])}
        if dice.random() < 0.5:
            schema["maxLength"] = dice.randint(0, 3)
        if dice.random() < 0.3:
            schema["minLength"] = dice.randint(0, schema.get("maxLength", 3))
    elif kind != "boolean":
        if dice.random() < 0.4:
            schema["minimum"] = dice.randint(1, 20)
        if dice.random() < 0.4:
            schema["maximum"] = schema.get("minimum", 0) + dice.randint(0, 5)
    return schema


def schema_of(dice: random.Random, depth: int) -> Json:
    kind = dice.choice(["object", "object", "array", "anyOf", "scalar"]) if depth else "scalar"
    if kind == "scalar":
        return scalar(dice)
    if kind == "anyOf":
        return {"anyOf": [schema_of(dice, depth - 1), schema_of(dice, depth - 1)]}
    if kind == "array":
        least = dice.choice([0, 0, 1, 2, 3])
        schema = {"type": "array", "items": schema_of(dice, depth - 1), "minItems": least}
        return {**schema, "maxItems": least + dice.randint(0, 2)} if dice.random() < 0.4 else schema
    fields = {f"f{number}": schema_of(dice, depth - 1) for number in range(dice.randint(1, 3))}
    required = [name for name in fields if dice.random() < 0.7]
    closed = {"additionalProperties": False} if dice.random() < 0.3 else {}
    return {"type": "object", "properties": fields, "required": required, **closed}


def paths(schema: Json, name: str) -> list[tuple[str, Json]]:
    """What expressions can read of a value of the schema, each with its schema."""
    found = [(name, schema)]
    for choice in schema.get("anyOf", ()):
        found += paths(choice, name)
    for key, inner in schema.get("properties", {}).items():
        found += paths(inner, f"{name}.{key}")
    return found


def condition(dice: random.Random, read: list[tuple[str, Json]]) -> str:
    name, schema = dice.choice(read)
    kind = schema.get("type")
    if kind == "array":
        return f"len({name}) {dice.choice(['>', '=='])} {dice.randint(0, 3)}"
    if kind in ("integer", "number"):
        return f"{name} {dice.choice(['>', '<', '==', '>='])} {dice.randint(0, 20)}"
    if kind == "string":
        return dice.choice([f'{name} == "red"', f"len({name}) > {dice.randint(0, 3)}"])
    return name if kind == "boolean" else f"has({name})"


def project(seed: int) -> tuple[Json, dict[str, Json]]:
    """A configuration, and its schemas by node; that of the arguments is ``args``."""
    dice = random.Random(seed)
    a, b = schema_of(dice, 3), schema_of(dice, 3)
    given = {"type": "object", "properties": {"p": schema_of(dice, 2)}, "required": ["p"]}
    read_of_b = [(name.replace("B", "sub", 1), schema) for name, schema in paths(b, "B")]
    read_of_a = paths(a, "A")
    edges: list[Json] = [
        {"from": None, "to": "A", "condition": condition(dice, paths(given["properties"]["p"], "args.p"))},
        {"from": "A", "to": "sub", "condition": condition(dice, read_of_a)},
        {"from": ["A", "sub"], "to": "C", "condition": condition(dice, read_of_b)},
    ]
    lists = [name for name, schema in read_of_a if schema.get("type") == "array"]
    if lists:
        edges.append({"from": "A", "to": "C", "foreach": dice.choice(lists)})
    task = {"import": "nothing", "storage": "S"}
    configuration = {
        "tasks": [
            {"name": "A", "output_schema": a, **task},
            {"name": "B", "output_schema": b, **task},
            {"name": "C", **task},
        ],
        "storages": [{"name": "S", "import": "selinon_core.storages.memory", "classname": "InMemoryStorage"}],
        "flow-definitions": [
            {"name": "main", "input_schema": given, "edges": edges},
            {"name": "sub", "output": "${B}", "output_schema": b, "edges": [{"from": None, "to": "B"}]},
        ],
    }
    return configuration, {"A": a, "B": b, "sub": b, "args": given}


def misfits(case: Case, schemas: dict[str, Json]) -> list[str]:
    values = [("args", case.args)] if case.flow == "main" else []
    for name, mock in case.mocks.nodes.items():
        outcomes = [outcome for rule in mock.rules for outcome in rule.script.outcomes if name in schemas]
        values += [(name, o.value) for o in outcomes if o.kind in ("result", "output") and o.value is not UNGIVEN]
    checked = [(name, value, jsonschema.Draft202012Validator(schemas[name])) for name, value in values]
    return [f"{name}: {value!r}" for name, value, validator in checked if not validator.is_valid(value)]


def suggested(plan: Plan) -> tuple[tuple[Case, ...], int]:
    goals = [Missing(goal) for flow in plan.flows for goal in goals_of(plan, flow)]
    found = suggest(plan, (), GoalSearch(plan), goals, "new.flowtest.yaml")  # type: ignore[arg-type]
    return found.cases, len(found.without)


@pytest.mark.parametrize("block", range(examples(2, 8)))
def test_what_is_suggested_fits_its_schemas(
    block: int, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written = 0
    for seed in range(8 * block, 8 * block + 8):
        configuration, schemas = project(seed)
        (tmp_path / "flows.yaml").write_text(json.dumps(configuration))
        plan = compile_project([str(tmp_path / "flows.yaml")]).plan
        if plan is None:
            continue
        cases, _ = suggested(plan)
        assert [text for case in cases for text in misfits(case, schemas)] == [], seed
        if cases:
            (tmp_path / "new.flowtest.yaml").write_text(case_file_text(cases, plan))
            assert cli("lint", "--select", "SEL8", ".").code == 0, seed
            assert cli("test", ".").code == 0, seed
        written += len(cases)
    assert written > 20


ANNOTATED = """\
from typing import Literal, TypedDict

from selinon_core import SelinonTask


class Order(TypedDict):
    number: int
    total: float
    kind: Literal["gift", "order"]


class Load(SelinonTask):
    def run(self, node_args: dict) -> Order:
        ...


class Pay(SelinonTask):
    def run(self, node_args: dict) -> bool:
        ...
"""
READING_ANNOTATED = """\
tasks:
  - {name: Load, import: annotated_tasks, storage: S}
  - {name: Pay, import: annotated_tasks, storage: S}
storages:
  - {name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}
flow-definitions:
  - name: main
    edges:
      - {from: , to: Load}
      - {from: Load, to: Pay, condition: {name: fieldGreater, node: Load, args: {key: total, value: 0}}}
    output: {number: "${Load.number}"}
"""
CASES_OF_ANNOTATED = """\
flow: main
tests:
  - name: nothing to pay
    mocks: {Load: {result: {number: 1, total: 0.0, kind: gift}}}
    expect: {ran: [Load]}
"""


@pytest.mark.parametrize("command", ["check", "cover", "mutate"])
def test_what_is_suggested_fits_the_annotation_of_run(
    command: str, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "annotated_tasks.py").write_text(ANNOTATED)
    (tmp_path / "flows.yaml").write_text(READING_ANNOTATED)
    (tmp_path / "old.flowtest.yaml").write_text(CASES_OF_ANNOTATED)
    if command == "cover":
        assert cli("test", "--cover", ".").code == 0
    ran = cli(command, ".", "--suggest", "new.flowtest.yaml")
    assert (tmp_path / "new.flowtest.yaml").exists(), ran
    assert '"kind": "gift"' in (tmp_path / "new.flowtest.yaml").read_text()  # not only what the condition reads
    linted = cli("lint", "--select", "SEL8", ".")
    assert linted.code == 0, linted.out
    assert "no problems" in linted.out
    assert cli("test", ".").code == 0


TEXTS = """\
tasks:
  - {name: Book, import: tasks, output_schema: {type: object, additionalProperties: {type: string}}, storage: S}
  - {name: Tell, import: tasks, storage: S}
storages:
  - {name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}
flow-definitions:
  - name: main
    edges:
      - {from: , to: Book}
      - {from: Book, to: Tell, args: {text: '${EXPRESSION}'}}
"""


@pytest.mark.parametrize(
    "expression",
    [
        '"booked " + Book.entry',
        'Book.entry + "!"',
        'Book.entry + (", " + Book.by)',
        "Book.entry + text(1)",
        "lower(Book.entry) + Book.by",
        "Book.entry + Book.by",  # the schema alone says that these are texts
        'Book.entry + "!" if Book.by == "ann" else Book.by',
    ],
)
def test_texts_that_are_put_together_are_suggested_as_texts(
    expression: str, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows.yaml").write_text(TEXTS.replace("EXPRESSION", expression))
    ran = cli("check", ".", "--suggest", "new.flowtest.yaml")
    assert "left out" not in ran.out + ran.err
    assert "main succeeds after Book, Tell" in (tmp_path / "new.flowtest.yaml").read_text()
    tested = cli("test", ".")
    assert tested.code == 0, tested
