"""What the index of runs costs a flow run, counted: ``python benchmarks/index_cost.py``.

Flow runs are carried out by one simulated worker, with and without the index in turn. Its state store is a private
Redis server, or with ``--store`` a SQLite file or a database of the PostgreSQL server of this machine. Requests,
commands of the server and calls of Python functions do not depend on what else the machine does. Microseconds of
CPU are the lowest of several rounds, of the worker and of the server. Of SQL, requests are transactions and
commands are statements; SQLite works in the process of the worker. What Celery and the broker cost comes on top:
``python -m benchmarks.celery --only many:500`` has all of it. The target is that the index costs at most 2 % of a
flow of 5, and nothing per node.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import redis

from benchmarks.celery.servers import redis_server
from selinon_core.celery.execution.index_changes import IndexChanges
from selinon_core.celery.stores import open_store
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.simulating.world import World

#: What writes to the index as runs begin and end.
WRITERS = ("created", "ended")
#: Starts that a worker takes together, as it does where many wait.
TOGETHER = 16
COLUMNS = ("requests", "commands", "calls", "worker", "server")


def chain(nodes: int) -> Plan:
    """A flow of so many tasks, one after the other."""
    module = ModuleType("index_cost_tasks")
    exec("class T:\n    def __init__(self, **names): pass\n    def run(self, node_args): pass\n", module.__dict__)
    sys.modules[module.__name__] = module
    names = [f"T{number}" for number in range(nodes)]
    tasks = "".join(f"  - {{name: {name}, import: {module.__name__}, classname: T}}\n" for name in names)
    edges = "".join(
        f"      - {{from: {one}, to: {other}}}\n" for one, other in zip(["", *names], names, strict=False)
    )
    plan = compile_text({"nodes.yaml": f"tasks:\n{tasks}flow-definitions:\n  - name: f\n    edges:\n{edges}"}).plan
    assert plan is not None
    return plan


@contextmanager
def without_index() -> Iterator[None]:
    """Runs have no rows meanwhile."""
    before = {name: getattr(IndexChanges, name) for name in WRITERS}
    for name in WRITERS:
        setattr(IndexChanges, name, lambda self, *args, **named: None)
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(IndexChanges, name, function)


class RedisFigures:
    """What the server did: requests of ours, commands with those of scripts, microseconds of CPU."""

    def __init__(self, url: str, store: Any) -> None:
        self._client: Any = redis.Redis.from_url(url)

    def read(self) -> dict[str, float]:
        """The figures up to now."""
        of_commands = {name: each["calls"] for name, each in self._client.info("commandstats").items()}
        cpu = self._client.info("cpu")
        requests = sum(of_commands.get(f"cmdstat_{name}", 0) for name in ("evalsha", "eval"))
        seconds = cpu["used_cpu_user"] + cpu["used_cpu_sys"]
        return {"requests": requests, "commands": sum(of_commands.values()), "server": 1e6 * seconds}


class SqlFigures:
    """As ``RedisFigures``: statements of a SQLite file; transactions and the CPU of the server of a PostgreSQL."""

    def __init__(self, url: str, store: Any) -> None:
        from sqlalchemy import event

        self._engine = store.database.engine
        self._is_server = url.startswith("postgresql")
        self._counts = Counter[str]()
        event.listen(self._engine, "begin", lambda connection: self._counts.update(["requests"]))
        event.listen(self._engine, "before_cursor_execute", lambda *about: self._counts.update(["commands"]))

    def read(self) -> dict[str, float]:
        """The figures up to now."""
        if self._is_server:
            return self._of_server()
        return {"requests": self._counts["requests"], "commands": self._counts["commands"], "server": 0.0}

    def _of_server(self) -> dict[str, float]:
        from sqlalchemy import text

        with self._engine.begin() as connection:  # the pool gives the connection that the store had
            connection.execute(text("select pg_stat_force_next_flush()"))
        with self._engine.begin() as connection:
            own = "datname = current_database()"
            (transactions,) = connection.execute(
                text(f"select xact_commit from pg_stat_database where {own}")
            ).one()
            pids = connection.execute(text(f"select pid from pg_stat_activity where {own}")).scalars().all()
        ticks = 0
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return {"requests": transactions, "commands": 0.0, "server": 1e6 * ticks / os.sysconf("SC_CLK_TCK")}


@contextmanager
def server(kind: str) -> Iterator[str]:
    """A state store of a kind; gives its URL."""
    if kind == "redis":
        with redis_server() as url:
            yield f"{url}/0"
    elif kind == "postgresql":
        from benchmarks.celery.postgres import SERVER, database

        with database(SERVER) as url:
            yield url.replace("postgresql://", "postgresql+psycopg://")
    else:
        with tempfile.TemporaryDirectory() as directory:
            yield f"sqlite:///{directory}/state.db"


def measure(url: str, plan: Plan, runs: int, calls: bool) -> dict[str, float]:
    """What one flow run takes; ``calls``: count calls of functions, which makes the rest slower."""
    store = open_store(url, "cost:" if url.startswith("redis") else "cost_")
    store.prepare()
    world = World(plan, workers=1, store=store, together=TOGETHER)
    world.start("f")
    _deliver(world)  # the scripts are at the server from then on
    for number in range(runs):
        world.start("f", {"id": number})
    figures: Any = (RedisFigures if url.startswith("redis") else SqlFigures)(url, store)
    counted = [0]

    def count(frame: Any, event: str, about: Any) -> None:
        counted[0] += event in ("call", "c_call")

    gc.collect()
    gc.disable()
    before, began = figures.read(), time.process_time()
    if calls:
        sys.setprofile(count)
    _deliver(world)
    sys.setprofile(None)
    worker = time.process_time() - began
    after = figures.read()
    gc.enable()
    store.clear()
    store.close()
    found = {name: (after[name] - before[name]) / runs for name in before}
    return found | {"worker": 1e6 * worker / runs, "calls": counted[0] / runs}


def _deliver(world: World) -> None:
    while world.broker.queue:
        world.deliver(*world.broker.take(False))


def lowest(found: list[dict[str, float]]) -> dict[str, float]:
    """The lowest of each figure."""
    return {name: min(each[name] for each in found) for name in found[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--store", choices=("redis", "sqlite", "postgresql"), default="redis")
    parser.add_argument("--nodes", type=int, nargs="*", default=[5, 50], help="tasks of the flows")
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it works")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.rounds = 20, 1
    logging.getLogger("selinon").setLevel(logging.ERROR)  # the server is not to be durable
    print(f"{'a flow of':10} {'':14}" + "".join(f"{name:>10}" for name in COLUMNS))
    for nodes in options.nodes:
        plan, runs = chain(nodes), max(options.runs * 5 // nodes, 1)
        with server(options.store) as url:
            found: dict[bool, list[dict[str, float]]] = {True: [], False: []}
            for _ in range(options.rounds):
                with without_index():
                    found[False].append(measure(url, plan, runs, False))
                found[True].append(measure(url, plan, runs, False))
            with without_index():
                without = lowest(found[False]) | {"calls": measure(url, plan, runs, True)["calls"]}
            with_it = lowest(found[True]) | {"calls": measure(url, plan, runs, True)["calls"]}
        for name, figures in (
            ("without index", without),
            ("with index", with_it),
            ("the index", {name: with_it[name] - without[name] for name in COLUMNS}),
        ):
            print(f"{nodes:10} {name:14}" + "".join(f"{figures[each]:10.1f}" for each in COLUMNS), flush=True)


if __name__ == "__main__":
    main()
