"""Where the result backend is on the server of the state store, the step that ends a run writes its result too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult

from selinon_core.celery.reporting.result_writer import ResultsInCommits
from selinon_core.celery.stores import open_store
from selinon_core.celery.stores.protocol import Commit, StoredResult
from selinon_core.dispatch import FlowOutcome
from selinon_core.errors import FlowError
from tests import services
from tests.conftest import need

pytestmark = pytest.mark.service("redis")

NOW = 1_800_000_000.0
HEADER = {"flow": "main", "queue": "q", "status": "running", "inbox_threshold": "0", "idle_check_after": "0"}
SUCCESS = FlowOutcome(True, {"A": ["a1"]}, {}, [], {})
FAILURE = FlowOutcome(False, {}, {"A": ["a1"]}, [], {}, "A failed")


class Place:
    """An app with its backend in one database of a server, and its store in another one."""

    def __init__(self, backend: str, state: str) -> None:
        import redis

        self.name = services.private_name()
        self.app = Celery(self.name, broker="memory://", backend=backend, set_as_current=False)
        self.app.conf.result_backend_transport_options = {"global_keyprefix": self.name + ":"}
        self.store: Any = open_store(state, self.name + ":")
        self.client: Any = redis.Redis.from_url(backend, decode_responses=True)

    def encoded(self, outcome: FlowOutcome, id: str = "run") -> StoredResult | None:
        return ResultsInCommits(self.app, self.store)(id, outcome)

    def end(self, result: StoredResult | None, id: str = "run") -> None:
        """Commit a run that begins and ends in one step."""
        fields = {"status": "success"}
        step = Commit(id, 0, NOW, create=HEADER, batch="[]", fields=fields, ttl=60, result=result)
        assert self.store.commit(step).ok

    def clear(self) -> None:
        self.store.clear()
        for key in self.client.scan_iter(self.name + "*", 1000):
            self.client.delete(key)


def _database(url: str, number: int) -> str:
    return f"{url.rpartition('/')[0]}/{number}"


@pytest.fixture
def place() -> Iterator[Place]:
    url = need("redis")
    made = Place(_database(url, 1), url)
    yield made
    made.clear()


@pytest.mark.parametrize("outcome", [SUCCESS, FAILURE])
def test_celery_reads_what_the_commit_wrote(place: Place, outcome: FlowOutcome) -> None:
    place.end(place.encoded(outcome))
    found = AsyncResult("run", app=place.app)
    assert found.state == ("SUCCESS" if outcome.succeeded else "FAILURE")
    if outcome.succeeded:
        assert found.get(timeout=5) == outcome.state
    else:
        with pytest.raises(FlowError) as raised:
            found.get(timeout=5)
        assert raised.value.state == outcome.state
    (key,) = place.client.scan_iter(place.name + "*celery-task-meta-run", 1000)
    assert 0 < place.client.ttl(key) <= place.app.backend.expires


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_it_is_what_the_backend_itself_would_write(place: Place) -> None:
    place.end(place.encoded(SUCCESS))
    place.app.backend.store_result("other", SUCCESS.state, "SUCCESS")
    ours, theirs = (
        json.loads(place.client.get(place.app.backend.get_key_for_task(id))) for id in ("run", "other")
    )
    assert {**ours, "task_id": "", "date_done": ""} == {**theirs, "task_id": "", "date_done": ""}


def test_who_waits_hears_of_it(place: Place) -> None:
    result = place.encoded(SUCCESS)
    assert result is not None
    listener = place.client.pubsub()
    listener.subscribe(result.key)
    assert listener.get_message(timeout=5)["type"] == "subscribe"
    place.end(result)
    heard = listener.get_message(timeout=5)
    assert heard["type"] == "message"
    assert heard["data"] == result.text
    listener.close()


def test_the_run_needs_no_outbox(place: Place) -> None:
    place.end(place.encoded(SUCCESS))
    opened = place.store.acquire_lease("run", 0, 1.0, NOW)
    assert opened.outbox == []
    assert place.store.next_due() is None or place.store.header("run")["status"] == "success"


@pytest.mark.parametrize("denied", ["publish", "setex", "select"])
def test_what_the_server_refuses_is_left_to_the_outbox(place: Place, denied: str) -> None:
    url, user = need("redis"), services.private_name()
    place.client.acl_setuser(user, enabled=True, passwords=["+secret"], keys=["*"], channels=["*"],
                             commands=["+@all", f"-{denied}"])  # fmt: skip
    try:
        own = url.replace("redis://", f"redis://{user}:secret@", 1)
        if denied == "select":  # a client that has to choose a database could not even connect
            own = _database(own, 0)
        there = Place(_database(own, 1), own)
        there.store = open_store(own, place.name + ":")
        result = there.encoded(SUCCESS)
        assert result is not None
        there.end(result)
        assert there.store.header("run")["status"] == "success"
        opened = there.store.acquire_lease("run", 0, 1.0, NOW)
        assert list(opened.outbox) == ["r"]
        there.store.close()
    finally:
        place.client.acl_deluser(user)


def test_results_on_another_server_are_written_by_the_relay(place: Place) -> None:
    elsewhere = Celery("other", broker="memory://", backend="redis://127.0.0.1:1/0", set_as_current=False)
    assert ResultsInCommits(elsewhere, place.store)("run", SUCCESS) is None
    assert ResultsInCommits(place.app, open_store("memory://", None))("run", SUCCESS) is None
    of_another_kind = Celery("third", broker="memory://", backend="cache+memory://", set_as_current=False)
    assert ResultsInCommits(of_another_kind, place.store)("run", SUCCESS) is None


def test_a_backend_that_cannot_encode_a_result_says_so_in_the_relay(place: Place) -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    assert place.encoded(FlowOutcome(True, {"A": [cyclic]}, {}, [], {})) is None  # type: ignore[dict-item]
