"""Holds the lease of a flow run while it advances: has it loaded (``run_loader``) and decided on (``transition``).

Before anything else is decided, a run whose flow is not that of this worker's files is migrated
(``selinon_core.migrations.versions``), in the same commit as what follows. A run that is newer than this worker is
released at once; the sweep wakes another worker.
"""

from __future__ import annotations

from collections.abc import Sequence

from selinon_core.celery.execution.commit_loop import CommitExtras, CommitLoop
from selinon_core.celery.execution.executor_context import ExecutorParts, ends_limit
from selinon_core.celery.execution.inbox_codec import read_entry
from selinon_core.celery.execution.inline_selection import InlineBudget, InlineTask
from selinon_core.celery.execution.log_codec import encode_end
from selinon_core.celery.execution.pause_ends import PauseEnds
from selinon_core.celery.execution.queued_retries import QueuedRetries
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.run_loader import require_known_format
from selinon_core.celery.execution.run_queueing import RunQueueing
from selinon_core.celery.execution.transition import Problem, Transition
from selinon_core.celery.stores import outbox_keys as keys
from selinon_core.celery.stores.outbox_keys import TimerKey, read_outbox_key, read_timer_key
from selinon_core.celery.stores.protocol import Commit, Opened
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch import events as on
from selinon_core.errors import MigrationError, MigrationSkew


class LeasedExecution:
    """Advances runs whose lease this process holds."""

    def __init__(self, parts: ExecutorParts, queueing: RunQueueing, retries: QueuedRetries) -> None:
        self._parts = parts
        self._queueing = queueing
        self._retries = retries
        self._pauses = PauseEnds(parts)

    def advance(
        self,
        flow_id: str,
        run: CachedRun | None,
        opened: Opened,
        budget: InlineBudget | None = None,
        inline: bool = False,
    ) -> InlineTask | None:
        """Decide on the inbox and due work; ``run`` is the cached run. The lease is released, or lost."""
        parts = self._parts
        header = RunHeader.read(opened.header)
        if header.initial_definition is None:  # it never began
            self._advance_before_begin(flow_id, header, opened)
            return None
        parts.leases.track(flow_id, opened.token)
        try:
            run = parts.loader.replayed(flow_id, run, opened, header)
            migrated = parts.loader.migration(run, opened)
            return self._decide(run, header, opened, migrated, budget, inline)
        except MigrationSkew as error:
            parts.release_newer_run(flow_id, header.flow, opened.token, str(error))
        except MigrationError as error:
            self._fail_unreplayable(flow_id, opened, header, str(error))
        finally:
            parts.leases.untrack(flow_id)
        return None

    def _decide(
        self,
        run: CachedRun,
        header: RunHeader,
        opened: Opened,
        migrated: on.Migrated | None,
        budget: InlineBudget | None,
        inline: bool,
    ) -> InlineTask | None:
        parts = self._parts
        # Read before anything is decided: a run with an event, a key of the outbox or a due timer that is not
        # known here is for newer workers.
        entries = [read_entry(entry) for entry in opened.entries]
        outbox = [read_outbox_key(key) for key in opened.outbox]
        timers = [read_timer_key(name) for name in opened.due]
        if header.awaits_retry:
            self._retries.advance(run, header, opened, entries)
            return None
        resumed = None
        if header.is_paused:
            resumed, entries, timers = self._pauses.decided(header, entries, timers)
            if not (resumed or entries or timers):
                self._pauses.leave(run, header, opened)
                return None
        transition = parts.transition(run)
        started_before = run.machine.count
        if migrated is not None:
            parts.loader.migrate(run, transition, migrated)
        if header.is_paused:
            self._pauses.end(transition, header, resumed, outbox)
        idle_for = transition.now - float(opened.header.get("updated") or transition.now)
        self._fail_removed(transition, parts.loader.nodes_without_definition(run, outbox, timers, idle_for))
        resent = self._take_timers(run, transition, timers)
        if budget is None and not header.is_paused:
            resent += self._lost_messages(run, idle_for, started_before)
        for entry in entries:
            transition.feed_entry(entry)
        extras = CommitExtras(
            opened.token,
            consumed=len(entries),
            leftover=outbox,
            resent=resent,
            inline=inline,
            index_change=parts.index_changes.status(run.header) if resumed else None,
        )
        steps = CommitLoop(parts, run, transition, budget, extras).steps()
        return parts.steps.alone(steps).inline_task

    def _advance_before_begin(self, flow_id: str, header: RunHeader, opened: Opened) -> None:
        """A run that waits for its place begins when it has it; else it is looked at who ends its waiting."""
        parts = self._parts
        try:
            require_known_format(header)
            if header.limit and header.flow not in parts.plan.flows and not opened.entries:
                raise MigrationSkew(f'flow run {flow_id} is of flow "{header.flow}", which is not known here')
        except MigrationSkew as error:
            parts.release_newer_run(flow_id, header.flow, opened.token, str(error))
            return
        if header.status == "cancelled":
            parts.relay.tombstones.finish(flow_id, header, opened)
            return
        may_begin = header.has_not_begun and not opened.entries
        if may_begin and (reason := self._queueing.expired(flow_id)) is not None:
            self._pauses.cancel_before_begin(flow_id, header, opened, reason)
            return
        if may_begin and not header.is_paused and self._queueing.begin_queued(flow_id, header, opened):
            return
        self._pauses.advance_before_begin(flow_id, header, opened)
        if may_begin:
            self._queueing.make_room(flow_id, header)

    def _fail_removed(self, transition: Transition, nodes: Sequence[NodeRun]) -> None:
        for node in nodes:
            what = f"{node.name} is gone from the files before it began: it counts as failed"
            transition.problems.append(Problem("DISPATCHER_FAILURE", what))
            transition.feed(on.NodeFailed(node.number))

    def _take_timers(
        self, run: CachedRun, transition: Transition, due: Sequence[TimerKey]
    ) -> list[OutgoingMessage]:
        """Take due timers. Returns the messages to send."""
        resent: list[OutgoingMessage] = []
        for timer in due:
            resent += self._take_timer(run, transition, timer)
        return resent

    def _lost_messages(self, run: CachedRun, idle_for: float, started_before: int) -> list[OutgoingMessage]:
        """New messages for lost ones. What was started after ``started_before`` nodes is in the outbox."""
        parts = self._parts
        resent = parts.relay.stalled_messages(run)
        if idle_for >= parts.settings.selinon_resend_after:
            resent += parts.relay.undelivered(run, started_before, idle_for)
        return resent

    def _take_timer(self, run: CachedRun, transition: Transition, timer: TimerKey) -> Sequence[OutgoingMessage]:
        transition.cancelled_timers.append(timer)
        if timer.kind == keys.RETRY_FLOW:
            transition.feed(on.RetryDue())
        elif timer.kind == keys.DEADLINE:
            transition.feed(on.DeadlinePassed())
        elif timer.kind == keys.ASK_AGAIN:
            transition.ask_again(timer.number)
        elif timer.kind == keys.WAIT_ENDS:
            self._parts.relay.waits.time_out(run, timer.number)
        elif timer.is_send:
            message = self._parts.relay.resend(run, timer.number)
            if message is None:
                return ()
            if timer.kind == keys.SEND_TASK:
                self._miss_later(run, transition, timer, message)
            return (message,)
        return ()

    def _miss_later(
        self, run: CachedRun, transition: Transition, timer: TimerKey, message: OutgoingMessage
    ) -> None:
        """Send the message of a task with a limit again when it has not arrived: it has a place meanwhile.

        Other messages are missed when their run makes no progress, and here other node runs may.
        """
        node = run.machine.run_of(timer.number)
        if node is not None and self._parts.plan.tasks[node.name].limit is not None:
            transition.timers[timer] = transition.now + self._parts.relay.missed_after(message)

    def _fail_unreplayable(self, flow_id: str, opened: Opened, header: RunHeader, reason: str) -> None:
        """Fail a run whose log cannot be replayed; its parent is notified first, or it might never be."""
        parts = self._parts
        parts.relay.fail_unreplayable(flow_id, header.caller, reason)
        parts.relay.waits.forget(flow_id, header.format)
        parts.relay.notices.failed(flow_id, header, opened.version, reason)
        now = parts.now()
        committed = parts.store.commit(
            Commit(
                flow_id,
                opened.version,
                now,
                token=opened.token,
                limit=ends_limit(flow_id, header),
                batch=encode_end(now, reason),
                fields={"status": "failure", "reason": reason},
                clear_timers=True,
                ttl=parts.retention.of_end(header.flow, header.caller is not None, "failure"),
                index_change=parts.index_changes.ended(header, "failure", reason, now),
            )
        )
        parts.wake_granted(committed.granted)
