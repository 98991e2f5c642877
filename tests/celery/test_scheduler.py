"""Schedules, on simulated workers with clocks of their own: each due time starts one flow run, whatever dies."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from selinon_core.celery.stores.protocol import FOREVER
from selinon_core.celery.stores.schedules import Pause
from selinon_core.celery.worker.scheduler import Scheduler, start_key
from selinon_core.celery.worker.sweep import Reaper
from selinon_core.due_times import DueTimes
from selinon_core.errors import ArgumentError, StateStoreError
from selinon_core.plan import Plan
from selinon_core.runtime.ids import keyed_flow_id
from selinon_core.simulating.faults import Crash
from selinon_core.simulating.world import World
from tests.celery.counted_tasks import CALLS, plan_of

NIGHT = datetime(2026, 10, 24, 22, 0, tzinfo=UTC).timestamp()  # before clocks change in Berlin


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def plan(*schedules: str) -> Plan:
    lines = "".join(f"    - {{name: s, flow: main, {each}}}\n" for each in schedules)
    return plan_of(f"      - {{from: , to: A}}\nglobal:\n  schedules:\n{lines}")


class Leaders:
    """Workers of a world that sweep in turns, each by its own clock; ``offsets`` are seconds."""

    def __init__(self, world: World, offsets: tuple[float, ...] = (0.0,)) -> None:
        self.world = world
        self.offsets = offsets
        self.events: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.refuse: Exception | None = None
        world.clocks = {number: self._clock(offset) for number, offset in enumerate(offsets)}
        world.workers = [world.new_worker(number) for number in range(len(offsets))]
        self.reapers = [self._reaper(number) for number in range(len(offsets))]

    def _clock(self, offset: float) -> Any:
        return lambda: self.world.now + offset

    def _reaper(self, number: int) -> Reaper:
        services = self.world.workers[number]
        services.tracer.add(lambda event, details: self.events.append({**details, "event": event}))
        return Reaper(services, starts=_Starts(self, number))

    def sweep(self, number: int) -> float:
        """One worker sweeps; it is replaced by a new one when it dies of that."""
        try:
            return self.reapers[number].run_once()
        except Crash:
            self.world.workers[number] = self.world.new_worker(number)
            self.reapers[number] = self._reaper(number)
            return 0.0

    def pass_time(self, until: float, step: float = 20.0, *, work: bool = True) -> None:
        """All workers sweep every ``step`` seconds; messages are delivered in between."""
        while self.world.now < until:
            self.world.now = min(self.world.now + step, until)
            for number in range(len(self.reapers)):
                self.sweep(number)
            while work and self.world.broker.queue:
                self.world.deliver(*self.world.broker.take(self.world.shuffle))

    @property
    def runs(self) -> list[str]:
        """The runs that were asked for, in the order in which they were first."""
        starts = [message for message in self.world.broker.sent if message.kwargs.get("action") == "start"]
        return list(dict.fromkeys(message.kwargs["id"] for message in starts))

    def told(self, event: str) -> list[tuple[str, str]]:
        """Due time and reason of the events of a kind."""
        return [(each["due"][11:16], each.get("what", "")) for each in self.events if each["event"] == event]


class _Starts:
    """Starts flow runs as ``Selinon`` does, through the publisher of a worker of the world."""

    def __init__(self, leaders: Leaders, number: int) -> None:
        self._leaders = leaders
        self._services = leaders.world.workers[number]

    def run_flow(self, flow: str, node_args: Any, *, key: str, lane: str | None, timeout: float | None) -> str:
        if self._leaders.refuse is not None:
            raise self._leaders.refuse
        id = keyed_flow_id(flow, key)
        message = self._services.messages.of_request(flow, id, node_args, None, "", key, lane=lane)
        self._services.publisher.send([message])
        return id

    def cancel(self, id: str, flow: str | None, *, timeout: float | None) -> None:
        self._leaders.asked.append(("cancel", id))
        assert flow is not None
        self._services.publisher.send([self._services.messages.wake(flow, id, "celery", cancel=True)])


def world_of(*schedules: str, workers: int = 1, **options: Any) -> World:
    world = World(plan(*schedules), workers=workers, **options)
    world.now = NIGHT
    return world


def expected(cron: str, zone: str, begin: float, end: float) -> list[str]:
    """The runs that are to be asked for."""
    found = []
    for due in DueTimes(cron, zone).after(begin):
        if due > end:
            return found
        found.append(keyed_flow_id("main", start_key("s", due)))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_each_due_time_is_started_once_by_leaders_with_other_clocks_that_die(seed: int) -> None:
    chooser = random.Random(seed)
    cron = chooser.choice(["*/10 * * * *", "5,35 1-3 * * *", "30 2 * * *"])
    overlap = chooser.choice(["allow", "queue"])
    world = world_of(
        f'cron: "{cron}", timezone: Europe/Berlin, overlap: {overlap}, catch_up: all',
        workers=3,
        seed=seed,
        shuffle=True,
    )
    leaders = Leaders(world, (0.0, 2.0, -2.0))
    begin = world.now = NIGHT + 2 * 3600
    leaders.pass_time(begin + 1)
    world.faults.crash = 0.05
    end = begin + 2 * 3600
    leaders.pass_time(end, 15.0)
    world.faults.crash = 0.0
    leaders.pass_time(end + 1500)
    wanted = expected(cron, "Europe/Berlin", begin + 3, end + 1500)
    assert leaders.runs == wanted
    assert len(wanted) > 0
    assert {id: outcome for id, (outcome, _) in world.results.items()} == dict.fromkeys(wanted, "success")
    assert len(leaders.told("SCHEDULE_FIRED")) <= len(wanted)
    assert leaders.told("SCHEDULE_SKIPPED") == []


def test_a_day_that_has_a_time_twice_starts_once() -> None:
    world = world_of('cron: "30 2 * * *", timezone: Europe/Berlin')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 6 * 3600, 600.0)
    assert leaders.told("SCHEDULE_FIRED") == [("00:30", "")]
    assert CALLS == ["A"]


def test_a_leader_that_dies_behind_its_decision_loses_nothing() -> None:
    world = world_of('cron: "0 * * * *"', workers=2)
    leaders = Leaders(world, (0.0, 0.0))
    leaders.pass_time(NIGHT + 60)
    leaders.refuse = Crash()
    world.now = NIGHT + 3600
    leaders.sweep(0)
    (row,) = world.store.schedules.rows()
    assert [start.due for start in row.waiting] == [NIGHT + 3600]
    leaders.refuse = None
    leaders.pass_time(NIGHT + 3700)
    assert leaders.told("SCHEDULE_FIRED") == [("23:00", "")]
    assert CALLS == ["A"]


def test_two_schedulers_that_look_at_once_decide_once() -> None:
    world = world_of('cron: "0 * * * *"', workers=2)
    leaders = Leaders(world, (0.0, 0.0))
    both = [Scheduler(worker, _Starts(leaders, number)) for number, worker in enumerate(world.workers)]
    for at in (NIGHT, NIGHT + 3600, NIGHT + 3602, NIGHT + 7200):
        for scheduler in both:
            scheduler.run_once(at)
    assert len(leaders.runs) == 2
    assert leaders.told("SCHEDULE_FIRED") == [("23:00", ""), ("00:00", "")]


@pytest.mark.parametrize(
    ("catch_up", "fired", "skipped"),
    [
        ("last", ["03:00"], ["02:00"]),
        ("none", [], ["03:00"]),
        ("all", ["23:00", "00:00", "01:00", "02:00", "03:00"], []),
    ],
)
def test_what_was_due_while_no_worker_ran(catch_up: str, fired: list[str], skipped: list[str]) -> None:
    world = world_of(f'cron: "0 * * * *", overlap: allow, catch_up: {catch_up}')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 60)
    world.now = NIGHT + 5.5 * 3600
    leaders.pass_time(world.now + 60)
    assert [due for due, _ in leaders.told("SCHEDULE_FIRED")] == fired
    assert [due for due, _ in leaders.told("SCHEDULE_SKIPPED")] == skipped
    assert all("it was missed" in why for _, why in leaders.told("SCHEDULE_SKIPPED"))
    leaders.pass_time(NIGHT + 6 * 3600 + 60)
    assert leaders.told("SCHEDULE_FIRED")[-1][0] == "04:00"


def test_a_start_that_is_a_little_late_is_not_missed() -> None:
    world = world_of('cron: "0 * * * *", catch_up: none')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 60)
    world.now = NIGHT + 3640
    leaders.pass_time(NIGHT + 3650)
    assert leaders.told("SCHEDULE_FIRED") == [("23:00", "")]


def test_a_new_schedule_starts_nothing_of_the_past() -> None:
    world = world_of('cron: "* * * * *", catch_up: all')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 30)
    assert leaders.runs == []


# -- overlaps: nothing delivers the messages, so runs do not end ------------------------------------------------


def test_skip_starts_nothing_while_the_run_before_waits_or_runs() -> None:
    world = world_of('cron: "* * * * *"')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 185, work=False)
    assert leaders.told("SCHEDULE_FIRED") == [("22:01", "")]
    assert leaders.told("SCHEDULE_SKIPPED") == [
        ("22:02", "the run before has not ended"),
        ("22:03", "the run before has not ended"),
    ]
    leaders.pass_time(NIGHT + 305)  # a worker comes
    assert [due for due, _ in leaders.told("SCHEDULE_FIRED")] == ["22:01", "22:04", "22:05"]


def test_a_start_that_no_worker_ever_took_does_not_stop_a_schedule() -> None:
    world = world_of('cron: "*/10 * * * *"')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 4 * 3600, 60.0, work=False)
    assert [due for due, _ in leaders.told("SCHEDULE_FIRED")] == ["22:10", "23:10", "00:10", "01:10"]


def test_queue_starts_one_after_the_other_and_loses_none() -> None:
    world = world_of('cron: "* * * * *", overlap: queue')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 185, work=False)
    assert leaders.told("SCHEDULE_FIRED") == [("22:01", "")]
    (row,) = world.store.schedules.rows()
    assert len(row.waiting) == 2
    leaders.pass_time(NIGHT + 235, 5.0)
    assert [due for due, _ in leaders.told("SCHEDULE_FIRED")] == ["22:01", "22:02", "22:03"]
    assert leaders.told("SCHEDULE_SKIPPED") == []


def test_a_queue_that_is_full_delays_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selinon_core.celery.worker.scheduler.MOST_WAITING", 3)
    world = world_of('cron: "* * * * *", overlap: queue, catch_up: all')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 600, work=False)
    (row,) = world.store.schedules.rows()
    assert len(row.waiting) == 3
    leaders.pass_time(NIGHT + 900, 1.0)
    assert leaders.runs == expected("* * * * *", "UTC", NIGHT, NIGHT + 900)


def test_cancel_ends_the_run_before_and_then_starts() -> None:
    world = world_of('cron: "* * * * *", overlap: cancel')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 185, work=False)
    first = keyed_flow_id("main", start_key("s", NIGHT + 60))
    assert leaders.runs == [first]
    assert ("cancel", first) in leaders.asked
    assert leaders.told("SCHEDULE_SKIPPED") == [("22:02", "a later start took its place")]
    world.broker.queue.reverse()  # the cancellation comes first
    leaders.pass_time(NIGHT + 195, 5.0)
    header = world.store.header(first)
    assert header is not None
    assert header["status"] == "cancelled"
    assert [due for due, _ in leaders.told("SCHEDULE_FIRED")] == ["22:01", "22:03"]


def test_allow_starts_whatever_runs() -> None:
    world = world_of('cron: "* * * * *", overlap: allow')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 185, work=False)
    assert len(leaders.runs) == 3


# -- pauses, changes of the files, failures ---------------------------------------------------------------------


def test_a_paused_schedule_starts_nothing_and_makes_up_for_nothing() -> None:
    world = world_of('cron: "0 * * * *", catch_up: all')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 60)
    world.store.schedules.set_pause("s", Pause(True, world.now, "me"))
    leaders.pass_time(NIGHT + 3700)
    assert leaders.told("SCHEDULE_SKIPPED") == [("23:00", "the schedule is paused")]
    world.now = NIGHT + 3 * 3600  # no worker runs while the pause ends
    world.store.schedules.set_pause("s", Pause(False, NIGHT + 2.5 * 3600, "me"))
    leaders.pass_time(NIGHT + 3 * 3600 + 60)
    assert leaders.told("SCHEDULE_FIRED") == [("01:00", "")]


def test_a_changed_expression_starts_nothing_that_was_due_before() -> None:
    world = world_of('cron: "0 23 * * *"')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 2 * 3600, 300.0)
    assert len(leaders.runs) == 1
    world.deploy(0, plan('cron: "*/5 * * * *", catch_up: all'))
    after = Leaders(world)
    after.pass_time(NIGHT + 2 * 3600 + 330, 10.0)
    assert after.told("SCHEDULE_FIRED") == [("00:05", "")]


def test_old_and_new_files_may_lead_in_turns() -> None:
    """A due time of the new files is not lost because a worker with the old ones leads when it comes."""
    world = world_of('cron: "0 * * * *"')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 60)
    old = Scheduler(world.workers[0], _Starts(leaders, 0))
    world.deploy(0, plan('cron: "30 * * * *"'))
    new = Scheduler(world.workers[0], _Starts(leaders, 0))
    new.run_once(NIGHT + 1790)
    old.run_once(NIGHT + 1795)
    old.run_once(NIGHT + 1801)
    assert leaders.runs == []
    new.look_again()
    new.run_once(NIGHT + 1805)
    assert leaders.runs == [keyed_flow_id("main", start_key("s", NIGHT + 1800))]


def test_a_schedule_that_comes_back_begins_anew() -> None:
    world = world_of('cron: "0 * * * *", catch_up: all')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 3700, 300.0)
    with_it, without_it = world.plans[0], plan_of("      - {from: , to: A}\n")
    world.deploy(0, without_it)
    assert Scheduler(world.workers[0], _Starts(leaders, 0)).run_once(NIGHT + 4000) is None
    world.deploy(0, with_it)
    Scheduler(world.workers[0], _Starts(leaders, 0)).run_once(NIGHT + 86400 + 60)
    assert len(leaders.runs) == 1


def test_arguments_that_do_not_fit_are_reported_and_the_schedule_goes_on() -> None:
    world = world_of('cron: "* * * * *"')
    leaders = Leaders(world)
    leaders.refuse = ArgumentError("they do not fit")
    leaders.pass_time(NIGHT + 65)
    leaders.refuse = None
    leaders.pass_time(NIGHT + 125)
    assert leaders.told("SCHEDULE_SKIPPED") == [("22:01", "they do not fit")]
    assert leaders.told("SCHEDULE_FIRED") == [("22:02", "")]


@pytest.mark.parametrize("error", [OSError("no broker"), StateStoreError("no store")])
def test_a_start_that_cannot_be_sent_is_sent_later(error: Exception) -> None:
    world = world_of('cron: "0 * * * *", catch_up: none')
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 60)
    leaders.refuse = error
    leaders.pass_time(NIGHT + 2 * 3600 - 60)
    assert leaders.runs == []
    leaders.refuse = None
    leaders.pass_time(NIGHT + 2 * 3600 - 30, 5.0)
    assert leaders.told("SCHEDULE_FIRED") == [("23:00", "")]


def test_jitter_delays_starts_by_the_same_for_all_workers() -> None:
    world = world_of('cron: "0 * * * *", jitter: 600', workers=2)
    leaders = Leaders(world, (0.0, 0.0))
    at: dict[str, float] = {}
    for _ in range(8 * 180):
        leaders.pass_time(world.now + 20)
        for run in leaders.runs:
            at.setdefault(run, world.now)
    delays = [(time - NIGHT) % 3600 for time in at.values()]
    assert len(delays) in (7, 8)
    assert all(0 <= delay <= 620 for delay in delays)
    assert max(delays) - min(delays) > 60


def test_sweeps_look_at_the_store_when_something_is_due() -> None:
    world = world_of('cron: "0 0 1 1 *"')
    looks = 0
    rows = world.store.schedules.rows

    def counted() -> Any:
        nonlocal looks
        looks += 1
        return rows()

    world.store.schedules.rows = counted  # type: ignore[method-assign]
    leaders = Leaders(world)
    leaders.pass_time(NIGHT + 600, 0.5)
    assert looks <= 12


def test_projects_without_schedules_look_once() -> None:
    world = World(plan_of("      - {from: , to: A}\n"), workers=1)
    leaders = Leaders(world)
    scheduler = Scheduler(world.workers[0], _Starts(leaders, 0))
    assert scheduler.run_once(world.now) is None
    world.store.schedules = None  # type: ignore[assignment]
    assert scheduler.run_once(world.now + 10_000) is None


def test_the_next_sweep_is_when_the_next_start_is_due() -> None:
    world = world_of('cron: "0 * * * *"')
    world.now = NIGHT + 3599.6
    leaders = Leaders(world)
    assert leaders.sweep(0) == pytest.approx(0.4)
    assert world.store.next_due() in (None, FOREVER)
