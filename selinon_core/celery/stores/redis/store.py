"""``RedisStore``: calls one script, in one round trip, per step."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from selinon_core.celery.stores.clock import StoreClock
from selinon_core.celery.stores.condition import StoreCondition
from selinon_core.celery.stores.index import IndexChange
from selinon_core.celery.stores.protocol import (
    LEASED,
    RUN,
    Begun,
    Commit,
    Committed,
    Delivered,
    Due,
    NodeRecord,
    Opened,
    Reopening,
)
from selinon_core.celery.stores.redis import scripts
from selinon_core.celery.stores.redis.audit import RedisAudit
from selinon_core.celery.stores.redis.config_warnings import dangers, warn_of_settings
from selinon_core.celery.stores.redis.connection import Server, client_of, server_of
from selinon_core.celery.stores.redis.forgetting import FORGET
from selinon_core.celery.stores.redis.index import SPECIAL, RedisIndex, commit_arguments
from selinon_core.celery.stores.redis.items import RedisItems
from selinon_core.celery.stores.redis.limits import RedisLimits, RedisTaskLimits, commit_argument, place_of
from selinon_core.celery.stores.redis.schedules import RedisSchedules
from selinon_core.celery.stores.redis.waits import RedisWaits
from selinon_core.celery.stores.run_header import awaits_start
from selinon_core.errors import MissingExtraError, StateStoreError, StateStoreRefused


class RedisStore:
    """See ``Store``. ``url`` and ``options`` are as of ``client_of``; all keys begin with ``prefix``.

    The class is as long as that protocol: each method calls one script, and what that does is in ``scripts``.
    """

    def __init__(self, url: str, prefix: str = "selinon:", options: Mapping[str, Any] | None = None) -> None:
        try:
            import redis
        except ImportError:
            raise MissingExtraError("a state store in Redis needs: pip install 'selinon[celery]'") from None
        self._redis = redis
        self._url = url
        self._options = options or {}
        self._prefix = prefix
        self._runs = prefix + "f:"
        self._client: Any = None
        self._process = 0
        self._shas: dict[str, str] = {}
        self._free: deque[Any] = deque()
        self.clock = StoreClock(self._time)
        self.index = RedisIndex(self._eval_of_index, self._call, prefix)
        self.audit = RedisAudit(self._eval_of_index, self._call, prefix)
        self.waits = RedisWaits(self._call, self._in_transaction, prefix)
        self.items = RedisItems(self._eval_of_index, self._call, self._in_transaction, prefix)
        self.schedules = RedisSchedules(self._eval_of_index, self._call, prefix)
        self.limits = RedisLimits(self._eval_of_index, self._call, prefix)
        self.task_limits = RedisTaskLimits(self._eval_of_index, self._call, prefix)

    @property
    def server(self) -> Server | None:
        """Where the store is, to compare it with the result backend; None when that cannot be said."""
        return server_of(self._connected().connection_pool.connection_kwargs)

    @property
    def _database(self) -> int:
        return int(self._connected().connection_pool.connection_kwargs.get("db") or 0)

    # -- talking ----------------------------------------------------------------------------------------------

    def _connected(self) -> Any:
        if self._client is None or self._process != os.getpid():
            self._client = client_of(self._redis, self._url, self._options)
            self._free = deque()  # those of before a fork belong to the parent
            self._process = os.getpid()
        return self._client

    def _eval(self, script: str, flow_id: str, *args: Any) -> Any:
        return self._eval_with(self._keys(flow_id), script, *args)

    def _eval_of_index(self, script: str, *args: Any) -> Any:
        return self._eval_with((self._prefix,), script, *args)

    def _eval_with(self, keys: tuple[str, ...], script: str, *args: Any) -> Any:
        redis = self._redis
        client = self._connected()
        try:
            sha = self._shas.get(script)
            if sha is None:
                sha = self._shas[script] = client.script_load(script)
            try:
                return self._evalsha(client, sha, keys, args)
            except redis.exceptions.NoScriptError:
                return client.eval(script, len(keys), *keys, *args)
        except redis.exceptions.RedisError as error:
            raise self._failed(error) from error

    def _keys(self, flow_id: str) -> tuple[str, str, str]:
        return (self._runs + flow_id, self._prefix, flow_id)

    def _in_transaction(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        pipeline = self._connected().pipeline(transaction=True)
        for name, *args in commands:
            getattr(pipeline, name)(*args)
        try:
            return list(pipeline.execute())
        except self._redis.exceptions.RedisError as error:
            raise self._failed(error) from error

    @staticmethod
    def _failed(error: Exception) -> StateStoreError:
        return StateStoreError(f"the state store in Redis: {type(error).__name__}: {error}")

    def _evalsha(self, client: Any, sha: str, keys: tuple[str, ...], args: tuple[Any, ...]) -> Any:
        (reply,) = self._exchanged(client, [("EVALSHA", sha, str(len(keys)), *keys, *args)])
        if isinstance(reply, self._redis.exceptions.ResponseError):
            raise reply
        return reply

    def _exchanged(self, client: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Send commands in one go and read their replies, on a connection that no other thread uses meanwhile.

        A reply that is an error is among the others. Going through the client costs twice as much, and it repeats
        what failed, which may have been done.
        """
        free = self._free
        try:
            connection = free.pop()
        except IndexError:
            pool = client.connection_pool
            connection = pool.connection_class(**pool.connection_kwargs)
            connection.connect()  # with Sentinel only this asks for the master; sending connects to a default
        try:
            packed = list(map(_packed, commands))
        except UnicodeError as error:
            free.append(connection)
            raise StateStoreRefused(f"the state store in Redis: {error}") from error
        replies: list[Any] = []
        try:
            connection.send_packed_command(packed if len(packed) == 1 else [b"".join(packed)], check_health=False)
            for _ in packed:
                try:
                    replies.append(connection.read_response())
                except self._redis.exceptions.ResponseError as error:
                    replies.append(error)
        except BaseException:
            connection.disconnect()  # whatever is still to come must not be taken for another answer
            self._disconnect_free()  # where one broke, others did: not one failure for each of them
            raise
        free.append(connection)
        return replies

    def _disconnect_free(self) -> None:
        while self._free:
            try:
                self._free.pop().disconnect()
            except IndexError:
                return

    def _call(self, name: str, *args: Any, **options: Any) -> Any:
        try:
            return getattr(self._connected(), name)(*args, **options)
        except UnicodeEncodeError as error:  # of an id that is not text
            raise StateStoreRefused(f"the state store in Redis: {error}") from error
        except self._redis.exceptions.RedisError as error:
            raise self._failed(error) from error

    def prepare(self) -> None:
        """See ``Store.prepare``: nothing to create, but the server has to answer."""
        self._call("ping")
        self.clock.measure()
        warn_of_settings(self._connected())

    def condition(self) -> StoreCondition:
        """See ``Store.condition``."""
        now = self._time()
        try:
            found: dict[str, Any] = self._connected().info()
        except self._redis.exceptions.RedisError:  # this user may not ask
            return StoreCondition("Redis, which does not tell its settings", now)
        return StoreCondition(f"Redis {found.get('redis_version', '')}".strip(), now, dangers(found))

    def _time(self) -> float:
        seconds, microseconds = self._call("time")
        return float(seconds) + float(microseconds) / 1e6

    # -- node runs --------------------------------------------------------------------------------------------

    def claim_delivery(self, flow_id: str, number: int, delivery: int, redelivered: bool, now: float) -> Begun:
        """See ``Store.claim_delivery``."""
        return _begun(self._eval(scripts.BEGIN, flow_id, int(redelivered), _text(now), number, delivery)[0])

    def claim_deliveries(self, flow_id: str, deliveries: Mapping[int, int], now: float) -> list[Begun]:
        """See ``Store.claim_deliveries``."""
        given = [part for each in deliveries.items() for part in each]
        return [_begun(reply) for reply in self._eval(scripts.BEGIN, flow_id, 0, _text(now), *given)]

    def retry(
        self,
        flow_id: str,
        number: int,
        delivery: int,
        counted: bool,
        countdown: float,
        grace: float,
        now: float,
        *,
        attempted: bool = True,
    ) -> int | None:
        """See ``Store.retry``."""
        due = _text(now + (countdown or grace))
        reply = self._eval(scripts.RETRY, flow_id, number, delivery, int(counted), due, int(attempted))
        return None if reply < 0 else int(reply)

    def heartbeat(self, flow_id: str, numbers: Sequence[int], at: float) -> None:
        """See ``Store.heartbeat``."""
        self._eval(scripts.TOUCH, flow_id, _text(at), *numbers)

    def stalled_nodes(self, flow_id: str, before: float) -> list[int]:
        """See ``Store.stalled_nodes``."""
        found = self._call("zrangebyscore", self._runs + flow_id + ":b", "-inf", _text(before))
        return sorted(int(number) for number in found)

    def timers(self, flow_id: str) -> dict[str, float]:
        """See ``Store.timers``."""
        return dict(self._call("zrange", self._runs + flow_id + ":t", 0, -1, withscores=True))

    def next_delivery(self, flow_id: str, number: int) -> int | None:
        """See ``Store.next_delivery``."""
        reply = self._eval(scripts.REPUBLISH, flow_id, number)
        return None if reply < 0 else int(reply)

    def release_delivery(self, flow_id: str, number: int, delivery: int, deliveries: int) -> None:
        """See ``Store.release_delivery``."""
        self._eval(scripts.RELEASE, flow_id, number, delivery, deliveries)

    def inlined_node(self, flow_id: str, carrier: int) -> int | None:
        """See ``Store.inlined_node``."""
        found = self._call("hget", self._runs + flow_id + ":a", str(carrier))
        return None if found is None else int(found)

    def records(self, flow_id: str, numbers: Sequence[int]) -> dict[int, NodeRecord]:
        """See ``Store.records``."""
        found: dict[int, NodeRecord] = {}
        for begin in range(0, len(numbers), 500):
            part = list(numbers[begin : begin + 500])
            texts = self._call("hmget", self._runs + flow_id + ":n", [str(n) for n in part])
            found.update({n: _record(text) for n, text in zip(part, texts, strict=True) if text})
        return found

    def payload(self, flow_id: str, number: int) -> str | None:
        """See ``Store.payload``."""
        return self._call("hget", self._runs + flow_id + ":p", str(number))  # type: ignore[no-any-return]

    def error(self, task_id: str) -> str | None:
        """See ``Store.error``."""
        return self._call("get", f"{self._prefix}e:{task_id}")  # type: ignore[no-any-return]

    def put_errors(self, errors: Mapping[str, str], now: float, ttl: float) -> None:
        """See ``Store.put_errors``."""
        try:
            with self._connected().pipeline(transaction=False) as pipe:
                for task_id, body in errors.items():
                    pipe.set(f"{self._prefix}e:{task_id}", body, ex=math.ceil(ttl or 86400))
                pipe.execute()
        except self._redis.exceptions.RedisError as error:
            raise self._failed(error) from error

    def put_definition(self, name: str, text: str) -> None:
        """See ``Store.put_definition``."""
        self._call("hsetnx", self._prefix + "definitions", name, text)

    def get_definition(self, name: str) -> str | None:
        """See ``Store.definition``."""
        return self._call("hget", self._prefix + "definitions", name)  # type: ignore[no-any-return]

    # -- flow runs --------------------------------------------------------------------------------------------

    def append_event(
        self,
        flow_id: str,
        number: int,
        entry: str,
        now: float,
        *,
        delivery: int = -1,
        urgent: bool = False,
        known: int = 0,
        lease: float = 0.0,
        error: tuple[str, str] | None = None,
        ttl: float = 0.0,
    ) -> Delivered:
        """See ``Store.append_event``."""
        task_id, text = error or ("", "")
        reply = self._eval(
            scripts.DELIVER,
            flow_id,
            number,
            entry,
            _text(now),
            delivery,
            int(urgent),
            known,
            lease,
            task_id,
            text,
            ttl or 86400,
        )
        return Delivered(LEASED, _opened(reply)) if reply[0] == LEASED else Delivered(reply[0])

    def append_successes(
        self, flow_id: str, entries: Mapping[int, str], now: float, *, known: int = 0, lease: float = 0.0
    ) -> Delivered:
        """See ``Store.append_successes``."""
        given = [part for each in entries.items() for part in each]
        reply = self._eval(scripts.SUCCESSES, flow_id, _text(now), known, lease, *given)
        return Delivered(LEASED, _opened(reply)) if reply[0] == LEASED else Delivered(reply[0])

    def acquire_lease(self, flow_id: str, known: int, lease: float, now: float) -> Opened | None:
        """See ``Store.acquire_lease``."""
        reply = self._eval(scripts.OPEN, flow_id, _text(now), known, lease)
        return _opened(reply) if reply else None

    def renew_lease(self, flow_id: str, token: int, until: float) -> bool:
        """See ``Store.renew_lease``."""
        return bool(self._eval(scripts.RENEW, flow_id, token, _text(until)))

    def commit(self, step: Commit) -> Committed:
        """See ``Store.commit``."""
        return _committed(self._eval(scripts.COMMIT, step.flow_id, *self._arguments(step)))

    def pause(self, flow_id: str, number: int, format: int, change: IndexChange | None, now: float) -> str:
        """See ``Store.pause``."""
        columns = commit_arguments(change)[1:]
        return str(self._eval(scripts.PAUSE, flow_id, number, format, _text(now), *columns))

    def commit_all(self, steps: Sequence[Commit]) -> Sequence[Committed | Exception]:
        """See ``Store.commit_all``."""
        sha = self._shas.get(scripts.COMMIT)
        if sha is None:  # the first of this process loads the script
            return [self._tried(step) for step in steps]
        commands = [("EVALSHA", sha, "3", *self._keys(step.flow_id), *self._arguments(step)) for step in steps]
        try:
            replies = self._exchanged(self._connected(), commands)
        except StateStoreRefused:  # one of them cannot be stored; nothing was sent
            return [self._tried(step) for step in steps]
        except self._redis.exceptions.RedisError as error:
            return [self._failed(error)] * len(steps)
        return [self._reply_to(step, reply) for step, reply in zip(steps, replies, strict=True)]

    def _tried(self, step: Commit) -> Committed | Exception:
        try:
            return self.commit(step)
        except (StateStoreError, StateStoreRefused) as error:
            return error

    def _reply_to(self, step: Commit, reply: Any) -> Committed | Exception:
        if isinstance(reply, self._redis.exceptions.NoScriptError):  # the server was started again
            return self._tried(step)
        return self._failed(reply) if isinstance(reply, self._redis.exceptions.RedisError) else _committed(reply)

    def _arguments(self, step: Commit) -> list[Any]:
        """The arguments of the script for a step."""
        args: list[Any] = [
            f"{step.now:.6f}",
            step.version,
            "" if step.token is None else step.token,
            step.completes,
            step.batch or "",
            step.consumed,
            "" if step.carrier is None else step.carrier,
            step.inlined,
            int(step.keep),
            step.lease,
            step.ttl,
            int(step.clear_timers),
            "" if step.limit is None else commit_argument(step.limit),
        ]
        # Most of these are empty in most steps. The script takes those that are missing at the end as empty.
        ends = len(args)
        for part in (
            step.create and _flat(step.create.items()),
            None if step.reopens is None else _reopening(step.reopens),
            step.outbox,
            step.done,
            step.payloads and _flat(step.payloads.items()),
            step.cancelled_timers,
            step.timers and _flat(step.timers.items()),
            step.throttled and _flat(step.throttled),
            step.fields and _flat(step.fields.items()),
            None if step.result is None else (*step.result, self._database),
            None if step.index_change is None else commit_arguments(step.index_change),
        ):
            if part:
                args.append(len(part))
                args += part
                ends = len(args)
            else:
                args.append(0)
        del args[ends:]
        return args

    def header(self, flow_id: str) -> Mapping[str, str] | None:
        """See ``Store.header``."""
        return self._call("hgetall", self._runs + flow_id + ":h") or None

    def existing(self, flow_ids: Sequence[str]) -> set[str]:
        """See ``Store.existing``."""
        return {id for id, there in self._of_each(flow_ids, lambda pipe, key: pipe.exists(key)) if there}

    def begun(self, flow_ids: Sequence[str]) -> set[str]:
        """See ``Store.begun``."""
        names = ("status", "initial_definition", "limit")
        found = self._of_each(flow_ids, lambda pipe, key: pipe.hmget(key, names))
        headers = [(id, dict(zip(names, values, strict=True))) for id, values in found if values[0]]
        return {id for id, fields in headers if not awaits_start(fields)}

    def _of_each(self, flow_ids: Sequence[str], ask: Callable[[Any, str], object]) -> list[tuple[str, Any]]:
        """What the headers of runs answer, in one round trip."""
        try:
            with self._connected().pipeline(transaction=False) as pipe:
                for flow_id in flow_ids:
                    ask(pipe, self._runs + flow_id + ":h")
                return list(zip(flow_ids, pipe.execute(), strict=True))
        except self._redis.exceptions.RedisError as error:
            raise self._failed(error) from error

    def read(self, flow_id: str) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
        """See ``Store.read``."""
        return self.since(flow_id, 0)

    def since(self, flow_id: str, version: int) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
        """See ``Store.since``."""
        header, log, inbox = self._read(flow_id, version)
        if header and int(header["version"]) < version:
            header, log, inbox = self._read(flow_id, 0)
        return (header, log, inbox) if header else None

    def _read(self, flow_id: str, version: int) -> Any:
        run = self._runs + flow_id
        try:
            with self._connected().pipeline(transaction=True) as pipe:
                pipe.hgetall(run + ":h").lrange(run + ":l", version, -1).lrange(run + ":i", 0, -1)
                return pipe.execute()
        except self._redis.exceptions.RedisError as error:
            raise self._failed(error) from error

    def forget(self, flow_ids: Sequence[str], errors: Sequence[str] = ()) -> list[str]:
        """See ``Store.forget``."""
        gone: list[str] = self._eval_of_index(FORGET, *flow_ids) if flow_ids else []
        if errors:
            self._call("delete", *(f"{self._prefix}e:{task_id}" for task_id in errors))
        return gone

    def runs(self, limit: int) -> list[str]:
        """See ``Store.runs``."""
        return list(self._call("zrevrange", self._prefix + "runs", 0, limit - 1))

    # -- sweeping ---------------------------------------------------------------------------------------------

    def claim_due_runs(
        self, now: float, limit: int, resend_after: float, idle_check_interval: float, heartbeat_timeout: float
    ) -> list[Due]:
        """See ``Store.claim_due_runs``."""
        reply = self._eval(
            scripts.SWEEP, "", _text(now), limit, resend_after, idle_check_interval, heartbeat_timeout
        )
        return [Due(*row) for row in reply]

    def next_due(self) -> float | None:
        """See ``Store.next_due``."""
        rows = self._call("zrange", self._prefix + "due_index", 0, 0, withscores=True)
        return float(rows[0][1]) if rows else None

    def acquire_leadership(self, owner: str, until: float, now: float) -> bool:
        """See ``Store.acquire_leadership``."""
        return bool(self._eval(scripts.LEAD, "", owner, max(1, int((until - now) * 1000))))

    def clear(self) -> None:
        """See ``Store.clear``."""
        client = self._connected()
        keys = client.scan_iter(self._prefix.translate(SPECIAL) + "*", 1000)
        while batch := list(islice(keys, 1000)):  # one walk: others may keep very many keys there
            client.unlink(*batch)

    def close(self) -> None:
        """See ``Store.close``."""
        if self._client is not None and self._process == os.getpid():
            self._disconnect_free()
            self._client.close()
        self._client = None


def _packed(parts: tuple[Any, ...]) -> bytes:
    """A command in the protocol of Redis; most are ASCII, so that a text has as many bytes as characters."""
    texts = list(map(str, parts))
    packed = f"*{len(texts)}\r\n" + "".join([f"${len(text)}\r\n{text}\r\n" for text in texts])
    if packed.isascii():
        return packed.encode()
    encoded = [text.encode() for text in texts]
    return b"*%d\r\n" % len(encoded) + b"".join([b"$%d\r\n%b\r\n" % (len(text), text) for text in encoded])


_KEPT, _REFUSED = Committed(True, holds=True), Committed(False)


def _committed(reply: list[Any]) -> Committed:
    if len(reply) == 1:
        return _KEPT if reply[0] else _REFUSED
    _, held, entries, delays, holds, granted = reply
    token = None if held == "" else int(held)
    places = [place_of(text) for text in granted]
    return Committed(True, token, tuple(entries), [float(text) for text in delays], bool(holds), places)


def _begun(reply: list[Any]) -> Begun:
    if reply[0] != RUN:
        return Begun(reply[0])
    return Begun(RUN, int(reply[1]), int(reply[2]), int(reply[3]), reply[4] if len(reply) > 4 else None)


def _text(seconds: float) -> str:
    return f"{seconds:.6f}"


def _reopening(reopens: Reopening) -> list[Any]:
    """For each awaited node run its number and an empty text, for each that runs again number and task id."""
    awaited = [part for number in reopens.awaited for part in (number, "")]
    return ["reopen", "", *awaited, *_flat(reopens.again.items())]


def _flat(groups: Iterable[Iterable[Any]]) -> list[Any]:
    return [part for group in groups for part in group]


def _record(text: str) -> NodeRecord:
    done = text.startswith("D")
    delivery, begun, attempts, retries, deliveries = text.removeprefix("D").split(",")
    return NodeRecord(int(delivery), float(begun or 0), int(attempts), int(retries), int(deliveries), done)


def _opened(reply: list[Any]) -> Opened:
    _, token, version, known, batches, entries, header, outbox, due = reply
    fields = dict(zip(header[::2], header[1::2], strict=True))
    return Opened(token, version, known, batches, entries, fields, outbox, due)
