"""Templates and the names in them: types, texts, copies, sizes, references, and whose fault it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from selinon_core.diagnostics.location import Place
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.references import Reference, Referring, written
from selinon_core.errors import ArgumentError, ResultMissingError, StorageError, UnknownStorageError
from selinon_core.plan import FlowPlan
from selinon_core.plan.model import Computed, ComputedText, Expression, Strategy, Template
from selinon_core.runtime.results import LOCAL, Asking, Failure, Limits, ResultReader
from selinon_core.runtime.scope import OutputScope, Scope
from selinon_core.runtime.templates import INLINE, BoundExpressions, BoundTemplate

PLACE = Place("flows.yaml", 3, 7)


def text(expression: str) -> Expression:
    return Expression(expression, PLACE)


def value(expression: str) -> Computed:
    return Computed(text(expression))


def flow(**fields: Any) -> FlowPlan:
    sets = dict.fromkeys(
        [name for name in FlowPlan._fields if name.startswith("propagate_")] + ["nowait", "eager_failures"],
        frozenset(),
    )
    plain: dict[str, Any] = {
        "name": "order",
        "edges": (),
        "failures": (),
        "queue": "q",
        "max_retry": 0,
        "retry_countdown": 0.0,
        "timeout": None,
        "throttling": None,
        "node_args_from_first": False,
        "sampling": Strategy(None, {}),  # type: ignore[arg-type]
        "cache": None,
        "place": PLACE,
    }
    return FlowPlan(**{**sets, **plain, **fields})


class World:
    """Results of node runs, as a storage and a driver have them."""

    def __init__(self, **results: Any) -> None:
        self.results = results
        self.read: list[str] = []
        self.number = 0

    def run(self, name: str, *sources: NodeRun, status: str = "success", is_flow: bool = False) -> NodeRun:
        self.number += 1
        run = NodeRun(self.number, f"{name}-{self.number}", name, is_flow, 0, sources, None, None, 1)
        run.status = status  # type: ignore[assignment]
        return run

    # -- a storage
    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        self.read.append(task_id)
        found = self.results.get(task_id.replace("-", "_"), self.results.get(task_name))
        if isinstance(found, Exception):
            raise found
        return found

    # -- a driver
    def locate(self, task_id: str) -> str | None:
        return None

    def result_of(self, task_id: str) -> Any:
        raise KeyError(task_id)

    def failure_of(self, run: NodeRun) -> Failure:
        return Failure("ValueError", f"{run.id} is broken", 2)

    def scope(self, *sources: NodeRun, args: Any = None, has_item: bool = False, **fields: Any) -> Scope:
        asking = Asking(flow(**fields), "flow-id", 2, {})
        reader = ResultReader(self, asking.flow, self)  # type: ignore[arg-type]
        environment = {"SELINON_TEST_REGION": {"default": "eu"}, "SELINON_TEST_NONE": {}}
        return Scope(asking, reader, environment, sources, args, has_item)


def given(template: Any, scope: Scope, limits: Limits = LOCAL, item_name: str = "item") -> Any:
    return BoundTemplate(Template(template, PLACE), "args", item_name).value(scope, limits)


def test_values_keep_their_types_and_texts_are_written() -> None:
    world = World(Load={"number": 7, "half": 0.5, "ok": True, "lines": [{"n": 1}], "name": "a"})
    template = {
        "number": value("Load.number"),
        "lines": value("Load.lines"),
        "text": ComputedText(
            ("order ", text("Load.number"), " ", text("Load.ok"), text("Load.name"), text("Load.half"))
        ),
        "plain": ["EUR", 1, None],
        "nested": [{"deep": value("Load.number + 1")}],
    }
    assert given(template, world.scope(world.run("Load"))) == {
        "number": 7,
        "lines": [{"n": 1}],
        "text": "order 7 truea0.5",
        "plain": ["EUR", 1, None],
        "nested": [{"deep": 8}],
    }
    assert world.read == ["Load-1"]


def test_a_template_that_is_one_expression_is_its_value() -> None:
    world = World(Load=[1, 2])
    assert given(value("Load"), world.scope(world.run("Load"))) == [1, 2]
    assert given(value("len(Load) > 1"), world.scope(world.run("Load"))) is True


@pytest.mark.parametrize("part", ["Load.lines", "Load", "Load.none"])
def test_only_texts_numbers_and_booleans_are_parts_of_a_text(part: str) -> None:
    world = World(Load={"lines": [1], "none": None})
    with pytest.raises(ArgumentError, match=rf"^args.text at flows.yaml:3:7: {part}: .* is not written as text"):
        given({"text": ComputedText(("order ", text(part)))}, world.scope(world.run("Load")))


def test_values_are_copies() -> None:
    world = World(Load={"lines": [1]})
    scope = world.scope(world.run("Load"))
    first = given({"lines": value("Load.lines")}, scope)
    first["lines"].append(2)
    assert given({"lines": value("Load.lines")}, scope) == {"lines": [1]}


def test_the_names_of_a_scope() -> None:
    world = World()
    failed = world.run("Charge", status="failure")
    scope = world.scope(failed, args={"a": 1}, constants={"currency": "EUR"})
    template = {
        "args": value("args.a"),
        "vars": value("vars.currency"),
        "env": value("env.SELINON_TEST_REGION"),
        "flow": [value("flow.id"), value("flow.name"), value("flow.attempt")],
        "failed": value("failed.Charge"),
    }
    assert given(template, scope) == {
        "args": 1,
        "vars": "EUR",
        "env": "eu",
        "flow": ["flow-id", "order", 2],
        "failed": {"type": "ValueError", "message": "Charge-1 is broken", "attempts": 2},
    }


def test_the_item_and_its_position_have_the_names_of_the_foreach() -> None:
    scope = World().scope(has_item=True)
    scope.item, scope.index = {"a": 1}, 3
    assert given([value("item.a"), value("index")], scope) == [1, 3]
    assert given([value("shop.a"), value("index")], scope, item_name="shop") == [1, 3]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("Load.totl", '"Load" has no key "totl"'),
        ("Load.total + 1", '"Load.total" is null, not a number'),
        ("Gone", "no run of Gone led here"),
        ("failed.Load", "no failed run of Load was handled on the way here"),
        ("vars.x", "there is no vars.x"),
        ("env.HOME", "env.HOME is not listed under global.env"),
        ("env.SELINON_TEST_NONE", "the environment variable SELINON_TEST_NONE is not set"),
        ("item", "there is no item here"),
        ("all.Load", "all.Load is known in the output of a flow only"),
    ],
)
def test_what_cannot_be_worked_out_is_named_with_path_and_place(expression: str, message: str) -> None:
    world = World(Load={"total": None})
    with pytest.raises(ArgumentError) as caught:
        given({"a": [value(expression)]}, world.scope(world.run("Load")))
    assert str(caught.value).startswith(f"args.a[0] at flows.yaml:3:7: {message}")


def test_an_ambiguous_name_is_missing() -> None:
    world = World(List=1)
    first, second = world.run("List"), world.run("List")
    scope = world.scope(world.run("A", first), world.run("B", second))
    with pytest.raises(ArgumentError, match=r"2 runs of List may be meant \(List-1, List-2\): make List a source"):
        given(value("List"), scope)
    assert given(value("default(List, 0)"), scope) == 0
    assert given(value("has(List)"), scope) is False
    same = world.scope(world.run("A", first), world.run("B", first))
    assert given(value("List"), same) == 1


@pytest.mark.parametrize("expression", ["Load", "default(Load, 1)", "has(Load)"])
def test_a_result_that_should_be_there_is_no_missing_value(expression: str) -> None:
    for error, raised in (
        (ResultMissingError("no such result"), "the result of Load .run Load-1. is gone"),
        (StorageError("away"), "away"),
        (UnknownStorageError("no storage"), "the result of Load .run Load-1. cannot be read: no storage"),
    ):
        world = World(Load=error)
        with pytest.raises(Exception, match=raised):
            given(value(expression), world.scope(world.run("Load")))


def test_the_output_of_a_flow_is_its_value_and_a_flow_without_one_has_none() -> None:
    world = World()
    run = world.run("reserve", is_flow=True)
    run.outcome = FlowOutcome(True, {}, {}, [], {})
    with pytest.raises(Exception, match="flow reserve declares no output"):
        given(value("reserve"), world.scope(run))
    run.outcome = FlowOutcome(True, {}, {}, [], {}).with_output({"shelves": [1]})
    assert given(value("reserve.shelves"), world.scope(run)) == [1]


def test_outputs_know_all_finished_runs() -> None:
    world = World(Once=5, Item_1="a", Item_2="b")
    runs = {"Item": (world.run("Item"), world.run("Item")), "Once": (world.run("Once"),)}
    asking = Asking(flow(), "id", 1, {})
    scope = OutputScope(asking, ResultReader(world, asking.flow, world), {}, runs, {"a": 1})  # type: ignore[arg-type]
    template = {
        "all": value("all.Item"),
        "last": value("last.Item"),
        "once": value("Once"),
        "none": value("all.Other"),
        "args": value("args.a"),
        "default": value("default(Other, 0)"),
    }
    assert given(template, scope) == {
        "all": ["a", "b"],
        "last": "b",
        "once": 5,
        "none": [],
        "args": 1,
        "default": 0,
    }
    for expression, message in (
        ("Item", "2 runs of Item finished .*all.Item has them all, last.Item the last"),
        ("Other", "no run of Other finished"),
        ("last.Other", "no run of Other finished"),
    ):
        with pytest.raises(ArgumentError, match=message):
            given(value(expression), scope)


LONG = ["x" * 100] * (INLINE // 100)


def test_a_large_plain_path_is_a_reference_where_that_is_wanted() -> None:
    world = World(Load={"lines": LONG, "few": [1], "$ref": LONG})
    scope = world.scope(world.run("Load"))
    template = {"lines": value("Load.lines"), "few": value("Load.few"), "$ref": 1}
    assert given(template, scope) == {"lines": LONG, "few": [1], "$ref": 1}
    args = given(template, scope, Limits(refers=True))
    assert isinstance(args, Referring)
    assert args.value == {"lines": {"$ref": ["order", "Load", "Load-1", ["lines"]]}, "few": [1], "$$ref": 1}
    assert scope.reader.decoded(args) == {"lines": LONG, "few": [1], "$ref": 1}
    whole = given(value("Load"), scope, Limits(refers=True))
    assert scope.reader.decoded(whole) == world.results["Load"]
    assert given(value("[one for one in Load.lines]"), scope, Limits(refers=True)) == LONG


def test_a_large_text_is_a_reference_too_and_no_limit_keeps_it_away() -> None:
    world = World(Load={"page": "x" * (INLINE + 1), "head": "x" * INLINE})
    scope = world.scope(world.run("Load"))
    page, head = value("Load.page"), value("Load.head")
    args = given({"page": page, "head": head}, scope, Limits(2 * INLINE, refers=True))
    assert isinstance(args, Referring)
    assert args.value["page"] == {"$ref": ["order", "Load", "Load-1", ["page"]]}
    assert args.value["head"] == "x" * INLINE
    with pytest.raises(ArgumentError, match="bytes"):
        given(page, scope, Limits(INLINE))


def test_references_are_handed_on_and_not_read() -> None:
    world = World()
    reference = Reference("order", "Load", "Load-1", ("lines",))
    args = Referring(written({"lines": reference, "few": [1]}))
    scope = world.scope(args=args)
    world.results["Load"] = {"lines": [{"deep": LONG}]}
    again = given(
        {"one": value("args.lines"), "two": value("args.lines[0].deep"), "few": value("args.few")},
        scope,
        Limits(refers=True),
    )
    assert again.value == {
        "one": {"$ref": ["order", "Load", "Load-1", ["lines"]]},
        "two": {"$ref": ["order", "Load", "Load-1", ["lines", 0, "deep"]]},
        "few": [1],
    }
    assert given(value("args.lines[0].deep"), scope) == LONG


def test_data_that_looks_like_a_reference_is_data() -> None:
    tricky = {"$ref": ["order", "Load", "id", []], "$$ref": {"$ref": 1}, "$$$ref": [{"$ref": 2}], "ref": 3}
    world = World(Load={"tricky": tricky, "lines": LONG})
    scope = world.scope(world.run("Load"))
    args = given({"tricky": value("Load.tricky"), "lines": value("Load.lines")}, scope, Limits(refers=True))
    assert isinstance(args, Referring)
    assert scope.reader.decoded(Referring(json.loads(json.dumps(args.value)))) == {"tricky": tricky, "lines": LONG}
    assert given({"tricky": value("Load.tricky")}, scope, Limits(refers=True)) == {"tricky": tricky}


def test_a_part_that_is_gone_is_named() -> None:
    world = World(Load={"lines": [1]})
    scope = world.scope(args=Referring(written({"a": Reference("order", "Load", "Load-1", ("lines", 3))})))
    with pytest.raises(ResultMissingError, match=r"the result of Load \(run Load-1\) has no lines.3 any more"):
        given(value("args.a"), scope)


def test_too_much_is_an_error_that_names_the_setting() -> None:
    world = World(Load={"lines": LONG})
    scope = world.scope(world.run("Load"))
    with pytest.raises(
        ArgumentError,
        match=r"^args at flows.yaml:3:7: \d+ bytes of JSON are too many, selinon_max_args_bytes is 9000",
    ):
        given({"a": value("Load.lines"), "b": value("Load.lines")}, scope, Limits(9000))
    assert isinstance(
        given({"a": value("Load.lines"), "b": value("Load.lines")}, scope, Limits(9000, refers=True)), Referring
    )


def test_what_is_no_json_value_is_named() -> None:
    world = World(Load={"when": {1, 2}})
    with pytest.raises(
        ArgumentError, match=r"args.a at flows.yaml:3:7: Load.when is not a JSON value: \$ is a set"
    ):
        given({"a": value("Load.when")}, world.scope(world.run("Load")))


def test_a_template_of_a_plan_that_differs_little_is_bound_once_unless_its_item_is_called_otherwise() -> None:
    template = Template({"number": value("line.number")}, PLACE)
    original = BoundExpressions()
    bound = original.template(template, "args", "line")
    assert BoundExpressions(original).template(template, "args", "line") is bound
    for name, item_name in (("args", "item"), ("output", "line")):
        assert BoundExpressions(original).template(template, name, item_name) is not bound
    other = Template(template.value, PLACE)
    assert BoundExpressions(original).template(other, "args", "line").template is other
