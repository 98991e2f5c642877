"""Messages that merely wait in a long queue are not sent again and again; lost ones are."""

from __future__ import annotations

import time
from typing import Any

import pytest
from celery import Celery

from selinon_core.celery.execution.outbox_relay import RESEND_ONE_IN
from selinon_core.celery.transport.publisher import ENVELOPE, OutgoingMessage, Publisher
from selinon_core.project import compile_data
from selinon_core.simulating.world import World
from tests import services
from tests.conftest import need

_NAMES = [f"T{number}" for number in range(2 * RESEND_ONE_IN)]
_FLOW = {
    "tasks": [{"name": name, "import": __name__, "classname": "Task"} for name in _NAMES],
    "flow-definitions": [{"name": "main", "edges": [{"from": None, "to": _NAMES}]}],
}


class Task:
    """Does nothing."""

    def __init__(self, **_: Any) -> None:
        pass

    def run(self, node_args: Any) -> None:
        """Nothing."""


def _lost(backlog: int) -> tuple[World, str]:
    """A run all messages of which are gone, with so many others in the queue."""
    plan = compile_data(_FLOW).plan
    assert plan is not None
    world = World(plan, workers=1, selinon_inline_count=0)
    id = world.start("main")
    text, again = world.broker.queue.pop()
    world.deliver(text, again)
    world.broker.queue.clear()
    world.broker.sent.clear()
    world.broker.backlog = backlog
    return world, id


def _sent_again(world: World, id: str) -> list[str]:
    world.now += world.settings.selinon_resend_after + 1
    world.workers[0].executor.process_due_work(id)
    sent = [letter.kwargs["task"] for letter in world.broker.sent if letter.celery_task == ENVELOPE]
    world.broker.sent.clear()
    world.broker.queue.clear()
    return sent


def test_with_an_empty_queue_all_are_missed() -> None:
    world, id = _lost(0)
    assert sorted(_sent_again(world, id)) == sorted(_NAMES)


def test_with_a_busy_queue_a_share_is_sent_again_and_each_has_its_turn() -> None:
    world, id = _lost(1000)
    rounds = [_sent_again(world, id) for _ in range(2 * RESEND_ONE_IN)]
    assert all(len(sent) <= len(_NAMES) // RESEND_ONE_IN for sent in rounds)
    assert {name for sent in rounds for name in sent} == set(_NAMES)


@pytest.mark.parametrize("backlog", [1, 50, 1000])
def test_some_looks_reach_every_message_though_the_queue_is_never_empty(backlog: int) -> None:
    """The sweep looks after twice as long each time: where chance decided, a message might wait for hours."""
    world, id = _lost(backlog)
    began, first, sent = world.now, world.settings.selinon_resend_after, list[str]()
    for look in range(RESEND_ONE_IN):
        world.now = began + (2**look - 1) * first
        sent += _sent_again(world, id)
    assert sorted(sent) == sorted(_NAMES)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("redis", marks=pytest.mark.service("redis")),
        pytest.param("amqp", marks=pytest.mark.service("amqp")),
    ],
)
def test_brokers_tell_how_much_waits(kind: str) -> None:
    queue = services.private_name()
    app = Celery("waiting", broker=need(kind), set_as_current=False)
    app.conf.task_default_queue = queue
    publisher = Publisher(app)
    assert publisher.waiting(queue) == 0
    letter = OutgoingMessage(queue, ENVELOPE, "x", "1", "1", {})
    try:
        publisher.send([letter, letter, letter])
        until = time.monotonic() + 20
        while publisher.waiting(queue) != 3 and time.monotonic() < until:  # RabbitMQ takes its time
            time.sleep(0.05)
        assert publisher.waiting(queue) == 3
    finally:
        with app.connection_for_write() as connection:
            connection.default_channel.queue_delete(queue)
        app.close()
