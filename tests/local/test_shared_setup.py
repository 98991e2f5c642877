"""What executors share, and what a run says of itself beside its report."""

from __future__ import annotations

from selinon_core.cases.model import NodeMock, Outcome, Rule, Script
from selinon_core.local import LocalExecutor, LocalOptions, Mocks
from selinon_core.local.run_setup import RunSetup
from selinon_core.project import compile_text

PLAN = compile_text(
    {
        "flow.yaml": """
tasks:
  - {name: A, import: m}
  - {name: B, import: m}
flow-definitions:
  - name: f
    edges:
      - {from: , to: A}
      - {from: A, to: B}
"""
    }
).plan


def test_runs_of_executors_that_share_a_setup_are_independent() -> None:
    assert PLAN is not None
    options = LocalOptions(mock_all=True)
    setup = RunSetup(PLAN, options)
    first = LocalExecutor(PLAN, options._replace(fail={"B": None}), setup).run("f")
    second = LocalExecutor(PLAN, options, setup).run("f")
    assert (first.status, second.status) == ("failure", "success")
    alone = LocalExecutor(PLAN, options).run("f")
    assert alone.facts.lineage.canonical() == second.facts.lineage.canonical()


def test_a_scripted_result_is_the_same_in_every_run_whatever_is_done_with_that_of_another() -> None:
    assert PLAN is not None
    given = {"list": [1, {"deep": 2}], "text": "x"}
    mocks = Mocks.from_mapping({"A": {"result": given}})
    options = LocalOptions(mock_all=True, mocks=mocks)
    setup = RunSetup(PLAN, options)
    for _ in range(2):
        run = LocalExecutor(PLAN, options, setup).run("f")
        result = run.report()["nodes"][0]["result"]
        assert result == given
        result["list"][1]["deep"] = result["text"] = "changed"


def test_a_scripted_result_that_json_cannot_hold_is_the_error_of_its_task() -> None:
    assert PLAN is not None
    mocks = Mocks({"A": NodeMock((Rule(None, Script((Outcome("result", {"set": {1}}),))),))})
    run = LocalExecutor(PLAN, LocalOptions(mock_all=True, mocks=mocks)).run("f")
    assert run.status == "failure"
    assert "set" in run.report()["nodes"][0]["error"]["message"]


def test_a_run_knows_which_mocked_outcome_each_attempt_had() -> None:
    assert PLAN is not None
    outcomes = [{"error": "Busy: no"}, {"result": 5}]
    plan = PLAN._replace(tasks={**PLAN.tasks, "A": PLAN.tasks["A"]._replace(max_retry=1)})
    mocks = Mocks.from_mapping({"A": outcomes})
    run = LocalExecutor(plan, LocalOptions(mock_all=True, mocks=mocks)).run("f")
    played = [(use.node.run.name, use.outcome.kind, use.outcome.value) for use in run.mock_uses]
    assert played[:2] == [("A", "error", "Busy: no"), ("A", "result", 5)]
    assert [name for name, _, _ in played] == ["A", "A", "B"]


def test_the_journal_is_what_the_events_are_made_of() -> None:
    assert PLAN is not None
    run = LocalExecutor(PLAN, LocalOptions(mock_all=True)).run("f")
    assert len(run.journal) <= len(run.events)
    times = [entry[1] for entry in run.journal]
    assert times == sorted(times)
    assert run.effects == ()
