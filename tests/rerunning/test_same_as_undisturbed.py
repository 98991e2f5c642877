"""A run with failures that is run again without them has the node runs of a run in which nothing failed."""

from __future__ import annotations

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from selinon_core.local import LocalRun
from selinon_core.plan import Plan
from selinon_core.rerunning.request import Request
from tests.dispatch import flows
from tests.example_counts import examples
from tests.rerunning.played import comparable, play, playable, preview_of, world

EVERYTHING_THAT_FAILED = Request(("state:failed", "state:handled", "state:unfinished"))


def _ended(run: LocalRun) -> bool:
    return run.stopped_by is None


def _check_rerun(plan: Plan, run: LocalRun) -> LocalRun:
    """Run a run again; what was foretold happened, and nothing that was reused ran."""
    preview = preview_of(plan, run, EVERYTHING_THAT_FAILED)
    again = play(plan, preview)
    reused = {node["id"] for node in again.report()["nodes"] if node["status"] == "reused"}
    assert not reused & set(world.executed)
    assert reused <= {record.run.id for record in run.facts.nodes}
    foretold = {id for id, state in preview.state.items() if state == "reuse"}
    assert foretold <= reused
    assert not [
        id for id, state in preview.state.items() if state in ("again", "then", "not_again") and id in reused
    ]
    return again


@settings(max_examples=examples(40, 600), deadline=None)
@given(flows.plans().map(playable), st.integers(0, 10**6), st.sampled_from([20, 50]))
def test_a_rerun_is_the_same_as_an_undisturbed_run(plan: Plan, seed: int, fails: int) -> None:
    world.reset(seed)
    undisturbed = play(plan)
    assume(_ended(undisturbed))
    world.fails = fails
    disturbed = play(plan)
    assume(_ended(disturbed))
    event(f"disturbed: {disturbed.status}")
    world.fails = 0
    again = _check_rerun(plan, disturbed)
    event("something was reused" if any(n["status"] == "reused" for n in again.nodes) else "nothing was reused")
    assert again.status == undisturbed.status
    assert comparable(again) == comparable(undisturbed)


@settings(max_examples=examples(25, 400), deadline=None)
@given(flows.plans().map(playable), st.integers(0, 10**6))
def test_three_reruns_in_a_row_come_to_the_same_end(plan: Plan, seed: int) -> None:
    world.reset(seed)
    undisturbed = play(plan)
    assume(_ended(undisturbed))
    world.fails = 60
    run = play(plan)
    assume(_ended(run))
    for world.round, world.fails in ((1, 40), (2, 20), (3, 0)):
        run = _check_rerun(plan, run)
        assume(_ended(run))
    assert run.status == undisturbed.status
    assert comparable(run) == comparable(undisturbed)
