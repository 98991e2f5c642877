"""A store that an earlier selinon wrote is opened as it is: its runs are listed, go on, end, and are retried.

``earlier_store.json`` has the statements and commands that make such a store again, with the messages that were
at the broker. It holds a run that succeeded, one that failed in its sub-flow, one that was cancelled and two in
flight.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selinon_core.celery.steering import Steering
from selinon_core.celery.stores import Store, open_store
from selinon_core.celery.stores.index import RunQuery
from selinon_core.celery.worker.index_upkeep import IndexUpkeep
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.simulating.world import World
from tests import services
from tests.conftest import need

KEPT: dict[str, Any] = json.loads((Path(__file__).parent / "earlier_store.json").read_text())
ran: Counter[str] = Counter()


class Task:
    def __init__(self, **names: Any) -> None:
        self.name = names["task_name"]

    def run(self, node_args: Any) -> dict[str, int]:
        ran[self.name] += 1
        return {"n": 1}


def sqlite(directory: Path) -> Iterator[Store]:
    path = directory / "state.db"
    connection = sqlite3.connect(path)
    connection.executescript("\n".join(KEPT["sqlite"]))
    connection.close()
    store = open_store(f"sqlite:///{path}", "selinon_")
    try:
        yield store
    finally:
        store.close()


def redis(directory: Path) -> Iterator[Store]:
    import redis

    url, prefix = need("redis"), f"{services.private_name()}:"
    client: Any = redis.Redis.from_url(url)
    for command, key, *words in KEPT["redis"]:
        client.execute_command(command, prefix + key, *words)
    client.close()
    store = open_store(url, prefix)
    try:
        yield store
    finally:
        store.clear()
        store.close()


@pytest.fixture(params=[sqlite, pytest.param(redis, marks=pytest.mark.service("redis"))])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    yield from request.param(tmp_path)


@pytest.fixture
def plan() -> Plan:
    ran.clear()
    found = compile_text({"p.yaml": KEPT["project"].replace("earlier_tasks", __name__)})
    assert found.plan is not None
    return found.plan


def statuses(store: Store) -> dict[str, str]:
    return {name: (store.header(id) or {})["status"] for name, id in KEPT["runs"].items()}


def test_its_runs_go_on_are_listed_and_retried(store: Store, plan: Plan) -> None:
    store.prepare()
    ended = {"succeeded": "success", "failed": "failure", "cancelled": "cancelled"}
    assert statuses(store) == {**ended, "in flight": "running", "half done": "running"}
    world = World(plan, store=store, selinon_inline_count=0)
    IndexUpkeep(world.workers[0]).run_once(world.now)  # as the leader of the sweep does
    listed = {row.id: row.status for row in store.index.find(RunQuery(), None, 50).rows}
    assert listed.items() >= {KEPT["runs"][name]: "running" for name in ("in flight", "half done")}.items()
    world.broker.queue.extend((text, False) for text in KEPT["messages"])
    for _ in range(4):
        world.pass_time(10.0)
    assert statuses(store) == {**ended, "in flight": "success", "half done": "success"}
    assert ran == {"A": 1, "Last": 2}

    owner: Any = world.workers[0]
    steering: Any = type("Owner", (), {"services": owner, "store": store, "plan": plan})()
    failed = KEPT["runs"]["failed"]
    planned = Steering(steering).retry(failed, timeout=None)
    assert planned.id == failed
    for _ in range(4):
        world.pass_time(10.0)
    assert statuses(store)["failed"] == "success"
    assert ran == {"A": 1, "Bad": 1, "Last": 3}
    found = {row.id: row.status for row in store.index.find(RunQuery(), None, 50).rows}
    names = ("in flight", "half done")
    assert found.items() >= {KEPT["runs"][name]: "success" for name in names}.items()
