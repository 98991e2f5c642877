"""A flow run by the production driver in a simulated world decides what a local run decides, and says it alike."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from selinon_core.cases.matchers import Equal
from selinon_core.cases.model import (
    ConditionMock,
    FunctionMock,
    Mocks,
    NodeMock,
    Outcome,
    Rule,
    Script,
    Signal,
    When,
)
from selinon_core.dispatch import select
from selinon_core.errors import RequestError
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan
from selinon_core.project import compile_project
from selinon_core.schemas.check import ResultSchema
from selinon_core.simulating.production import run_production
from tests.local import trying
from tests.local.trying import HERE, build, each, failing, holding, names, node

SAMPLES = Path(__file__).parents[2] / "sample_flows"


def play(plan: Plan, node_args: Any = None, does: Mapping[str, Any] | None = None, **options: Any) -> LocalRun:
    """Run the first flow of a plan as ``trying.play`` does, but by the production driver."""
    trying.behaviours.clear()
    trying.behaviours.update(does or {})
    return run_production(plan, next(iter(plan.flows)), node_args, LocalOptions(**options))


def mock(*outcomes: Outcome, when: When | None = None) -> NodeMock:
    return NodeMock((Rule(when, Script(outcomes)),))


# -- the same as locally ----------------------------------------------------------------------------------------

FLOWS: dict[str, dict[str, Any]] = {
    "a join behind a fan-out": {"main": ["-> A B", ("A -> C", each(True)), "B C -> D"]},
    "a cycle": {"main": ["-> A", ("A -> A B", holding())]},
    "sub-flows": {
        "main": {"edges": ["-> A S", "A S -> S B"], "propagate_finished": True},
        "S": ["-> C D", "C -> E"],
    },
    "fallbacks": {"main": {"edges": ["-> A B", "B -> C"], "failures": ["A -> X", "B X -> Y", "B ->"]}},
    "a failing sub-flow": {"main": {"edges": ["-> S"], "failures": ["S -> X"]}, "S": {"edges": ["-> B A"]}},
    "retries": {"main": {"edges": ["-> A", "A -> B"], "max_retry": 2, "retry_countdown": 60}},
    "nobody waits": {"main": {"edges": ["-> A N", "A -> C"], "nowait": ["N"]}},
    "unhandled": {"main": ["-> A B", "B -> C"]},
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", FLOWS)
def test_it_decides_what_a_local_run_decides(name: str, seed: int) -> None:
    plan = build(FLOWS[name], {"N": {}, "B": {"max_retry": 1, "retry_countdown": 5}, "A": {}})
    said = {"holds": lambda *_: next(answers), "items": lambda *_: [1, 2, 3]}
    runs = []
    for run in (trying.play, play):
        answers = iter([True, True, False, False, False, False])
        does = {**said, "A": failing(1), "B": failing(1), "E": lambda task, args: {"e": 1}}
        runs.append(run(plan, {"given": [1]}, does, seed=seed))
    local, production = runs
    assert production.facts.lineage.canonical() == local.facts.lineage.canonical()
    assert (production.status, production.error) == (local.status, local.error)
    assert production.virtual_seconds == local.virtual_seconds
    assert (production.edges, production.unreached_nodes) == (local.edges, local.unreached_nodes)
    assert [row["used"] for row in production.report()["fallbacks"]] == [
        row["used"] for row in local.report()["fallbacks"]
    ]


@pytest.mark.parametrize("sample", sorted(path.parent.name for path in SAMPLES.glob("*/*.flowtest.yaml")))
def test_samples_with_mocked_tasks_run_as_they_do_locally(sample: str) -> None:
    plan = compile_project([str(SAMPLES / sample)]).plan
    assert plan is not None
    for flow in plan.top_level_flows:
        options = LocalOptions(mock_all=True, max_steps=300)
        args = None
        if plan.flows[flow].input_schema is not None:
            schema, file = plan.flows[flow].input_schema, plan.flows[flow].place.file
            args = ResultSchema.written(schema, file).minimal_value()
        local = LocalExecutor(plan, options).run(flow, args)
        production = run_production(plan, flow, args, options=options)
        if local.stopped_by is None:
            assert production.facts.lineage.canonical() == local.facts.lineage.canonical()
            assert production.virtual_seconds == local.virtual_seconds
        assert (production.stopped_by is None) == (local.stopped_by is None)


def test_the_same_seed_gives_the_same_run() -> None:
    plan = build({"main": ["-> A B C", "A B -> D", "B C -> E"]})
    first, again, other = (play(plan, seed=seed) for seed in (3, 3, 4))
    assert json.dumps([*first.trace()]) == json.dumps([*again.trace()])
    assert names(first) != names(other) or [*first.trace()] != [*other.trace()]


def test_report_and_trace_are_those_of_a_run() -> None:
    plan = build({"main": ["-> A", ("A -> B", holding() | each())]})
    run = play(plan, does={"holds": lambda *_: True, "items": lambda *_: [1], "A": lambda *_: {"a": 1}})
    json.dumps([run.report(), *run.trace()], allow_nan=False)
    assert [line["event"] for line in run.trace()].count("TASK_START") == 2
    assert run.report()["decisions"][0]["items"] == 1
    assert list(run.stored("S").values()) == [{"a": 1}, None]


# -- time -------------------------------------------------------------------------------------------------------


def test_retries_throttling_and_countdowns_take_virtual_time() -> None:
    plan = build(
        {"main": ["-> A A A", "A -> B"]},
        {"A": {"throttling": {"seconds": 2}}, "B": {"max_retry": 3, "retry_countdown": 0.1}},
    )
    run = play(plan, does={"B": failing(2)})
    assert [n["started_at"] for n in run.nodes if n["name"] == "A"] == [0.0, 2.0, 4.0]
    ended = next(n for n in run.nodes if n["name"] == "B")
    assert (ended["attempts"], ended["finished_at"]) == (3, 0.2)
    assert [attempt["at"] for attempt in ended["attempts_ended"]] == [0.0, 0.1]


def test_a_flow_times_out() -> None:
    plan = build(
        {"main": {"edges": ["-> A", "A -> B"], "timeout": 50}}, {"A": {"max_retry": 3, "retry_countdown": 40}}
    )
    run = play(plan, does={"A": failing(9)})
    assert run.error == "the flow's timeout is over"
    assert run.facts.root.ended_at == 50.0


def test_attempts_take_their_time_and_time_out() -> None:
    plan = build({"main": ["-> A", "A -> B"]}, {"A": {}, "B": {"timeout": 5}})
    run = play(plan, durations={"A": 3, "B": 6})
    assert [(n["started_at"], n["finished_at"]) for n in run.nodes] == [(0.0, 3.0), (3.0, 8.0)]
    assert node(run, "B")["error"]["type"] == "TaskTimeout"
    assert [fact.is_timeout for fact in run.facts.attempts] == [True]


def test_a_run_is_cancelled_at_its_time() -> None:
    plan = build({"main": "-> A"}, {"A": {"max_retry": 5, "retry_countdown": 10}})
    run = play(plan, does={"A": failing(9)}, at=((25, "cancel"),))
    assert run.error == "the flow run was cancelled"
    assert run.facts.root.ended_at == 25.0
    assert play(plan, at=((25, "cancel"),)).status == "success"


# -- mocks ------------------------------------------------------------------------------------------------------


def test_mocks_play_as_they_do_locally() -> None:
    plan = build(
        {"main": [("-> A", each(True)), ("A -> B", holding()), ("B -> C", holding())]}, {"B": {"max_retry": 1}}
    )
    twice = When(args=Equal(2))
    mocks = Mocks(
        nodes={
            "A": NodeMock(
                (
                    Rule(twice, Script((Outcome("fatal", "no"),))),
                    Rule(None, Script((Outcome("result", {"a": 1}, after=1.5),))),
                )
            ),
            "B": mock(Outcome("error", "Busy: not now"), Outcome("result", 7)),
            "C": mock(Outcome("result", None)),
        },
        functions={f"{HERE}.items": FunctionMock(([1, 2],)), f"{HERE}.holds": FunctionMock((True, False))},
        conditions=(ConditionMock("main", 1, (True,)),),
    )
    options = LocalOptions(mocks=mocks)
    local, production = LocalExecutor(plan, options).run("main"), run_production(plan, "main", None, options)
    assert names(production) == ["A", "A", "B", "C"]
    assert production.facts.lineage.canonical() == local.facts.lineage.canonical()
    played = [(use.node.run.name, use.attempt, use.outcome.kind) for use in production.mock_uses]
    assert played == [(use.node.run.name, use.attempt, use.outcome.kind) for use in local.mock_uses]
    assert production.unused_mocks == []


def test_made_up_results_that_decide_are_noted() -> None:
    plan = build({"main": ["-> A", ("A -> B", holding())]})
    trying.behaviours.update(holds=lambda *_: True)
    options = LocalOptions(mock_all=True)
    (decision,) = run_production(plan, "main", None, options).made_up_decisions
    assert [record.run.name for record in decision.results] == ["A"]


def test_results_of_an_earlier_run_are_reused() -> None:
    tasks = {"A": {"selective_run_function": {"import": HERE, "name": "reuse"}}}
    plan = build({"main": ["-> A", "A -> B"]}, tasks)
    earlier = play(plan, does={"A": lambda *_: "earlier"})
    id = earlier.nodes[0]["id"]
    seen: list[Any] = []
    trying.behaviours.update(reuse=lambda *_: id, B=lambda task, _: seen.append(task.parent_task_result("A")))
    options = LocalOptions(reuse=earlier.report(), seed=5)
    run = run_production(plan, "main", None, options, select(plan, "main", ["B"]))
    assert [(n["name"], n["status"], n.get("result")) for n in run.nodes] == [
        ("A", "reused", "earlier"),
        ("B", "success", None),
    ]
    assert seen == ["earlier"]


# -- what does not go well --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cycle", [("A -> A", holding()), ("A -> A", holding() | each())])
def test_a_run_without_end_is_stopped(cycle: Any) -> None:
    plan = build({"main": ["-> A", cycle]})
    run = play(plan, does={"holds": lambda *_: True, "items": lambda *_: [1, 2]}, max_steps=20)
    assert "stopped" in str(run.stopped_by)
    assert run.status == "failure"


def test_a_question_that_fails_fails_the_flow() -> None:
    run = play(build({"main": [("-> A", holding("allows"))]}), does={"allows": lambda *_: 1 / 0})
    assert "ZeroDivisionError" in (run.error or "")
    assert run.status == "failure"


def test_what_workers_log_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    play(build({"main": "-> A"}), does={"A": failing(1)})
    assert caplog.records == []
    logging.getLogger("selinon").warning("after the run")
    assert [record.message for record in caplog.records] == ["after the run"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"time": "real"}, "driver: production simulates: time has to be 'virtual'"),
        ({"concurrency": 2}, "driver: production simulates: concurrency has to be 1"),
        ({"storage": "real"}, "driver: production simulates: storage has to be 'mocked'"),
        ({"real_storages": frozenset({"S"})}, "driver: production simulates: storages have to be mocked"),
        (
            {"mocks": Mocks(nodes={"S1": mock(Outcome("finished", {}))})},
            "driver: production runs flow S1, and cannot mock it as a whole: mock its tasks",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(RequestError) as raised:
        play(build({"main": "-> S1", "S1": "-> A"}), **options)
    assert str(raised.value) == text


def test_nothing_of_celery_is_imported_and_no_thread_is_started() -> None:
    code = """
import sys, threading
from selinon_core.local import LocalOptions
from selinon_core.project import compile_text
from selinon_core.simulating.production import run_production

text = '{tasks: [{name: A, import: nothing}], flow-definitions: [{name: f, edges: [{from: , to: A}]}]}'
run = run_production(compile_text({"f.yaml": text}).plan, "f", None, LocalOptions(mock_all=True))
print(run.status, sorted({"celery", "kombu", "redis", "sqlalchemy"} & set(sys.modules)), threading.active_count())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "success [] 1"


class TakesTyped:
    """A task whose argument is annotated."""

    def __init__(self, **_: Any) -> None:
        pass

    def run(self, *, numbers: tuple[int, ...]) -> dict[str, Any]:
        return {"is": type(numbers).__name__, "numbers": numbers}


def test_typed_tasks_are_given_values_of_their_types() -> None:
    task = {"import": __name__, "classname": "TakesTyped", "storage": None}
    plan = build({"main": "-> A"}, {"A": task}, typed_tasks=True)
    for ended in (trying.play(plan, {"numbers": [1, 2]}), play(plan, {"numbers": [1, 2]})):
        assert node(ended, "A")["result"] == {"is": "tuple", "numbers": [1, 2]}


# -- signals ----------------------------------------------------------------------------------------------------

YES = Signal("Approve", {"ok": True})
ORDER: dict[str, Any] = {"main": {"edges": ["-> A", "A -> Approve", "Approve -> B"], "failures": ["Approve -> C"]}}
BELOW: dict[str, Any] = {"main": ["-> S", "S -> B"], "S": ["-> Approve"]}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("flows", "options"),
    [
        (ORDER, {"at": ((5.0, YES),)}),
        (ORDER, {"at": ((5.0, Signal("Approve", reject="too dear")),)}),
        (ORDER, {"at": ((5.0, YES), (6.0, YES)), "durations": {"B": 9.0}}),
        (ORDER, {"at": ((5.0, YES._replace(early=True)),), "durations": {"A": 9.0}}),
        (ORDER, {"at": ((5.0, YES),), "durations": {"A": 9.0}}),  # too early
        (ORDER, {"at": ((5.0, "cancel"), (6.0, YES))}),
        (ORDER, {"mocks": Mocks(nodes={"Approve": mock(Outcome("result", {"ok": True}, after=3.0))})}),
        (ORDER, {}),
        (BELOW, {"at": ((5.0, YES),)}),
        ({"main": ["-> Approve Approve", "Approve -> B"]}, {"at": ((5.0, YES), (7.0, YES))}),
    ],
)
def test_signals_come_as_in_a_local_run(flows: dict[str, Any], options: dict[str, Any], seed: int) -> None:
    given = {"import": None, "classname": None, "output_schema": {"type": "object", "required": ["ok"]}}
    plan = build(flows, {"Approve": {**given, "wait": {"timeout": 60}}})
    local, simulated = (run(plan, seed=seed, **options) for run in (trying.play, play))
    assert (simulated.status, simulated.error) == (local.status, local.error)

    def rows(run: LocalRun) -> list[tuple[Any, ...]]:
        found = [(row["name"], row["status"], row["finished_at"], row.get("result")) for row in run.nodes]
        return sorted(found, key=str)

    assert rows(simulated) == rows(local)
    assert len(trying.told(simulated, "SIGNAL_REFUSED")) == len(trying.told(local, "SIGNAL_REFUSED"))
    refused = [warning for warning in local.warnings if "did not wait" in warning]
    assert [warning for warning in simulated.warnings if "did not wait" in warning] == refused
