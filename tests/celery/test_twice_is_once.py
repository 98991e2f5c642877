"""Every action that changes something, asked for twice, in a row and at once, by calls and by the page.

An action is done once in one world and twice in another; then everything goes on to its end in both. What has come
of it is the same: the same tasks have run equally often, and the same is kept. The second answer says the same as
the first, or why there is nothing to do.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from celery import Celery

from selinon_core.celery import Selinon
from selinon_core.celery.steering.parked import Parked
from selinon_core.celery.steering.pruning import old_runs, prune
from selinon_core.celery.steering.termination import cancel_and_terminate
from selinon_core.celery.stores.index import RunQuery
from selinon_core.celery.stores.items import HELD, PARKED, Item
from selinon_core.celery.stores.waits import WaitQuery
from selinon_core.errors import RequestError
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.simulating.world import World
from selinon_core.web import create_app
from selinon_core.web.access import ACTION_HEADER
from selinon_core.web.actions import ACTIONS
from tests.celery.remote_control import RemoteControl
from tests.celery.stores import fresh_store, wipe
from tests.web.viewed import Client

PROJECT = f"""
tasks:
  - {{name: A, import: {__name__}, classname: Counted, tags: [first]}}
  - {{name: Bad, import: {__name__}, classname: Counted}}
  - {{name: Last, import: {__name__}, classname: Counted}}
  - name: Approve
    wait: {{title: "Go on?"}}
    storage: S
    output_schema: {{type: object, required: [ok], properties: {{ok: {{type: boolean}}}}}}
storages:
  - {{name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}}
global:
  schedules:
    - {{name: nightly, flow: order, cron: "30 2 * * *"}}
flow-definitions:
  - name: order
    edges: [{{from: , to: [A, below]}}, {{from: [A, below], to: Last}}]
  - name: below
    edges: [{{from: , to: Bad}}]
  - name: review
    edges: [{{from: , to: Approve}}, {{from: Approve, to: Last, condition: Approve.ok}}]
    failures: [{{nodes: Approve, fallback: A}}]
"""
ran: Counter[str] = Counter()
broken: set[str] = set()


class Counted:
    def __init__(self, **names: Any) -> None:
        self.name = names["task_name"]

    def run(self, node_args: Any) -> None:
        ran[self.name] += 1
        if self.name in broken:
            raise ValueError("it is broken")


class _Publisher:
    """Sends to the simulated broker."""

    def __init__(self, broker: Any) -> None:
        self._broker = broker

    def send(self, messages: Any, note: Any = None) -> None:
        self._broker.send(messages)


class Place:
    """A ``Selinon`` whose workers are simulated."""

    def __init__(self, plan: Plan, store: Any) -> None:
        self.world = World(plan, workers=2, store=store, selinon_inline_count=0, selinon_batch_count=1)
        self.world.now = store.clock()
        self.selinon = Selinon(Celery("twice", broker="memory://", set_as_current=False), plan=plan)
        worker = self.world.workers[0]
        publisher: Any = _Publisher(self.world.broker)
        worker.publisher = publisher
        self.selinon._services = worker
        self.selinon._publishing = worker.messages, publisher
        app: Any = self.selinon.app
        app.control = RemoteControl()
        self._app = create_app(self.selinon, pace=0.0, authorize=lambda request: "operator")
        self.client = Client(self._app)
        ran.clear()
        broken.clear()

    def close(self) -> None:
        self._app.state.close()

    def work(self) -> None:
        """Everything goes on to its end, or until it waits."""
        for _ in range(6):
            self.world.pass_time(1.0)
        while self.world.broker.queue:
            self.world.pass_time(1.0)

    def began(self, flow: str) -> str:
        """A run that a worker has created, and whose tasks wait."""
        id = self.selinon.run_flow(flow).id
        queue = self.world.broker.queue
        queue.insert(0, queue.pop())
        self.world.deliver(*self.world.broker.take(False))
        assert self.world.store.header(id) is not None
        return id

    def failed(self) -> str:
        """A run that failed in its sub-flow, by something that is mended since."""
        broken.add("Bad")
        id = self.selinon.run_flow("order").id
        self.work()
        assert self.selinon.handle(id).status() == "failure"
        broken.clear()
        return id

    def waiting(self) -> str:
        id = self.selinon.run_flow("review").id
        self.work()
        return id

    def ended(self) -> str:
        id = self.selinon.run_flow("order").id
        self.work()
        return id

    def parked(self) -> str:
        id = self.selinon.run_flow("order").id
        self.world.broker.queue.pop()
        sent = self.world.broker.sent[-1]
        kept: dict[str, Any] = {
            "flow": "order",
            "reason": "unknown",
            "queue": sent.queue,
            "task": sent.celery_task,
        }
        kept |= {"shown_as": "order", "task_id": id, "root_id": id, "kwargs": sent.kwargs, "headers": sent.headers}
        store = self.world.store
        store.items.put(Item(PARKED, id, store.clock(), json.dumps(kept)), store.clock() + 600)
        return id

    def post(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        answer = self.client.request("POST", path, json=body, headers={ACTION_HEADER: "1"})
        return answer.status_code, answer.json()

    def come_of_it(self) -> dict[str, Any]:
        """What was done and is kept, without ids and times."""
        store = self.world.store
        rows = store.index.find(RunQuery(), None, 100).rows
        headers = [store.header(row.id) or {} for row in rows]
        return {
            "tasks": dict(ran),
            "runs": sorted((row.flow, row.status, row.key or "") for row in rows),
            "pauses": sorted(header.get("paused") or "0" for header in headers),
            "logs": sorted(len((store.read(row.id) or ({}, []))[1]) for row in rows),
            "parked": len(store.items.find(PARKED, None, 10).items),
            "held": [item.id for item in store.items.find(HELD, None, 10).items],
            "schedules": {name: pause.paused for name, pause in store.schedules.pauses().items()},
            "waits": len(store.waits.find(WaitQuery(), None, 10).rows),
        }


class Action(NamedTuple):
    """Something that may be asked for. ``call`` and ``post`` take the place and what ``begin`` returned."""

    begin: Callable[[Place], Any]
    call: Callable[[Place, Any], Any] | None = None
    #: The path and the body of the request.
    post: Callable[[Place, Any], tuple[str, dict[str, Any]]] | None = None


def _on_run(name: str, **body: Any) -> Callable[[Place, str], tuple[str, dict[str, Any]]]:
    return lambda place, id: (f"/api/runs/{id}/{name}", body)


def _paused(place: Place) -> str:
    id = place.began("order")
    place.selinon.pause(id)
    place.work()
    return id


def _batch(action: str) -> Callable[[Place], str]:
    def begin(place: Place) -> str:
        for _ in range(2):
            place.failed() if action == "retry" else place.began("order")
        status, found = place.post("/api/batch", action=action, filter={"flow": "order"})
        assert status == 200, found
        token: str = found["token"]
        return token

    return begin


def _start_batch(place: Place, token: str) -> tuple[str, dict[str, Any]]:
    return "/api/batch", {"token": token, "rate": "1000/s"}


def _held(place: Place) -> None:
    place.selinon.starts.pause("order")
    for _ in range(2):
        place.began("order")


def _paused_schedule(place: Place) -> None:
    place.selinon.schedules.pause("nightly")


def _prune(place: Place, _: Any) -> None:
    ids = [row.id for row in old_runs(place.selinon, -60.0, ["success"])]
    list(prune(place.selinon, place.selinon.reader, ids))


def _retry_all(place: Place, _: Any) -> None:
    rows = place.world.store.index.find(RunQuery(flows=("order",), statuses=("failure",)), None, 10).rows
    for row in rows:
        place.selinon.retry(row.id)


def _nothing(place: Place) -> None:
    pass


SIGNAL: dict[str, Any] = {"node": "Approve", "value": {"ok": True}}
EVERY: dict[str, Action] = {
    "start with a key": Action(_nothing, lambda place, _: place.selinon.run_flow("order", key="order-7").id),
    "start of some tasks with a key": Action(
        _nothing, lambda place, _: place.selinon.run_flow_selective("order", ["A"], key="order-7").id
    ),
    "retry": Action(Place.failed, lambda place, id: place.selinon.retry(id), _on_run("retry")),
    "retry of a node": Action(
        Place.failed, lambda place, id: place.selinon.retry(id, ["below"]), _on_run("retry", nodes=["below"])
    ),
    "retry of many": Action(lambda place: [place.failed(), place.failed()], _retry_all),
    "retry of many by the page": Action(_batch("retry"), post=_start_batch),
    "rerun": Action(Place.failed, post=_on_run("rerun")),
    "rerun by tags": Action(Place.failed, post=_on_run("rerun", select=["tag:first"])),
    "pause": Action(
        lambda place: place.began("order"), lambda place, id: place.selinon.pause(id), _on_run("pause")
    ),
    "resume": Action(_paused, lambda place, id: place.selinon.resume(id), _on_run("resume")),
    "cancel": Action(
        lambda place: place.began("order"), lambda place, id: place.selinon.cancel(id), _on_run("cancel")
    ),
    "cancel of many by the page": Action(_batch("cancel"), post=_start_batch),
    "terminate": Action(
        lambda place: place.began("order"),
        lambda place, id: cancel_and_terminate(place.selinon, id),
        _on_run("terminate"),
    ),
    "signal": Action(
        Place.waiting, lambda place, id: place.selinon.signal(id, **SIGNAL), _on_run("signal", **SIGNAL)
    ),
    "rejection": Action(
        Place.waiting,
        lambda place, id: place.selinon.signal(id, "Approve", reject="too dear"),
        _on_run("signal", node="Approve", reject="too dear"),
    ),
    "early signal": Action(
        lambda place: place.began("review"),
        lambda place, id: place.selinon.signal(id, **SIGNAL, early=True),
        _on_run("signal", **SIGNAL, early=True),
    ),
    "pause of starts": Action(
        _nothing,
        lambda place, _: place.selinon.starts.pause("order"),
        lambda place, _: ("/api/starts/pause", {"flow": "order"}),
    ),
    "resume of starts": Action(
        _held,
        lambda place, _: place.selinon.starts.resume("order"),
        lambda place, _: ("/api/starts/resume", {"flow": "order"}),
    ),
    "pause of a schedule": Action(
        _nothing,
        lambda place, _: place.selinon.schedules.pause("nightly"),
        lambda place, _: ("/api/schedules/pause", {"schedule": "nightly"}),
    ),
    "resume of a schedule": Action(
        _paused_schedule,
        lambda place, _: place.selinon.schedules.resume("nightly"),
        lambda place, _: ("/api/schedules/resume", {"schedule": "nightly"}),
    ),
    "requeue": Action(
        Place.parked,
        lambda place, id: Parked(place.selinon).requeue(id),
        lambda place, id: (f"/api/parked/{id}/requeue", {}),
    ),
    "drop": Action(
        Place.parked,
        lambda place, id: Parked(place.selinon).drop(id),
        lambda place, id: (f"/api/parked/{id}/drop", {}),
    ),
    "prune": Action(Place.ended, _prune),
}
WAYS = [
    (name, way) for name, action in EVERY.items() for way in ("call", "post") if getattr(action, way) is not None
]
#: How the second follows the first: before a worker looks, after everything has ended, or at the same time.
ORDERS = ("before anything is done", "after everything is done", "at once")


@pytest.fixture(scope="module")
def plan() -> Plan:
    found = compile_text({"p.yaml": PROJECT})
    assert found.plan is not None, [str(each) for each in found.diagnostics]
    return found.plan


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("redis", marks=pytest.mark.service("redis")),
        pytest.param("postgres", marks=pytest.mark.service("postgres")),
    ],
    scope="module",
)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with fresh_store(request.param, tmp_path_factory.mktemp("stores")) as store:
        yield store


def asked(place: Place, name: str, way: str, begun: Any) -> str:
    """Ask for an action; returns the answer without what differs from one to the next."""
    action = EVERY[name]
    if way == "call":
        assert action.call is not None
        try:
            action.call(place, begun)
        except RequestError as error:
            return f"refused: {error}"
        return "done"
    assert action.post is not None
    path, body = action.post(place, begun)
    status, answer = place.post(path, **body)
    if status in (404, 409):
        return f"refused: {answer['error']['message']}"
    assert status in (200, 202), (status, answer)
    while path == "/api/batch":
        progress = place.client.get(f"/api/batch/{body['token']}").json()
        if progress["state"] != "running":
            assert progress["state"] == "ended", progress
            break
    return "done"


def played(plan: Plan, store: Any, name: str, way: str, order: str | None) -> tuple[dict[str, Any], list[str]]:
    """What has come of an action, and the answers; ``order`` None: it is asked for once."""
    wipe(store)
    place = Place(plan, store)
    try:
        begun = EVERY[name].begin(place)
        answers: list[str] = []

        def ask() -> None:
            answers.append(asked(place, name, way, begun))

        if order == "at once":
            threads = [threading.Thread(target=ask) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
        else:
            ask()
        if order == "before anything is done":
            ask()
        place.work()
        if order == "after everything is done":
            ask()
            place.work()
        return place.come_of_it(), answers
    finally:
        place.close()


@pytest.mark.parametrize(("name", "way"), WAYS, ids=lambda value: value)
def test_twice_is_once(plan: Plan, store: Any, name: str, way: str) -> None:
    once, (first,) = played(plan, store, name, way, None)
    assert first == "done"
    for order in ORDERS:
        twice, answers = played(plan, store, name, way, order)
        assert twice == once, order
        assert len(answers) == 2, order
        assert "done" in answers, (order, answers)
        assert all(len(answer) > len("refused: ") for answer in answers if answer != "done")


def test_every_action_of_the_page_is_in_the_table() -> None:
    routes = {action.post for action in EVERY.values() if action.post is not None}
    place: Any = None
    paths = {post(place, "ID")[0].removeprefix("/api/runs/ID/") for post in routes}
    assert paths >= ACTIONS.keys()
