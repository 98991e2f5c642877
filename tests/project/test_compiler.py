"""From the model to the plan: defaults filled in, ``true`` spelled out."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.plan import And, CachePlan, ImportRef, Leaf, Not, Or, Plan, Settings, Strategy
from selinon_core.project.compiler import compile_model
from tests.config.reads import FULL, read_data, read_text


def plan_of(text: str) -> Plan:
    model, found = read_text(text)
    assert found == ()
    return compile_model(model)


HEAD = "tasks: [{name: A, import: m}, {name: B, import: m}, {name: C, import: m}]\n"


def flow(rest: str, edges: str = "[{from: , to: [A, s]}, {from: A, to: B}]", more: str = "") -> str:
    return (
        HEAD
        + f"flow-definitions:\n- {{name: f, edges: {edges}, {rest}}}\n- {{name: s, edges: [{{from: , to: A}}]}}\n"
        + "- {name: t, edges: [{from: , to: A}]}\n"
        + more
    )


def test_defaults() -> None:
    plan = plan_of(flow(""))
    task, compiled = plan.tasks["A"], plan.flows["f"]
    assert task._replace(place=compiled.place) == task.__class__(
        name="A",
        function=ImportRef("m", "A"),
        max_retry=0,
        retry_countdown=0,
        timeout=None,
        throttling=None,
        output_schema=None,
        storage=None,
        storage_readonly=False,
        storage_task_name="A",
        selective_run_function=None,
        queue="celery",
        place=compiled.place,
    )
    assert (compiled.queue, compiled.max_retry, compiled.timeout, compiled.cache) == ("celery", 0, None, None)
    assert compiled.sampling == Strategy(
        ImportRef("selinon_core.strategies", "biexponential_increase"), {"start_retry": 2, "max_retry": 120}
    )
    assert plan.settings == Settings(None, (), "warn", "fail")
    assert (task.place.line, task.place.column) == (1, 16)
    assert (compiled.place.line, compiled.edges[1].place.column) == (3, 43)


def test_default_queues_come_from_global_and_keep_their_variables() -> None:
    plan = plan_of(flow("", more="global: {default_task_queue: 't_{X}', default_dispatcher_queue: d}\n"))
    assert (plan.tasks["A"].queue, plan.flows["f"].queue) == ("t_{X}", "d")


@pytest.mark.parametrize("empty", ["''", "~", "[]"])
def test_an_empty_queue_is_the_default_one(empty: str) -> None:
    text = f"tasks: [{{name: A, import: m, queue: {empty}}}]\nglobal: {{default_task_queue: q}}\n"
    assert plan_of(text).tasks["A"].queue == "q"


@pytest.mark.parametrize(
    "flag",
    [
        "propagate_node_args",
        "propagate_parent",
        "propagate_finished",
        "propagate_compound_finished",
        "propagate_failures",
        "propagate_compound_failures",
        "propagate_parent_failures",
    ],
)
def test_true_is_every_sub_flow_that_is_started(flag: str) -> None:
    for value, expected in (
        ("true", {"s", "t"}),
        ("false", set()),
        ("s", {"s"}),
        ("[t, s]", {"s", "t"}),
        ("", set()),
    ):
        plan = plan_of(flow(f"failures: [{{nodes: A, fallback: t}}], {flag}: {value}"))
        assert getattr(plan.flows["f"], flag) == expected, value


def test_eager_failures_true_is_every_node_that_is_waited_for() -> None:
    plan = plan_of(flow("eager_failures: true, nowait: [s], failures: [{nodes: A, fallback: [t, C]}]"))
    assert plan.flows["f"].eager_failures == {"A", "B", "t", "C"}
    assert plan.flows["f"].nowait == {"s"}
    assert plan_of(flow("eager_failures: B")).flows["f"].eager_failures == {"B"}


def condition(text: str, sources: str = "A") -> Any:
    edges = f"[{{from: , to: [A, B]}}, {{from: {sources}, to: B, condition: {text}}}]"
    return plan_of(flow("", edges)).flows["f"].edges[1].condition


def test_conditions() -> None:
    tree = condition("{and: [{name: a, args: {k: [1]}}, {or: [{not: {name: b}}, {not: [{name: c, node: A}]}]}]}")
    assert isinstance(tree, And)
    leaf, either = tree.operands
    assert leaf == Leaf(ImportRef("selinon_core.predicates", "a"), ("A",), {"k": [1]}, None, leaf.place)
    assert isinstance(either, Or)
    assert [type(operand) for operand in either.operands] == [Not, Not]


def test_the_node_of_a_leaf() -> None:
    assert condition("{name: a}").node == ("A",)
    assert condition("{name: a}", "[A, B]").node is None
    assert condition("{name: a}", "").node is None
    assert condition("{name: a, node: B}", "[A, B]").node == ("B",)
    path = condition("{name: a, node: [s, A], quantifier: all}", "[A, s]")
    assert (path.node, path.quantifier) == (("s", "A"), "all")


def test_predicates_come_from_the_projects_module() -> None:
    edges = "[{from: , to: A, condition: {name: p}}]"
    plan = plan_of(flow("", edges, "global: {predicates_module: x.y}\n"))
    leaf = plan.flows["f"].edges[0].condition
    assert isinstance(leaf, Leaf)
    assert leaf.function == ImportRef("x.y", "p")


def test_failures_are_sorted_sets_and_true_starts_nothing() -> None:
    text = "failures: [{nodes: [B, A, B], fallback: [C, C]}, {nodes: A, fallback: true}]"
    first, second = plan_of(flow(text)).flows["f"].failures
    assert (first.nodes, first.fallback, first.index) == (("A", "B"), ("C", "C"), 0)
    assert (second.nodes, second.fallback, second.index) == (("A",), (), 1)


def test_selective_edges() -> None:
    for written, expected in (
        ("", False),
        ("true", True),
        ("false", False),
        ("[s, t]", ("s", "t")),
        ("[]", False),
    ):
        edges = f"[{{from: , to: s, selective: {{tasks: [A], run_subsequent: {written}}}}}]"
        selective = plan_of(flow("", edges)).flows["f"].edges[0].selective
        assert selective == (("A",), False, expected)
    assert plan_of(flow("", "[{from: , to: s, selective: {}}]")).flows["f"].edges[0].selective is None


SHIPPED = "selinon_core.caches"


@pytest.mark.parametrize(
    ("cache", "module", "name", "configuration"),
    [
        ("{}", SHIPPED, "LRU", {"max_cache_size": 0}),
        ("{name: FIFO}", SHIPPED, "FIFO", {"max_cache_size": 0}),
        ("{name: RR, import: selinon.caches}", "selinon.caches", "RR", {"max_cache_size": 0}),
        ("{name: Mine, import: my}", "my", "Mine", {}),
        ("{name: LRU, configuration: {max_cache_size: 5}}", SHIPPED, "LRU", {"max_cache_size": 5}),
    ],
)
def test_caches(cache: str, module: str, name: str, configuration: dict[str, int]) -> None:
    compiled = plan_of(f"storages: [{{name: S, import: m, cache: {cache}}}]\ntasks: []\n")
    assert compiled.storages["S"].cache == CachePlan(ImportRef(module, name), configuration)


def test_sampling_arguments() -> None:
    default = {"start_retry": 2, "max_retry": 120}
    for written, name, args in (
        ("{}", "biexponential_increase", default),
        ("{name: biexponential_increase}", "biexponential_increase", default),
        ("{name: constant, args: {retry: 1}}", "constant", {"retry": 1}),
        ("{name: mine, import: my}", "mine", {}),
    ):
        sampling = plan_of(flow(f"sampling: {written}")).flows["f"].sampling
        assert (sampling.function.name, sampling.args) == (name, args)


def test_trace_has_one_mapping_for_each_sink() -> None:
    model, _ = read_data({"global": FULL["global"]})
    assert compile_model(model).settings.trace == (
        {"logging": True},
        {"function": {"import": "shop.trace", "name": "event"}},
        {"storage": {"name": "Bare", "method": "trace"}},
        {"sentry": {"dsn": ""}},
        {"opentelemetry": True},
    )


def test_an_alias_of_a_flow_is_a_flow_of_its_own() -> None:
    plan = plan_of(
        HEAD
        + "flow-definitions:\n- &f {name: f, queue: q, edges: [{from: , to: A}]}\n- {<<: *f, name: g, queue: r}\n"
    )
    assert plan.flows["g"].edges == plan.flows["f"].edges
    assert (plan.flows["g"].name, plan.flows["g"].queue) == ("g", "r")


@pytest.mark.parametrize(
    "text",
    [
        "tasks: [{name: A, import: 5}]",
        HEAD + "flow-definitions: [{name: f, edges: [{from: , to: Nobody}]}]",
        HEAD + "flow-definitions: [{name: f, edges: [{from: A, to: [5]}]}]",
        HEAD + "flow-definitions: [{name: f, edges: [5]}]",
        HEAD + "flow-definitions: [{name: f, edges: [{from: , to: A, condition: {and: [5]}}]}]",
        # a leaf without its arguments, and one without its node, each broken on its own
        HEAD + "flow-definitions: [{name: f, edges: [{from: , to: A, condition: {name: isInt, args: 5}}]}]",
        HEAD + "flow-definitions: [{name: f, edges: [{from: , to: A, condition: {name: isInt, node: {a: b}}}]}]",
        "tasks: [{name: A, import: m, storage: Nobody}]",
        "tasks: [{name: A, import: m}, {name: A, import: n}]",
        "tasks: [",
    ],
)
def test_what_is_broken_cannot_be_compiled(text: str) -> None:
    model, _ = read_text(text)
    with pytest.raises(ValueError, match=r"errors|unknown|complete"):
        compile_model(model)
