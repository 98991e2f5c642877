"""Takes starts of flow runs that wait in their queue, so that one process of the pool handles several together.

When a start arrives at the main process of a worker, the starts behind it in the queue are taken too: at most as
many as a message may hold, and only a share of them, as other workers may be idle. Nothing but starts is taken, so
no task waits here that another worker could run. The first message becomes one for all of them. When that is
acknowledged, each of them is, or each is put back into the queue as it was. After the death of the worker each
comes again by itself.

On Redis one script takes the starts and records them as unacknowledged, in one step: kombu needs two requests a
message, and a worker that is killed between them loses the message. RabbitMQ is asked for one message after the
other. A message that is not a start goes back to the front of its queue, which a quorum queue counts as a failed
delivery: from such queues nothing is taken.

The clock is the real one of this machine, as that of kombu is, by which unacknowledged messages come again.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from celery.worker import state
from kombu import Queue

from selinon_core.celery.transport.message_limits import is_small
from selinon_core.celery.transport.message_schema import REFERRING_FORMAT, TRACE_HEADER
from selinon_core.celery.transport.publisher import DISPATCHER
from selinon_core.celery.transport.start_batch import START_HEADER, joined

_log = logging.getLogger("selinon")

#: Of the starts that wait, one in so many is taken at once: the rest is for other processes and workers.
SHARE = 4
#: After looks that found nothing, so many starts pass without one: what comes one by one costs no more for it.
MOST_SKIPPED = 7
#: Headers of Celery with which a start is handled by itself.
_ALONE = ("eta", "expires", "stamped_headers", "stamps", "redelivered")

#: KEYS: list of messages, unacknowledged messages, their index. ARGV: most, share, time, queue, name of the task.
_TAKE = """
local function fits(text)
  local ok, message = pcall(cjson.decode, text)
  if not ok or type(message) ~= 'table' then return nil end
  local headers, properties = message['headers'], message['properties']
  if type(headers) ~= 'table' or type(properties) ~= 'table' then return nil end
  local info, tag = properties['delivery_info'], properties['delivery_tag']
  if headers['task'] ~= ARGV[5] or headers['selinon_start'] ~= 1 or headers['redelivered'] then return nil end
  if type(info) ~= 'table' or info['exchange'] ~= '' or info['routing_key'] ~= ARGV[4] then return nil end
  if type(tag) == 'string' then return tag end
end
local most = math.min(tonumber(ARGV[1]), math.floor(redis.call('LLEN', KEYS[1]) / tonumber(ARGV[2])))
local around = ', "", ' .. cjson.encode(ARGV[4]) .. ']'
local taken = {}
for _ = 1, most do
  local text = redis.call('LINDEX', KEYS[1], -1)
  local tag = text and fits(text)
  if not tag then break end
  redis.call('RPOP', KEYS[1])
  redis.call('HSET', KEYS[2], tag, '[' .. text .. around)
  redis.call('ZADD', KEYS[3], ARGV[3], tag)
  taken[#taken + 1] = text
end
return taken
"""


class WaitingStarts:
    """Joins the starts that one consumer receives with those behind them. ``most``: so many share a message."""

    def __init__(self, consumer: Any, most: int) -> None:
        self._consumer = consumer
        self._most = most
        self._script: Any = None
        self._looking = False
        self._skip = self._skipped = 0

    def join(self, message: Any, ack: Any, reject: Any) -> tuple[Any, Any]:
        """Make a message one for several starts; returns what acknowledges and what rejects all of them."""
        others = self._others(message)
        if not others:
            return ack, reject
        become_one([message, *others])
        qos = self._consumer.qos
        before = qos.value
        # They count as one. RabbitMQ does not count what it is asked for.
        more = qos.increment_eventually(len(others)) - before if _is_redis(message.channel) else 0

        def settled(settle: Callable[..., Any], together: Callable[..., Any]) -> Callable[..., Any]:
            def all_of_them(*args: Any, **kwargs: Any) -> None:
                settle(*args, **kwargs)
                self._consumer.call_soon_ack(together, others, *args, **kwargs)
                if more:
                    qos.decrement_eventually(more)

            return all_of_them

        return settled(ack, _acknowledge), settled(reject, _reject)

    def _others(self, message: Any) -> list[Any]:
        """The starts behind a message, as messages that this consumer holds."""
        # While RabbitMQ is asked, it may deliver a message, which comes here too.
        if self._most < 2 or self._looking or not may_share(message):
            return []
        if self._skip:
            self._skip -= 1
            return []
        take = _TAKERS.get(type(message.channel).__module__)
        if take is None:
            return []
        self._looking = True
        try:
            others = take(self, message.channel, message)
        except self._consumer.connection_errors:
            raise
        except Exception as error:
            _log.warning("cannot look for more starts: %s: %s", type(error).__name__, error)
            others = []
        finally:
            self._looking = False
        self._skipped = 0 if others else min(2 * self._skipped + 1, MOST_SKIPPED)
        self._skip = self._skipped
        return others

    def _take_from_redis(self, channel: Any, message: Any) -> list[Any]:
        queue = message.delivery_info["routing_key"]
        prefix = getattr(channel, "global_keyprefix", None) or ""
        # Behind it in the list of its own priority.
        waiting = channel._q_for_pri(queue, message.properties.get("priority") or 0)
        keys = [prefix + key for key in (waiting, channel.unacked_key, channel.unacked_index_key)]
        now = f"{time.time():.6f}"
        others = []
        for text in self._call(channel.pool, keys, [self._most - 1, SHARE, now, queue, DISPATCHER]):
            raw = json.loads(text)
            other = channel.Message(raw, channel=channel)
            other.accept = message.accept
            channel.qos._quick_append(other.delivery_tag, other)
            if may_share(other):
                others.append(other)
            else:
                channel.connection._deliver(raw, queue)
        return others

    def _take_from_rabbitmq(self, channel: Any, message: Any) -> list[Any]:
        name = message.delivery_info["routing_key"]
        queue = self._consumer.app.amqp.queues.get(name)
        if queue is None or (queue.queue_arguments or {}).get("x-queue-type") == "quorum":
            return []
        others: list[Any] = []
        while len(others) < self._most - 1:
            other = Queue(name, channel=channel).get(accept=message.accept)
            if other is None:
                break
            if not may_share(other):
                other.reject(requeue=True)
                break
            others.append(other)
            if len(others) * (SHARE - 1) >= other.delivery_info.get("message_count", 0):
                break
        return others

    def _call(self, pool: Any, keys: Sequence[str], args: Sequence[Any]) -> Any:
        import redis

        client = redis.Redis(connection_pool=pool)  # not kombu's, which puts its prefix before some keys only
        if self._script is None:
            self._script = client.register_script(_TAKE)
        return self._script(keys=keys, args=args, client=client)


_REDIS, _RABBITMQ = "kombu.transport.redis", "kombu.transport.pyamqp"
_TAKERS = {_REDIS: WaitingStarts._take_from_redis, _RABBITMQ: WaitingStarts._take_from_rabbitmq}


def _is_redis(channel: Any) -> bool:
    return type(channel).__module__ == _REDIS


def may_share(message: Any) -> bool:
    """Whether a message is a start that may be handled together with others."""
    headers, info = message.headers, message.delivery_info
    if headers.get(START_HEADER) != 1 or headers.get("task") != DISPATCHER or info.get("exchange"):
        return False
    if any(headers.get(name) for name in _ALONE) or info.get("redelivered") or headers.get("retries"):
        return False
    if any(headers.get("timelimit") or ()) or headers["id"] in state.revoked:
        return False
    try:
        args, kwargs, _ = message.payload
    except Exception:  # Celery says what is wrong with it
        return False
    if args or not isinstance(kwargs, dict) or kwargs.get("action") != "start" or kwargs.get("caller"):
        return False
    id, version = kwargs.get("id"), kwargs.get("v")
    is_known = isinstance(version, int) and 1 <= version <= REFERRING_FORMAT
    return is_known and isinstance(id, str) and is_small(id) and id not in state.revoked


def become_one(messages: Sequence[Any]) -> None:
    """Let the first of these messages hold the starts of all."""
    first = messages[0]
    kwargs = joined((each.payload[1], each.headers.get(TRACE_HEADER)) for each in messages)
    embed = first.payload[2]
    shown = f"{first.headers.get('shadow') or DISPATCHER} and others"
    first.headers = {**first.headers, "shadow": shown, "kwargsrepr": f"{{'starts': {len(messages)}}}"}
    first.headers.pop(START_HEADER)
    first.body = json.dumps([[], kwargs, embed]).encode()
    first.content_type, first.content_encoding = "application/json", "utf-8"
    first._decoded_cache = None


def _acknowledge(messages: Sequence[Any], logger: Any, errors: Any, *args: Any, **kwargs: Any) -> None:
    """Acknowledge messages of one channel, on Redis in one request; one by one where that fails."""
    channel = messages[0].channel
    if not _is_redis(channel):
        for message in messages:
            message.ack_log_error(logger, errors)
        return
    tags = [message.delivery_tag for message in messages]
    try:
        with channel.conn_or_acquire() as client, client.pipeline() as pipe:
            pipe.zrem(channel.unacked_index_key, *tags)
            pipe.hdel(channel.unacked_key, *tags)
            pipe.execute()
    except Exception:  # its handlers of errors are behind the acknowledgement of a single message
        for message in messages:
            message.ack_log_error(logger, errors)
        return
    for message in messages:
        channel.qos._quick_ack(message.delivery_tag)
        message._state = "ACK"


def _reject(messages: Sequence[Any], logger: Any, errors: Any, requeue: bool = False) -> None:
    for message in messages:
        message.reject_log_error(logger, errors, requeue)
