"""Plans survive being JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.diagnostics.location import Place
from selinon_core.plan import (
    And,
    CachePlan,
    Computed,
    ComputedText,
    EdgePlan,
    Expression,
    FailurePlan,
    FlowLimit,
    FlowPlan,
    Foreach,
    ForeachItems,
    ImportRef,
    LanePlan,
    Leaf,
    Not,
    NotifyPlan,
    Or,
    Plan,
    RetryPolicy,
    SchedulePlan,
    Selective,
    Settings,
    StoragePlan,
    Strategy,
    TaskLimit,
    TaskPlan,
    Template,
    Wait,
)
from selinon_core.plan import Test as Expressed
from selinon_core.plan.json_edges import edge_json, read_edge
from selinon_core.plan.json_form import plan_from_json, plan_to_json
from selinon_core.project.compiler import compile_model
from tests.config.reads import FULL, read_data

VERSION_1 = Path(__file__).parent / "golden" / "plan_version_1.json"

names = st.text("abcXYZ_$", min_size=1, max_size=4)
many = st.lists(names, max_size=3).map(tuple)
sets = st.frozensets(names, max_size=3)
places = st.builds(Place, names, st.integers(1, 99), st.integers(1, 99))
imports = st.builds(ImportRef, names, names)
numbers = st.integers(0, 10**12) | st.floats(0, 1e12)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
keys = names | st.integers() | st.booleans() | st.none() | st.sampled_from(["$map", "$float"])
data = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
mappings = st.dictionaries(names, data, max_size=3)
caches = st.none() | st.builds(CachePlan, imports, mappings)
expressions = st.builds(Expression, st.sampled_from(["A.total > 3", "args", "1"]), places)
template_parts = st.recursive(
    scalars
    | st.builds(Computed, expressions)
    | st.builds(ComputedText, st.lists(st.text(max_size=3) | expressions, max_size=3).map(tuple)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | st.just("$"), inner, max_size=3),
    max_leaves=6,
)
templates = st.none() | st.builds(Template, template_parts, places)
schemas = st.none() | names | mappings
waits = st.none() | st.builds(Wait, templates, st.none() | numbers)
retries = st.none() | st.builds(RetryPolicy, numbers, st.none() | numbers, numbers, many, many)
keeps = st.none() | st.dictionaries(st.sampled_from(["success", "failure", "cancelled"]), numbers, min_size=1)
notifications = st.builds(
    NotifyPlan, many, many, st.none() | names, st.none() | names, st.none() | imports, numbers, places
)
limits = st.none() | st.builds(
    FlowLimit, templates.filter(bool), st.integers(1, 9), st.sampled_from(["queue", "skip"])
)
task_limits = st.none() | st.builds(TaskLimit, templates.filter(bool), st.integers(1, 9))
schedules = st.builds(
    SchedulePlan, names, names, names, names, data, names, names, numbers, places, st.none() | names
)
lanes = st.dictionaries(names, st.builds(LanePlan, st.none() | st.integers(0, 9), names), max_size=2)
leaves = st.builds(Leaf, imports, st.none() | many, mappings, st.sampled_from([None, "any"]), places)
conditions = st.recursive(
    leaves | st.builds(Expressed, expressions),
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts)))
    ),
    max_leaves=5,
)
some_condition = st.none() | conditions
edges = st.builds(
    EdgePlan,
    st.integers(0, 9),
    many,
    many,
    some_condition,
    st.none()
    | st.builds(Foreach, imports, st.booleans(), places, st.none() | st.integers(0, 3))
    | st.builds(ForeachItems, expressions, names, places, st.none() | st.integers(0, 3)),
    st.none() | st.builds(Selective, many, st.booleans(), st.booleans() | st.lists(names, min_size=1).map(tuple)),
    st.none() | names,
    places,
    templates,
)
failures = st.builds(FailurePlan, st.integers(0, 9), many, many, some_condition, st.booleans(), places, templates)
flows = st.builds(
    FlowPlan,
    names,
    st.lists(edges, max_size=3).map(tuple),
    st.lists(failures, max_size=2).map(tuple),
    names,
    st.integers(0, 5),
    numbers,
    st.none() | numbers,
    st.none() | numbers,
    sets,
    sets,
    st.booleans(),
    *([sets] * 7),
    st.builds(Strategy, imports, mappings),
    caches,
    places,
    schemas,
    templates,
    schemas,
    mappings,
    templates,
    keeps,
    limits,
    st.none() | names,
    st.none() | numbers,
    many,
)
tasks = st.builds(
    TaskPlan,
    names,
    imports,
    st.integers(0, 5),
    numbers,
    st.none() | numbers,
    st.none() | numbers,
    st.none() | names,
    st.none() | names,
    st.booleans(),
    names,
    st.none() | imports,
    names,
    places,
    schemas,
    waits,
    retries,
    many,
    task_limits,
)
storages = st.builds(StoragePlan, names, imports, data, caches, places)
sinks = st.lists(mappings, max_size=2).map(tuple)


def by_name(strategy: Any) -> Any:
    return st.lists(strategy, max_size=3, unique_by=lambda item: item.name).map(lambda l: {i.name: i for i in l})  # noqa: E741


plans = st.builds(
    Plan,
    by_name(tasks),
    by_name(flows),
    by_name(storages),
    st.builds(
        Settings,
        st.none() | names,
        sinks,
        names,
        names,
        st.dictionaries(names, mappings, max_size=2),
        st.booleans(),
        many,
        st.lists(schedules, max_size=2).map(tuple),
        st.lists(notifications, max_size=2).map(tuple),
    ),
)


@given(plans)
def test_a_plan_survives_json(plan: Plan) -> None:
    text = json.dumps(plan_to_json(plan), allow_nan=False)
    back = plan_from_json(json.loads(text))
    assert back == plan
    assert isinstance(back, Plan)
    assert list(back.flows) == list(plan.flows)
    assert json.dumps(plan_to_json(back)) == text  # tells 1 from True, which == does not


def test_a_compiled_project_survives_json() -> None:
    plan = compile_model(read_data(FULL)[0])
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


def test_the_form_is_the_same_every_time() -> None:
    plan = compile_model(read_data(FULL)[0])
    assert json.dumps(plan_to_json(plan)) == json.dumps(plan_to_json(plan_from_json(plan_to_json(plan))))


def of_before() -> Plan:
    """The plan of a file without what came later."""
    plan = compile_model(read_data(FULL)[0])
    tasks = {name: task._replace(retry=None, tags=()) for name, task in plan.tasks.items()}
    tasks["Mail"] = tasks["Mail"]._replace(max_retry=0, retry_countdown=0)
    flows = {
        name: flow._replace(keep=None, limit=None, lane=None, expires=None, tags=())
        for name, flow in plan.flows.items()
    }
    return plan._replace(tasks=tasks, flows=flows, settings=plan.settings._replace(lanes={}, links={}))


def test_a_plan_without_expressions_is_written_as_before() -> None:
    plan = of_before()
    assert json.dumps(plan_to_json(plan), indent=1) + "\n" == VERSION_1.read_text()


def test_version_1_is_read() -> None:
    assert plan_from_json(json.loads(VERSION_1.read_text())) == of_before()


@given(plans)
def test_what_version_1_does_not_have_makes_version_2(plan: Plan) -> None:
    written = plan_to_json(plan)
    known = json.loads(VERSION_1.read_text())
    flows, edges = written["flows"], [edge for flow in written["flows"] for edge in flow["edges"]]
    failures = [entry for flow in flows for entry in flow["failures"]]
    is_new = (
        any(flow.keys() > known["flows"][0].keys() for flow in flows)
        or any(task.keys() > known["tasks"][0].keys() for task in written["tasks"])
        or any("args" in part for part in (*edges, *failures))
        or any("in" in (edge["foreach"] or ()) for edge in edges)
        or any('"expr"' in json.dumps(_without_data(part["condition"])) for part in (*edges, *failures))
        or written["settings"].keys() > known["settings"].keys()
    )
    assert written["version"] == (2 if is_new else 1)


def _without_data(condition: Any) -> Any:
    """A condition without the arguments of predicates, which are data of users."""
    if isinstance(condition, dict):
        return {key: _without_data(value) for key, value in condition.items() if key not in ("args", "node")}
    return [_without_data(item) for item in condition] if isinstance(condition, list) else condition


def test_an_expression_says_where_it_is_written() -> None:
    place = Place("flows/a:b.yaml", 11, 19)
    test = Expressed(Expression("Load.total > 0", place))
    args = Template({"number": Computed(Expression("Load.number", place)), "currency": "EUR"}, place)
    edge = EdgePlan(0, ("Load",), ("Ship",), test, None, None, None, place, args)
    written = edge_json(edge)
    assert written["condition"] == {"expr": "Load.total > 0", "where": "flows/a:b.yaml:11:19"}
    assert written["args"] == {"number": {"$": "Load.number", "where": "flows/a:b.yaml:11:19"}, "currency": "EUR"}
    assert read_edge(json.loads(json.dumps(written))) == edge


def test_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 99"):
        plan_from_json({"version": 99})


def test_the_two_kinds_of_groups_stay_apart() -> None:
    leaf = Leaf(ImportRef("m", "f"), None, {}, None, Place("f", 1, 1))
    assert And((leaf,)) != Or((leaf,))
