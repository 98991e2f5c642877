"""A flow that is asked for several times with one key runs once."""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import scripted
from celery import Celery

from selinon_core.celery import Selinon
from selinon_core.celery.handle import FlowHandle
from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.stores.index import RunQuery
from selinon_core.celery.transport.pending_starts import CHECK_AFTER
from selinon_core.celery.transport.publisher import DISPATCHER, OutgoingMessage
from selinon_core.errors import RequestError
from selinon_core.runtime.ids import is_flow_id, keyed_flow_id
from selinon_core.simulating.world import World
from tests.celery.changed_flows import CHAIN, NODES, plan_of
from tests.celery.workers import Site, site, wait_until

PLAN = plan_of(NODES, [{"name": "f", "edges": [{"from": None, "to": "A"}]}])
TASKS = """
import time
from pathlib import Path
from selinon_core import SelinonTask

class Step(SelinonTask):
    def run(self, node_args):
        with (Path(__file__).parent / "ran.txt").open("a") as out:
            out.write(f"{self.task_name} {self.task_id}\\n")
        if self.task_name == "Slow":
            time.sleep(node_args["seconds"])
"""
YAML = """
tasks: [{name: A, import: MODULE, classname: Step}, {name: B, import: MODULE, classname: Step},
        {name: Slow, import: MODULE, classname: Step}]
flow-definitions:
  - {name: main, edges: [{from: , to: [A, Slow]}, {from: A, to: B}]}
"""


def written(place: Site) -> None:
    place.write(YAML.replace("MODULE", f"tasks_{place.name}"), TASKS)


def selinon() -> Selinon:
    app = Celery("caller", broker="memory://", set_as_current=False)
    app.conf.selinon_state_url = "memory://"
    return Selinon(app, plan=plan_of(NODES, CHAIN))


def test_the_id_follows_from_flow_and_key_for_ever() -> None:
    assert keyed_flow_id("order", "order-7") == "1a2bb0ca-5600-5444-abbf-0b61d938c3b3"
    ids = {keyed_flow_id(*names) for names in [("a", "b"), ("a", "c"), ("c", "b"), ("ab", ""), ("", "ab")]}
    assert len(ids) == 5
    assert all(is_flow_id(id) for id in ids)


def test_callers_of_one_key_get_one_handle() -> None:
    caller = selinon()
    first, second = (caller.run_flow("f", {"n": n}, key="order-7") for n in (1, 2))
    assert first.id == second.id == keyed_flow_id("f", "order-7")
    assert caller.run_flow("f", key="order-8").id != first.id
    assert caller.run_flow("f").id != caller.run_flow("f").id


@pytest.mark.parametrize("key", ["", "two\nlines", "k" * 256, 7])
def test_what_is_not_a_key_is_refused(key: Any) -> None:
    with pytest.raises(RequestError, match="key is not a text of 1 to 255 characters in one line"):
        selinon().run_flow("f", key=key)


# -- simulated workers ------------------------------------------------------------------------------------------


def ask(world: World, key: str, args: Any, **more: Any) -> str:
    id = keyed_flow_id("f", key)
    kwargs = {"action": "start", "flow": "f", "id": id, "args": args, "key": key, **more}
    world.broker.send([OutgoingMessage("celery", DISPATCHER, "f", id, id, kwargs)])
    return id


def status(world: World, id: str) -> dict[str, Any]:
    return describe(world.store, world.workers[0].flow_versions, id)


def begun(world: World, id: str) -> int:
    """How many node runs the run has; their ids are written once each."""
    return len(status(world, id)["nodes"])


@pytest.mark.parametrize("seed", range(20))
def test_many_starts_under_crashes_are_one_run(seed: int) -> None:
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    world = World(PLAN, seed=seed, workers=3, shuffle=True, crash=0.05, duplicate=0.2)
    for _ in range(5):
        id = ask(world, "order-7", {"n": 1})
        world.work_some(1)
    world.work()
    assert status(world, id)["status"] == "success"
    assert ask(world, "order-7", {"n": 1}) == id  # it has ended
    world.work()
    found = status(world, id)
    assert (len(found["nodes"]), found["key"], found["start_conflict"]) == (1, "order-7", None)
    assert [row.id for row in world.store.index.find(RunQuery(key="order-7")).rows] == [id]


@pytest.mark.parametrize("other", [{"args": {"n": 2}}, {"selective": "only A"}], ids=["arguments", "selection"])
def test_the_first_start_counts_and_the_conflict_is_reported(
    other: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    from selinon_core.dispatch import select

    if "selective" in other:
        other = {"selective": select(PLAN, "f", ["A"]).to_json()}
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    world = World(PLAN)
    id = ask(world, "order-7", {"n": 1})
    world.work()
    assert status(world, id)["start_conflict"] is None
    ask(world, "order-7", other.get("args", {"n": 1}), **{k: v for k, v in other.items() if k != "args"})
    world.work()
    conflict = status(world, id)["start_conflict"]
    assert conflict["at"] == pytest.approx(world.now, abs=1)
    assert conflict["message"].startswith('the key "order-7" has a flow run that was started with other arguments')
    assert begun(world, id) == 1


def test_a_run_that_a_worker_of_before_began_is_no_conflict() -> None:
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    world = World(PLAN)
    world.start("f", {"n": 1}, id=keyed_flow_id("f", "order-7"))  # it ignores what it does not know: the key
    world.work()
    id = ask(world, "order-7", {"n": 2})
    world.work()
    assert "start_conflict" not in status(world, id)
    assert begun(world, id) == 1


# -- real brokers -----------------------------------------------------------------------------------------------


@pytest.mark.service("redis")
def test_of_pending_starts_the_first_is_kept(tmp_path: Path) -> None:
    """Both messages get lost; what is sent again is the first, and only it."""
    import redis

    with site(tmp_path, "redis") as place:
        written(place)
        place.app.conf.broker_transport_options = {"global_keyprefix": place.name + ":"}
        client: Any = redis.Redis.from_url(place.environment["TESTED_BROKER"], decode_responses=True)
        try:
            caller = place.selinon
            for n in (1, 2):
                run = caller.run_flow("main", {"n": n}, key="order-7")
            found = caller.status(run.id)
            assert (found["status"], found["flow"], found["key"]) == ("pending", "main", "order-7")
            queue = f"{place.name}:{place.name}"
            assert client.delete(queue) == 1
            later = caller.pending_starts.clock() + CHECK_AFTER + 1
            assert caller.pending_starts.resend_lost(caller.store, caller.services.publisher, later) == 1
            (text,) = client.lrange(queue, 0, -1)
            assert json.loads(base64.b64decode(json.loads(text)["body"]))[1]["args"] == {"n": 1}
        finally:
            for name in client.scan_iter(place.name + ":*", 1000):
                client.delete(name)
            client.close()


@pytest.mark.timeout(180)
@pytest.mark.xdist_group("workers")
@pytest.mark.parametrize(
    "broker",
    [
        pytest.param("redis", marks=pytest.mark.service("redis")),
        pytest.param("amqp", marks=pytest.mark.service("redis", "amqp")),
    ],
)
def test_two_callers_at_once_and_a_killed_worker_make_one_run(broker: str, tmp_path: Path) -> None:
    with site(tmp_path, broker) as place:
        written(place)
        place.selinon.plan  # noqa: B018  (compiled once, before the threads begin)
        handles: list[FlowHandle] = []
        both = threading.Barrier(2)

        def start() -> None:
            both.wait()
            handles.append(place.selinon.run_flow("main", {"seconds": 2}, key="order-7"))

        threads = [threading.Thread(target=start) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first = place.start("-c", "2")
        wait_until(lambda: any(line.startswith("Slow ") for line in place.ran()), told=place.logs)
        place.kill(first)
        place.start("-c", "2")
        again = place.selinon.run_flow("main", {"seconds": 7}, key="order-7")  # while it runs
        assert again.wait(60) == "success", place.logs()
        assert {again.id} == {handle.id for handle in handles}
        wait_until(lambda: place.selinon.status(again.id)["start_conflict"], told=place.logs)
        ended = place.selinon.run_flow("main", {"seconds": 2}, key="order-7")
        assert ended.result(30)["finished_nodes"] == again.result(30)["finished_nodes"]
        # Attempts may repeat, node runs do not: each name has one id.
        ids = Counter(name for name, _ in {tuple(line.split()) for line in place.ran()})
        assert ids == {"A": 1, "B": 1, "Slow": 1}
