"""Histories of runs: truncated ones, other versions of a flow, what their events do not say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selinon_core.covering import CoverageData, judge
from selinon_core.covering.histories import history_files, read_history
from selinon_core.errors import RequestError
from selinon_core.plan import Plan
from tests.covering.sample_runs import RUNS, compiled, covered, played
from tests.covering.small_flows import FIRST, SECOND, flow

TWO = (
    "{from: A, to: B, condition: {and: [{name: fieldExist, args: {key: x}}, {name: fieldExist, args: {key: y}}]}}"
)


def written(tmp_path: Path, events: list[dict[str, Any]], name: str = "h.jsonl") -> str:
    path = tmp_path / name
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return str(path)


def event(name: str, **details: Any) -> dict[str, Any]:
    return {"event": name, "time": 0.0, "flow_name": "f", "dispatcher_id": "r1", **details}


def edge_event(name: str, index: int, sources: list[str], to: list[str], **details: Any) -> dict[str, Any]:
    return event(name, edge=index, nodes_from=sources, nodes_to=to, where="f.yaml:1:1", **details)


def leaf(value: bool | None) -> dict[str, Any]:
    return {"name": "fieldExist", "args": {}, "value": value}


def met(plan: Plan, path: str) -> tuple[set[str], CoverageData]:
    data = CoverageData()
    read_history(plan, path, data)
    return {goal.goal.key for goal in judge(plan, data).having("covered")}, data


def test_traces_of_the_sample_cover_what_its_runs_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, _ = compiled("order_pipeline", tmp_path, monkeypatch)
    for number, run in enumerate(RUNS["order_pipeline"]):
        written(tmp_path, list(played(plan, run).trace()), f"traces-{number}.jsonl")
    data = CoverageData()
    for file in history_files(str(tmp_path)):
        if file.endswith(".jsonl"):
            read_history(plan, file, data)
    by_facts = judge(plan, covered(plan, "order_pipeline"))
    by_trace = judge(plan, data)
    assert [(g.goal.id, g.hits) for g in by_trace.all()] == [(g.goal.id, g.hits) for g in by_facts.all()]
    assert len(by_trace.cases) == 4


def test_decisions_without_the_values_of_predicates_count_for_edges_only(tmp_path: Path) -> None:
    plan = flow(FIRST, TWO)
    about = {"condition_str": "A.x exists and A.y exists", "condition": {"and": [leaf(None), leaf(None)]}}
    keys, data = met(plan, written(tmp_path, [edge_event("EDGE_COND_FALSE", 1, ["A"], ["B"], **about)]))
    assert keys == {"edge:1/no"}
    assert data.without_leaves == judge(plan, data).without_leaves == 1


def test_values_of_predicates_count_where_they_are_there(tmp_path: Path) -> None:
    about = {"condition_str": "A.x exists and A.y exists", "condition": {"and": [leaf(False), leaf(None)]}}
    keys, data = met(
        flow(FIRST, TWO), written(tmp_path, [edge_event("EDGE_COND_FALSE", 1, ["A"], ["B"], **about)])
    )
    assert keys == {"edge:1/no", "edge:1/atom:0/false"}
    assert data.without_leaves == 0


def test_an_edge_is_found_by_its_ends_when_its_index_is_another(tmp_path: Path) -> None:
    scheduled = {"task_name": "A", "task_id": "t", "condition_str": None}
    path = written(tmp_path, [edge_event("TASK_SCHEDULE", 0, [], ["A"], **scheduled)])
    assert met(flow("{from: , to: C}", FIRST), path)[0] == {"node:A/ran", "edge:1/fired"}


def test_a_decision_about_another_condition_is_not_one_of_the_edge(tmp_path: Path) -> None:
    about = {"condition_str": "A.y exists", "condition": leaf(True)}
    path = written(tmp_path, [edge_event("EDGE_COND_TRUE", 1, ["A"], ["B"], **about)])
    assert met(flow(FIRST, SECOND), path)[0] == set()


def test_runs_whose_attempts_are_not_in_the_history_are_counted(tmp_path: Path) -> None:
    first = edge_event("TASK_SCHEDULE", 0, [], ["A"], task_name="A", task_id="t")
    begun = event("TASK_START", task_name="A", task_id="t", attempt=1)
    assert met(flow(FIRST), written(tmp_path, [first]))[1].without_attempts == 1
    assert met(flow(FIRST), written(tmp_path, [first, begun]))[1].without_attempts == 0


def test_events_nested_as_the_sink_for_json_writes_them_count_too(tmp_path: Path) -> None:
    plain = edge_event("TASK_SCHEDULE", 0, [], ["A"], task_name="A", task_id="t")
    nested = {"event": plain.pop("event"), "time": "2026-01-01", "details": plain, "node": "host"}
    assert met(flow(FIRST), written(tmp_path, [nested]))[0] == {"node:A/ran", "edge:0/fired"}


def test_a_run_that_timed_out_has_not_used_up_its_retries(tmp_path: Path) -> None:
    plan = flow(FIRST)
    plan.flows["f"] = plan.flows["f"]._replace(max_retry=1, timeout=5.0)  # type: ignore[index]
    retried = event("FLOW_RETRY")
    ended = event("FLOW_FAILURE", will_retry=False, reason="the flow's timeout is over")
    assert met(plan, written(tmp_path, [retried, ended]))[0] == {"flow/timeout"}
    assert met(plan, written(tmp_path, [retried, ended | {"reason": "A failed"}]))[0] == {"flow/retry-gave-up"}
    assert met(plan, written(tmp_path, [retried, event("FLOW_END")]))[0] == {"flow/retry-helped"}


def test_flows_and_events_that_are_not_known_are_left_out(tmp_path: Path) -> None:
    strange = [event("TASK_SCHEDULE", flow_name="g"), event("SOMETHING_NEW"), {"event": "STORAGE_CONNECT"}]
    assert met(flow(FIRST), written(tmp_path, strange))[0] == set()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"event": "FLOW_START"}\n{"event": "FLOW_E', ":2: not a JSON object a line .* the file was cut off"),
        ("not json\n", ":1: not a JSON object a line"),
        ('\n[]\n{"x": 1}\n', ":2: not the event of a trace"),
        ('{"version": 1, "flow": "f"}\n', ":1: not the event of a trace"),
        ('{"event": "TASK_SCHEDULE", "flow_name": "f"}\n', ":1: the event TASK_SCHEDULE is not complete"),
        ('{"event": "FALLBACK_START", "flow_name": "f", "dispatcher_id": "r", "nodes": 3}\n', ":1: the event"),
        ('{"event": "TASK_RETRY", "flow_name": ["f"]}\n', None),
    ],
)
def test_a_broken_history_is_named_with_its_line(tmp_path: Path, text: str, says: str | None) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text(text)
    if says is None:
        assert met(flow(FIRST), str(path))[0] == set()
        return
    with pytest.raises(RequestError, match=f"h.jsonl{says}"):
        met(flow(FIRST), str(path))


def test_a_directory_is_searched_and_an_empty_one_named(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("b.jsonl", "sub/a.jsonl", ".hidden/c.jsonl", ".d"):
        (tmp_path / name).write_text("")
    assert [Path(file).name for file in history_files(str(tmp_path))] == ["b.jsonl", "a.jsonl"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match="empty has no history"):
        history_files(str(tmp_path / "empty"))
