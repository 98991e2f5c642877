"""What can start, against a fixpoint computed the slow way; what is a mistake, and what follows from one."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from selinon_core.diagnostics import Severity
from selinon_core.project import Project, compile_data, compile_text

Json = Any
TASKS = ["A", "B", "C", "D", "E", "F"]

_names = st.lists(st.sampled_from(TASKS), min_size=1, max_size=3, unique=True)
_edges = st.lists(
    st.builds(
        lambda sources, to: {"from": sources, "to": to}, st.one_of(st.just([]), _names, _names, _names), _names
    ),
    min_size=1,
    max_size=8,
)
_failures = st.lists(st.builds(lambda n, f: {"nodes": n, "fallback": f}, _names, _names), max_size=3)


def lint(edges: list[Json], failures: list[Json]) -> Project:
    tasks = [{"name": name, "import": "m", "storage": "R"} for name in TASKS]
    storages = [{"name": "R", "import": "selinon.storages.memory", "classname": "InMemoryStorage"}]
    flow = {"name": "f", "edges": edges, "failures": failures}
    return compile_data({"tasks": tasks, "storages": storages, "flow-definitions": [flow]})


def startable(edges: list[Json], failures: list[Json], supposed: set[str]) -> set[str]:
    """Round after round, everything whose sources have all started."""
    steps = [(set(e["from"]), e["to"]) for e in edges] + [(set(f["nodes"]), f["fallback"]) for f in failures]
    started = set(supposed)
    while True:
        grown = started.union(*[to for sources, to in steps if sources <= started])
        if grown == started:
            return started
        started = grown


@given(_edges, _failures)
def test_dead_nodes_are_exactly_reported(edges: list[Json], failures: list[Json]) -> None:
    project = lint(edges, failures)
    found = {d.code for d in project.diagnostics}
    starters = {name for e in edges for name in e["to"]} | {name for f in failures for name in f["fallback"]}
    waited_for = {name for e in edges for name in e["from"]}
    if all(e["from"] for e in edges):
        assert "SEL301" in found
        assert not found & {"SEL302", "SEL303"}
        return
    assert "SEL301" not in found
    assert ("SEL302" in found) == bool(waited_for - starters)
    never_started = {name for e in edges for name in e["from"]} | {n for f in failures for n in f["nodes"]}
    dead = starters - startable(edges, failures, never_started - starters)
    assert ("SEL303" in found) == bool(dead)


NODES = """
tasks:
  - {name: A, import: m}
  - {name: B, import: m}
  - {name: C, import: m}
  - {name: D, import: m}
"""


def codes(flows: str) -> list[str]:
    project = compile_text({"nodes.yaml": NODES, "flows.yaml": flows}, lint=True)
    here = [d for d in project.diagnostics if d.span.file == "flows.yaml" and d.severity is not Severity.INFO]
    return [d.code for d in here if d.code != "SEL601"]  # there are no modules


def flow(edges: str, name: str = "f", more: str = "") -> str:
    return f"flow-definitions:\n  - name: {name}\n    edges: [{edges}]\n{more}"


def test_a_join_in_a_circle_is_an_error() -> None:
    assert codes(flow("{from: , to: B}, {from: [B, C], to: D}, {from: D, to: C}")) == ["SEL303"]


def test_waiting_for_a_sub_flow_that_is_never_started_is_an_error() -> None:
    assert codes(
        flow("{from: , to: B}, {from: [B, g], to: D}") + "  - name: g\n    edges: [{from: , to: A}]\n"
    ) == ["SEL302"]


def test_what_lies_behind_a_dead_join_is_not_reported_again() -> None:
    edges = "{from: , to: B}, {from: [B, C], to: D}, {from: D, to: C}, {from: D, to: A}, {from: [A, B], to: A}"
    assert codes(flow(edges)) == ["SEL303"]


def test_a_node_started_by_a_fallback_can_start() -> None:
    edges = "{from: , to: A}, {from: [A, B], to: C}, {from: C, to: D}"
    assert codes(flow(edges, more="    failures: [{nodes: D, fallback: A}, {nodes: A, fallback: B}]\n")) == []


def test_nothing_is_said_about_a_flow_of_which_a_part_cannot_be_read() -> None:
    assert codes(flow("{from: , to: A}, {from: B, to: C}, {from: A, too: B}")) == ["SEL101"]


def test_a_misspelt_destination_is_one_mistake() -> None:
    text = flow("{from: , to: Fecth}, {from: Fetch, to: A}") + "tasks: [{name: Fetch, import: m}]\n"
    assert codes(text) == ["SEL201"]


def test_unguarded_recursion_is_an_error_and_guarded_is_not() -> None:
    assert codes(flow("{from: , to: A}, {from: A, to: f}")) == ["SEL304"]
    assert codes(flow("{from: , to: A}, {from: A, to: f, condition: {name: argsIsDict}}")) == []
    assert codes(flow("{from: , to: A, condition: {name: argsIsDict}}, {from: A, to: f}")) == []
    assert codes(flow("{from: , to: A}, {from: A, to: f, foreach: {import: m, function: x}}")) == []
    assert codes(flow("{from: , to: A}, {from: [A, B], to: f}, {from: A, to: B}")) == ["SEL304"]
    assert codes(flow("{from: , to: A}, {from: A, to: C}", more="    failures: [{nodes: A, fallback: f}]\n")) == []


def test_mutual_recursion_is_reported_once() -> None:
    other = "  - name: g\n    edges: [{from: , to: h}]\n  - name: h\n    edges: [{from: , to: f}]\n"
    assert codes(flow("{from: , to: g}") + other) == ["SEL304"]
    guarded = other.replace("to: h}", "to: h, condition: {name: argsIsDict}}")
    assert codes(flow("{from: , to: g}") + guarded) == []


def test_a_cycle_with_a_condition_is_fine() -> None:
    condition = "condition: {name: argsIsDict}"
    assert codes(flow(f"{{from: , to: A}}, {{from: A, to: B}}, {{from: B, to: A, {condition}}}")) == []
    assert codes(flow("{from: , to: A}, {from: A, to: B}, {from: B, to: A}")) == ["SEL311"]


def test_a_mistake_in_an_aliased_flow_is_reported_once_with_its_uses() -> None:
    text = (
        "flow-definitions:\n  - &one\n    name: f\n    edges: [{from: , to: A}, {from: Nope, to: B}]\n"
        "  - {<<: *one, name: g}\n  - {<<: *one, name: h}\n"
    )
    project = compile_text({"nodes.yaml": NODES, "flows.yaml": text}, lint=True)
    found = [d for d in project.diagnostics if d.span.file == "flows.yaml"]
    assert [d.code for d in found] == ["SEL201"]
    assert [related.span.line for related in found[0].related] == [5, 6]
