"""What the Python interface of local runs refuses, and that a reader of a run cannot change it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import selinon_core
from selinon_core.errors import RequestError, SchemaMismatchError
from selinon_core.local import LocalExecutor, LocalOptions
from tests.local.trying import build, each, names, node, play, told


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"concurrency": 0}, "concurrency is 0, and has to be a whole number of at least 1"),
        ({"concurrency": -1}, "concurrency is -1"),
        ({"concurrency": None}, "concurrency is None"),
        ({"concurrency": 2.0}, "concurrency is 2.0"),
        ({"concurrency": True}, "concurrency is True"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": "1"}, "seed is '1'"),
        ({"pool": "fork"}, "pool is 'fork', not thread or process"),
        ({"time": "fast"}, "time is 'fast', not virtual or real"),
        ({"storage": "none"}, "storage is 'none', not mocked or real"),
        ({"fail": {"A": 0}}, "fail of A is 0"),
        ({"fail": {"A": "1"}}, "fail of A is '1'"),
    ],
)
def test_options_that_no_run_can_have(options: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestError) as caught:
        LocalExecutor(build({"f": "-> A"}), LocalOptions(**options))
    assert says in str(caught.value)


def test_a_text_is_the_name_of_one_task() -> None:
    executor = LocalExecutor(build({"f": ["-> Fetch", "Fetch -> Read", "Read -> Write"]}))
    assert names(executor.run_selective("f", "Read")) == ["Fetch", "Read"]
    assert names(executor.run_selective("f", "Fetch", run_subsequent="f")) == ["Fetch", "Read", "Write"]


def test_a_reader_of_a_run_cannot_change_it() -> None:
    plan = build(
        {
            "f": {"edges": [("-> A", {}), ("A -> B g", each(True))], "failures": ["B -> C"]},
            "g": ["-> D", "D -> E"],
        },
        {"E": {"storage": None}},
    )
    does = {"A": lambda task, args: {"a": [1]}, "items": lambda pool, args: [{"i": [1]}], "B": fails}
    run = play(plan, {"x": [1]}, does=does)
    before = copy.deepcopy((run.result, run.report(), run.nodes, run.edges, list(run.trace()), run.stored("S")))
    events = [(event.event, copy.deepcopy({k: str(v) for k, v in event.details.items()})) for event in run.events]
    for value in (run.result, run.report(), run.nodes, run.edges, [event.details for event in run.events]):
        spoil(value)
    spoil(list(run.stored("S").values()))
    assert (run.result, run.report(), run.nodes, run.edges, list(run.trace()), run.stored("S")) == before
    assert [(event.event, {k: str(v) for k, v in event.details.items()}) for event in run.events] == events


def spoil(value: Any) -> None:
    """Change every mapping and list."""
    if isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value["spoiled"] = True
    elif isinstance(value, list):
        for item in value:
            spoil(item)
        value.append("spoiled")


def fails(task: Any, args: Any) -> None:
    raise ValueError("no")


@pytest.mark.parametrize("name", ["StoragePool", "Trace", "UnknownTaskError", "MigrationSkew"])
def test_public_names_are_where_the_others_are(name: str) -> None:
    assert name in selinon_core.__all__
    assert getattr(selinon_core, name).__name__ == name


@pytest.mark.parametrize("name", selinon_core.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(selinon_core, name) is not None


def test_cancelling_looks_at_nothing_but_the_cancelled() -> None:
    flow = {"edges": ["-> X", ("X -> g", each(True))], "timeout": 5}
    plan = build(
        {"f": flow, "g": {"edges": "-> Y", "throttling": {"seconds": 1}}}, {"Y": {"throttling": {"seconds": 100}}}
    )
    run = play(plan, does={"items": lambda pool, args: range(12)})
    assert run.status == "failure"
    assert len(told(run, "FLOW_CANCEL")) == 4
    never_began = [n for n in run.nodes if n["name"] == "g" and n["started_at"] is None]
    assert len(never_began) == 7
    assert {(n["status"], n["abandoned"]) for n in never_began} == {("failure", True)}


def test_a_fan_out_beyond_the_limit_is_not_begun() -> None:
    plan = build({"f": ["-> A", ("A -> B C", each())]})
    run = play(plan, does={"items": lambda pool, args: range(50)}, max_steps=100)
    assert "foreach yields 50 items; raise --max-steps" in str(run.error)
    assert "edge A -> B, C at " in str(run.error)
    assert names(run) == ["A"]
    assert play(plan, does={"items": lambda pool, args: range(49)}, max_steps=100).status == "success"


def test_every_attempt_of_a_flow_is_told_as_in_1_x() -> None:
    plan = build({"f": {"edges": "-> A", "max_retry": 2, "retry_countdown": 5}})
    run = play(plan, does={"A": fails})
    assert [event["time"] for event in told(run, "FLOW_START")] == [0.0, 5.0, 10.0]
    assert len(told(run, "FLOW_SCHEDULE")) == 1
    assert told(run, "FLOW_START")[0].keys() == told(run, "FLOW_START")[1].keys()


def test_keys_of_trace_reports_that_1_x_had() -> None:
    plan = build(
        {"f": ["-> A", ("A -> g", {"selective": {"tasks": ["B"]}}), "A -> h"], "g": ["-> B C"], "h": "-> D"}
    )
    run = play(plan)
    (selective, plain) = told(run, "SUBFLOW_SCHEDULE")
    assert selective["selective_edge_conf"] == {"tasks": ["B"], "follow_subflows": False, "run_subsequent": False}
    assert selective["child_selective"]["tasks"] == ["B"]
    assert (plain["selective_edge_conf"], plain["child_selective"]) == (False, None)
    assert {event["selective_edge"] for event in told(run, "TASK_SCHEDULE")} == {False}
    (omitted,) = told(run, "SELECTIVE_OMIT_NODE")
    assert omitted["omitted_node"] == "C"
    assert {key: omitted[key] for key in ("condition_str", "foreach_str", "node_args", "parent")} == {
        "condition_str": None,
        "foreach_str": None,
        "node_args": None,
        "parent": {},
    }


def test_a_result_that_does_not_fit_is_an_error_of_the_library_too(tmp_path: Any) -> None:
    from jsonschema import ValidationError

    (tmp_path / "s.json").write_text('{"type": "integer"}')
    seen: list[Any] = []

    def asks(task: Any, args: Any) -> None:
        error = task.parent_task_exception("A")
        seen.append((isinstance(error, ValidationError), isinstance(error, SchemaMismatchError), str(error)))

    plan = build(
        {"f": {"edges": "-> A", "failures": ["A -> B"]}}, {"A": {"output_schema": str(tmp_path / "s.json")}}
    )
    run = play(plan, does={"A": lambda task, args: "text", "B": asks})
    assert node(run, "A")["error"]["type"] == "SchemaMismatchError"
    assert [answer[:2] for answer in seen] == [(True, True)]
    assert 'at $: is text ("text"), not an integer' in seen[0][2]
