"""What the main process of a worker takes from a queue on Redis when a start arrives, and real workers do so."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kombu
import pytest
from celery import Celery
from celery.worker import state
from kombu import Exchange, Queue
from kombu.common import QoS

from selinon_core.celery import Selinon
from selinon_core.celery.stores.protocol import NodeRecord
from selinon_core.celery.transport.publisher import ENVELOPE, OutgoingMessage
from selinon_core.celery.transport.start_batch import START_HEADER, is_batch, starts_in
from selinon_core.celery.worker.waiting_starts import SHARE, WaitingStarts
from selinon_core.project import compile_data
from selinon_core.runtime.ids import random_flow_id
from tests import services
from tests.celery.workers import Site
from tests.conftest import need

pytestmark = pytest.mark.service("redis")
_FLOW = {
    "tasks": [{"name": "A", "import": "tasks"}],
    "flow-definitions": [{"name": "main", "edges": [{"from": None, "to": "A"}]}],
}


class Consumer:
    """A consumer of one queue, whose names on the server are its own; it hands over one message at a time."""

    connection_errors = (ConnectionError,)

    def __init__(self, url: str, prefix: bool = True, arguments: Any = None, flow: dict[str, Any] = _FLOW) -> None:
        import redis

        self.name = services.private_name()
        plan = compile_data(flow).plan
        assert plan is not None
        self.app = Celery(self.name, broker=url, backend=need("redis"), set_as_current=False)
        prefixed = {"global_keyprefix": self.name + ":"} if prefix else {}
        if url.startswith("redis"):
            keys = ("unacked_key", "unacked_index_key", "unacked_mutex_key")
            prefixed |= {key: f"{self.name}.{key}" for key in keys}
            self.app.conf.broker_transport_options = prefixed
        queue = Queue(self.name, Exchange(""), self.name, queue_arguments=arguments)
        self.app.conf.update(task_default_queue=self.name, task_queues=[queue])
        self.selinon = Selinon(self.app, plan=plan)
        self.client: Any = redis.Redis.from_url(need("redis"), decode_responses=True)
        self.prefix = f"{self.name}:" if prefix else ""
        self.connection = self.app.connection_for_read()
        self.channel: Any = self.connection.default_channel
        self.qos = QoS(lambda prefetch_count: None, 1)
        self.starts = WaitingStarts(self, 10)
        self.received: list[Any] = []
        consumer = kombu.Consumer(self.channel, [queue], accept=["json"], on_message=self.received.append)
        consumer.qos(prefetch_count=1)
        consumer.consume()

    def call_soon_ack(self, function: Any, *args: Any) -> None:
        function(*args)

    def take(self) -> tuple[Any, Any, Any]:
        """The next message, and what settles it, as Celery's strategy gets it."""
        self.connection.drain_events(timeout=5)
        message = self.received.pop(0)
        return message, *self.starts.join(message, message.ack_log_error, message.reject_log_error)

    def waiting(self) -> int:
        return int(self.client.llen(self.prefix + self.name))

    def unacknowledged(self) -> tuple[int, int]:
        names = (self.prefix + f"{self.name}.{key}" for key in ("unacked_key", "unacked_index_key"))
        messages, index = names
        return int(self.client.hlen(messages)), int(self.client.zcard(index))

    def close(self) -> None:
        if self.app.conf.broker_url.startswith("redis"):
            self.channel.qos._delivered.clear()
        else:
            self.channel.queue_delete(self.name)
        self.connection.release()
        for key in self.client.scan_iter(f"*{self.name}*", 1000):
            self.client.delete(key)
        self.app.close()
        self.client.close()


@pytest.fixture(params=[True, False], ids=["prefix", "no prefix"])
def consumer(request: pytest.FixtureRequest) -> Iterator[Consumer]:
    made = Consumer(need("redis"), request.param)
    yield made
    made.close()


def ids_in(message: Any) -> list[str]:
    return [start["id"] for start in starts_in(message.payload[1])]


LOG = SimpleNamespace(critical=print)


def test_a_share_of_the_starts_that_wait_is_taken_in_their_order(consumer: Consumer) -> None:
    asked = [consumer.selinon.run_flow("main", {"n": n}).id for n in range(1 + 3 * SHARE)]
    message, ack, _ = consumer.take()
    assert is_batch(message.payload[1])
    assert ids_in(message) == asked[:4]
    assert [start["args"] for start in starts_in(message.payload[1])] == [{"n": n} for n in range(4)]
    assert consumer.waiting() == len(asked) - 4
    assert consumer.unacknowledged() == (4, 4)
    assert consumer.qos.value == 4  # they count as one
    assert START_HEADER not in message.headers
    ack(LOG, ())
    assert consumer.unacknowledged() == (0, 0)
    assert consumer.qos.value == 1
    assert consumer.channel.qos.can_consume()


@pytest.mark.parametrize("prefix", [True, False])
def test_starts_of_a_lane_are_taken_from_the_list_of_its_priority(prefix: bool) -> None:
    consumer = Consumer(need("redis"), prefix, flow={**_FLOW, "global": {"lanes": {"bulk": {"priority": 1}}}})
    try:
        asked = [consumer.selinon.run_flow("main").id for _ in range(1 + 3 * SHARE)]
        later = consumer.selinon.run_flow("main", lane="bulk").id
        assert consumer.waiting() == 0
        message, ack, _ = consumer.take()
        assert ids_in(message) == asked[:4]
        ack(LOG, ())
        while asked[-1] not in ids_in(message):
            message, ack, _ = consumer.take()
            ack(LOG, ())
        assert ids_in(consumer.take()[0]) == [later]
    finally:
        consumer.close()


def test_few_that_wait_are_left_to_others(consumer: Consumer) -> None:
    asked = [consumer.selinon.run_flow("main").id for _ in range(SHARE)]
    message, _, _ = consumer.take()
    assert ids_in(message) == asked[:1]
    assert not is_batch(message.payload[1])
    assert consumer.waiting() == SHARE - 1


def test_at_most_as_many_as_a_message_may_hold(consumer: Consumer) -> None:
    for _ in range(15 * SHARE):
        consumer.selinon.run_flow("main")
    message, _, _ = consumer.take()
    assert len(ids_in(message)) == 10


def test_nothing_but_starts_is_taken(consumer: Consumer) -> None:
    first, second = consumer.selinon.run_flow("main").id, consumer.selinon.run_flow("main").id
    kwargs = {"flow": "main", "id": first, "number": 1, "task": "A"}
    node = OutgoingMessage(consumer.name, ENVELOPE, "selinon.task.A", "t", first, kwargs)
    consumer.selinon.services.publisher.send([node])
    for _ in range(5 * SHARE):
        consumer.selinon.run_flow("main")
    message, ack, _ = consumer.take()
    assert ids_in(message) == [first, second]
    ack(LOG, ())
    message, _, _ = consumer.take()
    assert message.headers["task"] == ENVELOPE


@pytest.mark.parametrize("what", ["revoked", "redelivered", "expires", "timelimit", "newer", "cancel"])
def test_what_has_to_be_handled_alone_is_not_taken(consumer: Consumer, what: str) -> None:
    asked = [consumer.selinon.run_flow("main").id for _ in range(2)]
    other = random_flow_id()
    message = consumer.selinon.services.messages.of_request("main", other, None, None, "")
    headers = dict(message.headers or {})
    kwargs = dict(message.kwargs)
    if what == "expires":
        headers["expires"] = "2099-01-01T00:00:00+00:00"
    elif what == "timelimit":
        headers["timelimit"] = [10, None]
    elif what == "redelivered":
        headers["redelivered"] = True
    elif what == "newer":
        kwargs["v"] = 77
    elif what == "cancel":
        kwargs["action"] = "cancel"
    if what == "revoked":
        state.revoked.add(other)
    try:
        consumer.selinon.services.publisher.send([message._replace(headers=headers, kwargs=kwargs)])
        asked += [consumer.selinon.run_flow("main").id for _ in range(5 * SHARE)]
        taken, ack, _ = consumer.take()
        assert other not in ids_in(taken)
        assert ids_in(taken)[:2] == asked[:2]
        ack(LOG, ())
        if not consumer.received:
            alone, ack, _ = consumer.take()
        else:  # it was taken with the others, and is handed over like any other message
            alone = consumer.received.pop(0)
            assert consumer.starts.join(alone, "ack", "reject") == ("ack", "reject")
        assert alone.payload[1]["id"] == other
        assert not is_batch(alone.payload[1])
    finally:
        state.revoked.pop_value(other) if what == "revoked" else None


def test_rejected_starts_are_put_back_one_by_one(consumer: Consumer) -> None:
    asked = [consumer.selinon.run_flow("main").id for _ in range(1 + 3 * SHARE)]
    _, _, reject = consumer.take()
    reject(LOG, (), True)
    assert consumer.unacknowledged() == (0, 0)
    assert consumer.waiting() == len(asked)
    texts = consumer.client.lrange(consumer.prefix + consumer.name, 0, -1)
    headers = [json.loads(text)["headers"] for text in texts]
    assert [each["root_id"] for each in reversed(headers)] == [*asked[4:], *asked[:4]]
    consumer.client.ltrim(consumer.prefix + consumer.name, 0, 3)
    for id in asked[:4]:  # what was delivered before is handled by itself
        message, ack, _ = consumer.take()
        assert ids_in(message) == [id]
        ack(LOG, ())


def test_after_the_death_of_the_worker_each_comes_again(consumer: Consumer) -> None:
    asked = [consumer.selinon.run_flow("main").id for _ in range(1 + 3 * SHARE)]
    consumer.take()
    consumer.channel.qos.restore_unacked()
    assert consumer.waiting() == len(asked)


def test_none_is_taken_where_a_message_holds_one(consumer: Consumer) -> None:
    consumer.starts = WaitingStarts(consumer, 1)
    asked = [consumer.selinon.run_flow("main").id for _ in range(3 * SHARE)]
    message, _, _ = consumer.take()
    assert ids_in(message) == asked[:1]


def test_runs_that_are_asked_for_one_by_one_are_looked_behind_rarely(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Any] = []
    call = consumer.starts._call

    def noted(*args: Any) -> Any:
        looks.append(args)
        return call(*args)

    monkeypatch.setattr(consumer.starts, "_call", noted)
    for _ in range(30):
        consumer.selinon.run_flow("main")
        _, ack, _ = consumer.take()
        ack(LOG, ())
    assert len(looks) == 5
    asked = [consumer.selinon.run_flow("main").id for _ in range(60)]
    found = []
    while len(found) < 60:
        message, ack, _ = consumer.take()
        found += ids_in(message)
        ack(LOG, ())
    assert found == asked
    assert 8 < len(looks) < 30


# -- RabbitMQ -----------------------------------------------------------------------------------------------------


@pytest.fixture(params=[None, {"x-queue-type": "quorum"}], ids=["classic", "quorum"])
def rabbit(request: pytest.FixtureRequest) -> Iterator[Consumer]:
    made = Consumer(need("amqp"), False, request.param)
    made.is_quorum = request.param is not None  # type: ignore[attr-defined]
    yield made
    made.close()


@pytest.mark.service("amqp")
def test_rabbitmq_is_asked_for_starts_until_there_is_something_else(rabbit: Consumer) -> None:
    asked = [rabbit.selinon.run_flow("main").id for _ in range(3)]
    kwargs = {"flow": "main", "id": asked[0], "number": 1, "task": "A"}
    node = OutgoingMessage(rabbit.name, ENVELOPE, "selinon.task.A", "t", asked[0], kwargs)
    rabbit.selinon.services.publisher.send([node])
    asked += [rabbit.selinon.run_flow("main").id for _ in range(30)]
    message, ack, _ = rabbit.take()
    if rabbit.is_quorum:  # type: ignore[attr-defined]
        assert ids_in(message) == asked[:1]
        return
    assert ids_in(message) == asked[:3]
    ack(LOG, ())
    assert rabbit.qos.value == 1
    found: list[list[str]] = []
    nodes, rejected = 0, False
    while sum(map(len, found)) < 30 or not nodes:
        message, ack, reject = rabbit.take()
        if message.headers["task"] == ENVELOPE:
            nodes += 1
            ack(LOG, ())
        elif is_batch(message.payload[1]) and not rejected:
            rejected = True
            reject(LOG, (), True)
        else:
            found.append(ids_in(message))
            ack(LOG, ())
    assert nodes == 1
    assert rejected
    assert max(map(len, found)) > 1
    assert sorted(id for ids in found for id in ids) == sorted(asked[3:])


# -- real workers -----------------------------------------------------------------------------------------------

PROJECT = """
tasks: [{{name: A, import: tasks_{name}, classname: Step}}, {{name: B, import: tasks_{name}, classname: Step}}]
flow-definitions: [{{name: main, edges: [{{from: , to: A}}, {{from: A, to: B}}]}}]
"""
TASKS = """
import os, time
from pathlib import Path
from selinon import SelinonTask

class Step(SelinonTask):
    def run(self, node_args):
        if node_args and self.task_name == "B" and Path("hang").exists() and node_args.get("hangs"):
            Path("hanging").touch()
            while Path("hang").exists():
                time.sleep(0.02)
        return None
"""


@pytest.fixture(params=["redis", "amqp"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    need(request.param)
    made = Site(tmp_path, request.param)
    made.write(PROJECT.format(name=made.name), TASKS.replace('Path("', f'Path("{tmp_path}/'))
    yield made
    made.close()


def warmed(site: Site) -> None:
    """Let every process of the workers see how long the tasks take."""
    for run in [site.selinon.run_flow("main") for _ in range(40)]:
        run.result(timeout=60)


@pytest.mark.slow
@pytest.mark.service("amqp")
@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_many_runs_at_once_on_real_workers(site: Site, pool: str) -> None:
    site.start("--pool", pool, "--concurrency", "2")
    warmed(site)
    runs = [site.selinon.run_flow("main", {"n": n}) for n in range(300)]
    for run in runs:
        assert set(run.result(timeout=60)["finished_nodes"]) == {"A", "B"}
    with site.app.connection_for_write() as connection:
        assert site.app.control.inspect(timeout=5, connection=connection).active() is not None
    assert "Traceback" not in site.logs()


@pytest.mark.slow
@pytest.mark.service("amqp")
def test_workers_that_are_killed_take_no_run_along(site: Site) -> None:
    workers = [site.start("--concurrency", "2"), site.start("--concurrency", "2")]
    warmed(site)
    runs = [site.selinon.run_flow("main") for _ in range(150)]
    site.kill(workers[0])
    runs += [site.selinon.run_flow("main") for _ in range(150)]
    for run in runs:
        assert set(run.result(timeout=120)["finished_nodes"]) == {"A", "B"}
        records = site.selinon.store.records(run.id, [1, 2])
        assert all(isinstance(record, NodeRecord) and record.done for record in records.values())


@pytest.mark.slow
@pytest.mark.service("amqp")
def test_a_run_that_is_terminated_takes_no_run_along(site: Site, tmp_path: Path) -> None:
    site.start("--concurrency", "1")
    warmed(site)
    (tmp_path / "hang").touch()
    runs = [site.selinon.run_flow("main", {"hangs": n == 1}) for n in range(40)]
    until = time.monotonic() + 60
    while not (tmp_path / "hanging").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    site.app.control.terminate(runs[1].id)
    for number, run in enumerate(runs):
        if number != 1:
            assert set(run.result(timeout=60)["finished_nodes"]) == {"A", "B"}
    assert runs[1].wait(timeout=60) == "cancelled"
