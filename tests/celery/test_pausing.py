"""Flow runs are paused and resumed: simulated workers, messages in any order, twice, and crashes.

While a run is paused nothing of it begins. A run that was paused at any time does what one does that never was.
"""

from __future__ import annotations

import random
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.steering.pausing import Pausing
from selinon_core.errors import RequestError
from selinon_core.plan import Plan
from selinon_core.simulating.world import World
from tests.celery.broken_tasks import NESTED, SUCCEEDED, broken_plan, set_up
from tests.celery.index_check import index_mistakes
from tests.celery.reported import report_of
from tests.conformance.canonical import canonical_runs, counts

#: Tasks run one after the other, and one of them can only begin at its time.
WAITING = """
  - name: f
    edges: [{from: , to: A}, {from: A, to: [B, g]}, {from: [B, g], to: C}]
  - {name: g, edges: [{from: , to: D}, {from: D, to: E}]}
"""


@pytest.fixture(autouse=True)
def _nothing_is_broken() -> None:
    set_up()


def compared(plan: Plan, world: World, id: str) -> Any:
    report = report_of(plan, world.store, id)
    runs = [row[1:] for row in canonical_runs(report["nodes"])]
    return report["status"], counts(report["finished_nodes"]), counts(report["failed_nodes"]), runs


def never_paused(plan: Plan, id: str) -> Any:
    world = World(plan)
    world.start("f", {"n": 1}, id=id)
    world.work()
    return compared(plan, world, id)


def begun() -> int:
    return sum(SUCCEEDED.values())


def described(world: World, id: str) -> dict[str, Any]:
    return describe(world.store, world.workers[0].flow_versions, id)


def status(world: World, id: str) -> str:
    found: str = described(world, id)["status"]
    return found


def settle(world: World, seconds: float = 1000.0) -> None:
    """Deliver what there is, and look after the run now and then."""
    until = world.now + seconds
    for _ in range(10_000):
        if not world.step(until):
            return
    raise AssertionError("still busy")


def paused(world: World, id: str, number: int) -> None:
    """Pause a run; the message is handled before others, by a worker that may die meanwhile."""
    lose, world.broker.lose = world.broker.lose, 0.0
    world.pause("f", id, number)
    while any('"action": "pause"' in text for text, _ in world.broker.queue):
        (index, *_) = [n for n, (text, _) in enumerate(world.broker.queue) if '"action": "pause"' in text]
        world.deliver(*world.broker.queue.pop(index))
    world.broker.lose = lose


@pytest.mark.parametrize("seed", range(40))
def test_a_run_that_is_paused_at_any_time_ends_as_if_it_never_was(seed: int) -> None:
    chooser = random.Random(seed)
    plan = broken_plan(NESTED)
    faults: dict[str, Any] = {"crash": 0.03, "duplicate": 0.2, "lose": 0.05} if seed % 4 else {}
    world = World(plan, seed=seed, workers=3, shuffle=bool(seed % 4), selinon_inline_count=seed % 3, **faults)
    lose, world.broker.lose = world.broker.lose, 0.0
    id = world.start("f", {"n": 1})
    world.broker.lose = lose
    for number in (1, 3):
        for _ in range(chooser.randrange(12)):
            world.step(world.now + 1000)
        open_before = status(world, id) in ("running", "paused", "queued") if world.store.header(id) else True
        paused(world, id, number)
        before = begun()
        settle(world)
        assert begun() == before, "nothing begins"
        if open_before and number == 1:
            assert status(world, id) == "paused"
        world.pause("f", id, number)  # twice is once
        lose, world.broker.lose = world.broker.lose, 0.0
        world.pause("f", id, number + 1)
        world.broker.lose = lose
        if chooser.random() < 0.5:
            world.pause("f", id, number + 1)
    world.work()
    assert status(world, id) == "success"
    assert list(world.store.left_over()) == []
    assert compared(plan, world, id) == never_paused(plan, id)


def test_a_run_that_has_not_begun_begins_when_it_is_resumed() -> None:
    plan = broken_plan(WAITING)
    world = World(plan)
    id = "00000000-0000-4000-8000-000000000007"
    world.pause("f", id)
    settle(world)
    row = world.store.index.get(id)
    assert (row and row.status, row and row.begun) == ("paused", None)
    world.start("f", {"n": 1}, id=id)
    settle(world)
    assert (begun(), status(world, id)) == (0, "paused")
    world.pause("f", id, 2)
    world.work()
    assert compared(plan, world, id) == never_paused(plan, id)


def test_a_run_that_was_resumed_before_it_began_begins_as_others() -> None:
    plan = broken_plan(WAITING)
    world = World(plan)
    id = "00000000-0000-4000-8000-000000000008"
    world.pause("f", id)
    world.pause("f", id, 2)
    settle(world)
    row = world.store.index.get(id)
    assert row is not None
    assert row.status == "queued"
    world.start("f", {"n": 1}, id=id)
    world.work()
    assert compared(plan, world, id) == never_paused(plan, id)


def test_requests_that_come_late_change_nothing() -> None:
    world = World(broken_plan(WAITING))
    id = world.start("f")
    world.step()
    world.pause("f", id, 2)
    world.pause("f", id, 1)  # overtaken
    world.work()
    assert status(world, id) == "success"
    world.pause("f", id, 3)
    world.pause("f", id, 4)
    world.work()
    assert status(world, id) == "success"


@pytest.mark.parametrize("begins", [True, False])
def test_a_paused_run_can_be_cancelled(begins: bool) -> None:
    world = World(broken_plan(WAITING), selinon_inline_count=0)
    id = "00000000-0000-4000-8000-000000000009"
    if begins:
        world.start("f", id=id)
        world.work_some(4)
    paused(world, id, 1)
    before = begun()
    world.cancel("f", id)
    settle(world)
    assert (status(world, id), begun()) == ("cancelled", before)
    row = world.store.index.get(id)
    assert row is not None
    assert row.status == "cancelled"
    assert world.results[id][0] == "failure"
    world.pause("f", id, 2)
    world.start("f", id=id)
    world.work()
    assert (status(world, id), begun()) == ("cancelled", before)


@pytest.mark.parametrize("seed", range(10))
def test_a_cancellation_is_not_lost_in_a_paused_run(seed: int) -> None:
    world = World(broken_plan(WAITING), seed=seed, crash=0.2, duplicate=0.2, shuffle=True, selinon_inline_count=0)
    id = world.start("f")
    world.work_some(random.Random(seed).randrange(1, 8))
    world.pause("f", id)
    world.cancel("f", id)
    world.work()
    assert status(world, id) in ("cancelled", "success")


def test_the_timeout_goes_on() -> None:
    plan = broken_plan(WAITING.replace("name: f", "name: f\n    timeout: 500"))
    world = World(plan, selinon_inline_count=0)
    id = world.start("f")
    world.work_some(3)
    paused(world, id, 1)
    settle(world, 400)
    assert status(world, id) == "paused"
    settle(world, 600)
    assert status(world, id) == "failure"
    assert "timeout" in world.store.header(id)["reason"]  # type: ignore[index]
    world.retry("f", id)
    world.work()
    assert status(world, id) == "success"


def test_countdowns_wait() -> None:
    set_up("f.A")
    plan = broken_plan("  - {name: f, edges: [{from: , to: A}]}\n", ", max_retry: 3, retry_countdown: 10")
    world = World(plan)
    id = world.start("f")
    world.work_some(1)
    paused(world, id, 1)
    set_up()
    settle(world)
    assert (status(world, id), begun()) == ("paused", 0)
    world.pause("f", id, 2)
    world.work()
    assert (status(world, id), begun()) == ("success", 1)


@pytest.mark.parametrize("inline", [0, 1])
@pytest.mark.parametrize("moment", [5, 50])
def test_a_retry_keeps_its_time_over_a_pause(inline: int, moment: int) -> None:
    """The next attempt is due at its time, or at the end of the pause where that is later."""
    set_up("f.A")
    plan = broken_plan("  - {name: f, edges: [{from: , to: A}]}\n", ", max_retry: 3, retry_countdown: 20")
    world = World(plan, workers=1, selinon_inline_count=inline)
    attempts: list[float] = []
    world.workers[0].tracer.add(
        lambda event, details: attempts.append(world.now) if event == "TASK_START" else None
    )
    began = world.now
    id = world.start("f")
    settle(world, 2)
    assert len(attempts) == 1
    paused(world, id, 1)
    settle(world, moment)
    world.now = began + moment
    set_up()
    world.pause("f", id, 2)
    world.work()
    assert status(world, id) == "success"
    assert len(attempts) == 2
    assert 0 <= attempts[1] - began - max(20, moment) < 1


def test_it_says_what_it_does() -> None:
    events: list[tuple[str, Any]] = []
    world = World(broken_plan(WAITING), selinon_inline_count=0, workers=1)
    world.workers[0].tracer.add(lambda event, details: events.append((event, details)))
    id = world.start("f")
    world.work_some(2)
    paused(world, id, 1)
    row = world.store.index.get(id)
    assert row is not None
    assert (row.status, row.ended) == ("paused", None)
    world.pause("f", id, 2)
    settle(world, 0)
    row = world.store.index.get(id)
    assert row is not None
    assert row.status == "success"
    told = [(event, details) for event, details in events if event.startswith("RUN_")]
    about = {"flow_name": "f", "dispatcher_id": id, "by": None}
    assert told == [("RUN_PAUSED", about), ("RUN_RESUMED", about)]


def test_a_paused_run_costs_nothing() -> None:
    """Nobody looks at it: no message, and nothing is due."""
    world = World(broken_plan(WAITING), selinon_inline_count=0)
    id = world.start("f")
    world.work_some(3)
    paused(world, id, 1)
    settle(world)
    sent = len(world.broker.sent)
    world.pass_time(100_000.0)
    assert (len(world.broker.sent), world.store.next_due()) == (sent, None)


class Asking:
    """Simulated workers, and what users may ask for."""

    def __init__(self) -> None:
        self.world = World(broken_plan(WAITING), selinon_inline_count=0)
        owner: Any = SimpleNamespace(services=self.world.workers[0])
        self.pausing = Pausing(owner)

    def asked(self, id: str, pauses: bool, flow: str | None = None) -> int:
        planned = self.pausing.preview(id, pauses, flow)
        self.pausing.send(planned, "me", timeout=None)
        return planned.number

    def refused(self, id: str, pauses: bool) -> str:
        with pytest.raises(RequestError) as error:
            self.pausing.preview(id, pauses)
        return str(error.value)


def test_what_cannot_be_paused_is_refused_with_the_reason() -> None:
    place = Asking()
    world = place.world
    assert place.refused("x", True) == "there is no flow run x, or no worker has begun it"
    id = world.start("f")
    world.work_some(4)
    assert [place.asked(id, True), place.asked(id, True)] == [1, 1]  # no worker has the first yet
    settle(world)
    assert place.asked(id, True) == 0
    (below,) = [node["id"] for node in described(world, id)["nodes"] if node["name"] == "g"]
    assert place.refused(below, False) == (
        f"flow run {below} is that of a sub-flow: what is resumed is flow run {id}"
    )
    assert [place.asked(id, False), place.asked(id, False)] == [2, 2]
    world.work()
    assert place.refused(id, True) == f"flow run {id} succeeded: it cannot be paused"


def test_a_run_that_is_not_paused_needs_no_request() -> None:
    place = Asking()
    id = place.world.start("f")
    place.world.work_some(1)
    assert place.asked(id, False) == 0
    with pytest.raises(RequestError, match="was not paused"):
        place.pausing.preview("y", False, "f")


def test_a_request_of_an_empty_name_is_not_refused_by_the_worker() -> None:
    world = World(broken_plan(WAITING), workers=1, selinon_inline_count=0)
    id = world.start("f", {"n": 1})
    world.work_some(1)
    sent: list[Any] = []
    services = world.workers[0]
    publisher = SimpleNamespace(send=sent.extend)
    owner: Any = SimpleNamespace(
        services=SimpleNamespace(store=world.store, messages=services.messages, publisher=publisher)
    )
    assert Pausing(owner).ask(id, True, by="")
    assert "by" not in sent[0].kwargs


@pytest.mark.parametrize("paused_first", [False, True])
def test_index_and_header_have_the_same_time_of_creation_although_time_passes_in_a_step(
    paused_first: bool,
) -> None:
    world = World(broken_plan(WAITING), workers=1)
    ticking = count()
    world.clocks = {0: lambda: world.now + next(ticking) / 100}
    world.workers = [world.new_worker(0)]
    id = "00000000-0000-4000-8000-000000000007"
    if paused_first:
        paused(world, id, 1)
    world.start("f", id=id)
    settle(world, 60)
    if paused_first:
        paused(world, id, 2)
        settle(world, 60)
    assert status(world, id) == "success"
    assert index_mistakes(world.store, [id]) == []


@pytest.mark.parametrize("seed", range(12))
def test_a_pause_reaches_the_runs_below_although_its_message_is_lost_with_its_worker(seed: int) -> None:
    """The worker dies at any of its steps. Either the run is not paused, or the runs below it are, too."""
    world = World(broken_plan(WAITING), seed=seed, selinon_inline_count=0)
    id = world.start("f", {"n": 1})
    while not (
        below := [each for each, header in headers(world) if header["flow"] == "g" and header["version"] != "0"]
    ):
        world.work_some(1)
    world.pause("f", id)
    world.faults.crash, world.broker.lose = 0.2, 1.0
    world.deliver(*world.broker.queue.pop())
    world.faults.crash, world.broker.lose = 0.0, 0.0
    late = [world.broker.queue.pop() for _ in list(world.broker.queue)]  # tasks of the runs below
    settle(world)
    world.broker.queue += late
    settle(world)
    if status(world, id) == "paused":
        assert [status(world, each) for each in below] == ["paused"]
        before = begun()
        settle(world)
        assert begun() == before
        world.pause("f", id, 2)
        world.work()
    assert compared(world.plans[0], world, id) == never_paused(world.plans[0], id)
    assert index_mistakes(world.store, [id]) == []


def headers(world: World) -> list[tuple[str, Any]]:
    """The ids and headers of all runs."""
    return [(id, world.store.header(id)) for id in world.store._runs]
