"""Keeps start messages of flow runs on a Redis broker until the run exists, and sends lost ones again.

Redis hands a message over and forgets it; the worker records it as unacknowledged a moment later. A worker that is
killed in between takes the message with it. The state store knows all messages of a flow run but the first, and
the sweep sends them again. Only the start message holds the start, and the process that calls ``run_flow`` need
not reach the state store. So the start is kept on the broker, beside the queue, and workers check whether it
became a run.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from selinon_core.celery.stores import Store
from selinon_core.celery.surroundings import REAL, Surroundings
from selinon_core.celery.transport.celery_defaults import is_redis
from selinon_core.celery.transport.publisher import Note, OutgoingMessage, Publisher
from selinon_core.celery.transport.redis_clients import keep_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

_log = logging.getLogger("selinon")

#: Seconds after which a start without a run is checked ...
CHECK_AFTER = 5.0
#: ... and sent again if its queue is empty, or after this many, doubled each time.
RESEND_DESPITE_BACKLOG_AFTER = 300.0
#: Seconds between two checks of a worker, and starts per step.
INTERVAL = 2.5
BATCH = 500

#: The beginning of the keys on the broker.
_NAME = "selinon.starts"


class PendingStart(NamedTuple):
    """A start as it is kept."""

    #: When it is sent again, in units of ``CHECK_AFTER``; doubled each time.
    times: int
    #: When it was added, seconds since the epoch.
    at: float
    message: OutgoingMessage


class PendingStarts:
    """Starts by id in a sorted set (when to look next) and a hash (``PendingStart``).

    Deployments that share a broker differ in ``selinon_state_prefix``. The workers of one do not find the runs of
    another in their store, so each has keys of its own.
    """

    def __init__(self, app: Celery, surroundings: Surroundings = REAL) -> None:
        self._app = app
        self.clock = surroundings.now

    @property
    def _when(self) -> str:
        prefix = self._app.conf.get("selinon_state_prefix")
        return f"{_NAME}:{prefix}" if prefix else _NAME

    @property
    def _messages(self) -> str:
        return f"{self._when}.messages"

    @property
    def enabled(self) -> bool:
        """Whether the broker is one that needs it."""
        conf = self._app.conf
        return is_redis(conf.broker_write_url or conf.broker_url)

    def _with_client(self, action: Callable[[Any], Any]) -> Any:
        with self._app.producer_pool.acquire(block=True) as producer:
            channel: Any = producer.channel
            keep_client(channel)
            with channel.conn_or_acquire() as client:
                return action(client)

    def note(self, message: OutgoingMessage) -> Note:
        """What keeps a start that is about to be sent, for ``Publisher.send``.

        Of several starts with one key the first is kept: it is the one that counts.
        """
        now = self.clock()
        text = json.dumps([1, now, *message])

        def write(pipe: Any) -> None:
            pipe.hsetnx(_unprefixed(pipe, self._messages), message.task_id, text)
            pipe.zadd(self._when, {message.task_id: now + CHECK_AFTER}, nx=True)

        return write

    def add(self, message: OutgoingMessage) -> None:
        """Keep a start without sending it; raises what the connection raises."""
        note = self.note(message)

        def write(client: Any) -> None:
            with client.pipeline(transaction=False) as pipe:
                note(pipe)
                pipe.execute()

        self._with_client(write)

    def forget(self, id: str) -> None:
        """This start is not to be sent again; raises what the connection raises."""

        def remove(client: Any) -> None:
            with client.pipeline(transaction=False) as pipe:
                pipe.zrem(self._when, id)
                pipe.hdel(self._messages, id)
                pipe.execute()

        self._with_client(remove)

    def find(self, id: str) -> PendingStart | None:
        """The start of this flow run, None when none is kept; raises what the connection raises."""
        text = self._with_client(lambda client: client.hget(self._messages, id))
        return None if text is None else _read(text)

    def try_lead(self) -> bool:
        """Whether this worker is the leader of this check."""
        return bool(
            self._with_client(
                lambda client: client.set(f"{self._when}.leader", "1", nx=True, px=int(INTERVAL * 900))
            )
        )

    def resend_lost(self, store: Store, publisher: Publisher, now: float) -> int:
        """Forget starts that became runs and send those again that got lost; returns how many were sent."""
        sent = 0
        while True:
            looked_at, lost = self._with_client(lambda client: self._look(client, store, now))
            publisher.send(lost)
            sent += len(lost)
            if looked_at < BATCH:
                return sent

    def _lists(self, queue: str) -> list[str]:
        """The lists of a queue, one for each step of priorities, as kombu names them."""
        from kombu.transport.redis import PRIORITY_STEPS, Channel

        options = self._app.conf.broker_transport_options or {}
        between = options.get("sep", Channel.sep)
        steps = options.get("priority_steps", PRIORITY_STEPS)
        return [f"{queue}{between}{step}" if step else queue for step in steps]

    def _look(self, client: Any, store: Store, now: float) -> tuple[int, list[OutgoingMessage]]:
        """How many were due, and those of them that are lost."""
        rows = client.zrange(self._when, 0, BATCH - 1, withscores=True)
        due = [name.decode() if isinstance(name, bytes) else str(name) for name, at in rows if at <= now]
        lost: list[OutgoingMessage] = []
        if not due:
            return 0, lost
        with client.pipeline(transaction=False) as pipe:
            for id in due:  # kombu's prefix of keys is not put before the key of HMGET
                pipe.hget(self._messages, id)
            texts = pipe.execute()
        begun = store.begun([id for id, text in zip(due, texts, strict=True) if text is not None])
        busy: dict[str, bool] = {}
        with client.pipeline(transaction=False) as pipe:
            for id, text in zip(due, texts, strict=True):
                if text is None or id in begun:
                    pipe.zrem(self._when, id)
                    pipe.hdel(self._messages, id)
                    continue
                kept = _read(text)
                if kept is None:
                    _log.error("the pending start of %r cannot be read; it is kept for newer workers", id)
                    pipe.zadd(self._when, {id: now + RESEND_DESPITE_BACKLOG_AFTER}, xx=True)
                    continue
                queue = kept.message.queue
                if queue not in busy:
                    busy[queue] = any(client.llen(key) for key in self._lists(queue))
                if busy[queue] and now - kept.at < RESEND_DESPITE_BACKLOG_AFTER * kept.times:
                    pipe.zadd(self._when, {id: now + CHECK_AFTER}, xx=True)
                    continue
                lost.append(kept.message)
                pipe.hset(self._messages, id, json.dumps([kept.times * 2, kept.at, *kept.message]))
                pipe.zadd(self._when, {id: now + CHECK_AFTER * kept.times * 2}, xx=True)
            pipe.execute()
        return len(due), lost


def _unprefixed(pipe: Any, key: str) -> str:
    """A key for HSETNX, before which kombu's clients do not put their prefix as they do for HSET."""
    prefixed = "HSETNX" in getattr(pipe, "PREFIXED_SIMPLE_COMMANDS", ())
    return key if prefixed else getattr(pipe, "global_keyprefix", "") + key


def _read(text: str | bytes) -> PendingStart | None:
    """A start of the hash; None when it is damaged, or when a newer selinon wrote it."""
    try:
        times, at, *parts = json.loads(text)
        message = OutgoingMessage(*parts)
        as_written = isinstance(times, int) and isinstance(at, int | float) and isinstance(message.queue, str)
        return PendingStart(times, at, message) if as_written and isinstance(message.kwargs, dict) else None
    except (TypeError, ValueError):
        return None
