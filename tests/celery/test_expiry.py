"""Starts that expire: no worker begins them in time, and the run is cancelled with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery

from selinon_core.celery import Selinon
from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.message_schema import read_dispatch
from selinon_core.errors import MessageRefused, RequestError
from selinon_core.project import compile_data
from selinon_core.simulating.world import BEGINNING, World
from tests.celery import broken_tasks
from tests.celery.index_check import all_rows

EDGES = "edges: [{from: , to: A}, {from: A, to: B}]"
FREE = broken_tasks.broken_plan(f"  - {{name: f, {EDGES}}}")
ONE = broken_tasks.broken_plan(f"  - {{name: f, limit: {{key: all, max: 1}}, {EDGES}}}")
REASON = "expired: no worker began it before 1970-01-12T13:47:40Z"


@pytest.fixture(autouse=True)
def _nothing_is_broken() -> None:
    broken_tasks.set_up()


def header(world: World, id: str) -> RunHeader:
    fields = world.store.header(id)
    assert fields is not None, id
    return RunHeader.read(fields)


def told(world: World) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for worker in world.workers:
        worker.tracer.add(lambda event, details: found.append((event, details)))
    return found


@pytest.mark.parametrize("plan", [FREE, ONE], ids=["free", "limited"])
@pytest.mark.parametrize("together", [1, 5])
def test_a_start_that_waited_too_long_is_cancelled_and_one_in_time_begins(plan: Any, together: int) -> None:
    world = World(plan, together=together)
    events = told(world)
    ids = [world.start("f", expires=BEGINNING + seconds) for seconds in (60, 3600)] + [world.start("f")]
    world.now += 100
    world.work()
    assert [header(world, id).status for id in ids] == ["cancelled", "success", "success"]
    assert header(world, ids[0]).reason == REASON
    rows = {row.id: row for row in all_rows(world.store)}
    assert (rows[ids[0]].status, rows[ids[0]].reason) == ("cancelled", REASON)
    found = describe(world.workers[0].store, world.workers[0].flow_versions, ids[0])
    assert (found["status"], found["reason"]) == ("cancelled", REASON)
    assert [details["dispatcher_id"] for event, details in events if event == "START_EXPIRED"] == ids[:1]
    assert world.results[ids[0]][0] == "failure"


def test_a_run_that_began_in_time_goes_on_when_its_start_comes_again_too_late() -> None:
    world = World(FREE, workers=1, selinon_inline_count=0)
    id = world.start("f", expires=BEGINNING + 60)
    start = world.broker.queue[0]
    world.step()
    world.now += 100
    world.broker.queue.insert(0, start)
    world.work()
    assert header(world, id).status == "success"


def test_a_start_expires_while_it_waits_for_its_place() -> None:
    """The first run holds the place longer than the second may wait; the third gets it."""
    world = World(ONE, workers=1, selinon_inline_count=0)
    ids = [world.start("f"), world.start("f", expires=BEGINNING + 60), world.start("f")]
    world.work_some(3)
    first = world.broker.queue[:]
    world.broker.queue.clear()  # the tasks of the first run take long
    assert header(world, ids[1]).shown_status == "queued"
    world.sweep(BEGINNING + 61)
    world.broker.queue = [item for item in world.broker.queue if ids[1] in item[0]]
    world.step()
    assert header(world, ids[1]).status == "cancelled"
    assert header(world, ids[1]).reason == REASON
    assert [place.run for place in world.store.limits.state("all").waiting] == [ids[2]]
    world.broker.queue += first
    world.work()
    assert [header(world, id).status for id in ids] == ["success", "cancelled", "success"]
    assert world.store.limits.state("all") == (0, [], [])


def test_a_queued_run_that_got_its_place_in_time_does_not_expire_later() -> None:
    world = World(ONE, workers=1, selinon_inline_count=0)
    ids = [world.start("f"), world.start("f", expires=BEGINNING + 60)]
    while header(world, ids[0]).status != "success" if world.store.header(ids[0]) else True:
        world.step()
    while header(world, ids[1]).has_not_begun:
        world.step()
    assert world.now < BEGINNING + 60
    assert "expire" not in world.store.timers(ids[1])
    world.now += 100
    world.work()
    assert header(world, ids[1]).status == "success"


def test_a_paused_run_that_waits_for_its_place_expires() -> None:
    world = World(ONE, workers=1, selinon_inline_count=0)
    ids = [world.start("f"), world.start("f", expires=BEGINNING + 60)]
    world.work_some(2)
    world.pause("f", ids[1])
    world.broker.queue.insert(0, world.broker.queue.pop())
    world.step()
    assert header(world, ids[1]).is_paused
    world.now += 100
    world.work()
    assert [header(world, id).status for id in ids] == ["success", "cancelled"]


@pytest.mark.parametrize("value", ["soon", -1, True, 1e300, []])
def test_a_message_whose_expiry_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(MessageRefused, match="expires"):
        read_dispatch({"v": 1, "action": "start", "flow": "f", "id": "1", "expires": value}, 10_000)


def test_flows_and_starts_say_how_long_they_may_wait() -> None:
    task = {"name": "A", "import": "tasks"}
    flow = {"edges": [{"from": None, "to": "A"}]}
    data = {"tasks": [task], "flow-definitions": [{"name": "f", "expires": "2h", **flow}, {"name": "g", **flow}]}
    plan = compile_data(data).plan
    assert plan is not None
    app = Celery("expiry", broker="memory://", set_as_current=False)
    selinon = Selinon(app, plan=plan)
    selinon.pending_starts.clock = lambda: BEGINNING
    sent: list[Any] = []
    selinon._publisher()[1].send = lambda messages, note=None: sent.extend(messages)  # type: ignore[method-assign]
    for name, seconds in (("f", None), ("f", 60), ("g", None), ("g", 0.5)):
        selinon.run_flow(name, expires=seconds)
    assert [message.kwargs.get("expires") for message in sent] == [
        BEGINNING + 7200,
        BEGINNING + 60,
        None,
        BEGINNING + 0.5,
    ]
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(RequestError, match="expires is not a number of seconds above 0"):
            selinon.run_flow("g", expires=wrong)
