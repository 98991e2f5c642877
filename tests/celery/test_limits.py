"""Flows with a limit: simulated workers, messages in any order, twice and lost, and crashes.

At any moment as many runs hold a place as the limit allows, what runs holds one, and in the end all have ended and
no place is held.
"""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.steering.termination import Termination, cancel_and_terminate
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.message_schema import LIMIT_FORMAT
from selinon_core.dispatch.codec import LIMITED_FORMAT
from selinon_core.plan import Plan
from selinon_core.simulating.world import World
from tests.celery.broken_tasks import SUCCEEDED, broken_plan, set_up
from tests.celery.index_check import all_rows, index_mistakes
from tests.example_counts import examples

EDGES = "edges: [{from: , to: A}, {from: A, to: B}]"


@pytest.fixture(autouse=True)
def _nothing_is_broken() -> None:
    set_up()


def plan_of(limit: str, edges: str = EDGES, more: str = "") -> Plan:
    return broken_plan(f"  - {{name: f, limit: {limit}, {edges}}}\n{more}")


TWO = plan_of('{key: "${args.customer}", max: 2}')
ONE = plan_of("{key: all, max: 1}")


def started(world: World, number: int, **args: Any) -> list[str]:
    return [
        world.start("f", {"customer": "acme", **args}, id=f"{number:02d}{n:06d}-0000-4000-8000-000000000000")
        for n in range(number)
    ]


def header(world: World, id: str) -> RunHeader:
    fields = world.store.header(id)
    assert fields is not None, id
    return RunHeader.read(fields)


def statuses(world: World, ids: list[str]) -> list[str]:
    return [header(world, id).shown_status for id in ids]


def check(world: World, ids: list[str], most: int) -> None:
    """What holds at any moment."""
    for key in {header(world, id).limit for id in ids if world.store.header(id) is not None} - {""}:
        state = world.store.limits.state(key)
        assert len(state.holders) <= most
        held = {place.run for place in state.holders}
        waiting = {place.run for place in state.waiting}
        assert not held & waiting
        for id in ids:
            if world.store.header(id) is None or header(world, id).limit != key:
                continue
            of = header(world, id)
            if of.status != "running":
                assert id not in held | waiting, "a run that ended has a place"
            elif of.is_queued:
                assert id in held | waiting, "a queued run neither has a place nor waits for one"
            else:
                assert id in held, "a run runs without a place"
        if waiting:
            assert len(held) == most, "a place is free and runs wait"


def work_checked(world: World, ids: list[str], most: int) -> None:
    for _ in range(20_000):
        if not world.step():
            return
        check(world, ids, most)
    raise AssertionError("still busy")


def test_so_many_run_at_once_and_the_others_are_queued_until_their_turn() -> None:
    world = World(TWO)
    ids = started(world, 5)
    world.work_some(5)
    assert statuses(world, ids) == ["running", "running", "queued", "queued", "queued"]
    assert [row.status for row in reversed(all_rows(world.store))].count("queued") == 3
    work_checked(world, ids, 2)
    assert statuses(world, ids) == ["success"] * 5
    assert len(SUCCEEDED) == 10
    assert world.store.limits.state("acme") == (0, [], [])
    assert index_mistakes(world.store, ids) == []


def test_runs_of_other_keys_do_not_wait() -> None:
    world = World(TWO)
    ids = [world.start("f", {"customer": customer}) for customer in ("a", "a", "a", "b", 7)]
    world.work_some(5)
    assert statuses(world, ids) == ["running", "running", "queued", "running", "running"]
    assert world.store.limits.state("7").max == 2
    world.work()
    assert statuses(world, ids) == ["success"] * 5


def test_the_order_is_that_of_the_starts() -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    world = World(ONE)
    for worker in world.workers:
        worker.tracer.add(lambda event, details: told.append((event, details)))
    ids = started(world, 4)
    world.work()
    begun = [details["dispatcher_id"] for event, details in told if event == "FLOW_START"]
    assert begun == ids
    queued = [details for event, details in told if event == "RUN_QUEUED"]
    assert [each["dispatcher_id"] for each in queued] == ids[1:]
    assert queued[0] == {
        "flow_name": "f",
        "dispatcher_id": ids[1],
        "key": "all",
        "max": 1,
        "when_full": "queue",
    }


@pytest.mark.parametrize("seed", range(examples(6, 200)))
def test_places_are_neither_doubled_nor_lost_whatever_happens(seed: int) -> None:
    chooser = random.Random(seed)
    most = chooser.choice((1, 2, 3))
    plan = plan_of(f'{{key: "${{args.customer}}", max: {most}}}')
    world = World(plan, seed=seed, shuffle=True, crash=0.03, duplicate=0.1, lose=0.1, workers=3)
    ids = started(world, 12, customer=chooser.choice(("acme", "other")))
    while any(world.store.header(id) is None for id in ids):  # a start that is lost is sent again by its ledger
        if not world.step():
            for id in ids:
                if world.store.header(id) is None:
                    world.start("f", {"customer": "acme"}, id=id)
        check(world, ids, most)
        if chooser.random() < 0.02:
            world.cancel("f", chooser.choice(ids))
        if chooser.random() < 0.02:
            id = chooser.choice(ids)
            if world.store.header(id) is not None:
                world.pause("f", id, header(world, id).paused + 1)
    for id in ids:
        if header(world, id).is_paused:
            world.broker.lose = 0.0
            world.pause("f", id, header(world, id).paused + 1)
    world.broker.lose = 0.1
    work_checked(world, ids, most)
    for id in ids:  # a pause that arrived late
        if header(world, id).is_paused:
            world.broker.lose = 0.0
            world.pause("f", id, header(world, id).paused + 1)
    work_checked(world, ids, most)
    assert set(statuses(world, ids)) <= {"success", "cancelled"}
    assert all(world.store.limits.state(key) == (0, [], []) for key in ("acme", "other"))
    assert world.store.limits.waiting_by_name() == {}
    assert index_mistakes(world.store, ids) == []


def test_a_flow_that_skips_is_cancelled_before_it_begins() -> None:
    world = World(plan_of("{key: all, max: 1, when_full: skip}"))
    ids = started(world, 3)
    world.work_some(3)
    assert statuses(world, ids) == ["running", "cancelled", "cancelled"]
    assert header(world, ids[1]).reason == 'the limit is reached: 1 run has the key "all"'
    world.work()
    assert world.results[ids[1]][0] == "failure"
    assert statuses(world, ids) == ["success", "cancelled", "cancelled"]
    (again,) = [world.start("f", None)]
    world.work()
    assert statuses(world, [again]) == ["success"]


def test_a_queued_run_can_be_cancelled_together_with_its_tasks() -> None:
    world = World(ONE)
    ids = started(world, 3)
    world.work_some(3)
    assert statuses(world, ids) == ["running", "queued", "queued"]
    owner: Any = SimpleNamespace(services=world.workers[0], app=None)
    assert cancel_and_terminate(owner, ids[1], "ann") == Termination({}, {})
    work_checked(world, ids, 1)
    assert statuses(world, ids) == ["success", "cancelled", "success"]
    assert index_mistakes(world.store, ids) == []


def test_a_flow_that_cancels_ends_the_oldest_runs_and_the_newest_stay() -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    world = World(plan_of("{key: all, max: 2, when_full: cancel_running}"))
    for worker in world.workers:
        worker.tracer.add(lambda event, details: told.append((event, details)))
    ids = started(world, 5)
    world.work_some(5)
    world.broker.queue.sort(key=lambda item: '"cancel"' not in item[0])  # before the tasks are done
    world.work()
    assert statuses(world, ids) == ["cancelled", "cancelled", "cancelled", "success", "success"]
    cancelled = [details["dispatcher_id"] for event, details in told if event == "LIMIT_CANCEL"]
    assert set(cancelled) == set(ids[:3])
    assert world.store.limits.state("all") == (0, [], [])


@pytest.mark.parametrize("seed", range(examples(3, 100)))
def test_of_runs_that_cancel_each_other_the_newest_end_well(seed: int) -> None:
    plan = plan_of("{key: all, max: 1, when_full: cancel_running}")
    world = World(plan, seed=seed, crash=0.03, duplicate=0.1, workers=3)
    ids: list[str] = []
    for _ in range(6):
        ids.append(world.start("f"))
        world.work_some(world.chooser.randrange(6))
        check(world, ids, 1)
    work_checked(world, ids, 1)
    assert statuses(world, ids)[-1] == "success"
    assert set(statuses(world, ids)) <= {"success", "cancelled"}


def test_a_queued_run_can_be_cancelled_and_paused() -> None:
    world = World(ONE)
    ids = started(world, 4)
    world.work_some(4)
    world.pause("f", ids[1])
    world.cancel("f", ids[2])
    for _ in range(200):
        world.step(world.now + 30)
    assert statuses(world, ids) == ["success", "paused", "cancelled", "queued"]
    assert [place.run for place in world.store.limits.state("all").holders] == [ids[1]], "it keeps its place"
    world.pause("f", ids[1], 2)
    world.work()
    assert statuses(world, ids) == ["success", "success", "cancelled", "success"]
    assert world.results[ids[2]][0] == "failure"


def test_the_time_out_of_a_flow_counts_from_its_begin() -> None:
    plan = broken_plan(f"  - {{name: f, limit: {{key: all, max: 1}}, timeout: 100, {EDGES}}}")
    world = World(plan)
    ids = started(world, 2)
    world.work_some(2)
    world.now += 90
    world.work_some(1)
    world.now += 90
    world.work()
    rows = {row.id: row for row in all_rows(world.store)}
    assert rows[ids[1]].created < rows[ids[1]].begun - 80  # type: ignore[operator]
    assert statuses(world, ids)[1] == "success"


SUBFLOWS = """
  - name: g
    edges: [{from: , to: [f, C]}, {from: C, to: h}]
  - name: h
    edges: [{from: , to: f}]
"""


@pytest.mark.parametrize("seed", range(examples(4, 100)))
def test_subflows_wait_for_their_place_and_their_parents_for_them(seed: int) -> None:
    plan = plan_of("{key: all, max: 1}", more=SUBFLOWS)
    world = World(plan, seed=seed, shuffle=True, crash=0.02, duplicate=0.1, lose=0.05 if seed % 2 else 0.0)
    ids = [world.start("g") for _ in range(3)]
    for _ in range(3):
        world.work()
        for id in ids:
            if world.store.header(id) is None:
                world.start("g", id=id)
    assert statuses(world, ids) == ["success"] * 3
    assert world.store.limits.state("all") == (0, [], [])


def test_a_subflow_does_not_take_the_place_that_its_parent_holds() -> None:
    plan = broken_plan(
        "  - {name: g, limit: {key: same, max: 1}, edges: [{from: , to: h}]}\n"
        "  - {name: h, edges: [{from: , to: f}]}\n"
        f"  - {{name: f, limit: {{key: same, max: 1}}, {EDGES}}}\n"
    )
    world = World(plan)
    ids = [world.start("g") for _ in range(2)]
    world.work()
    assert statuses(world, ids) == ["success"] * 2


def test_a_key_that_cannot_be_worked_out_fails_the_run_and_says_where() -> None:
    world = World(TWO)
    ids = [
        world.start("f", args)
        for args in ({"other": 1}, {"customer": None}, {"customer": ["a"]}, {"customer": ""})
    ]
    world.work()
    assert statuses(world, ids) == ["failure"] * 4
    reasons = [header(world, id).reason for id in ids]
    assert all("limit.key at nodes.yaml:" in reason for reason in reasons), reasons
    assert "has to be a text or a number, not a list" in reasons[2]
    assert world.store.limits.state("") == (0, [], [])


def failed_runs(world: World, number: int) -> list[str]:
    """Runs that failed because B is broken; it is not any more."""
    set_up("f.B")
    ids = started(world, number)
    world.work()
    assert statuses(world, ids) == ["failure"] * number
    set_up()
    return ids


def test_the_retry_of_a_failed_run_takes_a_place_where_one_is_free() -> None:
    world = World(ONE)
    (failed,) = failed_runs(world, 1)
    world.retry("f", failed)
    work_checked(world, [failed], 1)
    assert statuses(world, [failed]) == ["success"]
    assert header(world, failed).retry == {}
    assert world.store.limits.state("all") == (0, [], [])


def test_retries_wait_for_their_places_like_starts_and_in_their_order() -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    world = World(ONE)
    failed = failed_runs(world, 4)
    for worker in world.workers:
        worker.tracer.add(lambda event, details: told.append((event, details)))
    other = world.start("f", {"customer": "acme"})
    world.work_some(1)
    for id in failed:
        world.retry("f", id)
        world.retry("f", id)  # twice is once
    world.broker.queue.sort(key=lambda item: '"retry"' not in item[0])
    world.work_some(8)
    assert statuses(world, [other, *failed]) == ["running"] + ["queued"] * 4
    assert [place.run for place in world.store.limits.state("all").waiting] == failed
    assert {row.status for row in all_rows(world.store) if row.id in failed} == {"queued"}
    described = describe(world.store, world.workers[0].flow_versions, failed[2])
    assert described["status"] == "queued"
    assert described["limit"] == {"key": "all", "max": 1, "holders": [other], "ahead": 2}
    work_checked(world, [other, *failed], 1)
    assert statuses(world, [other, *failed]) == ["success"] * 5
    assert [details["dispatcher_id"] for event, details in told if event == "RUN_QUEUED"] == failed
    assert set(SUCCEEDED.values()) == {1}, "what succeeded before does not run again"
    assert {world.results[id][0] for id in failed} == {"success"}
    assert index_mistakes(world.store, failed) == []


def test_a_retry_that_is_cancelled_while_it_waits_has_failed_as_before_and_can_be_retried() -> None:
    world = World(ONE)
    (failed,) = failed_runs(world, 1)
    before = header(world, failed)
    other = world.start("f", {"customer": "acme"})
    world.work_some(1)
    world.retry("f", failed)
    world.broker.queue.reverse()
    world.work_some(1)
    world.cancel("f", failed)
    world.broker.queue.reverse()
    world.work_some(1)
    assert statuses(world, [failed, other]) == ["failure", "running"]
    assert header(world, failed).reason == before.reason
    assert world.store.limits.state("all").waiting == []
    world.work()
    assert world.results[failed][0] == "failure"
    world.retry("f", failed)
    world.work()
    assert statuses(world, [failed, other]) == ["success", "success"]


def test_a_retry_that_waits_can_be_paused_and_keeps_its_place() -> None:
    world = World(ONE)
    failed = failed_runs(world, 2)
    other = world.start("f", {"customer": "acme"})
    world.work_some(1)
    for id in failed:
        world.retry("f", id)
    world.broker.queue.sort(key=lambda item: '"retry"' not in item[0])
    world.work_some(2)
    world.pause("f", failed[0])
    for _ in range(200):
        world.step(world.now + 30)
    assert statuses(world, [other, *failed]) == ["success", "paused", "queued"]
    assert [place.run for place in world.store.limits.state("all").holders] == [failed[0]]
    world.pause("f", failed[0], 2)
    work_checked(world, [other, *failed], 1)
    assert statuses(world, failed) == ["success"] * 2


def test_the_retry_of_a_flow_that_skips_is_refused_with_the_reason() -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    world = World(plan_of("{key: all, max: 1, when_full: skip}"))
    (failed,) = failed_runs(world, 1)
    for worker in world.workers:
        worker.tracer.add(lambda event, details: told.append((event, details)))
    other = world.start("f", {"customer": "acme"})
    world.work_some(1)
    world.retry("f", failed)
    world.broker.queue.reverse()
    world.work()
    assert statuses(world, [failed, other]) == ["failure", "success"]
    assert world.results[failed][0] == "failure"
    (refused,) = [details["what"] for event, details in told if event == "RETRY_REFUSED"]
    assert refused == 'the flow run is not retried: the limit is reached under the key "all"'
    world.retry("f", failed)
    world.work()
    assert statuses(world, [failed]) == ["success"]


def test_the_retry_of_a_flow_that_cancels_takes_the_place_of_the_oldest() -> None:
    world = World(plan_of("{key: all, max: 1, when_full: cancel_running}"))
    (failed,) = failed_runs(world, 1)
    other = world.start("f", {"customer": "acme"})
    world.work_some(1)
    world.retry("f", failed)
    world.broker.queue.reverse()
    world.work_some(1)
    assert statuses(world, [failed, other]) == ["queued", "running"]
    world.broker.queue.sort(key=lambda item: '"cancel"' not in item[0])
    work_checked(world, [failed, other], 1)
    assert statuses(world, [failed, other]) == ["success", "cancelled"]


@pytest.mark.parametrize("seed", range(examples(6, 200)))
def test_retries_neither_double_places_nor_lose_them_whatever_happens(seed: int) -> None:
    chooser = random.Random(seed)
    most = chooser.choice((1, 2))
    world = World(
        plan_of(f"{{key: all, max: {most}}}", more=SUBFLOWS),
        seed=seed,
        shuffle=True,
        crash=0.03,
        duplicate=0.1,
        workers=3,
    )
    ids = [*failed_runs(world, 6), *started(world, 9)[6:]]
    above = world.start("g")
    set_up("f.A")
    work_checked(world, ids, most)
    set_up()
    for _ in range(30):
        for id in (*ids, above):
            if world.store.header(id) is not None and header(world, id).status == "failure":
                world.retry("f" if id != above else "g", id)
        for _ in range(chooser.randrange(40)):
            world.step()
            check(world, ids, most)
            if chooser.random() < 0.05:
                world.cancel("f", chooser.choice(ids))
            if chooser.random() < 0.05:
                id = chooser.choice(ids)
                if world.store.header(id) is not None:
                    world.pause("f", id, header(world, id).paused + 1)
    for _ in range(400):
        for _ in range(50):
            busy = world.step()
            check(world, ids, most)
        for id in (*ids, above):
            if header(world, id).is_paused:  # its place is needed
                world.pause("f", id, header(world, id).paused + 1)
            elif header(world, id).status == "failure":
                world.retry("f" if id != above else "g", id)
        if not busy and not world.broker.queue:
            break
    assert set(statuses(world, [*ids, above])) <= {"success", "cancelled"}
    assert world.store.limits.state("all") == (0, [], [])
    assert world.store.limits.waiting_by_name() == {}
    assert index_mistakes(world.store, ids) == []


def test_a_rerun_waits_for_its_place_like_a_start() -> None:
    world = World(ONE)
    (failed,) = failed_runs(world, 1)
    other = world.start("f", {"customer": "acme"})
    world.work_some(1)
    asked = {"of": failed, "origin": failed, "at": world.now, "select": [], "exclude": [], "give": {}}
    again = world.start("f", {"customer": "acme"}, rerun=asked, v=8)
    world.broker.queue.reverse()
    world.work_some(1)
    assert statuses(world, [again, other]) == ["queued", "running"]
    work_checked(world, [again, other], 1)
    assert statuses(world, [again, other]) == ["success", "success"]
    assert header(world, again).rerun_of == failed


def test_what_is_about_limits_is_of_a_format_that_older_workers_leave_to_newer_ones() -> None:
    world = World(plan_of("{key: all, max: 1}", more=SUBFLOWS), selinon_inline_count=0)
    messages = world.workers[0].messages
    id = "00000000-0000-4000-8000-000000000099"
    assert messages.of_request("f", id, None, None, "").kwargs["v"] == LIMIT_FORMAT
    assert "v" not in messages.of_request("g", id, None, None, "").kwargs
    ids = [world.start("f"), world.start("f"), world.start("g")]
    world.work()
    assert statuses(world, ids) == ["success"] * 3
    assert {header(world, id).format for id in ids} == {LIMITED_FORMAT, 1}
    sent = [message.kwargs for message in world.broker.sent]
    assert [each["v"] for each in sent if each.get("flow") == "f" and "caller" in each] == [LIMIT_FORMAT] * 2
    assert LIMIT_FORMAT in [each.get("v") for each in sent if each.get("action") == "wake"]


def test_status_says_what_a_queued_run_waits_for() -> None:
    world = World(ONE)
    ids = started(world, 3)
    world.work_some(3)
    found = describe(world.store, world.workers[0].flow_versions, ids[2])
    assert found["status"] == "queued"
    assert found["limit"] == {"key": "all", "max": 1, "holders": [ids[0]], "ahead": 1}
    running = describe(world.store, world.workers[0].flow_versions, ids[0])
    assert "limit" not in running
