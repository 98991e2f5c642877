"""Expressions, arguments and arrows of data in drawings."""

from __future__ import annotations

import pytest

from selinon_core.graph import drawing_of, write
from selinon_core.graph.model import Edge
from selinon_core.plan import Plan
from selinon_core.project.loader import compile_text

TASKS = """
tasks:
  - {name: Load, import: m, storage: S}
  - {name: Check, import: m, storage: S}
  - {name: Ship, import: m}
"""
STORAGE = "storages: [{name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}]\n"
FLOW = """
flow-definitions:
  - name: order
    edges:
      - {from: , to: Load, args: {number: "${args.number}", kind: new}}
      - from: Load
        to: Check
        condition: Load.total > 3 and not Load.closed
        foreach: {in: Load.lines, as: line}
        args: {line: "${line}", total: "${Load.total}"}
      - {from: Check, to: Ship, args: {number: "${Load.number}", text: "no ${Load.number} ${Check.ok}"}}
    failures:
      - {nodes: Check, fallback: Ship, args: {number: "${Load.number}"}}
"""


def plan_of(flow: str = FLOW) -> Plan:
    project = compile_text({"f.yaml": TASKS + STORAGE + flow})
    assert project.plan is not None, [found.message for found in project.diagnostics]
    return project.plan


def data_arrows(flow: str = FLOW) -> list[tuple[str, str, str]]:
    drawing = drawing_of(plan_of(flow), "order", data=True)
    return [(edge.source, edge.target, " ".join(edge.label)) for edge in drawing.edges if edge.kind == "data"]


def test_who_reads_whose_result() -> None:
    assert data_arrows() == [
        ("task:Load", "task:Check", "condition, foreach, total"),
        ("task:Load", "task:Ship", "number, text"),
        ("task:Check", "task:Ship", "text"),
        ("task:Load", "task:Ship", "number"),
    ]


def test_they_are_drawn_on_request() -> None:
    drawing = drawing_of(plan_of(), "order")
    assert [edge for edge in drawing.edges if edge.kind == "data"] == []


@pytest.mark.parametrize("form", ["dot", "mermaid", "json", "ascii"])
def test_every_format_has_them(form: str) -> None:
    text = write(drawing_of(plan_of(), "order", data=True), form).decode()
    plain = write(drawing_of(plan_of(), "order"), form).decode()
    assert text != plain
    assert "number, text" in text.replace("#44;", ",")


def test_boxes_and_tooltips_have_the_texts() -> None:
    drawing = drawing_of(plan_of(), "order")
    titles = [node.title for node in drawing.nodes if node.kind in ("condition", "foreach")]
    assert titles == ["Load.total > 3 and not Load.closed", "for each line of Load.lines"]
    [start] = [edge for edge in drawing.edges if edge.target == "task:Load" and edge.kind == "flow"]
    assert start.facts[1:-1] == ('number = "${args.number}"', 'kind = "new"')


@pytest.mark.parametrize(
    ("args", "is_argument"), [('        args: {line: "${line}", total: "${Load.total}"}\n', False), ("", True)]
)
def test_an_item_is_the_argument_only_where_the_edge_has_no_args(args: str, is_argument: bool) -> None:
    flow = FLOW.replace('        args: {line: "${line}", total: "${Load.total}"}\n', args)
    drawing = drawing_of(plan_of(flow), "order")
    [box] = [node for node in drawing.nodes if node.kind == "foreach"]
    assert ("the item is the argument" in " ".join(box.notes)) is is_argument
    facts = [fact for edge in drawing.edges for fact in (*edge.facts, *box.facts)]
    assert ("each item is the argument of what it starts" in facts) is is_argument


def _changed(new: str) -> list[Edge]:
    drawing = drawing_of(plan_of(FLOW.replace(*new.split("|"))), "order", other=plan_of())
    assert drawing.differs
    return [edge for edge in drawing.edges if edge.change]


def test_a_comparison_shows_changed_arguments() -> None:
    [edge] = _changed('kind: new|kind: old, more: "${args}"')
    assert (edge.target, edge.change) == ("task:Load", "changed")
    assert " ".join(edge.label) == "kind: new → old more: none → ${args}"


def test_a_comparison_does_not_look_at_places() -> None:
    moved = "\n\n# a comment" + FLOW
    assert not drawing_of(plan_of(moved), "order", other=plan_of()).differs


def test_a_comparison_shows_other_outputs() -> None:
    output = FLOW + '    output: {parcel: "${Check.parcel}"}\n'
    drawing = drawing_of(plan_of(output), "order", other=plan_of())
    assert drawing.differs
    assert 'output: null → {"parcel": "${Check.parcel}"}' in drawing.notes
