"""``args`` and ``output``: JSON data whose texts may have expressions in them, and where each part is written."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.config.model import EdgeDef, ExpressionDef, FlowDef, SchemaDef, TemplateDef, TextDef
from selinon_core.plan import Computed, ComputedText, Expression, Template
from selinon_core.plan.json_form import plan_to_json
from selinon_core.project.compiler import compile_model
from tests.config.reads import read_text, where

HEAD = "flow-definitions:\n  - name: f\n    edges:\n      - from: A\n        to: B\n"


def flow_of(text: str) -> FlowDef:
    model, found = read_text(HEAD + text)
    assert found == ()
    return model.flows[0]


def args_of(text: str) -> TemplateDef:
    args = flow_of(f"        args: {text}\n").edges[0].args
    assert args is not None
    return args


def plain(part: Any) -> Any:
    """A template with ``<expression>`` for its expressions."""
    if isinstance(part, ExpressionDef):
        return f"<{part.text}>"
    if isinstance(part, TextDef):
        return [f"<{piece.text}>" if isinstance(piece, ExpressionDef) else piece for piece in part.parts]
    if isinstance(part, dict):
        return {key: plain(value) for key, value in part.items()}
    return [plain(item) for item in part] if isinstance(part, list) else part


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "<A>"),
        ("${ A.x }", "<A.x>"),
        ("order ${A.n} (${env.REGION})", ["order ", "<A.n>", " (", "<env.REGION>", ")"]),
        ('{number: "${A.n + 1}", currency: EUR, many: [1, 2.5, null, true, "${A.x}"]}',
         {"number": "<A.n + 1>", "currency": "EUR", "many": [1, 2.5, None, True, "<A.x>"]}),
        ('"$${kept} and $5"', "${kept} and $5"),
        ('"$${kept} ${A.x}"', ["${kept} ", "<A.x>"]),
        ("'${ {\"a\": [A.x for x in A.y]} }'", '<{"a": [A.x for x in A.y]}>'),
        ("[]", []),
        ("{}", {}),
        ("7", 7),
    ],
)  # fmt: skip
def test_texts_become_expressions(text: str, value: Any) -> None:
    assert plain(args_of(text).value) == value


def test_expressions_know_their_characters() -> None:
    args = args_of('{a: "Ž ${A.n} ${ B.x }", b: [1, "${args}"]}')
    found = [(path, expression.text, in_text) for path, expression, in_text in args.expressions()]
    assert found == [(("a",), "A.n", True), (("a",), "B.x", True), (("b", 1), "args", False)]
    columns = [(e.span.column, e.span.end_column) for _, e, _ in args.expressions()]
    assert columns == [(24, 27), (32, 35), (50, 54)]
    inner = next(expression for _, expression, _ in args.expressions())
    assert inner.at(2, 3).span.column == 26


def test_each_part_has_a_place() -> None:
    args = args_of('{a: {b: [1, "${args}"]}, c: 2}')
    _, value = args.at(("a", "b", 1))
    assert value.span.column == 27
    assert args.at(("a", "b"))[0].span.column == 20
    assert args.at(("c",))[0].span.column == 40
    assert args.at(("nowhere", "at all"))[1].span == args.at(())[1].span == args.location.span


def test_anchors_are_templates_of_their_own() -> None:
    text = '        args: &a {n: "${A.n}"}\n      - {from: B, to: A, args: *a}\n'
    model, found = read_text(HEAD + text)
    assert found == ()
    first, second = (edge.args for edge in model.flows[0].edges)
    assert first is not None
    assert second is not None
    assert plain(first.value) == plain(second.value) == {"n": "<A.n>"}


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ('"${A.n"', "SEL430", 16),
        ('{a: "x ${A.n =>}"}', "SEL430", 28),
        ("{1: 2}", "SEL104", 16),
        ("{a: .inf}", "SEL105", 19),
    ],
)
def test_what_is_wrong_is_reported_at_its_characters(text: str, code: str, column: int) -> None:
    model, found = read_text(HEAD + f"        args: {text}\n")
    assert where(found)[0] == (code, 6, column)
    assert model.flows[0].edges[0].args is None


def test_null_is_not_given() -> None:
    edge: EdgeDef = flow_of("        args:\n").edges[0]
    assert edge.args is None


def test_schemas_are_paths_or_in_place() -> None:
    flow = flow_of("    input_schema: {type: object}\n    output_schema: out.json\n")
    assert isinstance(flow.input_schema, SchemaDef)
    assert flow.input_schema.data == {"type": "object"}
    assert flow.output_schema is not None
    assert not isinstance(flow.output_schema, SchemaDef)
    assert flow.output_schema.name == "out.json"


PROJECT = """
tasks:
  - {name: A, import: m, output_schema: {type: object}, input_schema: in.json}
  - {name: B, import: m}
global:
  vars: {currency: EUR, limit: 3}
  env: {REGION: {default: eu}, STAGE: , ZONE: {}}
  typed_tasks: true
  redact: [password, "*token*"]
flow-definitions:
  - name: f
    vars: {limit: 4}
    input_schema: {type: object}
    output: {parcel: "${B.parcel}", text: "no ${args.n}"}
    output_schema: {type: object}
    edges:
      - {from: , to: A, args: "${args}"}
      - {from: A, to: B, args: {n: "${A.n}"}}
    failures:
      - {nodes: A, fallback: B, args: {why: "${failed.A.message}"}}
  - {name: g, edges: [{from: , to: A}]}
"""


def test_everything_is_in_the_plan() -> None:
    model, found = read_text(PROJECT)
    assert found == ()
    assert model.has_expressions
    plan = compile_model(model)
    f, g = plan.flows["f"], plan.flows["g"]
    assert (f.constants, g.constants) == ({"currency": "EUR", "limit": 4}, {"currency": "EUR", "limit": 3})
    assert (f.input_schema, f.output_schema, g.input_schema) == ({"type": "object"}, {"type": "object"}, None)
    assert (plan.tasks["A"].output_schema, plan.tasks["A"].input_schema) == ({"type": "object"}, "in.json")
    assert plan.settings.environment == {"REGION": {"default": "eu"}, "STAGE": {}, "ZONE": {}}
    assert (plan.settings.typed_tasks, plan.settings.redact) == (True, ("password", "*token*"))
    assert isinstance(f.edges[0].args, Template)
    assert isinstance(f.edges[0].args.value, Computed)
    assert f.failures[0].args is not None
    assert f.failures[0].args.value["why"].expression.place.line == 20
    assert f.output is not None
    text = f.output.value["text"]
    assert isinstance(text, ComputedText)
    assert text.parts[0] == "no "
    assert isinstance(text.parts[1], Expression)
    assert plan_to_json(plan)["version"] == 2


@pytest.mark.parametrize(
    ("section", "column"),
    [
        ("{env: [REGION]}", 15),
        ("{env: {REGION: eu}}", 24),
        ("{env: {REGION: {default: 5}}}", 34),
        ("{env: {REGION: {defualt: eu}}}", 25),
        ("{redact: [[a]]}", 19),
        ("{vars: [1]}", 16),
        ("{typed_tasks: 1}", 23),
    ],
)
def test_mistakes_in_settings(section: str, column: int) -> None:
    _, found = read_text(f"global: {section}\n")
    assert [d.span.column for d in found] == [column]
