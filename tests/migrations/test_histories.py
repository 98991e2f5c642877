"""Recorded runs replayed against configurations: the same one, one with its edges moved, others."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from selinon_core.errors import RequestError
from selinon_core.local import LocalExecutor, LocalOptions, Mocks
from selinon_core.migrations.history_check import ReplayResult, judge_histories, read_history
from selinon_core.migrations.repository import Migrations
from selinon_core.plan import Plan
from selinon_core.plan.flow_diff import ends
from selinon_core.project import compile_data
from tests.conformance import scripted
from tests.example_counts import some

GOLDEN = Path(__file__).parents[1] / "conformance" / "golden"
CASES = [
    json.loads(line)
    for path in sorted(GOLDEN.glob("*.jsonl"))
    for line in path.read_text().splitlines()[:: 1 if path.stem in ("eager", "selective_reuse") else 4]
]
NONE = Migrations.load(None)


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module that the cases name."""
    monkeypatch.setitem(sys.modules, "scripted", scripted)


def plan_of(case: dict[str, Any], flows: list[dict[str, Any]] | None = None) -> Plan:
    project = compile_data(case["nodes"], {"flow-definitions": flows or case["flow_definitions"]})
    assert project.plan is not None
    return project.plan


def record(case: dict[str, Any], plan: Plan, directory: Path) -> str:
    scripted.set_up(case["behaviour"])
    request = case["request"]
    executor = LocalExecutor(plan, LocalOptions(storage="real", seed=len(case["name"])))
    if request["selective"]:
        chosen = request["selective"]
        run = executor.run_selective(
            request["flow"],
            chosen["task_names"],
            request["node_args"],
            chosen["follow_subflows"],
            chosen["run_subsequent"],
        )
    else:
        run = executor.run(request["flow"], request["node_args"])
    path = directory / "trace.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in run.trace()))
    return str(path)


def kinds(verdicts: tuple[ReplayResult, ...]) -> dict[str, str]:
    return {verdict.kind: str(verdict) for verdict in verdicts}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_nothing_changed_nothing_differs(case: dict[str, Any], tmp_path: Path) -> None:
    plan = plan_of(case)
    trace = record(case, plan, tmp_path)
    verdicts = judge_histories([trace], plan, plan, NONE, 0)
    assert kinds(verdicts).keys() == {"unaffected"}, kinds(verdicts)


def has_equal_edges(case: dict[str, Any]) -> bool:
    """Of equal edges the first is taken for the first, whatever their conditions: reversed, they change places."""
    flows = plan_of(case).flows.values()
    return any(len({ends(edge) for edge in flow.edges}) < len(flow.edges) for flow in flows)


@pytest.mark.parametrize("case", CASES[::3], ids=lambda case: case["name"])
def test_edges_that_moved_are_mapped(case: dict[str, Any], tmp_path: Path) -> None:
    if has_equal_edges(case):
        return
    old = plan_of(case)
    moved = [{**flow, "edges": flow["edges"][::-1]} for flow in case["flow_definitions"]]
    verdicts = judge_histories([record(case, old, tmp_path)], old, plan_of(case, moved), NONE, 0)
    assert kinds(verdicts).keys() <= {"mapped", "unaffected"}, kinds(verdicts)


SIMPLE: dict[str, Any] = {
    "name": "simple",
    "nodes": {"tasks": [{"name": n, "import": "scripted", "classname": "Scripted"} for n in ("A", "B", "C")]},
    "flow_definitions": [
        {"name": "main", "edges": [{"from": None, "to": "A"}, {"from": "A", "to": ["B", "C"]}]},
    ],
    "behaviour": {"tasks": {}, "parentless": []},
    "request": {"flow": "main", "node_args": None, "selective": None},
}


def judged(directory: Path, edges: list[dict[str, Any]], **options: Any) -> ReplayResult:
    old = plan_of(SIMPLE)
    new = plan_of(SIMPLE, [{"name": "main", "edges": edges, **options}])
    executor = LocalExecutor(old, LocalOptions(mock_all=True))
    path = directory / "trace.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in executor.run("main").trace()))
    (verdict,) = judge_histories([str(directory)], old, new, NONE, 0)
    return verdict


def test_an_edge_that_is_gone(tmp_path: Path) -> None:
    verdict = judged(tmp_path, [{"from": None, "to": "A"}, {"from": "A", "to": "B"}, {"from": "B", "to": "C"}])
    assert verdict.kind == "tainted"
    assert verdict.strategy == "FAIL"
    assert (verdict.line, verdict.event) == (6, "NODE_SUCCESSFUL"), "from here on it has missed A -> B"
    assert "it has missed A -> B, which is new" in verdict.why
    verdict = judged(tmp_path, [{"from": None, "to": ["A", "B", "C"]}])
    assert "start -> A has fired and is gone" in verdict.why
    assert verdict.event == "TASK_SCHEDULE"


def test_a_condition_more(tmp_path: Path) -> None:
    condition = {"name": "argsFieldExist", "args": {"key": "x"}}
    verdict = judged(
        tmp_path, [{"from": None, "to": "A"}, {"from": "A", "to": ["B", "C"], "condition": condition}]
    )
    assert verdict.kind == "diverging"
    assert verdict.event == "NODE_SUCCESSFUL"
    assert "B was started by A -> B, C, which the new flow does not do" in verdict.why
    assert verdict.places == ("<config>:1:1",)


def test_a_destination_more(tmp_path: Path) -> None:
    verdict = judged(tmp_path, [{"from": None, "to": "A"}, {"from": "A", "to": ["B", "C", "C"]}])
    assert verdict.kind == "diverging"
    assert "the new flow starts C by A -> B, C, C" in verdict.why


def test_a_flow_that_is_gone(tmp_path: Path) -> None:
    old = plan_of(SIMPLE)
    new = plan_of(SIMPLE, [{**SIMPLE["flow_definitions"][0], "name": "other"}])
    trace = str(tmp_path / "t.jsonl")
    run = LocalExecutor(old, LocalOptions(mock_all=True)).run("main")
    Path(trace).write_text("".join(json.dumps({"event": e["event"], "details": e}) + "\n" for e in run.trace()))
    (verdict,) = judge_histories([trace], old, new, NONE, 0)
    assert verdict.kind == "diverging"
    assert "no such flow" in verdict.why


RETRYING: dict[str, Any] = {"max_retry": 1, "retry_countdown": 10, "eager_failures": ["A"]}
SLOW_B = {"tasks": {"A": [{"error": "no", "after": 1}, {"result": 1}], "B": {"result": 1, "after": 5}}}
SLOW_SUBFLOW = {"tasks": {"A": [{"error": "no", "after": 1}, {"result": 1}], "C": {"result": 1, "after": 5}}}
FAILING_B = {"tasks": {"A": [{"error": "no", "after": 1}, {"result": 1}], "B": {"error": "no", "after": 5}}}
BOTH_AFTER = {"tasks": {"A": [{"error": "no", "after": 1}, {"result": 1}], "B": {"result": 1, "after": 50}}}
LATE = {"tasks": {"A": {"error": "no", "after": 1}, "B": {"result": 1, "after": 5}}}


@pytest.mark.parametrize(
    ("mocks", "more", "to"),
    [
        (SLOW_B, {}, ["A", "B"]),
        (FAILING_B, {}, ["A", "B"]),
        (BOTH_AFTER, {}, ["A", "B"]),
        (LATE, {}, ["A", "B"]),
        (LATE, {"timeout": 7}, ["A", "B"]),
        (SLOW_SUBFLOW, {}, ["A", "inner"]),
        (SLOW_SUBFLOW, {"nowait": "inner"}, ["A", "inner"]),
        (SLOW_B, {"max_retry": 3, "retry_countdown": 0}, ["A", "B"]),
    ],
)
def test_what_ends_while_a_flow_waits_for_its_retry_is_no_difference(
    mocks: dict[str, Any], more: dict[str, Any], to: list[str], tmp_path: Path
) -> None:
    tasks = [{"name": name, "import": "tests.local.trying", "classname": "Acting"} for name in "ABC"]
    flows = [
        {"name": "f", "edges": [{"from": None, "to": to}, {"from": "A", "to": "C"}], **RETRYING, **more},
        {"name": "inner", "edges": [{"from": None, "to": "C"}]},
    ]
    project = compile_data({"tasks": tasks, "flow-definitions": flows})
    assert project.plan is not None, project.diagnostics
    run = LocalExecutor(project.plan, LocalOptions(mocks=Mocks.from_mapping(mocks))).run("f")
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in run.trace()))
    verdicts = judge_histories([str(path)], project.plan, project.plan, NONE, 0)
    assert kinds(verdicts).keys() == {"unaffected"}, verdicts


#: What is put into every field, one after another.
WRONG: list[Any] = [None, True, 7, -1, 1.5, "x", [], [[]], [1], {}, {"x": {}}, {"tasks": 3}]


@pytest.mark.parametrize("case", CASES[::30], ids=lambda case: case["name"])
def test_a_field_of_a_wrong_type_is_reported_with_its_line(case: dict[str, Any], tmp_path: Path) -> None:
    """Whatever a field holds: a result, or a message with file, line and the name of the field."""
    plan = plan_of(case)
    trace = Path(record(case, plan, tmp_path))
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    seen = set()
    for number, event in enumerate(events, 1):
        for field in event:
            if (event["event"], field) in seen:
                continue
            seen.add((event["event"], field))
            for wrong in [*some(WRONG), "missing"]:
                changed = {key: value for key, value in event.items() if wrong != "missing" or key != field}
                if wrong != "missing":
                    changed[field] = wrong
                lines = [*events[: number - 1], changed, *events[number:]]
                trace.write_text("".join(json.dumps(line) + "\n" for line in lines))
                message = message_about(trace, plan)
                assert message is None or field in message
                assert message is None or message.startswith(f"{trace}:{number}: this is not an event of a trace")


@pytest.mark.parametrize("case", CASES[::30], ids=lambda case: case["name"])
def test_an_event_of_a_run_that_has_no_start_is_judged(case: dict[str, Any], tmp_path: Path) -> None:
    plan = plan_of(case)
    trace = Path(record(case, plan, tmp_path))
    first_of_each = {json.loads(line)["event"]: line for line in reversed(trace.read_text().splitlines())}
    for line in first_of_each.values():
        trace.write_text(line + "\n")
        assert message_about(trace, plan) is None


def message_about(history: Path, plan: Plan) -> str | None:
    """The message that a history is refused with."""
    try:
        judge_histories([str(history)], plan, plan, NONE, 0)
    except RequestError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            '{"event": "NODE_SUCCESSFUL", "node_name": [], "node_id": "1"}',
            "node_name of NODE_SUCCESSFUL has to be text, and is []",
        ),
        ('{"event": "NODE_FAILURE", "node_name": "A"}', "NODE_FAILURE has no field node_id"),
        (
            '{"event": "TASK_SCHEDULE", "task_name": "A", "task_id": "1", "parent": 3}',
            "parent of TASK_SCHEDULE has to be a mapping of nodes to ids or null, and is 3",
        ),
        (
            '{"event": "EDGE_COND_TRUE", "nodes_from": 5}',
            "nodes_from of EDGE_COND_TRUE has to be a list of names, and is 5",
        ),
        (
            '{"event": "FOREACH_RESULT", "count": "many"}',
            "count of FOREACH_RESULT has to be a count or null, and is 'many'",
        ),
        ('{"event": "FLOW_START", "flow_name": 3}', "flow_name of FLOW_START has to be text or null, and is 3"),
        (
            '{"event": "FLOW_START", "selective": {"tasks": ["A"], "edges": {"f": {"one": ["A"]}}}}',
            "selective of FLOW_START has to be a selection",
        ),
        ('{"event": 3}', "it has no field event with the name of an event"),
        ("[1]", "it is not a mapping"),
    ],
)
def test_the_message_names_file_line_and_cause(event: str, message: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text(f"\n{event}\n")
    with pytest.raises(RequestError) as raised:
        read_history(str(trace))
    assert str(raised.value).startswith(f"{trace}:2: this is not an event of a trace: {message}")
