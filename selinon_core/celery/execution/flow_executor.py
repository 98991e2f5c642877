"""The flow executor: begins, cancels and wakes flow runs and takes the ends of their node runs; each call ends in
commits.

Two ways lead to a commit. Usually the worker first takes the run's lease, and with it the whole inbox
(``leased_execution``). When nothing but the end of one node run can happen next, the *short cut* decides
on the remembered state and commits without a lease; the store refuses it if anything else happened after all,
and then the long way is taken.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from selinon_core.celery.execution.commit_loop import CommitExtras, CommitLoop
from selinon_core.celery.execution.commit_steps import Advanced, Steps
from selinon_core.celery.execution.executor_context import ExecutorParts
from selinon_core.celery.execution.inbox_codec import STEERING, InboxEntry, Resumed, encode_entry
from selinon_core.celery.execution.inline_selection import InlineBudget, InlineTask
from selinon_core.celery.execution.leased_execution import LeasedExecution
from selinon_core.celery.execution.queued_retries import QueuedRetries
from selinon_core.celery.execution.reopening_step import RunBusy
from selinon_core.celery.execution.run_beginning import RunBeginning
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.run_pausing import RunPausing
from selinon_core.celery.execution.run_queueing import RunQueueing
from selinon_core.celery.execution.run_reopening import RunReopening
from selinon_core.celery.execution.run_signals import RunSignals
from selinon_core.celery.execution.transition import NODE_ENDS, Problem
from selinon_core.celery.execution.transition_report import ExecutionReport
from selinon_core.celery.stores.protocol import (
    DUPLICATE,
    ENDED,
    FOREVER,
    GONE,
    NEEDS_ADVANCE,
    PAUSED,
    STALE,
    Delivered,
    Opened,
)
from selinon_core.celery.stores.run_header import Caller, RunHeader
from selinon_core.celery.transport.message_schema import (
    NodeMessage,
    PauseMessage,
    RetryMessage,
    SignalMessage,
    StartMessage,
)
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import encode_event


class FlowExecutor:
    """Advances flow runs of one plan in one process; safe under threads."""

    def __init__(self, parts: ExecutorParts) -> None:
        self._parts = parts
        self._beginning = RunBeginning(parts)
        self._queueing = RunQueueing(parts, self._beginning)
        retries = QueuedRetries(parts, self._queueing.make_room)
        self._leased = LeasedExecution(parts, self._queueing, retries)
        self._reopening = RunReopening(parts, self._leased, retries)
        self._signals = RunSignals(parts, self._leased)
        self._pausing = RunPausing(parts, self._leased)

    def start(self, message: StartMessage, redelivered: bool, budget: InlineBudget | None) -> InlineTask | None:
        """Begin a flow run; for a run that exists already, process its due work instead."""
        parts = self._parts
        now = parts.now()
        caller = message.caller
        if caller is not None:
            begun = parts.store.claim_delivery(caller.flow_id, caller.number, message.delivery, redelivered, now)
            if begun.kind in (GONE, ENDED, DUPLICATE, STALE, PAUSED):
                return None
            message = message.with_payload(begun.payload)
        fields = parts.store.header(message.id) if message.serial and caller is not None else None
        cancelled = None if fields is None else self._reopening.cancelled_before_it_began(message.id, fields)
        if fields is not None and caller is not None and cancelled is None:
            self._retry_subflow(message, caller, RunHeader.read(fields))
            return None
        if cancelled is not None and self._queueing.is_limited(message.flow):
            advanced = self._queueing.ask(message, cancelled) or Advanced(False)
        else:
            advanced = parts.steps.alone(self.begin_steps(message, now, budget, cancelled))
        if caller is not None:
            parts.store.heartbeat(caller.flow_id, (caller.number,), FOREVER)
        return self.begun(message, advanced)

    def begun(self, message: StartMessage, advanced: Advanced) -> InlineTask | None:
        """After the first commit of a start: the task to be run inline; the due work of a run that was there."""
        parts = self._parts
        if advanced.kept:
            self.advance_parents()
            return advanced.inline_task
        if self._queueing.put_off(message):
            self.advance_parents()
            return None
        if self._queueing.is_limited(message.flow):
            if self._begun_limited(message):
                return None
        elif (held := self._pausing.begin_held(message.id)) is not None:
            self._pausing.begun(message.id, parts.steps.alone(self.begin_steps(message, parts.now(), None, held)))
            self.advance_parents()
            return None
        elif parts.store.header(message.id) is None:  # the pause of its flow's starts has just ended
            return self.begun(message, parts.steps.alone(self.begin_steps(message, parts.now(), None)))
        # The receiver of the first copy may have died while it ran a task inline: that is due work.
        parts.store.claim_delivery(message.id, 0, 0, True, parts.now())
        self.process_due_work(message.id)
        if message.key:
            report_conflict(parts, message)
        return None

    def _begun_limited(self, message: StartMessage) -> bool:
        """A start whose flow has a limit: whether the run began or is queued; False: it was there before."""
        parts = self._parts
        for _ in range(2):
            fields = parts.store.header(message.id)
            there = None if fields is None else RunHeader.read(fields)
            if there is not None and there.limit and there.has_not_begun:
                self._queueing.make_room(message.id, there)
                return False
            held = None if there is None else self._pausing.begin_held(message.id)
            if there is not None and held is None:
                return False
            if self._queueing.ask(message, held) is not None:
                self.advance_parents()
                return True
        raise RunBusy(f"flow run {message.id} was changed at this moment")

    def retry(self, message: RetryMessage) -> None:
        """Let a failed flow run go on; raises ``RunBusy`` when that has to be tried again."""
        try:
            self._reopening.retry(message)
        finally:
            self.advance_parents()

    def pause(self, message: PauseMessage) -> None:
        """Pause a run and those below it, or let it go on."""
        if message.pauses:
            self._pausing.pause(message)
        else:
            self._steer(message.id, encode_entry(InboxEntry(Resumed(message.number, message.by))))

    def _retry_subflow(self, message: StartMessage, caller: Caller, header: RunHeader) -> None:
        """Reopen a sub-flow, whose parent waits for it again; raises ``RunBusy``."""
        try:
            self._reopening.retry_subflow(message, header)
        finally:
            self.advance_parents()
        self._parts.store.heartbeat(caller.flow_id, (caller.number,), FOREVER)

    def begin_steps(
        self, message: StartMessage, now: float, budget: InlineBudget | None, stub: Opened | None = None
    ) -> Steps:
        """Begin a run whose flow has no limit.

        ``stub``: the lease of one that was paused or cancelled before it began, and begins now.
        """
        if self._queueing.is_limited(message.flow):
            return Advanced(False)  # ``begun`` asks for its place
        if stub is None and not self._queueing.begins_now(message, now):
            return Advanced(False)  # ``begun`` cancels or queues it
        return (yield from self._beginning.steps(message, now, budget, stub))

    def complete(
        self,
        message: NodeMessage,
        entry: InboxEntry,
        budget: InlineBudget,
        *,
        delivery: int = -1,
        error: tuple[str, str] | None = None,
        inline: bool = False,
    ) -> InlineTask | None:
        """A task run ended: record it, and advance its flow if this worker consumes the flow's queue."""
        parts, number = self._parts, message.number
        serves = parts.serves(parts.messages.queue(message.flow, message.lane))
        run = parts.cache.take(message.id) if serves else None
        if run is not None and error is None and not entry.results and run.is_last_open_node(number):
            assert not isinstance(entry.event, STEERING)
            advanced = parts.steps.alone(self.short_cut(run, entry.event, number, budget, inline))
            if advanced.kept:
                if parts.relay.parents:
                    self.advance_parents()
                return advanced.inline_task
            run = None  # its cached state was not the newest
        eager = parts.plan.flows[message.flow].eager_failures
        now = parts.now()
        if isinstance(entry.event, NODE_ENDS):
            entry.event.ended = now
        delivered = parts.store.append_event(
            message.id,
            number,
            encode_entry(entry),
            now,
            delivery=delivery,
            urgent=isinstance(entry.event, on.NodeFailed) and message.task in eager,
            known=0 if run is None else run.version,
            lease=parts.settings.selinon_lease if serves else 0.0,
            error=error,
            ttl=parts.retention.errors,
        )
        return self._appended(message, run, delivered, budget, inline)

    def short_cut(self, run: CachedRun, event: on.Event, number: int, budget: InlineBudget, inline: bool) -> Steps:
        """Decide on the cached state that node run ``number`` has ended, and commit without a lease."""
        transition = self._parts.transition(run)
        transition.feed(event)
        extras = CommitExtras(completes=number, inline=inline)
        return CommitLoop(self._parts, run, transition, budget, extras).steps()

    def complete_together(self, messages: Sequence[NodeMessage], budget: InlineBudget | None) -> InlineTask | None:
        """Node runs of one flow run ended well: as ``complete`` for each, in one step of the store."""
        parts, message = self._parts, messages[0]
        if len(messages) == 1 and budget is not None:
            return self.complete(message, InboxEntry(on.NodeSucceeded(message.number)), budget)
        serves = parts.serves(parts.messages.queue(message.flow, message.lane))
        run = parts.cache.take(message.id) if serves else None
        now = parts.now()
        delivered = parts.store.append_successes(
            message.id,
            {each.number: encode_event(on.NodeSucceeded(each.number, ended=now)) for each in messages},
            now,
            known=0 if run is None else run.version,
            lease=parts.settings.selinon_lease if serves else 0.0,
        )
        return self._appended(message, run, delivered, budget, False)

    def _appended(
        self,
        message: NodeMessage,
        run: CachedRun | None,
        delivered: Delivered,
        budget: InlineBudget | None,
        inline: bool,
    ) -> InlineTask | None:
        """After an end was put into the inbox: advance the run here, wake another worker, or do nothing yet."""
        parts = self._parts
        if delivered.opened is not None:
            inline_task = self._leased.advance(message.id, run, delivered.opened, budget, inline)
            self.advance_parents()
            return inline_task
        if run is not None:
            parts.cache.put(run)
        if delivered.kind == NEEDS_ADVANCE:
            queue = parts.messages.queue(message.flow, message.lane)
            parts.relay.send_safely([parts.messages.wake(message.flow, message.id, queue, lane=message.lane)])
        return None

    def cancel(self, flow_id: str, flow: str) -> None:
        """Cancel a flow run; one that did not begin yet will not begin any more."""
        while self._steer(flow_id, encode_event(on.FlowCancelled())) == GONE:
            if self._parts.relay.tombstones.create(flow_id, flow):
                return

    def _steer(self, flow_id: str, entry: str) -> str:
        """Put what was asked for into the inbox of a run, and advance the run; what the store found."""
        parts = self._parts
        lease = parts.settings.selinon_lease
        delivered = parts.store.append_event(flow_id, 0, entry, parts.now(), urgent=True, lease=lease)
        if delivered.opened is not None:
            self._leased.advance(flow_id, parts.cache.take(flow_id), delivered.opened)
            self.advance_parents()
        return delivered.kind

    def signal(self, message: SignalMessage) -> None:
        """Give a task what it waits for; raises ``RunBusy`` when that has to be tried again."""
        try:
            self._signals.take(message)
        finally:
            self.advance_parents()

    def process_due_work(self, flow_id: str) -> None:
        """Do all due work of a run; nothing while another worker holds its lease."""
        parts = self._parts
        run = parts.cache.take(flow_id)
        known = 0 if run is None else run.version
        opened = parts.store.acquire_lease(flow_id, known, parts.settings.selinon_lease, parts.now())
        if opened is not None:
            self._leased.advance(flow_id, run, opened)
            self.advance_parents()
        elif run is not None:
            parts.cache.put(run)

    def advance_parents(self) -> None:
        """Advance the parents of the sub-flows that ended here."""
        parts = self._parts
        while (parent := parts.relay.next_parent()) is not None:
            self._leased.advance(parent.flow_id, parts.cache.take(parent.flow_id), parent.opened)


def report_conflict(parts: ExecutorParts, message: StartMessage) -> None:
    """Report a start whose key has a run already that was asked for with other arguments: the first counts.

    Workers of before know no keys: of a run that one of them began it is not known what it was asked for with.
    """
    fields = parts.store.header(message.id)
    first = "" if fields is None else RunHeader.read(fields).request
    if not first or first == message.request:
        return
    what = f'the key "{message.key}" has a flow run that was started with other arguments: the first start counts'
    parts.report(ExecutionReport(message.flow, message.id, problems=[Problem("START_CONFLICT", what)]))
    conflict = json.dumps({"type": "StartConflict", "message": what, "at": parts.now()})
    parts.store.put_errors({message.id: conflict}, parts.now(), parts.retention.errors)
