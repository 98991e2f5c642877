"""Predicates, foreach, selective functions and strategies of the user: what they get, and what happens when they
raise.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from selinon_core.errors import ConfigurationError
from selinon_core.plan import Plan
from tests.local.trying import HERE, behaviours, build, build_text, each, holding, names, node, play, told


def boom(*arguments: Any) -> Any:
    raise LookupError("no such thing")


def exits(*arguments: Any) -> Any:
    raise SystemExit(1)


def flow(edges: str, more: str = "") -> Plan:
    tasks = "\n".join(
        f"- {{name: {name}, import: {HERE}, classname: Acting, storage: S,"
        f" selective_run_function: {{name: reuse, import: {HERE}}}}}"
        for name in "ABC"
    )
    return build_text(
        f"""tasks:
{tasks}
storages: [{{name: S, import: {HERE}, classname: Remembering}}]
global: {{predicates_module: {HERE}}}
flow-definitions:
- name: f
  edges:
{edges}
{more}"""
    )


CONDITION = "  - {from: , to: A}\n  - {from: A, to: B, condition: {name: holds}}"
FOREACH = f"  - {{from: , to: A}}\n  - {{from: A, to: B, foreach: {{import: {HERE}, function: items}}}}"
RAISING = {
    "predicate": (CONDITION, "holds", f"predicate {HERE}.holds", "A -> B at flow.yaml:11:5"),
    "foreach": (FOREACH, "items", f"foreach {HERE}.items", "A -> B at flow.yaml:11:5"),
}


def test_a_foreach_without_end_is_named() -> None:
    run = play(flow(FOREACH), does={"items": lambda pool, args: itertools.count()})
    assert run.status == "failure"
    assert run.error is not None
    assert f"foreach {HERE}.items yields more than" in run.error


@pytest.mark.parametrize("raising", [boom, exits])
@pytest.mark.parametrize("kind", RAISING)
def test_one_that_raises_fails_the_flow_which_says_what_and_where(kind: str, raising: Any) -> None:
    edges, name, function, where = RAISING[kind]
    run = play(flow(edges), does={name: raising})
    assert (run.status, names(run)) == ("failure", ["A"])
    assert run.error is not None
    for part in (function, "flow f", where, raising.__name__ == "boom" and "LookupError: no such thing"):
        assert part is False or part in run.error
    (event,) = told(run, "DISPATCHER_FAILURE")
    assert (event["what"], event["edge"], event["where"]) == (run.error, 1, "flow.yaml:11:5")


@pytest.mark.parametrize("kind", RAISING)
def test_the_flow_is_retried_for_it(kind: str) -> None:
    calls = []

    def once(*arguments: Any) -> Any:
        calls.append(1)
        return boom() if len(calls) == 1 else [1]

    edges, name, *_ = RAISING[kind]
    run = play(flow(edges, "  max_retry: 1\n  retry_countdown: 10"), does={name: once})
    assert (run.status, names(run), run.virtual_seconds) == ("success", ["A", "A", "B"], 10.0)


def test_a_selective_function_that_raises_fails_the_flow_too() -> None:
    behaviours.clear()
    from selinon_core.local import LocalExecutor

    behaviours["reuse"] = boom
    run = LocalExecutor(flow("  - {from: , to: A}\n  - {from: A, to: B}")).run_selective("f", ["B"])
    assert run.status == "failure"
    assert run.error is not None
    assert f"selective run function {HERE}.reuse raised LookupError" in run.error
    assert "edge (start) -> A at flow.yaml:10:5" in run.error


def test_a_fallback_condition_that_raises_names_the_entry() -> None:
    edges = "  - {from: , to: A}"
    run = play(
        flow(edges, "  failures: [{nodes: A, fallback: B, condition: {name: allows}}]"),
        does={"A": boom, "allows": boom},
    )
    assert run.error is not None
    assert "flow f, failures entry at flow.yaml:11:14" in run.error
    (event,) = told(run, "DISPATCHER_FAILURE")
    assert event["nodes"] == ["A"]


def test_a_predicate_that_cannot_be_imported_fails_the_flow_and_is_never_false() -> None:
    plan = build({"f": ["-> A", ("A -> B", holding("is_missing"))]}, predicates_module="not_there_at_all")
    run = play(plan)
    assert run.status == "failure"
    assert run.error is not None
    assert "not_there_at_all" in run.error


def test_a_strategy_that_cannot_be_imported_is_found_before_anything_runs() -> None:
    flow = {"edges": ["-> A"], "sampling": {"name": "odd", "import": "not_there_at_all", "args": {}}}
    ran: list[Any] = []
    plan = build({"f": ["-> A", "A -> g"], "g": flow})
    with pytest.raises(ConfigurationError, match=r"sampling of flow g at .*not_there_at_all"):
        play(plan, does={"A": lambda task, args: ran.append(1)})
    assert not ran
    run = play(plan, mock_all=True)
    assert run.status == "success"
    assert any("not_there_at_all" in warning for warning in run.warnings)


class TestForeach:
    plan = staticmethod(lambda: build({"f": ["-> A", ("A -> B", each(True)), "B -> C"]}))

    @pytest.mark.parametrize("items", [None, [], (), iter(())])
    def test_nothing_to_do_starts_nothing_and_hangs_nothing(self, items: Any) -> None:
        run = play(self.plan(), does={"items": lambda pool, args: items})
        assert (run.status, names(run), run.unreached_nodes) == ("success", ["A"], [])
        assert [event["count"] for event in told(run, "FOREACH_RESULT")] == [0]

    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_each_item_is_an_argument(self, count: int) -> None:
        run = play(self.plan(), does={"items": lambda pool, args: ({"n": i} for i in range(count))})
        assert [n["node_args"] for n in run.nodes if n["name"] == "B"] == [{"n": i} for i in range(count)]
        assert names(run).count("C") == count

    @pytest.mark.parametrize("items", [5, True])
    def test_what_is_no_iterable_fails_the_flow(self, items: Any) -> None:
        assert "not iterable" in str(play(self.plan(), does={"items": lambda pool, args: items}).error)

    def test_items_that_json_cannot_hold_fail_the_flow(self) -> None:
        run = play(self.plan(), does={"items": lambda pool, args: [1, {2}]})
        assert "$[1] is a set" in str(run.error)

    def test_without_propagate_result_only_their_number_matters(self) -> None:
        plan = build({"f": ["-> A", ("A -> B", each())]})
        run = play(plan, "args", {"items": lambda pool, args: [object(), {1}]})
        assert [n["node_args"] for n in run.nodes if n["name"] == "B"] == ["args", "args"]

    def test_the_pool_holds_the_sources_of_this_combination(self) -> None:
        seen = []

        def items(pool: Any, args: Any) -> None:
            seen.append((pool.get("A"), pool.get("B"), args))

        plan = build({"f": ["-> A A B", ("A B -> C", each())]})
        counter = iter(range(9))
        play(plan, "args", {"A": lambda t, a: next(counter), "B": lambda t, a: "b", "items": items})
        assert sorted(seen) == [(0, "b", "args"), (1, "b", "args")]

    def test_asking_the_pool_for_what_it_does_not_hold_fails_the_flow(self) -> None:
        run = play(self.plan(), does={"items": lambda pool, args: pool.get("C")})
        assert 'no run of task "C" here' in str(run.error)


class TestNodeArgsFromFirst:
    @pytest.mark.parametrize("storage", ["S", None])
    def test_the_result_becomes_the_arguments_of_what_follows(self, storage: str | None) -> None:
        plan = build(
            {"f": {"edges": ["-> A", "A -> B"], "node_args_from_first": True}}, {"A": {"storage": storage}}
        )
        run = play(plan, {"old": 1}, {"A": lambda task, args: {"new": [args]}})
        assert node(run, "A")["node_args"] == {"old": 1}
        assert node(run, "B")["node_args"] == {"new": [{"old": 1}]}

    def test_a_result_that_json_cannot_hold_fails_the_flow(self) -> None:
        plan = build({"f": {"edges": ["-> A", "A -> B"], "node_args_from_first": True}})
        run = play(plan, does={"A": lambda task, args: {1, 2}}, storage="real")
        assert run.status == "failure"
        assert "the result of A is not a JSON value: $ is a set" in str(run.error)


def test_a_predicate_sees_the_result_whatever_the_storage_returns() -> None:
    seen = []
    plan = build({"f": ["-> A", ("A -> B", holding())]})
    does = {"A": lambda task, args: {1, 2}, "holds": lambda message, args: seen.append(message) or True}
    run = play(plan, does=does, storage="real")
    assert (run.status, names(run), seen) == ("success", ["A", "B"], [{1, 2}])
