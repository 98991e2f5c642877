"""Tasks with a limit: simulated workers, messages in any order, twice and lost, and crashes.

At any moment as many attempts run under a key as its limit allows, and each has a place. In the end all flow runs
have ended and no place is held.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.stores.limits import LimitPlace, LimitState, Placed, holder_of, read_holder
from selinon_core.celery.transport.message_schema import FORMAT, REFERRING_FORMAT, TASK_LIMIT_FORMAT, read_node
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.runtime.error_codec import WorkerShutdown
from selinon_core.simulating.world import World
from tests.example_counts import examples

#: What a task does, by its name: called with the arguments of the node run.
does: dict[str, Any] = {}
#: Holders of places that were seen while a task ran.
seen: list[LimitState] = []
ran: Counter[str] = Counter()
worlds: list[World] = []


class Task:
    def __init__(self, **names: Any) -> None:
        self.names = names

    def run(self, node_args: Any) -> Any:
        name, world = self.names["task_name"], worlds[0]
        ran[name] += 1
        limit = world.plans[0].tasks[name].limit
        if limit is not None:
            key = limit.key.value if isinstance(limit.key.value, str) else str(node_args["account"])
            state = world.store.task_limits.state(key)
            seen.append(state)
            assert len(state.holders) <= limit.max
            runs = [read_holder(place.run)[0] for place in state.holders]
            assert self.names["dispatcher_id"] in runs, "an attempt runs without a place"
        return does.get(name, lambda args: None)(node_args)


@pytest.fixture(autouse=True)
def _clean() -> None:
    for each in (does, seen, ran, worlds):
        each.clear()


def plan_of(limit: str, edges: str, more: str = "", flow: str = "") -> Plan:
    tasks = "".join(
        f"  - {{name: {name}, import: {__name__}, classname: Task{given}}}\n"
        for name, given in (("A", f", limit: {limit}{more}"), ("B", ""), ("C", ""))
    )
    project = compile_text(
        {"a.yaml": f"tasks:\n{tasks}flow-definitions:\n  - {{name: f, edges: [{edges}]{flow}}}\n"}
    )
    assert project.plan is not None, [str(d) for d in project.diagnostics]
    return project.plan


def world_of(plan: Plan, **more: Any) -> World:
    world = World(plan, **more)
    worlds[:] = [world]
    return world


def told_of(world: World) -> list[tuple[str, dict[str, Any]]]:
    told: list[tuple[str, dict[str, Any]]] = []
    for worker in world.workers:
        worker.tracer.add(lambda event, details: told.append((event, details)))
    return told


def statuses(world: World, ids: list[str]) -> list[str]:
    return [describe(world.store, world.workers[0].flow_versions, id)["status"] for id in ids]


FAN = "{from: , to: [A, A, A, A]}, {from: A, to: B}"


def test_a_place_that_is_granted_before_there_is_a_reminder_leaves_none_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = world_of(plan_of("{key: api, max: 1}", "{from: , to: A}"))
    limits = world.store.task_limits
    other = LimitPlace("api", holder_of("elsewhere", 1), "A", "celery", 0, world.store.clock())
    claim = limits.claim

    def claim_while_the_other_ends(place: LimitPlace, max: int, now: float) -> Placed:
        placed = claim(place, max, now)
        if not placed.holds:
            assert limits.give_back(other, now)
        return placed

    assert claim(other, 1, world.store.clock()).holds
    monkeypatch.setattr(limits, "claim", claim_while_the_other_ends)
    id = world.start("f", None)
    began = world.now
    world.work()  # until nothing is left to do
    assert statuses(world, [id]) == ["success"]
    assert ran["A"] == 1
    assert world.now - began < 60


def test_attempts_take_turns_and_all_come_to_their_end() -> None:
    world = world_of(plan_of("{key: api, max: 1}", FAN))
    told = told_of(world)
    ids = [world.start("f") for _ in range(3)]
    world.work()
    assert statuses(world, ids) == ["success"] * 3
    assert ran == {"A": 12, "B": 12}
    assert world.store.task_limits.state("api") == LimitState(0, [], [])
    assert [event for event, _ in told if event == "LIMIT_WAIT"] == []  # one message after the other


def test_a_message_without_a_place_is_dropped_and_sent_when_there_is_one() -> None:
    """While the first attempt runs, the other messages are handled."""
    world = world_of(plan_of("{key: api, max: 1}", FAN, flow=", timeout: 100000"))
    told = told_of(world)

    def others_meanwhile(args: Any) -> None:
        if ran["A"] == 1:
            while world.broker.queue:
                world.deliver(*world.broker.take(False))

    does["A"] = others_meanwhile
    id = world.start("f")
    began = world.now
    world.work()
    assert statuses(world, [id]) == ["success"]
    assert ran == {"A": 4, "B": 4}
    assert world.now - began < 60, "who gives a place back has the next one begin"
    waited = [details for event, details in told if event == "LIMIT_WAIT"]
    assert len(waited) == 3
    assert {key: waited[0][key] for key in ("flow_name", "dispatcher_id", "node_name", "key", "max")} == {
        "flow_name": "f",
        "dispatcher_id": id,
        "node_name": "A",
        "key": "api",
        "max": 1,
    }
    assert [len(state.waiting) for state in seen] == [0, 2, 1, 0]
    nodes = describe(world.store, world.workers[0].flow_versions, id)["nodes"]
    assert {node["attempts"] for node in nodes} == {1}, "waiting is no attempt"


def test_a_failed_attempt_gives_its_place_back_before_its_countdown() -> None:
    world = world_of(plan_of("{key: api, max: 1}", "{from: , to: [A, A]}", ", max_retry: 1, retry_countdown: 500"))

    def fails_once(args: Any) -> None:
        if ran["A"] == 1:
            while world.broker.queue:
                world.deliver(*world.broker.take(False))
            raise ValueError("not now")

    does["A"] = fails_once
    id = world.start("f")
    world.work(until=world.now + 100)
    assert ran["A"] == 2, "the other one ran during the countdown"
    assert world.store.task_limits.state("api") == LimitState(0, [], [])
    world.work()
    assert (statuses(world, [id]), ran["A"]) == (["success"], 3)


def test_the_key_is_of_the_arguments_of_the_node_run() -> None:
    edges = '{from: , to: A, foreach: "args.accounts", args: {account: "${item}"}}'
    world = world_of(plan_of('{key: "${args.account}", max: 1}', edges))
    id = world.start("f", {"accounts": ["a", 7, "a"]})
    world.work()
    assert statuses(world, [id]) == ["success"]
    assert sorted(state.holders[0].key for state in seen) == ["7", "a", "a"]


def test_a_key_that_cannot_be_worked_out_fails_the_task_and_says_where() -> None:
    world = world_of(plan_of('{key: "${args.account}", max: 1}', "{from: , to: A}"))
    id = world.start("f", {"other": 1})
    world.work()
    found = describe(world.store, world.workers[0].flow_versions, id)
    assert found["status"] == "failure"
    assert "limit.key at a.yaml:" in found["nodes"][0]["error"]["message"]
    assert ran == {}


def test_a_worker_that_stops_gives_the_place_back() -> None:
    world = world_of(plan_of("{key: api, max: 1}", "{from: , to: A}"))

    def stops(args: Any) -> None:
        raise WorkerShutdown(SystemExit())

    does["A"] = stops
    id = world.start("f")
    with pytest.raises(WorkerShutdown):
        world.work()
    assert ran["A"] == 1
    assert world.store.task_limits.state("api") == LimitState(0, [], [])
    assert statuses(world, [id]) == ["running"]


def test_the_place_of_a_killed_worker_is_that_of_the_next_attempt() -> None:
    world = world_of(plan_of("{key: api, max: 1}", "{from: , to: A}"), selinon_heartbeat_timeout=30.0)
    id = world.start("f")
    world.work_some(1)
    (text, _) = world.broker.queue.pop()  # its receiver is killed while it runs
    assert '"task": "A"' in text
    store = world.store
    assert store.claim_delivery(id, 1, 0, False, world.now).kind == "run"
    place = store.task_limits
    assert place.claim(LimitPlace("api", holder_of(id, 1), "A", "celery", 0, world.now), 1, world.now).holds
    other = world.start("f")
    world.work(until=world.now + 20)
    assert [read_holder(each.run)[0] for each in place.state("api").holders] == [id]
    assert [read_holder(each.run)[0] for each in place.state("api").waiting] == [other]
    world.work()
    assert statuses(world, [id, other]) == ["success"] * 2
    assert place.state("api") == LimitState(0, [], [])


def test_a_lost_message_of_a_place_is_missed_though_its_run_makes_progress() -> None:
    world = world_of(plan_of("{key: api, max: 1}", "{from: , to: [A, B]}, {from: B, to: B}"), workers=1)

    def takes_two_seconds(args: Any) -> None:
        world.now += 2
        if ran["B"] == 50:
            raise ValueError("that will do")

    does["B"] = takes_two_seconds
    limits = world.store.task_limits
    other = LimitPlace("api", holder_of("elsewhere", 1), "A", "celery", 0, world.now)
    assert limits.claim(other, 1, world.now).holds
    id = world.start("f")
    while not limits.state("api").waiting:
        assert world.step()
    assert limits.give_back(other, world.now)
    while not any('"task": "A"' in text for text, _ in world.broker.queue):
        assert world.step()
    world.broker.queue[:] = [sent for sent in world.broker.queue if '"task": "A"' not in sent[0]]
    while not ran["A"]:
        assert world.step()
    assert ran["B"] < 20
    world.work()
    assert (statuses(world, [id]), ran) == (["failure"], {"A": 1, "B": 50})
    assert limits.state("api") == LimitState(0, [], [])


def test_a_lost_message_of_a_place_that_was_granted_before_there_was_a_reminder_is_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = world_of(plan_of("{key: api, max: 1}", "{from: , to: A}"))
    limits = world.store.task_limits
    other = LimitPlace("api", holder_of("elsewhere", 1), "A", "celery", 0, world.store.clock())
    claim = limits.claim

    def claim_while_the_other_ends(place: LimitPlace, max: int, now: float) -> Placed:
        placed = claim(place, max, now)
        if not placed.holds:
            assert limits.give_back(other, now)
        return placed

    assert claim(other, 1, world.store.clock()).holds
    monkeypatch.setattr(limits, "claim", claim_while_the_other_ends)
    id, began = world.start("f", None), world.now
    while not limits.holds("api", holder_of(id, 1)):
        assert world.step()
    world.broker.queue.clear()
    world.work()
    assert (statuses(world, [id]), ran["A"]) == (["success"], 1)
    assert world.now - began < 60


def test_a_cancelled_run_leaves_no_place_behind() -> None:
    world = world_of(plan_of("{key: api, max: 1}", "{from: , to: A}"))
    killed = world.start("f")
    world.work_some(1)
    world.broker.queue.clear()
    world.store.claim_delivery(killed, 1, 0, False, world.now)
    world.store.task_limits.claim(
        LimitPlace("api", holder_of(killed, 1), "A", "celery", 0, world.now), 1, world.now
    )
    world.cancel("f", killed)
    other = world.start("f")
    world.work()
    assert statuses(world, [killed, other]) == ["cancelled", "success"]
    assert world.store.task_limits.state("api") == LimitState(0, [], [])


@pytest.mark.parametrize("seed", range(examples(8, 300)))
def test_places_are_neither_doubled_nor_lost_whatever_happens(seed: int) -> None:
    chooser = random.Random(seed)
    most = chooser.choice((1, 2, 3))
    edges = "{from: , to: [A, A, A]}, {from: A, to: B}, {from: B, to: C}"
    plan = plan_of(f"{{key: api, max: {most}}}", edges, ", max_retry: 2, retry_countdown: 3")
    world = world_of(plan, seed=seed, shuffle=True, crash=0.03, duplicate=0.1, lose=0.1, workers=3)
    depth = [0]

    def meanwhile(args: Any) -> None:
        """Other messages are handled while this attempt runs, by other workers."""
        if depth[0] < 3 and world.broker.queue and chooser.random() < 0.7:
            depth[0] += 1
            try:
                for _ in range(chooser.randrange(4)):
                    if world.broker.queue:
                        world.deliver(*world.broker.take(True))
            finally:
                depth[0] -= 1
        if chooser.random() < 0.2:
            raise ValueError("not now")

    does["A"] = meanwhile
    ids = [world.start("f", id=f"{n:08d}-0000-4000-8000-000000000000") for n in range(5)]
    while any(world.store.header(id) is None for id in ids):  # a start that is lost is sent again by its ledger
        if not world.step():
            for id in ids:
                if world.store.header(id) is None:
                    world.start("f", id=id)
    for _ in range(60):
        world.step()
        if chooser.random() < 0.03:
            world.cancel("f", chooser.choice(ids))
        if chooser.random() < 0.03:
            id = chooser.choice(ids)
            world.pause("f", id, int((world.store.header(id) or {}).get("paused") or 0) + 1)
    world.work()  # messages that pause runs may be on their way
    for id in ids:
        while (paused := int((world.store.header(id) or {}).get("paused") or 0)) % 2:
            world.pause("f", id, paused + 1)  # it may be lost
            world.work()
    world.pass_time(40.0)
    world.pass_time(40.0)
    assert set(statuses(world, ids)) <= {"success", "failure", "cancelled"}
    assert world.store.task_limits.state("api").holders == []
    assert world.store.task_limits.state("api").waiting == []


def test_messages_of_limited_tasks_have_a_format_of_their_own() -> None:
    world = world_of(plan_of("{key: api, max: 1}", "{from: , to: [A, B]}, {from: B, to: A}"))
    messages = world.workers[0].messages
    world.start("f")
    world.work_some(1)
    sent = [kwargs for _, kwargs, _ in map(json.loads, (text for text, _ in world.broker.queue))]
    formats = {each["task"]: each.get("v", FORMAT) for each in sent if "task" in each}
    assert formats["A"] == TASK_LIMIT_FORMAT
    assert formats.get("B", FORMAT) in (FORMAT, REFERRING_FORMAT)
    message = read_node({"v": TASK_LIMIT_FORMAT, "flow": "f", "id": "x", "number": 1, "task": "A"}, 10_000)
    assert messages.of_message(message, "y", 2).kwargs["v"] == TASK_LIMIT_FORMAT


def test_limited_tasks_are_neither_run_inline_nor_batched() -> None:
    world = world_of(plan_of("{key: api, max: 9}", "{from: , to: [A, A, A, A, A, A, A, A]}"))
    id = world.start("f")
    world.work_some(1)
    assert ran == {}
    assert len(world.broker.queue) == 8
    world.work()
    assert (statuses(world, [id]), ran["A"]) == (["success"], 8)
