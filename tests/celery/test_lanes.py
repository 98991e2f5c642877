"""Lanes: what comes first, and which queues the messages of a run take. Simulated workers, and both brokers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from kombu import Exchange, Queue

from selinon_core.celery import Selinon
from selinon_core.celery.doctor.project_checks import project_checks
from selinon_core.celery.doctor.worker_checks import needed_queues
from selinon_core.celery.stores.index import row_of_header
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.message_schema import read_dispatch, read_nodes
from selinon_core.errors import RequestError
from selinon_core.plan import Plan
from selinon_core.project import compile_data
from selinon_core.simulating.world import World
from tests import services
from tests.celery import broken_tasks
from tests.celery.index_check import all_rows
from tests.conftest import need

LANES = {
    "bulk": {"priority": 1},
    "urgent": {"priority": 9, "queue_suffix": "_urgent"},
    "apart": {"queue_suffix": "_x"},
}
MANY = 40


@pytest.fixture(autouse=True)
def _nothing_is_broken() -> None:
    broken_tasks.set_up()


def plan_of(lanes: Any = LANES, **of_small: Any) -> Plan:
    task = {"import": broken_tasks.__name__, "classname": "Task"}
    edge = {"from": None, "to": "A"}
    data = {
        "global": {"lanes": lanes},
        "tasks": [{"name": "A", **task}, {"name": "B", "queue": "reports", **task}],
        "flow-definitions": [
            {"name": "small", "edges": [{"from": None, "to": "A"}, {"from": "A", "to": "B"}], **of_small},
            {"name": "part", "lane": "bulk", "edges": [edge]},
            {"name": "fan", "lane": "bulk", "edges": [{"from": None, "to": ["A"] * MANY}]},
            {"name": "above", "edges": [{"from": None, "to": "part"}]},
        ],
    }
    if not lanes:
        data["global"] = {"default_task_queue": "celery"}
        for flow in data["flow-definitions"]:
            flow.pop("lane", None)
    project = compile_data(data)
    assert project.plan is not None, [d.message for d in project.diagnostics]
    return project.plan


def header(world: World, id: str) -> RunHeader:
    fields = world.store.header(id)
    assert fields is not None, id
    return RunHeader.read(fields)


def messages_until_the_end(world: World, id: str) -> int:
    for count in range(1, 1000):
        world.step()
        fields = world.store.header(id)
        if fields is not None and fields["status"] == "success":
            return count
    raise AssertionError("it does not end")


def test_a_small_flow_does_not_wait_behind_a_large_one_in_a_later_lane() -> None:
    """The large flow has begun: its tasks wait in the queue. Without lanes the small one waits behind them."""
    needed = {}
    for lanes in ({}, LANES):
        settings = {"selinon_inline_count": 0, "selinon_batch_count": 1, "selinon_front_count": 1000}
        world = World(plan_of(lanes), workers=1, **settings)
        world.start("fan")
        world.step()
        assert len(world.broker.queue) > MANY / 2
        needed[bool(lanes)] = messages_until_the_end(world, world.start("small"))
        world.work()
        assert [row.status for row in all_rows(world.store)] == ["success"] * 2
    assert needed[True] < 8 < MANY / 2 < needed[False]


@pytest.mark.parametrize("lane", [None, "urgent", "bulk"])
def test_without_a_lane_of_its_own_a_small_flow_waits_behind_the_front_of_a_large_one_only(
    lane: str | None,
) -> None:
    needed = {}
    for front in (3, 1000):
        plan = plan_of({} if lane is None else LANES)
        world = World(plan, workers=1, selinon_inline_count=0, selinon_batch_count=1, selinon_front_count=front)
        more = {} if lane is None else {"lane": lane}
        large = world.start("fan", **more)
        world.step()
        assert [message.behind for message in world.broker.sent[1:]] == [
            front == 3 and n >= 3 for n in range(MANY)
        ]
        needed[front] = messages_until_the_end(world, world.start("small", **more))
        world.work()
        assert {header(world, id).status for id in (large,)} == {"success"}
    assert needed[3] < 12 < MANY < needed[1000]


def test_node_runs_that_share_messages_are_counted_one_by_one() -> None:
    world = World(plan_of({}), workers=1, selinon_inline_count=0, selinon_front_count=6)
    for _ in range(2):  # the first run shows how long the task takes
        world.start("fan")
        world.work()
    sizes = [(len(m.kwargs["nodes"]), m.behind) for m in world.broker.sent if m.kwargs.get("nodes")]
    assert sizes
    assert [behind for _, behind in sizes][:2] == [False, True]


def test_tasks_and_subflows_of_a_run_have_its_lane_and_its_queues() -> None:
    world = World(plan_of(), selinon_inline_count=0)
    id = world.start("above", lane="urgent")
    world.work()
    sent = [
        message
        for message in world.broker.sent
        if message.kwargs.get("action") != "start" or "caller" in message.kwargs
    ]
    assert len(sent) > 1
    assert {message.kwargs.get("lane") for message in sent} == {"urgent"}
    assert {message.queue for message in sent} == {"celery_urgent"}
    (row,) = all_rows(world.store)
    assert (row.id, row.lane, row.priority, row.status) == (id, "urgent", 9, "success")
    below = next(m.kwargs["id"] for m in sent if m.kwargs.get("action") == "start")
    assert header(world, below).lane == "urgent"
    assert header(world, below).queue == "celery_urgent"


def test_a_subflow_has_the_lane_of_its_run_not_its_own() -> None:
    world = World(plan_of(), selinon_inline_count=0)
    world.start("above")
    world.work()
    assert {message.kwargs.get("lane") for message in world.broker.sent} == {None}


def test_a_flow_has_its_lane_and_a_start_may_name_another_one() -> None:
    world = World(plan_of(lane="bulk"))
    ids = [world.start("small"), world.start("small", lane="urgent"), world.start("small", lane="gone")]
    world.work()
    assert [header(world, id).lane for id in ids] == ["bulk", "urgent", "gone"]
    assert [header(world, id).queue for id in ids] == ["celery", "celery_urgent", "celery"]
    messages = world.workers[0].messages
    assert messages.of_request("small", "x", None, None, "").kwargs["lane"] == "bulk"
    asked = messages.of_request("small", "x", None, None, "", lane="urgent")
    assert (asked.queue, asked.kwargs["lane"]) == ("celery_urgent", "urgent")


def test_what_waits_for_a_place_waits_by_priority() -> None:
    world = World(plan_of(limit={"key": "all", "max": 1}), workers=1)
    lanes = [None, "bulk", None, "urgent", "apart"]
    ids = [world.start("small", **({} if lane is None else {"lane": lane})) for lane in lanes]
    world.broker.lanes = {}
    world.work_some(5)
    waiting = [place.run for place in world.store.limits.state("all").waiting]
    assert waiting == [ids[3], ids[2], ids[4], ids[1]]
    world.work()
    assert {header(world, id).status for id in ids} == {"success"}


@pytest.mark.parametrize("lane", [7, "", "a\nb", "x" * 300])
def test_a_lane_that_is_no_name_is_refused(lane: Any) -> None:
    from selinon_core.errors import MessageRefused

    with pytest.raises(MessageRefused, match="lane"):
        read_dispatch({"v": 1, "action": "start", "flow": "f", "id": "1", "lane": lane}, 10_000)


def test_the_node_runs_of_a_batch_have_its_lane() -> None:
    node = {"number": 1, "task": "A"}
    read = read_nodes({"v": 1, "flow": "f", "id": "1", "lane": "bulk", "nodes": [node]}, 10_000)
    assert [message.lane for message in read] == ["bulk"]


def test_the_queues_of_lanes_need_workers() -> None:
    selinon = Selinon(Celery("lanes", broker="memory://", set_as_current=False), plan=plan_of())
    assert list(needed_queues(selinon)) == [
        "celery",
        "celery_urgent",
        "celery_x",
        "reports",
        "reports_urgent",
        "reports_x",
    ]
    assert needed_queues(selinon)["reports_x"] == ["B"]
    with pytest.raises(RequestError, match='no lane is named "bluk"; did you mean "bulk"'):
        selinon.run_flow("small", lane="bluk")


@pytest.mark.parametrize(("most", "found"), [(None, 1), (9, 0)])
def test_the_doctor_says_which_queues_of_rabbitmq_have_no_priorities(most: int | None, found: int) -> None:
    app = Celery("lanes", broker="amqp://nowhere", set_as_current=False)
    app.conf.task_queue_max_priority = most
    checks = {check.name: check for check in project_checks(Selinon(app, plan=plan_of()))}
    findings = [each for each in checks["settings"].look() if "priorities" in each.message]
    assert len(findings) == found
    assert all("celery, celery_urgent, celery_x, reports" in each.message for each in findings)


# -- brokers ------------------------------------------------------------------------------------------------------


@pytest.fixture(
    params=[
        pytest.param("redis", marks=pytest.mark.service("redis")),
        pytest.param("amqp", marks=pytest.mark.service("amqp")),
    ]
)
def selinon(request: pytest.FixtureRequest) -> Iterator[Selinon]:
    name = services.private_name()
    app = Celery(name, broker=need(request.param), set_as_current=False)
    app.conf.update(
        task_default_queue=name,
        task_queues=[Queue(name, Exchange(""), name, max_priority=9)],
        task_ignore_result=True,
    )
    made = Selinon(app, plan=plan_of())
    yield made
    with app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        for suffix in ("", "_urgent", "_x"):
            channel.queue_delete(name + suffix)
    for id in _asked:
        if made.pending_starts.enabled:
            made.pending_starts.forget(id)
    _asked.clear()
    app.close()


_asked: list[str] = []


def test_the_broker_hands_out_messages_in_the_order_of_their_lanes(selinon: Selinon) -> None:
    queue = selinon.app.conf.task_default_queue
    asked = {}
    for flow, lane in (("part", None), ("above", None), ("small", "bulk"), ("small", None), ("small", "apart")):
        id = selinon.run_flow(flow, lane=lane).id
        _asked.append(id)
        asked[id] = (flow, lane)
    with selinon.app.connection_for_read() as connection:
        bound = Queue(queue, Exchange(""), queue, channel=connection.default_channel, max_priority=9)
        found = []
        while (message := bound.get()) is not None:
            found.append(asked[message.payload[1]["id"]])
            message.ack()
    assert found == [("above", None), ("small", None), ("part", None), ("small", "bulk")]


@pytest.mark.service("redis")
def test_what_a_large_step_starts_comes_behind_other_flow_runs_on_redis() -> None:
    name = services.private_name()
    app = Celery(name, broker=need("redis"), set_as_current=False)
    app.conf.update(task_default_queue=name, task_ignore_result=True, selinon_state_url="memory://")
    made = Selinon(app, plan=plan_of({}))
    publisher, messages = made.services.publisher, made.services.messages
    wakes = [messages.wake("small", id) for id in ("first", "behind", "other")]
    publisher.send([wakes[0], wakes[1]._replace(behind=True)])
    publisher.send([wakes[2]])
    with app.connection_for_read() as connection:
        bound = Queue(name, Exchange(""), name, channel=connection.default_channel)
        found = []
        while (message := bound.get()) is not None:
            found.append(message.payload[1]["id"])
            message.ack()
        assert publisher.waiting(name) == 0
    app.close()
    assert found == ["first", "other", "behind"]


def test_the_row_of_a_header_has_its_lane() -> None:
    assert row_of_header("x", RunHeader("small", "celery", lane="urgent"), None).lane == "urgent"
