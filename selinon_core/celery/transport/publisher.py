"""Publishes messages: from per-task templates, on a pooled producer, pipelined where the broker's client can.

Celery's ``apply_async`` builds everything for each message, which is more than half of what a message costs. Here
headers and route are made once per task name, and a message fills in its ids.

Every message has a Celery id of its own, also the copies of one. Workers refuse an id that was revoked for as long
as they run: were it the id of the node run or of the flow run, its later messages would be refused too. The id of
the node run is shown in ``kwargsrepr``, the one of the flow run is ``root_id``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from selinon_core.celery.stores.limits import MOST_PRIORITY
from selinon_core.celery.transport.celery_defaults import is_redis
from selinon_core.celery.transport.message_schema import FORMAT
from selinon_core.celery.transport.redis_clients import keep_client
from selinon_core.runtime.ids import random_flow_id

if TYPE_CHECKING:
    from celery import Celery

    from selinon_core.plan import LanePlan

DISPATCHER = "selinon.Dispatcher"
ENVELOPE = "selinon.SelinonTaskEnvelope"

_new_id = random_flow_id
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_EMBED = ',{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]'


class OutgoingMessage(NamedTuple):
    """A message to be sent: to which queue, for which Celery task, shown under which name, with which ids.

    ``task_id`` is the id of the node run, or of the flow run; not the one of the message.
    """

    queue: str
    celery_task: str
    shown_as: str
    task_id: str
    root_id: str
    kwargs: Mapping[str, Any]
    time_limit: float | None = None
    headers: Mapping[str, Any] | None = None
    #: Whether it comes behind the messages of other flow runs: it is of those that a large step sends together.
    behind: bool = False


#: By how much the priority of such a message is less: a step of Redis, where no other ones are set.
BEHIND = 3
#: The priority of what has no lane, or a lane without one.
NORMAL_PRIORITY = 5


def priority_of(lane: LanePlan | None) -> int:
    """The priority of a lane, from 0 to ``MOST_PRIORITY``; the larger, the earlier."""
    return NORMAL_PRIORITY if lane is None or lane.priority is None else lane.priority


def waiting_priority(lanes: Mapping[str, LanePlan], lane: str) -> int:
    """The priority of what waits for a place of a limit; all are alike where there are no lanes."""
    return priority_of(lanes.get(lane)) if lanes else 0


#: Adds commands to a pipeline of a Redis broker.
Note = Callable[[Any], None]


class _MessageTemplate(NamedTuple):
    headers: dict[str, Any]
    options: dict[str, Any]
    declare: list[Any]


class Publisher:
    """Sends messages of one Celery app."""

    def __init__(self, app: Celery, lanes: Mapping[str, LanePlan] = {}) -> None:
        self._app = app
        self._lanes = lanes
        self._are_ranked = any(lane.priority is not None for lane in lanes.values())
        self._templates: dict[tuple[str, str, str], _MessageTemplate] = {}
        self._declared: set[tuple[int, str]] = set()

    def send(self, messages: Iterable[OutgoingMessage], note: Note | None = None) -> None:
        """Send messages; raises kombu's ``OperationalError`` when the broker stays away. Some may be sent then.

        On Redis ``note(pipeline)`` may add commands, which are done together with the messages, or before them.
        """
        messages = list(messages)
        if not messages:
            return
        with self._app.producer_pool.acquire(block=True) as producer:
            connection: Any = producer.connection
            keep_client(producer.channel)
            try:
                self._send(producer, messages, note)
            except _stale_connection_errors(connection):
                # The pooled connection was stale: once more, with Celery's own policy of retrying.
                self._declared.clear()
                if note is not None:
                    _write(producer.channel, note)
                self._publish(producer, messages, dict(self._app.conf.task_publish_retry_policy))

    def waiting(self, queue: str) -> int:
        """How many messages wait in a queue, 0 when that cannot be said."""
        try:
            with self._app.producer_pool.acquire(block=True) as producer:
                connection: Any = producer.connection
                # On a channel of its own: RabbitMQ closes the one on which a queue is asked for that is not there.
                channel = connection.channel()
                try:
                    return int(channel.queue_declare(queue, passive=True).message_count)
                finally:
                    channel.close()
        except Exception:
            return 0

    def _send(self, producer: Any, messages: list[OutgoingMessage], note: Note | None) -> None:
        if (len(messages) == 1 and note is None) or not producer.supports_batch_publish:
            if note is not None:
                _write(producer.channel, note)
            self._publish(producer, messages)
            return
        with producer.batch() as batch:
            self._publish(producer, messages)
            if note is not None:
                note(batch.state.session.pipeline)

    def _publish(
        self, producer: Any, messages: list[OutgoingMessage], retry_policy: dict[str, Any] | None = None
    ) -> None:
        for message in messages:
            template = self._template(message)
            headers = template.headers.copy()
            message_id = headers["id"] = _new_id()
            headers["root_id"] = message.root_id
            headers["kwargsrepr"] = f"{{'id': '{message.task_id}'}}"
            if message.time_limit is not None:
                headers["timelimit"] = [message.time_limit, None]
            if message.headers:
                headers.update(message.headers)
            known = (id(producer.connection), message.queue)
            is_declared = known in self._declared and retry_policy is None
            producer.publish(
                f"[[],{_encode({'v': FORMAT, **message.kwargs})}{_EMBED}",
                headers=headers,
                declare=None if is_declared else list(template.declare),
                correlation_id=message_id,
                retry=retry_policy is not None,
                retry_policy=retry_policy,
                **template.options,
                **self._priority(message),
            )
            self._declared.add(known)

    def _priority(self, message: OutgoingMessage) -> dict[str, int]:
        """The priority of a message as the broker counts it.

        Where no lane of the project has one, Redis has two ranks: no priority, which comes first, and behind that.
        """
        if not self._are_ranked and not message.behind:
            return {}
        conf = self._app.conf
        on_redis = is_redis(conf.broker_write_url or conf.broker_url)
        if not self._are_ranked:
            return {"priority": BEHIND} if on_redis else {}
        priority = priority_of(self._lanes.get(message.kwargs.get("lane") or ""))
        if message.behind:
            priority = max(priority - BEHIND, 0)
        return {"priority": MOST_PRIORITY - priority if on_redis else priority}  # kombu counts the other way round

    def _template(self, message: OutgoingMessage) -> _MessageTemplate:
        key = (message.queue, message.celery_task, message.shown_as)
        template = self._templates.get(key)
        if template is None:
            template = self._templates[key] = self._make_template(*key)
        return template

    def _make_template(self, queue_name: str, task: str, shown_as: str) -> _MessageTemplate:
        amqp = self._app.amqp
        message = amqp.as_task_v2(
            "", task, (), {}, shadow=shown_as, argsrepr="()", kwargsrepr="{}", ignore_result=True
        )
        route = amqp.router.route({"queue": queue_name}, task, (), {})
        queue: Any = route.get("queue")
        if isinstance(queue, str):
            queue = amqp.queues[queue]
        exchange, routing_key = queue.exchange.name or "", route.get("routing_key") or queue.routing_key
        if queue.exchange.type == "direct":
            exchange, routing_key = "", queue.name
        options = {
            "exchange": exchange,
            "routing_key": routing_key,
            "delivery_mode": queue.exchange.delivery_mode or self._app.conf.task_default_delivery_mode,
            "content_type": "application/json",
            "content_encoding": "utf-8",
            "reply_to": "",
        }
        return _MessageTemplate(message.headers, options, [queue])


def _stale_connection_errors(connection: Any) -> tuple[type[Exception], ...]:
    from kombu.exceptions import BatchPublishError  # type: ignore[attr-defined]

    return (*connection.recoverable_connection_errors, BatchPublishError)


def _write(channel: Any, note: Note) -> None:
    """Do the commands of a note by themselves."""
    with channel.conn_or_acquire() as client, client.pipeline(transaction=False) as pipe:
        note(pipe)
        pipe.execute()
