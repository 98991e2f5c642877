"""Sends a message that this worker does not handle to its queue again, or to the queue of dead letters.

RabbitMQ puts what is rejected back in front of its queue, where the same worker takes it again at once. A quorum
queue also counts how often a message came back, and drops it at its limit (20 on RabbitMQ 4). So a copy is
published at the tail of the queue and the message is acknowledged. The copy of a redelivered message is marked as
a retry, so that it still counts as redelivered. On Redis a rejected message goes to the tail, and nothing counts.
"""

from __future__ import annotations

import json
import logging
from typing import Any, NoReturn

from celery.exceptions import Ignore, Reject

from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.stores.items import PARKED, Item
from selinon_core.celery.transport.celery_defaults import is_redis
from selinon_core.celery.transport.message_limits import one_line
from selinon_core.celery.transport.message_schema import QUEUED_HEADER, TRACE_HEADER, is_v1_message
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.errors import StateStoreError, StateStoreRefused

_log = logging.getLogger("selinon")

#: The queue of starts that could not be handled; no worker consumes it.
DEAD_LETTERS = "selinon.dead-letters"
#: The header that counts how often a start could not be handled.
FAILURES = "selinon_failures"
#: The header of a dead letter that says why it is one.
REASON = "selinon_reason"


def is_redelivery(task: Any) -> bool:
    """Whether the message was delivered before: by the broker, or by Celery after a lost worker process."""
    request = task.request
    return bool(request.retries or (request.delivery_info or {}).get("redelivered"))


def header_of(task: Any, name: str) -> Any:
    """A header of a message that is not one of Celery's."""
    found = getattr(task.request, name, None)
    return found if found is not None else (task.request.headers or {}).get(name)


def give_back(owner: Owner, task: Any, why: str, pause: float) -> NoReturn:
    """Put the message of a Celery task back into its queue after ``pause`` seconds, for any worker."""
    owner.services.surroundings.sleep(pause)  # it may come straight back
    if not is_redis(owner.app.conf.broker_url) and _republish(owner, task):
        raise Ignore(why)
    raise Reject(why, requeue=True)


def give_back_failed(owner: Owner, task: Any, why: str, pause: float) -> bool:
    """Give back a start that could not be handled; False, and nothing is done, when it failed too often.

    It counts in a header of the copy, so the copy is published on every broker.
    """
    failures = failures_of(task) + 1
    if failures >= owner.services.settings.selinon_max_deliveries:
        return False
    owner.services.surroundings.sleep(pause)
    if owner.services.relay.send_safely([_copy(task, {FAILURES: failures})]):
        raise Ignore(why)
    raise Reject(why, requeue=True)


def failures_of(task: Any) -> int:
    """How often this start could not be handled."""
    found = header_of(task, FAILURES)
    return found if isinstance(found, int) else 0


def park(owner: Owner, task: Any, flow: str, id: str, why: str) -> str:
    """Keep the start of a flow run, with the reason, until it is requeued or dropped; says where it is now.

    It is in the state store (``selinon parked``), or in the queue of dead letters while the store does not take
    it; the text is empty when that is not possible either.
    """
    message = _copy(task, {})
    kept = {
        "flow": flow,
        "reason": one_line(why)[:1000],
        "queue": message.queue,
        "task": message.celery_task,
        "shown_as": message.shown_as,
        "task_id": message.task_id,
        "root_id": message.root_id,
        "kwargs": message.kwargs,
        "headers": {name: text for name, text in (message.headers or {}).items() if name == TRACE_HEADER},
    }
    services = owner.services
    now = services.clock()
    try:
        services.store.items.put(
            Item(PARKED, id, now, json.dumps(kept)), now + services.settings.selinon_index_ttl
        )
    except (StateStoreError, StateStoreRefused, TypeError, ValueError) as error:
        _log.warning("a start is not parked in the state store: %s", error)
        return f"in the queue {DEAD_LETTERS}" if _to_dead_letters(owner, task, why) else ""
    return 'parked, see "selinon parked"'


def _to_dead_letters(owner: Owner, task: Any, why: str) -> bool:
    message = _copy(task, {REASON: why[:1000]})
    return owner.services.relay.send_safely([message._replace(queue=DEAD_LETTERS)])


def _republish(owner: Owner, task: Any) -> bool:
    if is_v1_message(task.request.kwargs):
        return _republish_as_is(task)
    if queue_of(task) not in owner.app.amqp.queues:
        return False
    return owner.services.relay.send_safely([_copy(task, {})])


def _republish_as_is(task: Any) -> bool:
    """Publish a copy of a message of selinon 1.x, whose fields are not ours, with Celery's own means."""
    request = task.request
    try:
        task.signature_from_request(request, request.args, request.kwargs, retries=request.retries).apply_async()
    except Exception as error:
        _log.warning("cannot publish: %s: %s", type(error).__name__, error)
        return False
    return True


def _copy(task: Any, more: dict[str, Any]) -> OutgoingMessage:
    request = task.request
    headers: dict[str, Any] = {}
    for name in (TRACE_HEADER, QUEUED_HEADER, FAILURES):
        found = header_of(task, name)
        if found is not None:
            headers[name] = found
    if is_redelivery(task):  # the copy must not be taken for a message that was never delivered
        headers["retries"] = max(1, request.retries or 0)
    return OutgoingMessage(
        queue_of(task),
        task.name,
        getattr(request, "shadow", None) or task.name,
        str(request.kwargs.get("id") or request.id),
        request.root_id or request.id,
        request.kwargs,
        (request.timelimit or (None,))[0],
        headers | more or None,
    )


def queue_of(task: Any) -> str:
    """The queue that a message came from."""
    return str((task.request.delivery_info or {}).get("routing_key"))
