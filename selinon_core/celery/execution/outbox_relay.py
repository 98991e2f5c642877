"""The outbox relay: publishes messages, notifies parents and writes results as committed, then clears the outbox.

Everything here may happen twice (a crash before the outbox was cleared) and is harmless then: a message counts
once per delivery, a node run ends once, a result is written again.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import NamedTuple

from selinon_core.celery.execution.inbox_codec import InboxEntry, Resumed, encode_entry
from selinon_core.celery.execution.index_changes import IndexChanges
from selinon_core.celery.execution.notices import Notices
from selinon_core.celery.execution.retention import Retention
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.tombstones import Tombstones
from selinon_core.celery.execution.transition import Problem
from selinon_core.celery.execution.wait_endings import WaitEndings
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.outbox_keys import (
    CANCEL_FLOW,
    NOTIFY_PARENT,
    RESUME_FLOW,
    SHOW_WAITS,
    START_INLINED,
    TELL_FAILURE,
    WRITE_RESULT,
    OutboxKey,
    known_timers,
)
from selinon_core.celery.stores.protocol import FOREVER, GONE, LEASED, NEEDS_ADVANCE, Opened
from selinon_core.celery.stores.run_header import Caller, RunHeader, awaits_start
from selinon_core.celery.transport.batching import MessageBatcher
from selinon_core.celery.transport.message_builder import MessageBuilder, StartEffect
from selinon_core.celery.transport.message_schema import StartMessage
from selinon_core.celery.transport.publisher import OutgoingMessage, Publisher
from selinon_core.dispatch import FlowOutcome, NodeRun
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import encode_event

_log = logging.getLogger("selinon")

#: Messages sent between two renewals of the lease.
SEND_AT_ONCE = 1000
#: While their queue is busy, one in so many undelivered messages is sent again at each look.
RESEND_ONE_IN = 4
#: A message behind more than so many others is missed later.
TAKEN_MEANWHILE = 200


class Parent(NamedTuple):
    """A parent run this worker got the lease of, because a sub-flow ended here."""

    flow_id: str
    opened: Opened


class Send(NamedTuple):
    """A request to publish messages; its answer is None, or the exception with which that failed."""

    messages: Sequence[OutgoingMessage]


class Relayed(NamedTuple):
    """The keys that were performed, and the problems with others."""

    done: list[OutboxKey]
    problems: list[Problem]

    def failed(self, error: Exception) -> None:
        """A key could not be performed."""
        self.problems.append(Problem("DISPATCHER_FAILURE", f"{type(error).__name__}: {error}"))


class OutboxRelay:
    """Performs the keys of outboxes; ``write_result(id, outcome)`` puts a result where Celery looks for it.

    The class is long because an outbox holds many kinds of keys: each takes a few lines.
    """

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        messages: MessageBuilder,
        settings: AdapterSettings,
        batcher: MessageBatcher,
        serves: Callable[[str], bool],
        write_result: Callable[[str, FlowOutcome], None],
        now: Callable[[], float],
        index: IndexChanges,
        retention: Retention,
        waits: WaitEndings,
        notices: Notices,
    ) -> None:
        self._now = now
        self.waits = waits
        self.notices = notices
        self._store = store
        self._publisher = publisher
        self._messages = messages
        self._settings = settings
        self._batcher = batcher
        self._serves = serves
        self._write_result = write_result
        self.tombstones = Tombstones(
            store, messages, settings, now, index, retention, write_result, self.deliver_end
        )
        #: Parents of the sub-flows that ended here, which are to be advanced now.
        self.parents: deque[Parent] = deque()

    def perform(
        self,
        run: CachedRun,
        token: int,
        keys: Iterable[OutboxKey],
        messages: Mapping[OutboxKey, OutgoingMessage],
        more: Sequence[OutgoingMessage] = (),
    ) -> Generator[Send, Exception | None, Relayed]:
        """Perform keys, and ask for the sending of their and ``more`` messages; the sweep comes back to keys that
        fail.
        """
        relayed = Relayed([], [])
        to_send: list[tuple[OutboxKey | None, OutgoingMessage]] = [(None, message) for message in more]
        for key in keys:
            message = messages.get(key) or (self._message(run, key) if key.is_start else None)
            if message is not None:
                to_send.append((key, message))
                continue
            try:
                self._perform_non_message(run, key)
                relayed.done.append(key)
            except Exception as error:
                relayed.failed(error)
        sent = 0
        for begin in range(0, len(to_send), SEND_AT_ONCE):
            if begin:
                self._store.renew_lease(run.id, token, self._now() + self._settings.selinon_lease)
            part = to_send[begin : begin + SEND_AT_ONCE]
            try:
                batched = self._batcher.batched([message for _, message in part])
            except Exception as error:
                relayed.failed(error)
                break
            if len(to_send) > self._settings.selinon_front_count:
                batched, sent = self._ranked(batched, sent)
            failure = yield Send(batched)
            if failure is not None:
                relayed.failed(failure)
                break
            relayed.done.extend(key for key, _ in part if key is not None)
        return relayed

    def _ranked(self, messages: Sequence[OutgoingMessage], sent: int) -> tuple[list[OutgoingMessage], int]:
        """Messages of a large step: all but the first node runs come behind those of other flow runs.

        ``sent`` are the node runs that went before; also returns their number with these.
        """
        ranked = []
        for message in messages:
            ranked.append(message._replace(behind=sent >= self._settings.selinon_front_count))
            sent += len(message.kwargs.get("nodes") or (None,))
        return ranked, sent

    def publish(self, messages: Sequence[OutgoingMessage]) -> Exception | None:
        """Publish messages; returns the exception with which that failed."""
        try:
            self._publisher.send(messages)
        except Exception as error:
            return error
        return None

    def _message(self, run: CachedRun, key: OutboxKey) -> OutgoingMessage | None:
        """The message of a start that was left behind; None when it needs none (any more)."""
        if key.kind != START_INLINED:
            return self.resend(run, key.number)
        effect = self._start_effect(run, key.number)
        if effect is not None and key.number in self._timed(run.id):
            return None  # it failed, and its next attempt is sent when its countdown is over
        delivery = None if effect is None else self._store.next_delivery(run.id, key.number)
        return None if effect is None or delivery is None else self._with_payload(run, effect, delivery)

    def _timed(self, flow_id: str) -> set[int]:
        """The node runs whose message is sent by a timer."""
        return {timer.number for timer in known_timers(self._store.timers(flow_id)) if timer.is_send}

    def _with_payload(self, run: CachedRun, effect: StartEffect, delivery: int) -> OutgoingMessage:
        return self._messages.of_start(run.ref, effect, delivery)[0]

    def resend(self, run: CachedRun, number: int) -> OutgoingMessage | None:
        """The message of a node run whose message got lost or whose throttled start is due now."""
        effect = self._start_effect(run, number)
        if effect is None:
            return None
        record = self._store.records(run.id, [number]).get(number)
        if record is not None and (record.done or record.begun_at):
            return None
        return self._with_payload(run, effect, 0 if record is None else record.delivery)

    def missed_after(self, message: OutgoingMessage) -> float:
        """The seconds after which a message is missed that is sent now: in a long queue it takes its time."""
        waiting = self._publisher.waiting(message.queue)
        return self._settings.selinon_resend_after * (1 + waiting / TAKEN_MEANWHILE)

    def _start_effect(self, run: CachedRun, number: int) -> StartEffect | None:
        """The start effect of an active node run; None also for one that has no message: it waits for a
        signal, or its task or flow is gone from the files.
        """
        effect = run.machine.start_effect_of(number)
        return effect if effect is not None and self._messages.is_sent(effect.node_run.name) else None

    def undelivered(self, run: CachedRun, started_before: int, idle_for: float) -> list[OutgoingMessage]:
        """New messages for the node runs up to number ``started_before`` whose message did not arrive.

        What is started from then on is in the outbox, and its message is sent by that. ``idle_for``: the seconds
        without progress.

        While a queue holds messages, theirs are probably among them, and copies would only make it longer. So most
        wait. A share in turn is sent anyway: a queue may never be empty, and their messages may be lost. The turn
        goes on as the sweep looks, each time after twice as long, so that some looks reach every message.
        """
        machine = run.machine
        numbers = [n for n in range(1, started_before + 1) if machine.run_of(n) is not None]
        records = self._store.records(run.id, numbers)
        timed = self._timed(run.id)
        turn = int(math.log2(max(idle_for / self._settings.selinon_resend_after, 1.0)))
        waiting: dict[str, int] = {}
        messages = []
        for number in numbers:
            record = records.get(number)
            effect = self._start_effect(run, number)
            if effect is None or number in timed or (record is not None and (record.done or record.begun_at)):
                continue
            # The delivery number stays: if the original is only late, the first copy counts, not the second.
            message = self._with_payload(run, effect, 0 if record is None else record.delivery)
            if message.queue not in waiting:
                waiting[message.queue] = self._publisher.waiting(message.queue)
            if not waiting[message.queue] or (number + turn) % RESEND_ONE_IN == 0:
                messages.append(message)
        return messages

    def stalled_messages(self, run: CachedRun) -> list[OutgoingMessage]:
        """New messages for stalled node runs: the receiver is dead, and the message was not redelivered."""
        messages = []
        now = self._now()
        for number in self._store.stalled_nodes(run.id, now - self._settings.selinon_heartbeat_timeout):
            effect = self._start_effect(run, number)
            if effect is None:
                self._store.heartbeat(run.id, (number,), FOREVER)  # the flow does not wait for it any more
            elif effect.node_run.is_flow and self._has_begun(effect.node_run):
                self._store.heartbeat(run.id, (number,), FOREVER)  # it began, and the sweep checks it by itself
            else:
                delivery = self._store.next_delivery(run.id, number)
                if delivery is not None:
                    messages.append(self._with_payload(run, effect, delivery))
        return messages

    def _has_begun(self, node: NodeRun) -> bool:
        """Whether the run of a sub-flow has begun, and was reopened as often as its node run was run again."""
        fields = self._store.header(node.id)
        return fields is not None and not awaits_start(fields) and RunHeader.read(fields).serial >= node.serial

    # -- other keys -------------------------------------------------------------------------------------------

    def _perform_non_message(self, run: CachedRun, key: OutboxKey) -> None:
        outcome = run.machine.outcome
        if key.kind == WRITE_RESULT:
            assert outcome is not None
            self._write_result(run.id, outcome)
        elif key.kind == NOTIFY_PARENT:
            assert outcome is not None
            assert run.header.caller is not None
            self.deliver_end(run.header.caller, outcome, run.header.lane)
        elif key.kind == CANCEL_FLOW:
            self._cancel(run, key.number)
        elif key.kind == SHOW_WAITS:
            self.waits.show(run)
        elif key.kind == TELL_FAILURE and outcome is not None:
            self.notices.failed(run.id, run.header, run.version, outcome.reason or "", list(outcome.failed))
        elif key.kind == RESUME_FLOW and (node := run.machine.run_of(key.number)) is not None:
            self.steer(node.id, node.name, InboxEntry(Resumed(run.header.paused)))

    def deliver_end(self, caller: Caller, outcome: FlowOutcome, lane: str = "") -> None:
        """Put the end of a sub-flow, which has the lane of its parent, into the parent's inbox, and have that
        advanced.
        """
        flow_id, number, flow = caller
        now = self._now()
        event = (on.NodeSucceeded if outcome.succeeded else on.NodeFailed)(number, outcome, now)
        queue = self._messages.queue(flow, lane)
        delivered = self._store.append_event(
            flow_id,
            number,
            encode_event(event),
            now,
            urgent=True,
            lease=self._settings.selinon_lease if self._serves(queue) else 0.0,
        )
        if delivered.kind == LEASED:
            assert delivered.opened is not None
            self.parents.append(Parent(flow_id, delivered.opened))
        elif delivered.kind == NEEDS_ADVANCE:
            self._publisher.send([self._messages.wake(flow, flow_id, queue, lane=lane)])

    def _cancel(self, run: CachedRun, number: int) -> None:
        node = run.machine.run_of(number)
        if node is None:
            return
        caller = Caller(run.id, number, run.flow.name)
        while self.steer(node.id, node.name, InboxEntry(on.FlowCancelled())) == GONE:
            if self.tombstones.create(node.id, node.name, caller, run.root):
                return

    def steer(self, flow_id: str, flow: str, entry: InboxEntry) -> str:
        """Cancel or resume the run of a sub-flow; what the store found."""
        delivered = self._store.append_event(flow_id, 0, encode_entry(entry), self._now(), urgent=True)
        if delivered.kind == NEEDS_ADVANCE:
            self._publisher.send([self._messages.wake(flow, flow_id)])
        return delivered.kind

    def send_safely(self, messages: Sequence[OutgoingMessage]) -> bool:
        """Send messages that the sweep would otherwise send later; False when that failed."""
        error = self.publish(messages)
        if error is not None:
            _log.warning("cannot publish: %s: %s", type(error).__name__, error)
        return error is None

    def next_parent(self) -> Parent | None:
        """A parent to be advanced now, None when there is none (left)."""
        try:
            return self.parents.popleft()
        except IndexError:
            return None

    def fail_start(self, message: StartMessage, reason: str) -> None:
        """Record that a sub-flow failed because it could not begin."""
        self.fail_unreplayable(message.id, message.caller, reason)

    def fail_unreplayable(self, flow_id: str, caller: Caller | None, reason: str) -> None:
        """Record that a run failed because its log cannot be read any more."""
        outcome = FlowOutcome(False, {}, {}, [], {}, reason)
        self._write_result(flow_id, outcome)
        if caller is not None:
            entry = encode_event(on.NodeFailed(caller.number, outcome))
            self._store.append_event(caller.flow_id, caller.number, entry, self._now(), urgent=True)
            self.send_safely([self._messages.wake(caller.flow, caller.flow_id)])
