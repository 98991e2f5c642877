"""What is left in stores and brokers when all flow runs are over: nothing, it should be."""

from __future__ import annotations

import time
from typing import Any

from selinon_core.celery import Selinon


def left_over(selinon: Selinon, store_url: str, broker_url: str, queue: str) -> dict[str, int]:
    """What is left where; a reminder of a retry outlives its run by some seconds, and so may a message."""
    until = time.monotonic() + 30
    while True:
        left = _count_in_broker(selinon, broker_url, queue)
        left |= _left_in_redis(store_url, queue) if store_url.startswith("redis") else _left_in_sql(selinon)
        if not any(left.values()) or time.monotonic() > until:
            return left
        time.sleep(0.5)


def _left_in_redis(url: str, prefix: str) -> dict[str, int]:
    import redis

    client: Any = redis.Redis.from_url(url, decode_responses=True)
    left = {"agenda": client.zcard(f"{prefix}_agenda"), "running": client.zcard(f"{prefix}_runs")}
    for what, end in (("inboxes", "i"), ("outboxes", "o"), ("timers", "t")):
        left[what] = sum(1 for _ in client.scan_iter(f"{prefix}_f:*:{end}", 1000))
    return left


def _left_in_sql(selinon: Selinon) -> dict[str, int]:
    import sqlalchemy as sa

    store: Any = selinon.store
    tables = store.tables
    with store.database.engine.connect() as connection:
        left = {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in (("inboxes", tables.inbox), ("outboxes", tables.outbox), ("timers", tables.timers))
        }
        due = sa.select(sa.func.count()).select_from(tables.runs)
        left["agenda"] = connection.execute(due.where(tables.runs.c.due.is_not(None))).scalar_one()
        left["running"] = connection.execute(due.where(tables.runs.c.status == "running")).scalar_one()
    return left


def _count_in_broker(selinon: Selinon, url: str, queue: str) -> dict[str, int]:
    if url.startswith("redis"):
        import redis

        client: Any = redis.Redis.from_url(url)
        return {"the queue": client.llen(queue), "unacknowledged": client.hlen("selinon.unacked")}
    with selinon.app.connection_for_write() as connection:
        declared = connection.default_channel.queue_declare(queue, passive=True)
        return {"the queue": declared.message_count}
