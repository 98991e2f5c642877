"""The message that starts a flow run is the only trace of it: on Redis it is kept until the run exists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from selinon_core.celery import Selinon
from selinon_core.celery.stores.protocol import Commit
from selinon_core.celery.surroundings import REAL
from selinon_core.celery.transport.pending_starts import CHECK_AFTER, RESEND_DESPITE_BACKLOG_AFTER, PendingStarts
from selinon_core.errors import RequestError
from selinon_core.project import compile_data
from selinon_core.runtime.ids import random_flow_id
from tests import services
from tests.conftest import need

pytestmark = pytest.mark.service("redis")
NOW = 1_800_000_000.0
_FLOW = {
    "tasks": [{"name": "A", "import": "tasks"}],
    "flows": ["main"],
    "flow-definitions": [{"name": "main", "edges": [{"from": None, "to": "A"}]}],
}


class Place:
    """An app whose names on the server are its own."""

    def __init__(self, url: str, lanes: dict[str, Any] | None = None) -> None:
        import redis

        self.name = services.private_name()
        plan = compile_data({**_FLOW, "global": {"lanes": lanes}} if lanes else _FLOW).plan
        assert plan is not None
        self.app = Celery(self.name, broker=url, backend=url, set_as_current=False)
        self.app.conf.update(
            selinon_state_prefix=self.name + ":state:",
            broker_transport_options={"global_keyprefix": self.name + ":"},
        )
        self.selinon = Selinon(self.app, plan=plan)
        self.starts = f"{self.name}:selinon.starts:{self.name}:state:"
        self.client: Any = redis.Redis.from_url(url, decode_responses=True)
        self.ledger = PendingStarts(self.app, REAL._replace(now=lambda: NOW))
        self.selinon.pending_starts = self.ledger

    def queued(self) -> int:
        return int(self.client.llen(f"{self.name}:celery"))

    def lose(self) -> None:
        """What happens when a worker is killed that was just handed the message."""
        assert self.client.rpop(f"{self.name}:celery") is not None

    def remind(self, now: float) -> int:
        return self.ledger.resend_lost(self.selinon.store, self.selinon.services.publisher, now)

    def close(self) -> None:
        self.selinon.store.clear()
        for key in self.client.scan_iter(self.name + "*", 1000):
            self.client.delete(key)
        self.app.close()
        self.client.close()


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place(need("redis"))
    yield made
    made.close()


def test_a_start_that_waits_behind_messages_of_another_priority_is_left_alone() -> None:
    place = Place(need("redis"), {"bulk": {"priority": 1}})
    try:
        place.selinon.run_flow("main", lane="bulk")
        assert place.queued() == 0  # it is in the list of its priority
        assert place.remind(NOW + CHECK_AFTER + 1) == 0
        for key in place.client.scan_iter(f"{place.name}:celery*", 1000):
            place.client.delete(key)
        assert place.remind(NOW + 3 * CHECK_AFTER) == 1
        assert place.client.keys(f"{place.name}:celery*")[0] != f"{place.name}:celery"
    finally:
        place.close()


def test_a_lost_start_is_sent_again(place: Place) -> None:
    run = place.selinon.run_flow("main", {"n": 1})
    place.lose()
    assert place.remind(NOW + CHECK_AFTER / 2) == 0
    assert place.remind(NOW + CHECK_AFTER + 1) == 1
    assert place.queued() == 1
    (text,) = place.client.lrange(f"{place.name}:celery", 0, -1)
    assert run.id in text
    assert place.remind(NOW + CHECK_AFTER + 2) == 0  # not at once again


def test_a_start_that_waits_in_its_queue_is_left_alone(place: Place) -> None:
    place.selinon.run_flow("main")
    assert place.remind(NOW + CHECK_AFTER + 1) == 0
    assert place.queued() == 1
    assert (
        place.remind(NOW + RESEND_DESPITE_BACKLOG_AFTER + 100) == 1
    )  # but not for ever: others' messages may keep the queue busy


def test_a_run_that_exists_is_forgotten(place: Place) -> None:
    run = place.selinon.run_flow("main")
    place.lose()
    header = {"flow": "main", "queue": "celery", "status": "running", "initial_definition": "d"}
    place.selinon.store.commit(Commit(run.id, 0, NOW, create=header, batch="[0]"))
    assert place.remind(NOW + CHECK_AFTER + 1) == 0
    assert list(place.client.scan_iter(f"{place.name}:selinon.starts*", 1000)) == []


class Counted:
    """A store that counts what it is asked."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._store, name)


def test_many_pending_starts_are_one_question_to_the_store(place: Place) -> None:
    runs = [place.selinon.run_flow("main") for _ in range(40)]
    header = {"flow": "main", "queue": "celery", "status": "running", "initial_definition": "d"}
    for run in runs[::2]:
        place.selinon.store.commit(Commit(run.id, 0, NOW, create=header, batch="[0]"))
    store: Any = Counted(place.selinon.store)
    place.ledger.resend_lost(store, place.selinon.services.publisher, NOW + CHECK_AFTER + 1)
    assert len(store.asked) == 1
    kept = place.client.zrange(place.starts, 0, -1)
    assert set(kept) == {run.id for run in runs[1::2]}


def test_a_damaged_entry_does_not_stop_the_others(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    newer, damaged, lost = (place.selinon.run_flow("main") for _ in range(3))
    place.client.delete(f"{place.name}:celery")
    texts = f"{place.starts}.messages"
    place.client.hset(texts, damaged.id, "{not json")
    fields = json.loads(place.client.hget(texts, newer.id))
    place.client.hset(texts, newer.id, json.dumps([*fields, "a field of a newer selinon"]))
    assert place.remind(NOW + CHECK_AFTER + 1) == 1
    (text,) = place.client.lrange(f"{place.name}:celery", 0, -1)
    assert lost.id in text
    assert place.client.hexists(texts, newer.id)  # a newer worker can send it
    assert caplog.text.count("cannot be read") == 2
    assert place.remind(NOW + CHECK_AFTER + 2) == 0
    assert caplog.text.count("cannot be read") == 2


def test_a_run_that_no_worker_has_begun_is_pending(place: Place) -> None:
    run = place.selinon.run_flow("main", {"n": 1})
    found = place.selinon.status(run.id)
    assert (found["id"], found["flow"], found["status"], found["queue"]) == (run.id, "main", "pending", "celery")
    assert (found["created"], found["nodes"], found["reason"]) == (NOW, [], None)
    handle = place.selinon.handle(run.id)
    assert (handle.flow, handle.status()) == ("main", "pending")
    place.selinon.cancel(run.id)
    assert place.queued() == 2

    header = {"flow": "main", "queue": "celery", "status": "running"}
    place.selinon.store.commit(Commit(run.id, 0, NOW, create=header))
    assert place.selinon.status(run.id)["status"] == "queued"
    for unknown in ("misspelt", random_flow_id()):
        for ask in (place.selinon.status, place.selinon.handle, place.selinon.cancel):
            with pytest.raises(RequestError, match=f"there is no flow run {unknown}"):
                ask(unknown)


def test_a_start_is_sent_again_though_its_run_was_paused_before(place: Place) -> None:
    """The pause creates the run, but only the start message has what the run needs."""
    run = place.selinon.run_flow("main")
    place.lose()
    header = {"flow": "main", "queue": "celery", "status": "running", "paused": "1"}
    place.selinon.store.commit(Commit(run.id, 0, NOW, create=header))
    assert place.selinon.store.existing([run.id])
    assert place.remind(NOW + CHECK_AFTER + 1) == 1


def test_deployments_that_share_a_broker_leave_each_others_starts_alone(place: Place) -> None:
    place.selinon.run_flow("main")
    place.lose()
    other = Celery("other", broker=place.app.conf.broker_url, set_as_current=False)
    other.conf.update({**place.app.conf.changes, "selinon_state_prefix": place.name + ":other:"})
    others = PendingStarts(other)
    assert others.try_lead()
    store, publisher = place.selinon.store, place.selinon.services.publisher
    assert others.resend_lost(store, publisher, NOW + CHECK_AFTER + 1) == 0
    assert place.ledger.try_lead()
    assert place.remind(NOW + CHECK_AFTER + 1) == 1


def test_one_worker_at_a_time_looks(place: Place) -> None:
    assert place.ledger.try_lead()
    assert not PendingStarts(place.app).try_lead()


def test_other_brokers_need_none() -> None:
    app = Celery("other", broker="amqp://nowhere", set_as_current=False)
    assert not PendingStarts(app).enabled


def test_a_start_is_kept_and_sent_in_one_round_trip(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.selinon.run_flow("main")  # connects
    from redis.connection import AbstractConnection

    sent: list[bytes] = []
    send = AbstractConnection.send_packed_command

    def counted(connection: Any, command: Any, *args: Any, **options: Any) -> None:
        sent.append(b"".join(command))
        send(connection, command, *args, **options)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counted)
    place.selinon.run_flow("main")
    assert len(sent) == 1
    assert all(word in sent[0] for word in (b"LPUSH", b"HSET", b"ZADD"))


@pytest.mark.parametrize("options", [{}, {"retry_on_timeout": True}], ids=["pipeline", "one by one"])
def test_a_start_goes_over_a_connection_that_broke(place: Place, options: dict[str, Any]) -> None:
    place.app.conf.broker_transport_options = {**place.app.conf.broker_transport_options, **options}
    place.selinon.run_flow("main")
    with place.app.producer_pool.acquire(block=True) as producer:
        pool = producer.channel.pool
    for connection in (*pool._available_connections,):  # as a server that closed them
        connection._sock.close()
    run = place.selinon.run_flow("main")
    assert place.queued() == 2
    assert place.ledger.find(run.id) is not None
