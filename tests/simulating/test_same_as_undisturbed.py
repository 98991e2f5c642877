"""What a schedule may do otherwise than the undisturbed one without breaking an invariant."""

from __future__ import annotations

from typing import Any

from selinon_core.cases.model import ConditionMock, Deviation, FunctionMock, Mocks, Outcome
from selinon_core.local import LocalOptions
from selinon_core.simulating.campaign import ScheduleResult, SimulationOptions, replay, simulate
from tests.celery.changed_flows import NODES, flow, plan_of
from tests.simulating.subjects import mock, of

#: The start of the flow run is decided, and its worker dies before it commits that.
DECIDED_TWICE = Deviation("crash", "start f#1", "before the first step")


def played(flows: Any, mocks: Mocks, *deviations: Deviation) -> ScheduleResult:
    options = LocalOptions(mocks=mocks, mock_all=True)
    return replay(of(plan_of(NODES, [flows]), "f", None, options), deviations)


def test_which_of_several_failures_a_fallback_handles_first_is_left_open() -> None:
    failing = {"failures": [{"nodes": ["C"], "fallback": "D"}]}
    flows = flow((None, "A"), (None, "B"), ("A", "C"), ("B", "C"), **failing)
    mocks = Mocks({"C": mock(Outcome("fatal", "no"))})
    handled = []
    for deviations in ((), (Deviation("crash", "A#1", "after task"),)):
        result = played(flows, mocks, *deviations)
        assert (result.violations, result.stale, result.attempts["D#2"]) == ((), (), 1)
        handled.append([run.parent for run in result.run.facts.lineage.canonical() if run.name == "D"])
    assert handled[0] != handled[1]


def test_a_fallback_of_one_failure_has_its_parents() -> None:
    failing = {"failures": [{"nodes": ["C"], "fallback": "D"}]}
    flows = flow((None, ["A", "B"]), (["A", "B"], "C"), **failing)
    result = played(flows, Mocks({"C": mock(Outcome("fatal", "no"))}), Deviation("late", "B#1", seconds=5.0))
    assert (result.violations, result.outcome, result.attempts["D#1"]) == ((), "success", 1)


def test_a_mocked_function_answers_a_decision_that_is_made_again_as_before() -> None:
    flows = flow((None, "A"))
    flows["edges"][0]["foreach"] = {"import": "scripted", "function": "items_of_args"}
    mocks = Mocks(functions={"scripted.items_of_args": FunctionMock(([1, 2], []))})
    result = played(flows, mocks, DECIDED_TWICE)
    assert (result.violations, result.crashes, set(result.attempts)) == ((), 1, {"A#1", "A#2"})


def test_a_mocked_condition_answers_a_decision_that_is_made_again_as_before() -> None:
    flows = flow((None, "A"))
    flows["edges"][0]["condition"] = {"name": "argsFieldInt", "args": {"key": "n"}}
    mocks = Mocks(conditions=(ConditionMock("f", 0, (True, False)),))
    result = played(flows, mocks, DECIDED_TWICE)
    assert (result.violations, result.crashes, set(result.attempts)) == ((), 1, {"A#1"})


def eager(*edges: Any) -> Any:
    """A flow that ends when B fails, and its runs under schedules."""
    flows = flow(*edges, eager_failures=["B"])
    options = LocalOptions(mocks=Mocks({"B": mock(Outcome("fatal", "no"))}), mock_all=True)
    return simulate(of(plan_of(NODES, [flows]), "f", None, options), SimulationOptions(seeds=60))


def test_what_has_run_beside_an_eager_failure_is_left_open() -> None:
    result = eager((None, "A"), (None, "B"), ("A", "C"), ("C", "D"))
    assert result.violations == ()
    assert any("same as undisturbed is not looked at" in note for note in result.notes)


def test_an_eager_failure_after_all_else_is_compared() -> None:
    result = eager((None, "A"), ("A", "B"), ("B", "C"))
    assert (result.violations, result.notes) == ((), ())
