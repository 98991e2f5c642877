"""Tasks that wait for a signal, in local runs: signals, early ones, rejections, time-outs, mocks."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.cases.model import Mocks, NodeMock, Outcome, Rule, Script, Signal
from selinon_core.errors import RequestError, UnknownTaskError
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.plan import Plan
from tests.local.trying import build, failing, names, node, play, told

SCHEMA = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}
YES = Signal("Approve", {"ok": True})


def waiting(
    flows: Any = ("-> A", "A -> Approve", "Approve -> B"), timeout: float | None = 60, **wait: Any
) -> Plan:
    given = {"import": None, "classname": None, "output_schema": SCHEMA}
    tasks = {"Approve": {**given, "wait": {**({} if timeout is None else {"timeout": timeout}), **wait}}}
    return build({"main": list(flows)} if not isinstance(flows, dict) else flows, tasks)


def test_a_signal_is_the_result_and_other_tasks_run_meanwhile() -> None:
    plan = waiting(["-> A", "-> Approve", "Approve -> B"])
    run = play(plan, durations={"A": 3}, at=((5.0, YES),))
    assert names(run) == ["A", "Approve", "B"]
    approved = node(run, "Approve")
    assert (approved["started_at"], approved["finished_at"], approved["result"]) == (0.0, 5.0, {"ok": True})
    assert run.stored("S")["main", "Approve", approved["id"]] == {"ok": True}
    assert [line["node_name"] for line in told(run, "SIGNAL")] == ["Approve"]
    assert run.virtual_seconds == 5.0


def test_a_rejection_and_a_time_out_are_failures_that_fallbacks_handle() -> None:
    flows: dict[str, Any] = {"main": {"edges": ["-> Approve", "Approve -> B"], "failures": ["Approve -> C"]}}
    rejected = play(waiting(flows), at=((5.0, Signal("Approve", reject="too dear")),))
    assert (names(rejected), rejected.status) == (["Approve", "C"], "success")
    assert node(rejected, "Approve")["error"]["type"] == "Rejected"
    assert node(rejected, "Approve")["error"]["message"] == "too dear"
    late = play(waiting(flows, title="Ship ${args.number}?"), node_args={"number": 7})
    assert (names(late), late.virtual_seconds) == (["Approve", "C"], 60.0)
    assert "TaskTimeout" in str(node(late, "Approve")["error"])
    assert late.warnings == [
        "Approve (Ship 7?) got no signal in time; give it one: --signal Approve='{\"ok\": false}', with @SECONDS "
        "behind it for a time"
    ]
    assert [line["timeout"] for line in told(late, "TASK_TIMEOUT")] == [60]


def test_a_signal_before_its_task_waits_is_refused_and_an_early_one_is_kept_for_the_first_run() -> None:
    flows = ["-> A", "A -> Approve", "Approve -> B"]
    refused = play(waiting(flows), durations={"A": 9}, at=((5.0, YES),))
    assert refused.status == "failure"
    assert refused.warnings[0].startswith("Approve did not wait at 5 s: the signal had no effect")
    assert len(told(refused, "SIGNAL_REFUSED")) == 1
    kept = play(waiting(flows), durations={"A": 9}, at=((5.0, YES._replace(early=True)),))
    assert (kept.status, node(kept, "Approve")["finished_at"]) == ("success", 9.0)


def test_a_second_signal_finds_nothing_that_waits() -> None:
    run = play(waiting(), durations={"B": 9}, at=((5.0, YES), (6.0, YES)))
    assert run.status == "success"
    assert run.warnings[0].startswith("Approve did not wait at 6 s")


def test_of_several_that_wait_the_first_gets_the_signal() -> None:
    run = play(waiting(["-> Approve Approve", "Approve -> B"]), at=((5.0, YES), (7.0, YES)))
    assert [row["finished_at"] for row in run.nodes if row["name"] == "Approve"] == [5.0, 7.0]
    assert names(run).count("B") == 2


def test_a_run_whose_wait_has_no_end_says_what_it_waits_for() -> None:
    run = play(waiting(timeout=None, title="Ship it?"))
    assert (run.status, names(run)) == ("failure", ["A", "Approve"])
    assert run.error is not None
    assert run.error.startswith("Approve (Ship it?) waits for a signal, without a time-out; give it one: --signal")


def test_the_time_out_of_the_flow_ends_a_wait() -> None:
    flows = {"main": {"edges": ["-> Approve"], "timeout": 30}}
    run = play(waiting(flows, timeout=None))
    assert (run.status, run.error, run.virtual_seconds) == ("failure", "the flow's timeout is over", 30.0)


def test_a_retry_of_the_flow_waits_anew_and_what_waited_before_does_not_hold_it_up() -> None:
    flows = {"main": {"edges": ["-> A Approve", "Approve -> B"], "max_retry": 1, "eager_failures": ["A"]}}
    run = play(waiting(flows, timeout=500), does={"A": failing(1)}, at=((5.0, YES), (7.0, YES)))
    assert run.status == "success"
    assert names(run).count("Approve") == 2


@pytest.mark.parametrize(
    ("outcome", "status", "seconds"),
    [
        (Outcome("result", {"ok": True}, after=10), "success", 10.0),
        (Outcome("result", {"ok": True}, after=100), "failure", 60.0),
        (Outcome("error", "Rejected: no"), "failure", 0.0),
    ],
)
def test_a_mock_is_a_signal_that_comes_after_its_time(outcome: Outcome, status: str, seconds: float) -> None:
    mocks = Mocks({"Approve": NodeMock((Rule(None, Script((outcome,))),))})
    run = play(waiting(), mocks=mocks)
    assert (run.status, run.virtual_seconds) == (status, seconds)


def test_with_all_tasks_mocked_a_wait_without_signals_is_made_up_and_one_with_signals_waits() -> None:
    made_up = play(waiting(), mock_all=True)
    assert (made_up.status, made_up.virtual_seconds) == ("success", 0.0)
    assert play(waiting(), mock_all=True, at=((5.0, YES),)).virtual_seconds == 5.0


def test_a_title_does_not_show_what_is_redacted() -> None:
    given = {"import": None, "classname": None, "wait": {"title": "${args.card} ${args.number}", "timeout": 5}}
    plan = build({"main": ["-> Approve"]}, {"Approve": given}, redact=["card"])
    run = play(plan, node_args={"card": "4111", "number": 7})
    assert "4111" not in run.warnings[0]
    assert "7" in run.warnings[0]


@pytest.mark.parametrize(
    ("signal", "error", "text"),
    [
        (Signal("Aprove"), UnknownTaskError, 'no task is named "Aprove"; did you mean "Approve"'),
        (Signal("A"), RequestError, "task A does not wait for a signal \\(those that do: Approve\\)"),
        (
            Signal("Approve", {"ok": 3}),
            RequestError,
            "the signal for Approve does not fit its output_schema: at \\$.ok",
        ),
        (Signal("Approve", {"ok": {1}}), RequestError, "not a JSON value"),
    ],
)
def test_a_signal_that_cannot_be_is_refused_before_the_run(
    signal: Signal, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        LocalExecutor(waiting(), LocalOptions(at=((1.0, signal),)))
