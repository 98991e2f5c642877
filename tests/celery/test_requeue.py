"""Messages that cannot be handled now, or ever: none is lost, and none keeps others from being handled."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Ignore, Reject
from kombu import Queue

from selinon_core.celery import Selinon
from selinon_core.celery.steering.parked import Parked
from selinon_core.celery.stores.protocol import Commit
from selinon_core.celery.transport.publisher import DISPATCHER, OutgoingMessage
from selinon_core.celery.worker.bootsteps import queues_that_drop
from selinon_core.celery.worker.celery_tasks import GIVE_BACK_AFTER, MessageReceiver
from selinon_core.celery.worker.requeue import DEAD_LETTERS, FAILURES, REASON
from selinon_core.errors import RequestError, StateStoreError
from tests.celery.changed_flows import CHAIN, NODES, plan_of

START = {"v": 1, "action": "start", "flow": "f", "id": "run", "args": 7}
BROKERS = ["redis://", "amqp://"]


def refusing(*_: Any, **__: Any) -> bool:
    """A store that is away."""
    raise StateStoreError("away")


class Site:
    """A worker that sends nowhere; ``failing`` is what every start raises."""

    def __init__(self, broker: str) -> None:
        app = Celery("site", broker=broker, backend="cache+memory://", set_as_current=False)
        app.conf.selinon_state_url = "memory://"
        app.conf.selinon_store_retry_timeout = 0
        self.selinon = Selinon(app, plan=plan_of(NODES, CHAIN))
        self.store = self.selinon.services.store
        self.selinon.services.relay._publisher = self  # type: ignore[assignment]
        self.pauses: list[float] = []
        services = self.selinon.services
        services.surroundings = services.surroundings._replace(sleep=self.pauses.append)
        self.receiver = MessageReceiver(self.selinon)
        self.sent: list[OutgoingMessage] = []
        self.away = False
        self.forgotten: list[str] = []
        self.selinon.pending_starts = SimpleNamespace(enabled=True, forget=self.forgotten.append)  # type: ignore[assignment]

    def send(self, messages: Iterable[OutgoingMessage]) -> None:
        if self.away:
            raise ConnectionError
        self.sent += messages

    def fail(self, error: Exception) -> None:
        def start(*_: Any) -> None:
            raise error

        self.selinon.services.executor.start = start  # type: ignore[method-assign]


def received(kwargs: dict[str, Any], redelivered: bool = False, **headers: Any) -> Any:
    """The Celery task of a message that arrived."""
    request = SimpleNamespace(
        id="message",
        root_id="run",
        args=[],
        kwargs=kwargs,
        shadow="selinon.flow.f",
        delivery_info={"exchange": "", "routing_key": "celery", "redelivered": redelivered},
        retries=headers.pop("retries", 0),
        timelimit=[None, None],
        headers=headers,
    )
    return SimpleNamespace(name=DISPATCHER, request=request)


@pytest.mark.parametrize("broker", BROKERS)
def test_a_start_that_cannot_be_handled_is_parked_after_some_tries(
    broker: str, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(broker)
    site.fail(ValueError("no\nnever"))
    task, tries = received(START), 0
    while True:
        tries += 1
        try:
            site.receiver.dispatch(task, START)
        except Ignore:
            (copy,) = site.sent
            assert (copy.queue, copy.kwargs, copy.task_id) == ("celery", START, "run")
            assert copy.headers == {FAILURES: tries}
            task = received(START, **copy.headers)
            site.sent.clear()
            continue
        break
    assert tries == 5
    assert site.pauses == [GIVE_BACK_AFTER] * 4
    assert site.sent == []
    parked = Parked(site.selinon)
    (row,) = parked.list().rows
    assert (row["id"], row["flow"], row["queue"]) == ("run", "f", "celery")
    assert row["reason"] == "ValueError: no\\nnever"
    assert site.forgotten == ["run"]
    (line,) = [
        record
        for record in caplog.records
        if "selinon parked" in record.getMessage() and record.levelno == logging.ERROR
    ]
    assert "ValueError: no\\nnever" in line.getMessage()


def test_without_the_store_a_start_is_put_into_the_queue_of_dead_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site("redis://")
    site.fail(ValueError("no"))

    monkeypatch.setattr(site.store.items, "put", refusing)
    site.receiver.dispatch(received(START, **{FAILURES: 4}), START)
    (letter,) = site.sent
    assert (letter.queue, letter.kwargs) == (DEAD_LETTERS, START)
    assert letter.headers is not None
    assert letter.headers[REASON] == "ValueError: no"
    assert site.forgotten == ["run"]


def test_what_is_parked_is_requeued_or_dropped_and_the_audit_knows_it() -> None:
    site = Site("redis://")
    site.fail(ValueError("no"))
    site.receiver.dispatch(received(START, **{FAILURES: 4}), START)
    other = {**START, "id": "other"}
    site.receiver.dispatch(received(other, **{FAILURES: 4}), other)
    services = site.selinon.services
    services.publisher = site  # type: ignore[assignment]
    parked = Parked(site.selinon)
    assert {row["id"] for row in parked.list().rows} == {"run", "other"}
    site.away = True
    with pytest.raises(ConnectionError):
        parked.requeue("run", "ann")
    site.away = False
    assert len(parked.list().rows) == 2  # it is not lost
    parked.requeue("run", "ann")
    (message,) = site.sent
    assert (message.queue, message.celery_task, message.kwargs) == ("celery", DISPATCHER, START)
    assert not (message.headers or {}).get(FAILURES)
    parked.drop("other", "bert")
    assert parked.list().rows == []
    told = [(entry.who, entry.what, entry.run) for entry in site.store.audit.read().entries]
    assert set(told) == {("ann", "requeue", "run"), ("bert", "drop", "other")}
    for act in (parked.requeue, parked.drop):
        with pytest.raises(RequestError, match="nothing is parked under run"):
            act("run")


def test_a_start_of_an_unknown_flow_is_left_to_others_and_then_parked() -> None:
    site = Site("redis://")
    start = {**START, "flow": "newer"}
    now = [0.0]
    site.selinon.services.surroundings = site.selinon.services.surroundings._replace(monotonic=lambda: now[0])
    for now[0] in (0.0, 30.0, 59.0):
        with pytest.raises(Reject) as given_back:
            site.receiver.dispatch(received(start), start)
        assert given_back.value.requeue
    now[0] = 61.0
    site.receiver.dispatch(received(start), start)
    (row,) = Parked(site.selinon).list().rows
    assert (row["flow"], row["reason"]) == (
        "newer",
        'no flow is named "newer", and no worker took its start for 60 s',
    )


def test_a_failed_start_stays_where_it_is_while_neither_store_nor_broker_takes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site("amqp://")
    monkeypatch.setattr(site.store.items, "put", refusing)
    site.fail(ValueError("no"))
    site.away = True
    for failures in (0, 4):
        with pytest.raises(Reject) as given_back:
            site.receiver.dispatch(received(START, **{FAILURES: failures}), START)
        assert given_back.value.requeue
    assert site.forgotten == []


def test_a_sub_flow_that_cannot_be_begun_fails_its_node() -> None:
    site = Site("redis://")
    site.fail(ValueError("no"))
    header = {"flow": "f", "queue": "celery", "status": "running"}
    site.store.commit(Commit("parent", 0, 1.0, create=header, batch="[1]"))
    start = {**START, "caller": ["parent", 3, "f"]}
    site.receiver.dispatch(received(start, **{FAILURES: 4}), start)
    found = site.store.read("parent")
    assert found is not None
    (entry,) = found[2]
    assert "failed 5 times: ValueError: no" in entry
    assert [message.kwargs["action"] for message in site.sent] == ["wake"]


def test_while_the_store_is_away_a_start_goes_round_uncounted() -> None:
    """A quorum queue counts what is rejected, and drops it at its limit: a copy begins with none."""
    site = Site("amqp://")
    site.fail(StateStoreError("away"))
    for redelivered in (False, True):
        with pytest.raises(Ignore):
            site.receiver.dispatch(received(START, redelivered), START)
    assert [message.headers for message in site.sent] == [None, {"retries": 1}]
    site = Site("redis://")  # it counts nothing, and has what is rejected at the tail
    site.fail(StateStoreError("away"))
    with pytest.raises(Reject):
        site.receiver.dispatch(received(START), START)


@pytest.mark.parametrize("start", [{**START, "action": "dance"}, {**START, "args": float("nan")}])
def test_what_was_refused_is_not_sent_again(start: dict[str, Any]) -> None:
    site = Site("redis://")
    site.receiver.dispatch(received(start), start)
    assert site.forgotten == ["run"]


@pytest.mark.parametrize(
    ("arguments", "drops"),
    [
        ({}, False),
        ({"x-queue-type": "classic"}, False),
        ({"x-queue-type": "quorum"}, True),
        ({"x-queue-type": "quorum", "x-delivery-limit": 50}, True),
        ({"x-queue-type": "quorum", "x-delivery-limit": -1}, False),
        ({"x-queue-type": "quorum", "x-dead-letter-exchange": "dead"}, False),
    ],
)
def test_queues_that_may_drop_messages_are_known(arguments: dict[str, Any], drops: bool) -> None:
    for broker in BROKERS:
        app = Celery("site", broker=broker, set_as_current=False)
        app.conf.task_queues = [Queue("mine", queue_arguments=arguments)]
        assert queues_that_drop(app) == (["mine"] if drops and broker == "amqp://" else [])


@pytest.mark.parametrize("broker", BROKERS)
def test_a_message_of_selinon_1_is_left_to_its_own_workers(broker: str) -> None:
    site = Site(broker)
    old = {"flow_name": "f", "dispatcher_id": "run", "state": {}}
    task, published = received(old, retries=3), []

    def again(request: Any, args: Any, kwargs: Any, retries: int) -> Any:
        return SimpleNamespace(apply_async=lambda: published.append((request.id, args, kwargs, retries)))

    task.signature_from_request = again
    with pytest.raises(Ignore if broker == "amqp://" else Reject):
        site.receiver.dispatch(task, old)
    assert published == ([("message", [], old, 3)] if broker == "amqp://" else [])
    assert site.sent == []
