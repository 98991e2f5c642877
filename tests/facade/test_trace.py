"""``Trace``: events are their names, sinks get reports of their own, faults of sinks disturb no task."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from selinon import Config, SelinonTask, Trace
from selinon_core.legacy.executor import Executor
from selinon_core.runtime.trace.events import EVENTS, WARN_EVENTS
from tests.facade import original_names as original

Told = list[tuple[str, dict[str, Any]]]


def test_each_event_is_a_constant_that_is_its_name() -> None:
    for name in (*original.EVENTS, *EVENTS):
        assert getattr(Trace, name) == name == Trace.event2str(getattr(Trace, name))
    constants = {name for name, value in vars(Trace).items() if name == value}
    assert constants == set(EVENTS)
    assert EVENTS[: len(original.EVENTS)] == original.EVENTS
    assert set(Trace.WARN_EVENTS) == WARN_EVENTS
    assert Trace.TASK_FAILURE in Trace.WARN_EVENTS
    with pytest.raises(NotImplementedError):
        Trace()


def test_each_sink_gets_a_report_of_its_own() -> None:
    told: Told = []

    def spoil(event: str, report: dict[str, Any]) -> None:
        report.clear()

    Config.trace_by_func(spoil)
    Trace.trace_by_func(lambda event, report: told.append((event, report)))
    Trace.log(Trace.TASK_START, {"a": {1}, "b": 1}, {"b": 2}, c=ValueError("x"))
    assert told == [("TASK_START", {"a": [1], "b": 2, "c": "ValueError('x')"})]


def test_a_failing_sink_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    told: Told = []

    def fail(event: str, report: dict[str, Any]) -> None:
        raise RuntimeError("no")

    Trace.trace_by_func(fail)
    Trace.trace_by_func(lambda event, report: told.append((event, report)))
    for _ in range(2):
        Trace.log("MY_EVENT", x=1)
    assert told == [("MY_EVENT", {"x": 1})] * 2
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_logging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    Config.trace_by_logging()
    Trace.log(Trace.FLOW_START, {"flow_name": "a"})
    Trace.log(Trace.TASK_FAILURE, {"flow_name": "a"})
    Trace.log(Trace.DISPATCHER_FAILURE, {"flow_name": "a"})
    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("selinon.trace", "INFO"),
        ("selinon.trace", "WARNING"),
        ("selinon.trace", "ERROR"),
    ]
    assert caplog.messages[0].startswith("SELINON ")
    assert json.loads(caplog.messages[0].split(" : ", 1)[1])["details"] == {"flow_name": "a"}
    caplog.clear()
    Trace.trace_by_logging(logging.getLogger("mine"))
    Trace.log(Trace.FLOW_START, {})
    assert [record.name for record in caplog.records] == ["selinon.trace", "mine"]


def test_sinks_that_users_call_themselves(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)

    def mine(event: str, report: dict[str, Any]) -> None:
        Trace.logging_trace_func(event, report)
        Trace.json_trace_func(event, report)

    Trace.trace_by_func(mine)
    Trace.log(Trace.FLOW_END, {"n": 1})
    Trace.log(Trace.FLOW_FAILURE, {"n": 2})
    assert len(caplog.records) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["event"] == "FLOW_END"
    assert json.loads(captured.err)["details"] == {"n": 2}


class Log(SelinonTask):
    def run(self, node_args: Any) -> None:
        Trace.log("SEEN", {"flow_name": self.flow_name}, task_id=self.task_id)


def test_tasks_trace_into_the_run_they_are_in(tmp_path: Any) -> None:
    (tmp_path / "nodes.yaml").write_text(
        "tasks: [{name: Log, import: tests.facade.test_trace}]\n"
        "flow-definitions: [{name: log, edges: [{from: , to: Log}]}]\n"
    )
    told: Told = []
    Config.trace_by_func(lambda event, report: told.append((event, report)))
    run = Executor(str(tmp_path / "nodes.yaml"), []).run("log")
    assert run.status == "success"
    events = [event for event, _ in told]
    assert events.count("SEEN") == 1
    assert events.index("TASK_START") < events.index("SEEN") < events.index("TASK_END")
    assert "SEEN" in [event["event"] for event in run.trace()]


def test_sinks_of_the_configuration_hear_what_users_log(capsys: pytest.CaptureFixture[str]) -> None:
    task = {"name": "Log", "import": "tests.facade.test_trace"}
    flow = {"name": "log", "edges": [{"from": None, "to": "Log"}]}
    Config.set_config_dict({"tasks": [task], "global": {"trace": [{"json": True}]}}, {"flow-definitions": [flow]})
    Trace.log("SEEN", n=3)
    assert json.loads(capsys.readouterr().out)["details"] == {"n": 3}
