"""Handles messages that Celery revoked or that expired: the node run fails, or the flow run is cancelled.

After ``revoke``, ``terminate`` (also Flower's buttons) and ``revoke_by_stamped_headers``, and for an expired
message, the main process of the worker that has the message announces that it was revoked (``NodeRequest``). The
messages of a node run and of a flow run have ids of their own, so workers also understand the ids that callers
know: that of a node run stands for its messages, that of a flow run for its start and for the run itself.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from celery.exceptions import TaskRevokedError
from celery.utils.functional import maybe_list
from celery.worker import control, state

from selinon_core.celery.selinon_protocol import Owner, Revoked
from selinon_core.celery.stores.protocol import NEEDS_ADVANCE
from selinon_core.celery.transport.message_schema import NodeMessage, read_nodes
from selinon_core.celery.transport.publisher import DISPATCHER, ENVELOPE
from selinon_core.celery.transport.start_batch import apart, is_batch, starts_in
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import encode_event
from selinon_core.errors import FormatSkew, MessageRefused
from selinon_core.runtime.error_codec import encode_error
from selinon_core.runtime.ids import id_maker

_log = logging.getLogger("selinon")

#: Seconds before a revocation that could not be recorded is tried again.
RETRY_AFTER = 1.0


def known_ids(task: str, kwargs: Any) -> Iterator[str]:
    """The ids by which a message can be revoked: of its node runs, or of the flow runs it starts."""
    if task == DISPATCHER:
        yield from (start["id"] for start in starts_in(kwargs) if isinstance(start.get("id"), str))
    elif task == ENVELOPE and isinstance(kwargs, dict) and isinstance(kwargs.get("id"), str):
        make_id = id_maker(kwargs["id"])
        for node in kwargs.get("nodes") or [kwargs]:
            if isinstance(node, dict) and isinstance(node.get("number"), int):
                yield make_id(node["number"])


def revoke_message(message: Any, revoked: Any = state.revoked) -> None:
    """Mark a new message as revoked when the id of one of its node runs, or of its flow run, was revoked."""
    if not revoked:
        return
    headers = message.headers
    arguments = message.payload[1] if isinstance(message.payload, list | tuple) else None
    if any(id in revoked for id in known_ids(headers.get("task", ""), arguments)):
        revoked.add(headers["id"])


class Revocations:
    """Records revocations of one app's messages, from a thread: the main loop of a worker must not wait."""

    def __init__(self, owner: Owner, revoked: Any = state.revoked) -> None:
        self._owner = owner
        self._revoked = revoked
        self._todo: queue.SimpleQueue[Revoked] = queue.SimpleQueue()
        #: Messages that were terminated for a node run that runs inline, and the ids that were asked for.
        self._for_inlined: dict[str, frozenset[str]] = {}

    def note(self, item: Revoked) -> None:
        """Queue a revocation to be recorded."""
        self._todo.put(item)

    def run(self, stop: threading.Event, passed: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """Record revocations until the worker stops; ``passed()`` is entered for the use of the network."""
        while not stop.is_set():
            try:
                item = self._todo.get(timeout=0.5)
            except queue.Empty:
                continue
            try:
                with passed():
                    self.record(item)
            except Exception as error:
                _log.warning("cannot record what was revoked: %s: %s", type(error).__name__, error)
                self._todo.put(item)
                stop.wait(RETRY_AFTER)

    def record(self, item: Revoked) -> None:
        """Fail the node runs of a message, or cancel its flow run; raises when store or broker are away."""
        wanted = self._for_inlined.get(item.message)
        if wanted is not None:
            self._fail_inlined(item, wanted)
            self._for_inlined.pop(item.message, None)
        elif item.task == DISPATCHER and is_batch(item.kwargs):
            self._cancel_some(item)
        elif item.task == DISPATCHER:
            self._cancel(item.kwargs["flow"], item.kwargs["id"])
        elif item.task == ENVELOPE:
            services = self._owner.services
            try:
                messages = read_nodes(item.kwargs, services.settings.selinon_max_message_bytes)
            except (FormatSkew, MessageRefused):
                return
            self._fail(messages, item.how)
        for id in item.ids:
            header = self._owner.store.header(id)
            if header is not None and header["status"] == "running":
                self._cancel(header["flow"], id)
        if item.terminate is not None:
            self._terminate_inlined(frozenset(item.ids), item.terminate)

    def _terminate_inlined(self, ids: frozenset[str], terminate: Callable[[str], object]) -> None:
        """Terminate the messages of this worker whose receiver runs a node run with one of these ids inline."""
        for request in list(state.active_requests):
            kwargs, task = request.kwargs, request.task.name
            if request.app is not self._owner.app or ids.intersection(known_ids(task, kwargs)):
                continue
            if any(id_maker(id)(number) in ids for id, number, _ in self._inlined(task, kwargs)):
                self._for_inlined[request.id] = ids
                try:
                    terminate(request.id)
                except NotImplementedError:
                    del self._for_inlined[request.id]
                    _log.warning("this pool cannot stop a running task: message %r goes on", request.id)

    def _inlined(self, task: str, kwargs: Any) -> Iterator[tuple[str, int, int]]:
        """The node runs that the receiver of a message runs inline: id of the flow run, number, and number of the
        carrier.
        """
        if task == DISPATCHER:
            carriers = [(id, 0) for id in known_ids(task, kwargs)]
        elif task == ENVELOPE and isinstance(kwargs.get("id"), str):
            carriers = [(kwargs["id"], node["number"]) for node in kwargs.get("nodes") or [kwargs]]
        else:
            carriers = []
        for flow_id, carrier in carriers:
            number = self._owner.store.inlined_node(flow_id, carrier)
            if number is not None:
                yield flow_id, number, carrier

    def _fail_inlined(self, item: Revoked, wanted: frozenset[str]) -> None:
        """Fail the node run that a message was terminated for.

        Its end may have come first, and its receiver ran the next one inline: that one begins again.
        """
        services = self._owner.services
        flows = {start["id"]: start["flow"] for start in starts_in(item.kwargs)}
        for flow_id, number, carrier in self._inlined(item.task, item.kwargs):
            flow = flows.get(flow_id) or item.kwargs["flow"]
            if id_maker(flow_id)(number) in wanted:
                self._fail_node(flow, flow_id, number, item.how)
                continue
            delivery = item.kwargs.get("delivery") or 0
            services.store.claim_delivery(flow_id, carrier, delivery, True, services.clock())
            services.publisher.send([services.messages.wake(flow, flow_id)])
        # Runs whose message is gone with the others, and that run nothing here at the moment.
        if is_batch(item.kwargs):
            self._publish_apart(starts_in(item.kwargs))

    def _cancel_some(self, item: Revoked) -> None:
        """Cancel the flow runs that were asked for by their ids, else the first, whose message has that id.

        The other starts of the message are published again: its receiver was stopped.
        """
        starts = starts_in(item.kwargs)
        revoked = [start for start in starts if start["id"] in self._revoked] or starts[:1]
        self._publish_apart([start for start in starts if start not in revoked])
        for start in revoked:
            self._cancel(start["flow"], start["id"])

    def _publish_apart(self, starts: Sequence[Mapping[str, Any]]) -> None:
        """Publish each start in a message of its own, as one that was delivered before."""
        services = self._owner.services
        known = [start for start in starts if services.messages.knows(start["flow"])]
        services.publisher.send(
            [each for start in known for each in apart([start], services.messages.queue(start["flow"]), True)]
        )

    def _cancel(self, flow: str, id: str) -> None:
        services = self._owner.services
        if not services.messages.knows(flow):
            return
        _log.warning("flow run %r of %r is cancelled: its message was revoked", id, flow)
        services.publisher.send([services.messages.wake(flow, id, cancel=True)])

    def _fail(self, messages: tuple[NodeMessage, ...], how: str) -> None:
        store, messages_of = self._owner.store, self._owner.services.messages
        flow_id = messages[0].id
        numbers = [message.number for message in messages]
        records = store.records(flow_id, numbers)
        if how == "terminated":
            begun = [n for n in numbers if n in records and records[n].begun_at and not records[n].done]
            inlined = [n for n in (store.inlined_node(flow_id, n) for n in numbers) if n is not None]
            ended = {*begun, *inlined}
            waiting = [m for m in messages if m.number not in records or not records[m.number].begun_at]
            make_id = id_maker(flow_id)
            self._owner.services.publisher.send(
                [messages_of.of_message(m, make_id(m.number), m.delivery) for m in waiting]
            )
        else:
            ended = set(numbers)
        for number in sorted(ended):
            self._fail_node(messages[0].flow, flow_id, number, how)

    def _fail_node(self, flow: str, flow_id: str, number: int, how: str) -> None:
        services = self._owner.services
        task_id = id_maker(flow_id)(number)
        _log.warning("task run %r of flow run %r counts as failed: its message was %s", task_id, flow_id, how)
        # The main process of a worker runs no user code, so another one advances the flow.
        delivered = services.store.append_event(
            flow_id,
            number,
            encode_event(on.NodeFailed(number)),
            services.clock(),
            urgent=True,
            error=(task_id, encode_error(TaskRevokedError(f"its message was {how}"))),
            ttl=services.retention.errors,
        )
        if delivered.kind == NEEDS_ADVANCE:
            services.publisher.send([services.messages.wake(flow, flow_id)])


# -- Celery's commands ------------------------------------------------------------------------------------------

_Command = Callable[..., Any]


def extend_commands() -> None:
    """Let the remote commands of the workers of this process understand the ids that callers know."""
    commands = control.Panel.data
    for name in ("revoke", "terminate"):
        if not hasattr(commands[name], "selinon_original"):
            commands[name] = _understanding(name, commands[name])


def _understanding(name: str, original: _Command) -> _Command:
    def command(state_: Any, *args: Any, task_id: Any = None, **options: Any) -> Any:
        ids = {str(id) for id in maybe_list(task_id) or ()}
        owner: Owner | None = getattr(state_.app.tasks.get(DISPATCHER), "selinon", None)
        if owner is not None:
            terminate = None
            if name == "terminate" or options.get("terminate"):

                def terminate(message: str) -> Any:
                    return original(state_, *args, task_id=[message], **options)

            owner.revocations.note(Revoked("", {}, "revoked", tuple(sorted(ids)), terminate=terminate))
            ids |= _messages_of(ids)
        return original(state_, *args, task_id=sorted(ids), **options)

    command.selinon_original = original  # type: ignore[attr-defined]
    command.__name__, command.__doc__ = name, original.__doc__
    return command


def _messages_of(ids: set[str]) -> set[str]:
    """The ids of the messages in this worker that these ids stand for."""
    found = set()
    for request in list(state.requests.values()):
        task = getattr(request.task, "name", "")
        if task in (DISPATCHER, ENVELOPE) and ids.intersection(known_ids(task, request.kwargs)):
            found.add(request.id)
    return found
