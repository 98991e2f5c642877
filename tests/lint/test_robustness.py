"""No input makes a rule raise, and what a file says in masses stays affordable."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.config.schema.flows import EDGE, FAILURE, FLOW, FOREACH, SAMPLING, SELECTIVE
from selinon_core.config.schema.global_section import GLOBAL, TRACE_ENTRY
from selinon_core.config.schema.nodes import STORAGE, TASK
from selinon_core.diagnostics import Diagnostic, has_errors
from selinon_core.project import compile_text
from tests.example_counts import examples

Json = Any

_names = st.sampled_from(
    ["A", "B", "C", "f", "g", "Unknown", "alwaysTrue", "alwaysFalse", "fieldEqual", "argsEmpty"]
)
_scalars = st.one_of(_names, st.none(), st.booleans(), st.integers(-1, 3), st.floats(), st.text(max_size=5))
_anything = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_names, inner, max_size=3)),
    max_leaves=5,
)


def _mapping(table: Any, likely: dict[str, st.SearchStrategy[Json]]) -> st.SearchStrategy[Json]:
    """A mapping with some keys of a table, most of them with a value that makes sense."""
    values = {key: st.one_of(likely.get(key, _anything), _anything) for key in table.keys}
    required = {key: likely[key] for key in likely if key in ("name", "from", "to", "edges", "import", "nodes")}
    return st.fixed_dictionaries(required, optional={k: v for k, v in values.items() if k not in required})


_some = st.one_of(_names, st.lists(_names, max_size=3))
_module = st.sampled_from(
    ["nowhere", "selinon.strategies", "selinon_core.caches", "selinon.predicates", "os.path", "..a"]
)
_leaf = st.fixed_dictionaries(
    {"name": _names},
    optional={
        "node": _some,
        "args": st.one_of(_anything, st.just({"key": "a", "value": 1})),
        "quantifier": _names,
    },
)
_condition = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.builds(lambda x: {"not": x}, inner),
        st.builds(lambda x: {"and": x}, st.lists(inner, max_size=3)),
        st.builds(lambda x: {"or": x}, st.lists(inner, max_size=3)),
    ),
    max_leaves=6,
)
_foreach = _mapping(FOREACH, {"import": _module, "function": _names})
_selective = _mapping(SELECTIVE, {"tasks": st.lists(_names, max_size=3)})
_edge = _mapping(
    EDGE,
    {
        "from": st.one_of(st.none(), _some),
        "to": _some,
        "condition": _condition,
        "foreach": _foreach,
        "selective": _selective,
    },
)
_failure = _mapping(
    FAILURE, {"nodes": _some, "fallback": st.one_of(_some, st.just(True)), "condition": _condition}
)
_flow = _mapping(
    FLOW,
    {
        "name": _names,
        "edges": st.lists(_edge, max_size=5),
        "failures": st.lists(_failure, max_size=3),
        "sampling": _mapping(SAMPLING, {"name": _names, "import": _module}),
        "nowait": _some,
    },
)
_projects = st.fixed_dictionaries(
    {
        "tasks": st.lists(_mapping(TASK, {"name": _names, "import": _module, "storage": _names}), max_size=3),
        "flow-definitions": st.lists(_flow, max_size=3),
    },
    optional={
        "storages": st.lists(_mapping(STORAGE, {"name": _names, "import": _module}), max_size=2),
        "flows": _some,
        "global": _mapping(GLOBAL, {"predicates_module": _module, "trace": _mapping(TRACE_ENTRY, {})}),
    },
)


@settings(max_examples=examples(100, 400))
@given(_projects)
def test_no_rule_raises_and_without_errors_there_is_a_plan(written: Json) -> None:
    text = yaml.safe_dump(written, sort_keys=False)
    linted = compile_text({"project.yaml": text}, lint=True)
    found = linted.diagnostics
    assert len(set(found)) == len(found)
    assert all(d.span.file == "project.yaml" for d in found)
    assert linted.ok is not has_errors(found)


def project(nodes: list[str], edges: list[str], failures: list[str]) -> str:
    tasks = "".join(f"  - {{name: {name}, import: m}}\n" for name in nodes)
    lists = [
        f"    {key}:\n" + "".join(f"      - {{{e}}}\n" for e in entries)
        for key, entries in (("edges", edges), ("failures", failures))
        if entries
    ]
    return f"tasks:\n{tasks}flow-definitions:\n  - name: f\n{''.join(lists)}"


def lint(text: str) -> tuple[Diagnostic, ...]:
    return compile_text({"project.yaml": text}, lint=True).diagnostics


def test_masses_of_misspelt_names_are_answered() -> None:
    nodes = [f"Task{n}" for n in range(2000)]
    edges = [f"from: , to: Tsak{n}" for n in range(2000)] + [f"from: Task{n}, to: Tsk{n}" for n in range(2000)]
    found = lint(project(nodes, edges, []))
    assert sum(d.code == "SEL201" for d in found) == 4000
    assert any(d.help.startswith("did you mean") for d in found)


def test_masses_of_fallbacks_are_answered() -> None:
    nodes = [f"Task{n}" for n in range(200)]
    failures = [f"nodes: [{', '.join(nodes[: n + 2])}], fallback: Task0" for n in range(190)]
    found = lint(project(nodes, [f"from: , to: [{', '.join(nodes)}]"], failures))
    assert {d.code for d in found} == {"SEL601"}


def test_masses_of_unlikely_fallbacks_are_answered() -> None:
    nodes = [f"Task{n}" for n in range(1500)]
    edges = ["from: , to: Task0", *[f"from: Task{n}, to: Task{n + 1}" for n in range(1499)]]
    failures = [f"nodes: [Task{n}, Task{n + 1}], fallback: true" for n in range(1499)]
    found = [d for d in lint(project(nodes, edges, failures)) if d.code == "SEL506"]
    assert found


def test_a_deep_condition_is_judged() -> None:
    condition = "{name: alwaysFalse}"
    for _ in range(30):
        condition = f"{{not: {{and: [{condition}]}}}}"
    assert "SEL312" in {d.code for d in lint(project(["A"], [f"from: , to: A, condition: {condition}"], []))}
