"""Random flows on simulated workers: reruns in a row end as the undisturbed run, and reuse what is there."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from selinon_core.plan import Plan
from selinon_core.simulating.world import World
from tests.celery.rerunning import comparable, planned, send, stored
from tests.dispatch import flows
from tests.example_counts import examples
from tests.rerunning.played import playable
from tests.rerunning.played import world as tasks

EVERYTHING_THAT_FAILED = ("state:failed", "state:handled", "state:unfinished")
_ONE_BY_ONE: Any = {"selinon_inline_count": 0, "selinon_batch_count": 1}
#: Messages after which a run is given up: cycles may be endless.
_MOST = 150


def _worked(world: World) -> bool:
    """Whether all runs ended."""
    try:
        world.work(_MOST)
    except AssertionError:
        return False
    return True


def _undisturbed(plan: Plan) -> tuple[World, str]:
    world = World(plan, workers=1, **_ONE_BY_ONE)
    id = world.start("main")
    assume(_worked(world))
    return world, id


@settings(max_examples=examples(12, 150), deadline=None)
@given(flows.plans().map(playable), st.integers(0, 10**6), st.integers(0, 3))
def test_three_reruns_in_a_row_come_to_the_same_end(plan: Plan, seed: int, crashes: int) -> None:
    tasks.reset(seed)
    calm, same = _undisturbed(plan)
    world = World(plan, seed=seed, workers=3, shuffle=True, crash=0.01 * crashes, **_ONE_BY_ONE)
    tasks.fails = 30
    id = world.start("main")
    assume(_worked(world))
    for tasks.round, tasks.fails in ((1, 30), (2, 15), (3, 0)):
        found = planned(world, id, *EVERYTHING_THAT_FAILED)
        if found.preview.does_nothing:
            break
        tasks.executed = []
        id = send(world, found)
        assume(_worked(world))
        seen = stored(world, id)
        reused = {record.run.id for record in seen.records if record.run.status == "reused"}
        event("something was reused" if reused else "nothing was reused")
        assert not reused & set(tasks.executed)
        foretold = {id for id, state in found.preview.state.items() if state == "reuse"}
        assert foretold <= reused
        others = {id for id, state in found.preview.state.items() if state in ("again", "then", "not_again")}
        assert not others & reused
    assert world.results[id][0] == calm.results[same][0]
    assert comparable(stored(world, id)) == comparable(stored(calm, same))
