"""Runs that end before they begin: another worker begins them at that moment, or the one that ends them dies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.stores.protocol import Commit
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.simulating.faults import Crash
from selinon_core.simulating.world import BEGINNING, World
from tests.celery import broken_tasks

PLAN = broken_tasks.broken_plan("""
  - name: top
    edges: [{from: , to: below}]
  - name: below
    limit: {key: all, max: 1, when_full: skip}
    edges: [{from: , to: A}]
  - name: free
    edges: [{from: , to: A}]
""")
#: More calls than a worker makes for a message.
MOST_CALLS = 60
Message = tuple[str, bool]


@pytest.fixture(autouse=True)
def _nothing_is_broken() -> None:
    broken_tasks.set_up()


def at_call(world: World, number: int, happens: Callable[[], None]) -> Callable[[], bool]:
    """Let something happen around the call of that number to the store or publisher; tells whether it has."""
    calls = 0

    def point() -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            happens()

    world.faults.point = point  # type: ignore[method-assign]
    return lambda: calls >= number


def handle(world: World, worker: int, message: Message, again: bool = False) -> None:
    task, kwargs, headers = json.loads(message[0])
    world.handle(world.workers[worker], task, kwargs, headers, again)


def header(world: World, id: str) -> RunHeader:
    fields = world.store.header(id)
    assert fields is not None, id
    return RunHeader.read(fields)


def told(world: World) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for worker in world.workers:
        worker.tracer.add(lambda event, details: found.append((event, details.get("dispatcher_id", ""))))
    return found


def skipping() -> tuple[World, str, Message, list[Message]]:
    """A sub-flow whose limit is reached: its id, its start, and the messages of the run that has the place."""
    world = World(PLAN, selinon_inline_count=0)
    world.start("below")
    world.step()
    holding = world.broker.queue[:]
    world.broker.queue.clear()
    world.start("top")
    world.step()
    (start,) = world.broker.queue
    world.broker.queue.clear()
    return world, json.loads(start[0])[1]["id"], start, holding


def check(world: World, id: str) -> None:
    """The run has ended, its result is written, and a parent was told of this end."""
    run = header(world, id)
    assert run.status in ("success", "cancelled")
    assert world.results[id][0] == ("success" if run.status == "success" else "failure")
    if run.caller is not None:
        parent = header(world, run.caller.flow_id)
        assert parent.status == ("success" if run.status == "success" else "failure")
    assert not dict(world.store.left_over())


def test_a_sub_flow_that_begins_while_it_is_skipped_has_one_end() -> None:
    ends = set()
    for number in range(1, MOST_CALLS):
        world, id, start, holding = skipping()

        def begin(world: World = world, start: Message = start, holding: list[Message] = holding) -> None:
            for message in holding:  # the place is free
                handle(world, 1, message)
            handle(world, 1, start, again=True)

        happened = at_call(world, number, begin)
        handle(world, 0, start)
        if not happened():
            break
        world.work()
        check(world, id)
        ends.add(header(world, id).status)
    assert ends == {"success", "cancelled"}


def test_a_run_that_begins_while_its_start_expires_has_not_expired() -> None:
    ends = set()
    for number in range(1, MOST_CALLS):
        world = World(PLAN, selinon_inline_count=0)
        events = told(world)
        id = world.start("free", expires=BEGINNING + 60)
        (start,) = world.broker.queue
        world.broker.queue.clear()

        def begin(world: World = world, start: Message = start) -> None:
            world.now = BEGINNING  # by the clock of the other worker
            handle(world, 1, start)
            world.now += 100

        happened = at_call(world, number, begin)
        world.now += 100
        handle(world, 0, start)
        if not happened():
            break
        world.work()
        check(world, id)
        status = header(world, id).status
        assert (("START_EXPIRED", id) in events) == (status == "cancelled")
        ends.add(status)
    assert ends == {"success", "cancelled"}


def expired(world: World) -> str:
    id = world.start("free", expires=BEGINNING + 60)
    world.now += 100
    return id


def cancelled(world: World) -> str:
    world.cancel("free", "00000000-0000-4000-8000-000000000000")
    return "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("comes_again", [True, False], ids=["comes again", "is lost"])
@pytest.mark.parametrize("end", [expired, cancelled, None], ids=["expired", "cancelled", "skipped"])
def test_who_ends_a_run_before_it_begins_may_die(end: Callable[[World], str] | None, comes_again: bool) -> None:
    for number in range(1, MOST_CALLS):
        if end is None:
            world, id, start, holding = skipping()
        else:
            world, holding = World(PLAN, selinon_inline_count=0), []
            id = end(world)
            (start,) = world.broker.queue
            world.broker.queue.clear()

        def die() -> Any:
            raise Crash

        happened = at_call(world, number, die)
        try:
            handle(world, 0, start)
        except Crash:
            world.workers[0] = world.new_worker(0)
        if not happened():
            break
        world.broker.queue += holding
        if comes_again or world.store.header(id) is None:  # a start that did nothing is in the ledger of starts
            world.broker.queue.append((start[0], True))
        world.work()
        check(world, id)


def test_what_a_tombstone_left_behind_is_forgotten_when_its_run_begins_after_all() -> None:
    flows = """
  - {name: f, timeout: 10, edges: [{from: , to: [A, g]}]}
  - {name: g, throttling: {seconds: 15}, edges: [{from: , to: [C, D]}, {from: C, to: E}, {from: D, to: F}]}
"""
    world = World(broken_tasks.broken_plan(flows), selinon_inline_count=0)
    events = told(world)
    ids = [world.start("f") for _ in range(2)]
    world.work()
    (failed,) = (id for id in ids if header(world, id).status == "failure")
    nodes = describe(world.workers[0].store, world.workers[0].flow_versions, failed)["nodes"]
    (below,) = (node["id"] for node in nodes if node["name"] == "g")
    assert header(world, below).status == "cancelled"
    opened = world.store.acquire_lease(below, 0, 5.0, world.now)
    assert opened is not None
    left = Commit(below, opened.version, world.now, token=opened.token, outbox=["r"])
    assert world.store.commit(left).ok
    world.now += 60  # its slot is free again
    world.retry("f", failed)
    world.work()
    assert [header(world, id).status for id in (failed, below)] == ["success", "success"]
    assert world.results[below][0] == "success"
    assert "DISPATCHER_FAILURE" not in {event for event, _ in events}
