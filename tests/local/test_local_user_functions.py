"""Predicates, foreach, selective functions and strategies of the user: what they get, and what happens when they
raise.
"""

from __future__ import annotations

import functools
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


async def a_coroutine(*arguments: Any) -> Any:
    return False


def a_generator(*arguments: Any) -> Any:
    yield False


async def an_async_generator(*arguments: Any) -> Any:
    yield False


class Awaitable:
    def __await__(self) -> Any:
        yield


UNUSABLE: dict[str, tuple[Any, str]] = {
    "coroutine": (a_coroutine, "returned a coroutine"),
    "awaitable": (lambda *args: Awaitable(), "returned something to be awaited, of the class Awaitable"),
    "async generator": (an_async_generator, "returned an asynchronous generator"),
    "function": (lambda *args: boom, "returned the function boom"),
    "lambda": (lambda *args: lambda: False, "returned the function <lambda>"),
    "method": (lambda *args: "".isdigit, "returned the function isdigit"),
    "partial": (lambda *args: functools.partial(boom), "returned the function functools.partial"),
    "class": (lambda *args: dict, "returned the function dict"),
    "NotImplemented": (lambda *args: NotImplemented, "returned NotImplemented"),
}


@pytest.mark.parametrize("answer", UNUSABLE)
@pytest.mark.parametrize("kind", RAISING)
def test_what_cannot_be_meant_fails_the_flow_which_says_what_and_where(kind: str, answer: str) -> None:
    edges, name, function, where = RAISING[kind]
    does, says = UNUSABLE[answer]
    run = play(flow(edges), does={name: does})
    assert (run.status, names(run)) == ("failure", ["A"])
    assert run.error is not None
    for part in (f"{function} ", says, "flow f", where):
        assert part in run.error
    (event,) = told(run, "DISPATCHER_FAILURE")
    assert (event["what"], event["edge"], event["where"]) == (run.error, 1, "flow.yaml:11:5")


def test_a_predicate_with_a_yield_in_it_is_not_true() -> None:
    run = play(flow(CONDITION), does={"holds": a_generator})
    assert run.status == "failure"
    assert f"predicate {HERE}.holds (flow.yaml:11:40) returned a generator" in str(run.error)


@pytest.mark.parametrize("answer", [*UNUSABLE, "True", "list", "number"])
def test_a_selective_function_gives_an_id_or_nothing(answer: str) -> None:
    from selinon_core.local import LocalExecutor

    more = {"True": (True, "returned True"), "list": (["id"], "returned ['id']"), "number": (5, "returned 5")}
    does, says = UNUSABLE.get(answer) or (lambda *args: more[answer][0], more[answer][1])
    behaviours.clear()
    behaviours["reuse"] = does
    run = LocalExecutor(flow("  - {from: , to: A}\n  - {from: A, to: B}")).run_selective("f", ["B"])
    assert run.status == "failure"
    assert f"selective run function {HERE}.reuse {says}" in str(run.error)
    assert "edge (start) -> A at flow.yaml:10:5" in str(run.error)


@pytest.mark.parametrize("answer", [None, False, 0, "", (), [], {}])
def test_a_selective_function_that_gives_nothing_runs_the_task(answer: Any) -> None:
    from selinon_core.local import LocalExecutor

    behaviours.clear()
    behaviours["reuse"] = lambda *args: answer
    run = LocalExecutor(flow("  - {from: , to: A}\n  - {from: A, to: B}")).run_selective("f", ["B"])
    assert [n["status"] for n in run.nodes] == ["success", "success"]


async def async_strategy(status: Any) -> float:
    return 1.0


def yielding_strategy(status: Any) -> Any:
    yield 1.0


@pytest.mark.parametrize(
    ("name", "says"), [("async_strategy", "'async def'"), ("yielding_strategy", "generator function")]
)
def test_a_strategy_that_gives_no_number_is_found_before_anything_runs(name: str, says: str) -> None:
    flow = {"edges": ["-> A"], "sampling": {"name": name, "import": __name__, "args": {}}}
    with pytest.raises(ConfigurationError, match=rf"sampling of flow f at .*{name} is .*{says}"):
        play(build({"f": flow}))


async def async_sink(event: str, report: Any) -> None: ...


def test_a_trace_function_that_is_not_awaited_is_refused() -> None:
    trace = [{"function": {"import": __name__, "name": "async_sink"}}]
    with pytest.raises(
        ConfigurationError, match=rf"trace function {__name__}.async_sink is written with 'async def'"
    ):
        play(build({"f": "-> A"}, trace=trace))


def test_a_sink_that_returns_a_coroutine_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    run = play(build({"f": ["-> A", "A -> B"]}), sinks=(lambda event, report: a_coroutine(),))
    assert run.status == "success"
    assert caplog.text.count("TypeError: the sink returned a coroutine") == 1


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

    @pytest.mark.parametrize("items", [None, [], (), iter(()), 0, False, "", 0.0, {}])
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
