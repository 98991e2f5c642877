"""The index of runs: how long a page takes among many rows, and what the index costs a run.

``python benchmarks/index.py``; ``--rows`` is how many runs are there, ``--stores`` which stores are asked. The
targets are 50 ms (PostgreSQL, Redis) and 100 ms (SQLite) at the 95th percentile for a page of 50 by one filter and
a status, among 1,000,000 rows.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import signal
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from selinon_core.celery.stores import Store, open_store
from selinon_core.celery.stores.index import IndexChange, IndexRow, RunQuery
from selinon_core.celery.stores.protocol import Commit
from selinon_core.celery.stores.redis import index as redis_index
from selinon_core.celery.stores.redis import index_scripts
from selinon_core.celery.stores.sql.index import row_values

FLOWS = [f"flow{number}" for number in range(20)]
BEGIN = 1_800_000_000.0
URLS = {
    "redis": os.environ.get("SELINON_TEST_REDIS_URL", "redis://127.0.0.1:6379/0"),
    "postgres": os.environ.get("SELINON_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test"),
}
PAGE = 50
#: Rows that are written at once.
BATCH = 5000


def rows(count: int) -> Iterator[IndexRow]:
    """Runs of 20 flows, one a second: most succeeded, one in 25 failed, one in 1000 is open."""
    dice = random.Random(7)
    for number in range(count):
        chance = dice.random()
        status = "running" if chance < 0.001 else "failure" if chance < 0.041 else "success"
        at = BEGIN + number
        yield IndexRow(
            str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            dice.choice(FLOWS),
            status,
            at,
            begun=at,
            ended=None if status == "running" else at + 5,
            args='{"id": 7}',
            reason="no fallback applies to the failed nodes: Ship" if status == "failure" else "",
            key=f"key-{number}" if number % 100 == 0 else None,
            labels={"customer": f"c{dice.randrange(1000)}"},
            changed=at + 5,
        )


def questions(sample: list[IndexRow]) -> dict[str, Iterator[RunQuery]]:
    """What is asked, again and again with other values."""
    dice = random.Random(8)

    def some(make: Any) -> Iterator[RunQuery]:
        while True:
            yield make(dice.choice(sample))

    statuses = ["failure"], ["success"], ["running"], ["failure", "success"]
    return {
        "nothing": some(lambda row: RunQuery()),
        "status": some(lambda row: RunQuery(statuses=dice.choice(statuses))),
        "flow": some(lambda row: RunQuery(flows=[row.flow])),
        "flow, status": some(lambda row: RunQuery(flows=[row.flow], statuses=dice.choice(statuses))),
        "label": some(lambda row: RunQuery(labels=row.labels)),
        "label, status": some(lambda row: RunQuery(labels=row.labels, statuses=dice.choice(statuses))),
        "time, status": some(
            lambda row: RunQuery(since=row.created, until=row.created + 86400, statuses=dice.choice(statuses))
        ),
        "key, status": some(lambda row: RunQuery(key=row.key or "key-0", statuses=["success"])),
        "id, status": some(lambda row: RunQuery(id_prefix=row.id[:8], statuses=["success"])),
        "flow, label, status": some(lambda row: RunQuery((row.flow,), ("failure",), labels=row.labels)),
    }


def fill(store: Store, kind: str, count: int) -> list[IndexRow]:
    """Write the rows; returns some of them."""
    sample: list[IndexRow] = []
    given = rows(count)
    for batch in iter(lambda: list(itertools.islice(given, BATCH)), []):
        sample += batch[::97]
        (fill_redis if kind == "redis" else fill_sql)(store, batch)
    if kind != "redis":
        analyze(store)
    return sample


def fill_redis(store: Any, batch: list[IndexRow]) -> None:
    client = store._connected()
    sha = client.script_load(index_scripts.FILL_IN)
    with client.pipeline(transaction=False) as pipe:
        for row in batch:
            fields = redis_index._fields(row)
            pipe.evalsha(sha, 1, store._prefix, row.id, f"{row.changed:.6f}", len(fields), *fields)
        pipe.execute()


def fill_sql(store: Any, batch: list[IndexRow]) -> None:
    tables = store.tables
    labels = [
        {"run": row.id, "name": name, "value": value, "status": row.status, "created": row.created}
        for row in batch
        for name, value in row.labels.items()
    ]
    with store.database.engine.begin() as connection:
        connection.execute(tables.index.insert(), [row_values(row) for row in batch])
        connection.execute(tables.labels.insert(), labels)


def analyze(store: Any) -> None:
    with store.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]


def ask(store: Store, sample: list[IndexRow], repeats: int) -> None:
    """Print how long pages take, in milliseconds."""
    print(f"  {'a page by':22} {'median':>8} {'p95':>8}   deep p95")
    for name, queries in questions(sample).items():
        taken, deep = [], []
        for query in itertools.islice(queries, repeats):
            began = time.perf_counter()
            page = store.index.find(query, None, PAGE)
            taken.append(1000 * (time.perf_counter() - began))
            middle = random.choice(sample)
            began = time.perf_counter()
            store.index.find(query, f"{middle.created!r},{middle.id}", PAGE)
            deep.append(1000 * (time.perf_counter() - began))
            assert len(page.rows) <= PAGE
        figures = (statistics.median(taken), percentile(taken, 0.95), percentile(deep, 0.95))
        print("  {:22} {:8.2f} {:8.2f} {:8.2f}".format(name, *figures), flush=True)


def cost(store: Store, runs: int) -> None:
    """Print what creating and ending a run takes with and without the index, in turn, in microseconds."""
    header = {"flow": "flow0", "queue": "q", "status": "running", "inbox_threshold": "0", "idle_check_after": "0"}
    taken: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * runs):
        indexed, id, at = bool(number % 2), str(uuid.uuid4()), BEGIN + number
        row = IndexRow(id, "flow0", "running", at, begun=at, args='{"id": 7}')
        first = IndexChange(row) if indexed else None
        last = IndexChange(columns={"status": "success", "ended": at + 1, "reason": ""}) if indexed else None
        began = time.perf_counter()
        store.commit(Commit(id, 0, at, create=header, batch='["S"]', index_change=first))
        fields = {"status": "success", "reason": ""}
        store.commit(Commit(id, 1, at + 1, batch="[]", fields=fields, ttl=60.0, index_change=last))
        taken[indexed].append(1e6 * (time.perf_counter() - began))
    without, with_index = statistics.median(taken[False]), statistics.median(taken[True])
    print(f"  creation and end of a run: {without:.0f} us, with the index {with_index:.0f} us", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--stores", default="sqlite,redis,postgres")
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it works")
    options = parser.parse_args()
    # What is interrupted removes its rows, too: they are on servers that others use.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if options.quick:
        options.rows, options.repeats = 2000, 3
    with tempfile.TemporaryDirectory() as directory:
        for kind in options.stores.split(","):
            url = URLS.get(kind, f"sqlite:///{directory}/index.db")
            prefix = f"bench{os.getpid()}"
            store = open_store(url, f"{prefix}:" if kind == "redis" else f"{prefix}_")
            store.prepare()
            try:
                began = time.perf_counter()
                sample = fill(store, kind, options.rows)
                print(f"{kind}: {options.rows} rows, written in {time.perf_counter() - began:.0f} s", flush=True)
                ask(store, sample, options.repeats)
                cost(store, options.repeats)
            finally:
                store.clear()
                store.close()


if __name__ == "__main__":
    main()
