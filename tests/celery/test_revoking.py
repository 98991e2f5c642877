"""What Celery throws away on purpose ends its node run or its flow run, whichever id it was asked by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.result import AsyncResult
from celery.utils.collections import LimitedSet
from celery.worker import state

from selinon_core.celery.selinon_protocol import Revoked
from selinon_core.celery.stores.protocol import Commit
from selinon_core.celery.transport.publisher import DISPATCHER, ENVELOPE
from selinon_core.celery.worker.revocation import Revocations, known_ids, revoke_message
from selinon_core.runtime.ids import id_maker
from selinon_core.simulating.world import World
from tests.celery.changed_flows import CHAIN, NODES, plan_of
from tests.celery.workers import Site, site, wait_until

TASKS = """
import time
from pathlib import Path
from selinon_core import SelinonTask

class Step(SelinonTask):
    def run(self, node_args):
        with (Path(__file__).parent / "ran.txt").open("a") as out:
            out.write(self.task_name + "\\n")
        if self.task_name == "Long":
            time.sleep(60)
"""
YAML = """
tasks:
  - {{name: Quick, import: {module}, classname: Step}}
  - {{name: Long, import: {module}, classname: Step}}
  - {{name: Rescue, import: {module}, classname: Step}}
  - {{name: Timed, import: {module}, classname: Step, timeout: 50}}
flow-definitions:
  - name: main
    edges: [{{from: , to: Quick}}, {{from: Quick, to: Long}}]
    failures: [{{nodes: Long, fallback: Rescue}}]
  - name: timed
    edges: [{{from: , to: Timed}}, {{from: Timed, to: Long}}]
    failures: [{{nodes: Long, fallback: Rescue}}]
  - {{name: alone, edges: [{{from: , to: Long}}]}}
"""
real = [pytest.mark.service("redis"), pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]


def with_marks(*brokers: str) -> list[Any]:
    amqp = pytest.mark.service("amqp")
    return [pytest.param(broker, marks=[*real, *([amqp] if broker == "amqp" else [])]) for broker in brokers]


@pytest.fixture
def here(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    with site(tmp_path, request.param, worker_enable_remote_control=True, selinon_inline_count=0) as made:
        made.write(YAML.format(module=f"tasks_{made.name}"), TASKS)
        yield made


def asked(place: Site, command: str) -> Any:
    """The answer of the first worker of this site only: others on the same server answer too.

    It comes over a connection of its own: one of Celery's pool, left behind by another test, may get no replies.
    """
    with place.app.connection_for_write() as connection:
        inspection = place.app.control.inspect([f"w0@{place.name}"], timeout=5, connection=connection)
        return getattr(inspection, command)()


def node_of(place: Site, run: Any, name: str) -> Any:
    """A node of a run, as status has it, once it runs."""

    def found() -> Any:
        nodes = [node for node in place.selinon.status(run.id)["nodes"] if node["name"] == name]
        return nodes[0] if nodes and nodes[0]["status"] == "running" else None

    wait_until(lambda: name in place.ran(), told=place.logs)
    return wait_until(found, told=place.logs)


@pytest.mark.parametrize("here", with_marks("redis", "amqp"), indirect=True)
def test_a_task_that_is_terminated_has_failed_and_its_fallback_runs(here: Site) -> None:
    here.start("-c", "1", "-E")
    run = here.selinon.run_flow("main")
    node = node_of(here, run, "Long")
    here.app.control.revoke(node["id"], terminate=True)
    assert run.wait(60) == "success", here.logs()
    assert here.ran() == ["Quick", "Long", "Rescue"]
    (long,) = [node for node in here.selinon.status(run.id)["nodes"] if node["name"] == "Long"]
    assert (long["status"], long["error"]["type"]) == ("failure", "TaskRevokedError")
    assert long["error"]["message"] == "its message was terminated"
    assert here.logs().count("Discarding revoked") == 0  # no copies of it go round


@pytest.mark.parametrize("here", with_marks("redis"), indirect=True)
def test_the_message_that_a_monitor_shows_can_be_terminated(here: Site) -> None:
    """By its own id; the task runs inline in the message of the one before it."""
    here.environment["TESTED_SETTINGS"] = here.environment["TESTED_SETTINGS"].replace(
        '"selinon_inline_count": 0', '"selinon_inline_count": 1'
    )
    here.start("-c", "1")
    run = here.selinon.run_flow("main")
    wait_until(lambda: "Long" in here.ran(), told=here.logs)
    active = asked(here, "active")
    ((message,),) = active.values()
    assert message["id"] not in (run.id, id_maker(run.id)(1), id_maker(run.id)(2))
    here.app.control.terminate(message["id"])
    assert run.wait(60) == "success", here.logs()
    assert here.ran() == ["Quick", "Long", "Rescue"]


@pytest.mark.parametrize("here", with_marks("redis"), indirect=True)
@pytest.mark.parametrize(("flow", "first"), [("main", "Quick"), ("timed", "Timed")])
@pytest.mark.parametrize("how", ["revoke", "terminate"])
def test_a_task_that_runs_inline_is_terminated_by_its_own_id(here: Site, flow: str, first: str, how: str) -> None:
    """Its carrier is the message that started the flow, or the one of a task that is never run inline."""
    here.environment["TESTED_SETTINGS"] = here.environment["TESTED_SETTINGS"].replace(
        '"selinon_inline_count": 0', '"selinon_inline_count": 9'
    )
    here.start("-c", "1")
    run = here.selinon.run_flow(flow)
    node = node_of(here, run, "Long")
    if how == "revoke":
        here.app.control.revoke(node["id"], terminate=True)
    else:
        here.app.control.terminate(node["id"])
    assert run.wait(60) == "success", here.logs()
    assert here.ran() == [first, "Long", "Rescue"]
    (long,) = [node for node in here.selinon.status(run.id)["nodes"] if node["name"] == "Long"]
    assert (long["status"], long["error"]["type"]) == ("failure", "TaskRevokedError")


@pytest.mark.parametrize("here", with_marks("redis", "amqp"), indirect=True)
def test_a_revoked_flow_run_is_cancelled(here: Site) -> None:
    here.start("-c", "2")
    run = here.selinon.run_flow("alone")
    node_of(here, run, "Long")
    AsyncResult(run.id, app=here.app).revoke(terminate=True)
    assert run.wait(30) == "cancelled", here.logs()


@pytest.mark.parametrize("here", with_marks("redis", "amqp"), indirect=True)
@pytest.mark.parametrize("by", ["flow id", "message id"])
def test_a_waiting_start_that_is_revoked_is_cancelled(here: Site, by: str) -> None:
    if by == "message id":  # only a message that a worker has taken is shown anywhere
        here.environment["TESTED_SETTINGS"] = here.environment["TESTED_SETTINGS"].replace(
            "{", '{"worker_prefetch_multiplier": 4, ', 1
        )
    here.start("-c", "1")
    first = here.selinon.run_flow("alone")
    node_of(here, first, "Long")
    second = here.selinon.run_flow("alone")
    if by == "flow id":
        AsyncResult(second.id, app=here.app).revoke()
    else:

        def reserved() -> Any:
            return [m for ms in asked(here, "reserved").values() for m in ms]

        (message,) = wait_until(reserved, told=here.logs)
        here.app.control.revoke(message["id"])
    first.cancel()
    here.app.control.revoke(id_maker(first.id)(1), terminate=True)
    assert second.wait(60) == "cancelled", here.logs()
    assert here.ran() == ["Long"]
    if here.selinon.pending_starts.enabled:
        wait_until(lambda: not _is_pending(here, second.id), told=here.logs)


def _is_pending(place: Site, id: str) -> bool:
    return place.selinon.pending_starts.find(id) is not None


def test_ids_that_stand_for_messages() -> None:
    make_id = id_maker("run")
    batch = {"id": "run", "nodes": [{"number": 1}, {"number": 3}]}
    assert list(known_ids(ENVELOPE, batch)) == [make_id(1), make_id(3)]
    assert list(known_ids(ENVELOPE, {"id": "run", "number": 2})) == [make_id(2)]
    assert list(known_ids(DISPATCHER, {"id": "run", "action": "start"})) == ["run"]
    for other in ({"id": "run", "action": "cancel"}, {"id": 7}, None, {"id": ["run"], "action": "start"}):
        assert list(known_ids(DISPATCHER, other)) == []
    assert list(known_ids(ENVELOPE, {"id": "run", "nodes": [7, {"number": "1"}]})) == []


@pytest.mark.parametrize(("action", "discarded"), [("start", True), ("cancel", False), ("wake", False)])
def test_only_the_start_of_a_revoked_run_is_discarded(action: str, discarded: bool) -> None:
    """A request to cancel it, or to advance it, is the way to its end."""
    revoked = LimitedSet(maxlen=10)
    body = [[], {"id": "run", "action": action}, {}]
    message = SimpleNamespace(headers={"id": "message", "task": DISPATCHER}, payload=body)
    revoke_message(message, revoked)
    assert list(revoked) == []
    revoked.add("run")
    revoke_message(message, revoked)
    assert ("message" in revoked) == discarded


def test_what_runs_inline_behind_the_task_that_was_meant_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task that was to be terminated ended meanwhile, and its process was killed in the next one."""
    world = World(plan_of(NODES, CHAIN), workers=1)
    engine = world.workers[0]
    owner: Any = SimpleNamespace(app="app", store=engine.store, services=engine)
    revocations = Revocations(owner)
    header = {"flow": "f", "queue": "celery", "status": "running"}
    world.store.commit(Commit("run", 0, 1.0, create=header, batch="[1]", carrier=0, inlined=1))
    kwargs = {"v": 1, "action": "start", "flow": "f", "id": "run"}
    task = SimpleNamespace(name=DISPATCHER)
    request = SimpleNamespace(id="message", kwargs=kwargs, app="app", task=task)
    monkeypatch.setattr(state, "active_requests", [request])
    terminated: list[str] = []
    wanted = id_maker("run")(1)
    revocations.record(Revoked("", {}, "revoked", (wanted,), terminate=terminated.append))
    assert terminated == ["message"]
    opened = world.store.acquire_lease("run", 0, 5.0, 2.0)
    assert opened is not None
    world.store.commit(Commit("run", 1, 2.0, token=opened.token, batch="[2]", carrier=0, inlined=2))
    revocations.record(Revoked(DISPATCHER, kwargs, "terminated", message="message"))
    found = world.store.acquire_lease("run", 0, 5.0, 10.0)
    assert found is not None
    assert list(found.outbox) == ["o2"]
    assert list(found.entries) == []  # nothing failed
    assert found.header["status"] == "running"
    assert [message.kwargs["action"] for message in world.broker.sent] == ["wake"]


def test_a_pool_that_cannot_stop_tasks_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = World(plan_of(NODES, CHAIN), workers=1).workers[0]
    header = {"flow": "f", "queue": "celery", "status": "running"}
    engine.store.commit(Commit("run", 0, 1.0, create=header, batch="[1]", carrier=0, inlined=1))
    kwargs = {"v": 1, "action": "start", "flow": "f", "id": "run"}
    task = SimpleNamespace(name=DISPATCHER)
    request = SimpleNamespace(id="message", kwargs=kwargs, app="app", task=task)
    monkeypatch.setattr(state, "active_requests", [request])
    owner: Any = SimpleNamespace(app="app", store=engine.store, services=engine)

    def terminate(message: str) -> None:
        raise NotImplementedError

    Revocations(owner).record(Revoked("", {}, "revoked", (id_maker("run")(1),), terminate=terminate))
    assert "this pool cannot stop a running task: message 'message' goes on" in caplog.text
