"""Pauses of the starts of a flow: new runs are queued, and begin when the pause ends. Simulated workers."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from selinon_core.celery.execution.held_starts import HeldStarts
from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.steering.starts import StartSteering
from selinon_core.celery.stores.items import HELD
from selinon_core.celery.stores.limits import hold_key
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.worker.limit_upkeep import HELD_EVERY, LimitUpkeep
from selinon_core.errors import UnknownFlowError
from selinon_core.plan import Plan
from selinon_core.simulating.world import BEGINNING, World
from tests.celery import broken_tasks
from tests.celery.index_check import all_rows, index_mistakes
from tests.example_counts import examples

EDGES = "edges: [{from: , to: A}, {from: A, to: B}]"
ABOVE = "  - {name: above, edges: [{from: , to: f}]}"
FREE = broken_tasks.broken_plan(f"  - {{name: f, {EDGES}}}\n{ABOVE}")
ONE = broken_tasks.broken_plan(f"  - {{name: f, limit: {{key: all, max: 1}}, {EDGES}}}\n{ABOVE}")
PLANS = pytest.mark.parametrize("plan", [FREE, ONE], ids=["free", "limited"])


@pytest.fixture(autouse=True)
def _nothing_is_broken() -> None:
    broken_tasks.set_up()


def steering(world: World) -> StartSteering:
    services = world.workers[0]
    owner: Any = SimpleNamespace(plan=world.plans[0], services=services, store=world.store)
    return StartSteering(owner)


def pause(world: World) -> None:
    assert steering(world).pause("f", "me")
    world.now += 2  # what workers know of it is a second old at most


def resume(world: World) -> None:
    assert steering(world).resume("f", "me")
    world.now += 2


def status(world: World, id: str) -> str:
    fields = world.store.header(id)
    assert fields is not None, id
    return RunHeader.read(fields).shown_status


@PLANS
@pytest.mark.parametrize("together", [1, 4])
def test_new_runs_are_queued_until_the_pause_ends(plan: Plan, together: int) -> None:
    world = World(plan, together=together)
    before = world.start("f")
    world.work()
    pause(world)
    ids = [world.start("f", n) for n in range(3)]
    world.work()
    assert [status(world, id) for id in (before, *ids)] == ["success"] + ["queued"] * 3
    (about,) = steering(world).paused()
    assert about == {"flow": "f", "at": about["at"], "by": "me", "waiting": 3}
    found = describe(world.workers[0].store, world.workers[0].flow_versions, ids[0])
    assert (found["status"], found["starts_paused"]) == ("queued", True)
    assert "limit" not in found
    resume(world)
    assert steering(world).paused() == []
    world.work()
    assert [status(world, id) for id in ids] == ["success"] * 3
    after = world.start("f")
    world.work()
    assert status(world, after) == "success"
    assert len(broken_tasks.SUCCEEDED) == 2 * 5
    for key in (hold_key("f"), "all"):
        assert world.store.limits.state(key) == (0, [], [])
    assert [row.status for row in all_rows(world.store)] == ["success"] * 5
    assert index_mistakes(world.store, [before, *ids, after]) == []


def test_asking_twice_changes_nothing_and_unknown_flows_are_refused() -> None:
    world = World(FREE)
    pause(world)
    assert not steering(world).pause("f")
    resume(world)
    assert not steering(world).resume("f")
    with pytest.raises(UnknownFlowError, match='did you mean "above"'):
        steering(world).pause("abov")


def test_runs_that_began_and_subflows_go_on() -> None:
    world = World(FREE, selinon_inline_count=0)
    began = world.start("f")
    world.step()
    pause(world)
    above = world.start("above")
    world.work()
    assert [status(world, id) for id in (began, above)] == ["success"] * 2


def test_a_queued_run_can_be_cancelled_and_expires() -> None:
    world = World(FREE)
    pause(world)
    cancelled, expired, kept = world.start("f"), world.start("f", expires=BEGINNING + 60), world.start("f")
    world.work(until=BEGINNING + 10)
    world.cancel("f", cancelled)
    world.now += 100
    world.work()
    assert [status(world, id) for id in (cancelled, expired, kept)] == ["cancelled", "cancelled", "queued"]
    resume(world)
    world.work()
    assert [status(world, id) for id in (cancelled, expired, kept)] == ["cancelled", "cancelled", "success"]


def test_a_start_that_comes_again_is_queued_once() -> None:
    world = World(FREE)
    pause(world)
    ids = [world.start("f", id="00000000-0000-4000-8000-000000000007") for _ in range(2)]
    world.work()
    assert len(all_rows(world.store)) == 1
    resume(world)
    world.work()
    assert status(world, ids[0]) == "success"
    assert len(broken_tasks.SUCCEEDED) == 2


def test_what_a_worker_queues_after_the_pause_has_ended_begins() -> None:
    """It did not know of the end yet."""
    world = World(FREE, workers=1)
    upkeep = LimitUpkeep(world.workers[0])
    pause(world)
    first = world.start("f")
    world.work()
    assert steering(world).resume("f", "me")
    late = world.start("f")
    assert len(world.broker.queue) == 2
    world.broker.queue.reverse()
    world.step()
    assert status(world, late) == "queued"
    world.work()
    assert [status(world, id) for id in (first, late)] == ["success"] * 2
    pause(world)
    held = world.start("f")
    world.work()
    upkeep.run_once(world.now)
    world.work()
    assert status(world, held) == "queued"


def test_the_upkeep_lets_a_start_begin_whose_pause_ended_without_it() -> None:
    """Its worker died just when it had queued the start, and the message was lost with it."""
    world = World(FREE, workers=1)
    pause(world)
    held = world.start("f")
    world.work()
    world.store.items.remove(HELD, ["f"])
    LimitUpkeep(world.workers[0]).run_once(world.now)
    world.work()
    assert status(world, held) == "success"


def test_where_nothing_is_paused_the_upkeep_asks_the_store_hardly_ever() -> None:
    world = World(FREE, workers=1)
    services = world.workers[0]
    asked = []
    services.store = SimpleNamespace(limits=SimpleNamespace(waiting_by_name=lambda: asked.append(1) or {}))  # type: ignore[assignment, func-returns-value]
    upkeep = LimitUpkeep(services)
    for second in range(int(HELD_EVERY)):
        upkeep.run_once(world.now + second)
    assert len(asked) == 1


def test_a_start_begins_that_a_worker_took_while_the_pause_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([True, False])
    monkeypatch.setattr(HeldStarts, "is_held", lambda self, flow: next(answers, False))
    world = World(FREE)
    id = world.start("f")
    world.work()
    assert status(world, id) == "success"


@PLANS
@pytest.mark.parametrize("seed", range(examples(4, 40)))
def test_crashes_lose_no_run_and_begin_none_early(plan: Plan, seed: int) -> None:
    world = World(plan, seed=seed, workers=3, shuffle=True, crash=0.05, duplicate=0.1)
    upkeep = LimitUpkeep(world.workers[0])
    pause(world)
    ids = [world.start("f", n) for n in range(6)]
    world.work()
    assert [status(world, id) for id in ids] == ["queued"] * 6
    calm(world, lambda: resume(world))
    for _ in range(4):
        world.work()
        world.now += HELD_EVERY
        calm(world, lambda: upkeep.run_once(world.now))
    world.work()
    assert [status(world, id) for id in ids] == ["success"] * 6
    assert world.store.limits.state(hold_key("f")) == (0, [], [])


def calm(world: World, act: Callable[[], None]) -> None:
    """Act without crashes."""
    crash, world.faults.crash = world.faults.crash, 0.0
    act()
    world.faults.crash = crash
