"""Outbox keys and timers that a newer worker wrote wait for a newer worker, in every store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scripted

from selinon_core.celery.stores.protocol import Commit
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.simulating.world import World
from tests.celery.stores import MARKED_KINDS, fresh_store
from tests.rolling.next_format import NEW_KEY, NEW_TIMER, next_format

YAML = """
tasks:
  - {name: A, import: scripted, classname: Scripted}
flow-definitions:
  - {name: main, edges: [{from: , to: A}]}
"""
#: Seconds between two looks of the sweep, and how often it looks: longer than any pause between two wake-ups.
PAUSE, LOOKS = 100.0, 8


@pytest.fixture(params=MARKED_KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Two workers of this format, without inline execution."""
    with fresh_store(request.param, tmp_path) as store:
        yield World(plan(), workers=2, store=store, selinon_inline_count=0)


def plan() -> Plan:
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    found = compile_text({"nodes.yaml": YAML}).plan
    assert found is not None
    return found


def begun(world: World, lost: bool = True) -> str:
    """A run whose task has a message on its way, which got lost: only the sweep goes on with the run."""
    id = world.start("main")
    world.work_some(1)
    if lost:
        world.broker.queue.clear()
    return id


def commit(world: World, id: str, **changes: Any) -> None:
    """What a newer worker commits."""
    opened = world.store.acquire_lease(id, 0, 60.0, world.now)
    assert opened is not None
    with next_format():
        assert world.store.commit(Commit(id, opened.version, world.now, token=opened.token, **changes)).ok


def outbox(world: World, id: str) -> tuple[str, ...]:
    world.now += PAUSE  # a lease that was held ends
    opened = world.store.acquire_lease(id, 0, 1.0, world.now)
    assert opened is not None
    return tuple(opened.outbox)


def look(world: World) -> None:
    for _ in range(LOOKS):
        world.pass_time(PAUSE)


def test_a_key_of_the_outbox_waits(world: World) -> None:
    id = begun(world)
    commit(world, id, outbox=[NEW_KEY])
    look(world)
    assert world.results == {}
    assert outbox(world, id) == (NEW_KEY,)
    with next_format():
        look(world)
    assert world.results[id][0] == "success"
    assert outbox(world, id) == ()


def test_a_key_of_the_outbox_outlives_the_end_of_its_run(world: World) -> None:
    id = begun(world, lost=False)  # the end of the task is decided on without a look at the outbox
    commit(world, id, outbox=[NEW_KEY])
    look(world)
    assert world.results[id][0] == "success"
    assert outbox(world, id) == (NEW_KEY,)
    with next_format():
        look(world)
    assert outbox(world, id) == ()


def test_a_due_timer_waits(world: World) -> None:
    id = begun(world)
    due = world.now + 1
    commit(world, id, timers={NEW_TIMER: due})
    look(world)
    assert world.results == {}
    assert world.store.timers(id) == {NEW_TIMER: pytest.approx(due)}
    with next_format():
        look(world)
    assert world.results[id][0] == "success"
    assert world.store.timers(id) == {}


def test_a_timer_that_is_not_due_keeps_nothing_from_going_on(world: World) -> None:
    id = begun(world)
    commit(world, id, timers={NEW_TIMER: world.now + 1e6})
    look(world)
    assert world.results[id][0] == "success"
