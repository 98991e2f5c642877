"""Commits a transition and relays its outbox, again and again until the outbox and the inbox are empty.

The loop asks for each commit and for each publishing, and is given the answer (``commit_steps``): so the loops of
several runs can share their requests.

The commit is one atomic step of the store; it holds the events and the outbox. Then ``OutboxRelay`` performs the
outbox, and the next commit clears its keys together with the inbox entries that arrived meanwhile. A crash leaves
either nothing or an outbox that the sweep finds.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.execution.commit_steps import Advanced, Steps
from selinon_core.celery.execution.executor_context import ExecutorParts, ends_limit
from selinon_core.celery.execution.inbox_codec import read_entry
from selinon_core.celery.execution.index_changes import together
from selinon_core.celery.execution.inline_selection import InlineBudget, InlineChoice, InlineTask
from selinon_core.celery.execution.log_codec import encode_batch
from selinon_core.celery.execution.outbox_relay import Send
from selinon_core.celery.execution.retention import status_of
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.transition import Transition
from selinon_core.celery.execution.transition_report import ExecutionReport, Scheduled
from selinon_core.celery.stores.index import IndexChange
from selinon_core.celery.stores.limits import LimitStep
from selinon_core.celery.stores.outbox_keys import WRITE_RESULT, OutboxKey
from selinon_core.celery.stores.protocol import Commit, Committed, Reopening
from selinon_core.celery.transport.message_builder import StartMessageBuilt
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.dispatch.codec import WAITS_FORMAT
from selinon_core.dispatch.references import Referring
from selinon_core.errors import MigrationSkew

#: What starts a commit makes, by their keys of the outbox.
Built = dict[OutboxKey, StartMessageBuilt]


class CommitExtras(NamedTuple):
    """The parts of a commit beside its transition; only the first commit has most of them.

    ``token`` is that of the lease, None for the short cut. ``header`` creates the run, ``completes`` is the node
    run whose end is decided on without the inbox, ``consumed`` counts the inbox entries that were fed.
    ``leftover`` are keys that a dead worker left in the outbox, ``resent`` messages that got lost. ``inline``:
    the task that ended was itself run inline, so its carrier does not depend on it any more. ``index_change`` has
    the row of a run that is created, ``reopens`` what a run needs that failed and goes on.
    """

    token: int | None = None
    header: Mapping[str, str] | None = None
    completes: int = 0
    consumed: int = 0
    leftover: Sequence[OutboxKey] = ()
    resent: Sequence[OutgoingMessage] = ()
    inline: bool = False
    index_change: IndexChange | None = None
    reopens: Reopening | None = None
    #: The place of a limit that the run begins with.
    limit: LimitStep | None = None


class CommitLoop:
    """One transition of a run and those that follow from it at once; used once."""

    def __init__(
        self,
        parts: ExecutorParts,
        run: CachedRun,
        transition: Transition,
        budget: InlineBudget | None,
        first: CommitExtras,
    ) -> None:
        self._parts = parts
        self._run = run
        self._transition = transition
        self._budget = budget
        self._extra = first
        self._kept = False
        self._inline_task: InlineTask | None = None
        self._done: Sequence[OutboxKey] = ()
        #: Of the newest commit: what it put into the outbox, and the messages of its starts with their payloads.
        self._outbox: list[OutboxKey] = []
        self._built: Built = {}
        self._payloads: dict[int, str] = {}

    def steps(self) -> Steps:
        """Commit and relay until nothing is left; a refused first commit has no effect."""
        parts, run = self._parts, self._run
        while True:
            self._built = self._build_messages()
            chosen = self._choose_inline()
            committed: Committed = yield self._commit(chosen)
            if not committed.ok:
                parts.leases.untrack(run.id)
                return Advanced(self._kept, self._inline_task)
            self._kept = True
            if chosen is not None:
                self._inline_task = chosen.task
            if self._transition.events:
                run.version += 1
            self._report(committed)
            if committed.granted:
                parts.wake_granted(committed.granted)
            if committed.token is None:
                if committed.entries:
                    parts.wake_paused(run.id, run.flow.name, committed.entries)
                break
            parts.leases.track(run.id, committed.token)
            if not (yield from self._carry_out(committed, committed.token)):
                return Advanced(True, self._inline_task)
        parts.leases.untrack(run.id)
        parts.cache.put(run)
        return Advanced(True, self._inline_task)

    def _choose_inline(self) -> InlineChoice | None:
        if self._inline_task is not None or self._budget is None:
            return None
        return self._parts.inline.choose(self._transition, self._built, self._budget)

    def _commit(self, chosen: InlineChoice | None) -> Commit:
        parts, step, extra, run = self._parts, self._transition, self._extra, self._run
        budget, ended = self._budget, run.machine.ended
        if run.header.format >= WAITS_FORMAT:
            step.show_waits()
        if step.errors:  # what is started by this step may read them
            parts.store.put_errors(step.errors, step.now, parts.retention.errors)
        result = None
        if step.outcome is not None and not isinstance(step.outcome.output, Referring):  # else the relay reads it
            result = parts.result_in_commit(run.id, step.outcome)
        outbox = self._outbox = step.outbox.copy()
        if chosen is not None:
            outbox.remove(chosen.key)
        if result is not None:
            outbox.remove(OutboxKey(WRITE_RESULT))
        # Empty in most steps, so most of these lists are not built.
        return Commit(
            run.id,
            run.version,
            step.now,
            token=extra.token,
            create=extra.header,
            completes=extra.completes,
            batch=encode_batch(step.now, step.events) if step.events else None,
            consumed=extra.consumed,
            outbox=[str(key) for key in outbox] if outbox else (),
            done=[str(key) for key in self._done] if self._done else (),
            carrier=budget.carrier if budget is not None and (extra.inline or chosen is not None) else None,
            inlined=0 if chosen is None else chosen.task.message.number,
            payloads=self._payloads,
            timers={str(key): due for key, due in step.timers.items()} if step.timers else {},
            cancelled_timers=[str(key) for key in step.cancelled_timers] if step.cancelled_timers else (),
            clear_timers=ended and bool(step.events),
            throttled=[(str(each.key), each.name, each.distance) for each in step.throttled]
            if step.throttled
            else (),
            fields=self._fields(ended),
            keep=bool(outbox or extra.leftover or extra.resent or step.throttled),
            lease=parts.settings.selinon_lease,
            ttl=parts.retention.of(run),
            result=result,
            index_change=self._index_change()
            if extra.index_change is not None or step.new_attempt or step.outcome is not None
            else None,
            reopens=extra.reopens,
            limit=extra.limit if step.outcome is None else ends_limit(run.id, run.header),
        )

    def _index_change(self) -> IndexChange | None:
        """What this step changes in the index: most change nothing there."""
        step, run, change = self._transition, self._run, self._extra.index_change
        if step.new_attempt:
            change = together(change, self._parts.index_changes.attempt(run.header, run.machine.attempt))
        if step.outcome is not None:
            status, reason = status_of(step.outcome), step.outcome.reason or ""
            change = together(change, self._parts.index_changes.ended(run.header, status, reason, step.now))
        return change

    def _build_messages(self) -> Built:
        """The messages of all starts."""
        starts = self._transition.start_effects
        built: Built = {}
        self._payloads = {}
        if not starts:
            return built
        of_start, ref = self._parts.messages.of_start, self._run.ref
        for key, effect in starts.items():
            built[key] = made = of_start(ref, effect)
            if made[1] is not None:
                self._payloads[effect.node_run.number] = made[1]
        return built

    def _fields(self, ended: bool) -> dict[str, str]:
        """The fields of the header that change."""
        step, run = self._transition, self._run
        if step.outcome is not None:
            return step.fields | {"status": status_of(step.outcome), "reason": step.outcome.reason or ""}
        if not step.events or ended:
            return step.fields
        fields, problems = self._parts.wakeups.fields(run, step.now)
        step.problems += problems
        return step.fields | fields

    def _report(self, committed: Committed) -> None:
        step, run = self._transition, self._run
        if step.outcome is None and not step.problems and self._parts.tracer.silent:
            return
        delays = {each.key: delay for each, delay in zip(step.throttled, committed.delays, strict=True)}
        self._parts.report(
            ExecutionReport(
                run.flow.name,
                run.id,
                run,
                step.problems,
                step.trace,
                [
                    *(Scheduled(effect, delays.get(key, 0.0)) for key, effect in step.start_effects.items()),
                    *(Scheduled(effect, 0.0) for effect in step.waiting),
                ],
                None if step.outcome is None else step.now,
            )
        )

    def _carry_out(self, committed: Committed, token: int) -> Generator[Commit | Send, Any, bool]:
        """Relay what was committed and read the inbox; False when an entry of it is for newer workers."""
        parts, run, extra = self._parts, self._run, self._extra
        keys = [*extra.leftover, *self._outbox]
        throttled = zip(self._transition.throttled, committed.delays, strict=True)
        keys += [each.key for each, delay in throttled if delay <= 0]
        messages = {key: message for key, (message, _) in self._built.items()}
        relayed = yield from parts.relay.perform(run, token, keys, messages, extra.resent)
        try:
            entries = [read_entry(entry) for entry in committed.entries]
        except MigrationSkew as error:
            parts.release_newer_run(run.id, run.flow.name, token, str(error))
            return False
        self._done = relayed.done
        self._transition = parts.transition(run)
        self._transition.problems += relayed.problems
        for entry in entries:
            self._transition.feed_entry(entry)
        self._extra = CommitExtras(token=token, consumed=len(entries))
        return True
