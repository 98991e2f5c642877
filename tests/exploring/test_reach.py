"""Goals of coverage: a run that reaches one, as a test case, or the proof that there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from selinon_core.exploring import Checker, Goal, Limits, ProjectModel
from selinon_core.local import LocalExecutor, LocalOptions
from tests.exploring.flows_in_yaml import plan_of

FLOW = """
  - name: main
    max_retry: 1
    edges:
      - {from: , to: A}
      - from: A
        to: B
        condition:
          or:
            - {name: fieldGreater, args: {key: n, value: 5}}
            - {name: fieldGreater, args: {key: n, value: 9}}
      - {from: A, to: C, foreach: {import: tasks, function: files}}
    failures:
      - {nodes: [A, B], fallback: D}
      - {nodes: [B, C], fallback: D}
"""


@pytest.mark.parametrize(
    "goal",
    [
        Goal("edge_no", 1),
        Goal("atom_true", 1, 0),
        Goal("atom_false", 1, 1),
        Goal("foreach_none", 2),
        Goal("foreach_many", 2),
        Goal("fallback_used", 1),
        Goal("retry_helped"),
        Goal("retry_gave_up"),
    ],
    ids=str,
)
def test_a_goal_has_a_witness_that_runs(tmp_path: Path, goal: Goal) -> None:
    plan = plan_of(tmp_path, FLOW, "A B C D")
    # With one failure only, a fallback for two is found all the same.
    found = Checker(ProjectModel(plan), Limits(failures=1)).reach("main", goal, "reach it")
    assert found.witness is not None
    case = found.witness.case
    run = LocalExecutor(plan, LocalOptions(mocks=case.mocks, mock_all=True)).run("main", case.args)
    assert run.status == case.expect.status.value


@pytest.mark.parametrize("goal", [Goal("atom_true", 1, 1), Goal("fallback_used", 0)], ids=str)
def test_what_no_run_reaches_is_impossible(tmp_path: Path, goal: Goal) -> None:
    """The second predicate is asked only when the first is false; A and B are behind each other."""
    plan = plan_of(tmp_path, FLOW, "A B C D")
    assert Checker(ProjectModel(plan), Limits()).reach("main", goal, "reach it") == (None, True)


def test_what_is_not_known_is_neither(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, FLOW, "A B C D")
    checker = Checker(ProjectModel(plan), Limits(budget=2))
    assert checker.reach("main", Goal("fallback_used", 0), "reach it") == (None, False)
