"""Messages that go back to the queue for workers with other files."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Ignore, Reject

from selinon_core.celery import Selinon
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.celery.stores.protocol import Commit
from selinon_core.celery.transport.publisher import ENVELOPE, OutgoingMessage
from selinon_core.celery.worker.celery_tasks import MessageReceiver
from tests.celery.changed_flows import CHAIN, NODES, plan_of

STRANGE = {"v": 1, "flow": "f", "id": "run", "number": 1, "task": "New", "args": 7}


class Posted:
    """Stands for the publisher."""

    def __init__(self, *, away: bool = False) -> None:
        self.letters: list[OutgoingMessage] = []
        self.away = away

    def send(self, letters: Iterable[OutgoingMessage]) -> None:
        if self.away:
            raise ConnectionError
        self.letters += letters


def received(redelivered: bool = False) -> Any:
    """The Celery task of a message that was received."""
    delivery = {"exchange": "", "routing_key": "celery", "redelivered": redelivered}
    request = SimpleNamespace(
        id="node",
        root_id="run",
        kwargs=STRANGE,
        shadow="selinon.task.New",
        delivery_info=delivery,
        retries=0,
        timelimit=[12.0, None],
        headers={"traceparent": "00-a-b-01"},
    )
    return SimpleNamespace(name=ENVELOPE, request=request)


@pytest.fixture
def old_worker() -> Any:
    """Makes a worker that does not know the task; by the URL of its broker."""

    def make(broker: str, posted: Posted) -> MessageReceiver:
        app = Celery("old", broker=broker, backend="cache+memory://", set_as_current=False)
        app.conf.selinon_state_url = "memory://"
        selinon = Selinon(app, plan=plan_of(NODES, CHAIN))
        store = selinon.services.store = MemoryStore()
        selinon.services.relay._publisher = posted  # type: ignore[assignment]
        header = {"flow": "f", "queue": "celery", "status": "running", "initial_definition": "other"}
        store.commit(
            Commit(
                "run",
                0,
                1.0,
                create={**header, "migration": "1", "graph": "g", "definition": "other"},
                batch="[1]",
            )
        )
        services = selinon.services
        services.surroundings = services.surroundings._replace(sleep=lambda seconds: None)
        return MessageReceiver(selinon)

    return make


def test_rabbitmq_has_it_at_the_end_of_the_queue(old_worker: Any) -> None:
    posted = Posted()
    with pytest.raises(Ignore):
        old_worker("amqp://", posted).run_nodes(received(), STRANGE)
    (letter,) = posted.letters
    assert letter == OutgoingMessage(
        "celery",
        ENVELOPE,
        "selinon.task.New",
        "run",
        "run",
        STRANGE,
        12.0,
        {"traceparent": "00-a-b-01"},
    )


def test_a_copy_of_what_was_delivered_before_says_so(old_worker: Any) -> None:
    """It is published all the same: a queue with a delivery limit drops what is rejected too often."""
    posted = Posted()
    with pytest.raises(Ignore):
        old_worker("amqp://", posted).run_nodes(received(True), STRANGE)
    (letter,) = posted.letters
    assert letter.headers == {"traceparent": "00-a-b-01", "retries": 1}


@pytest.mark.parametrize(
    ("broker", "away"), [("redis://", False), ("amqp://", True)], ids=["redis", "broker away"]
)
def test_it_is_rejected_where_that_is_right(broker: str, away: bool, old_worker: Any) -> None:
    posted = Posted(away=away)
    with pytest.raises(Reject) as given_back:
        old_worker(broker, posted).run_nodes(received(), STRANGE)
    assert given_back.value.requeue
    assert posted.letters == []
