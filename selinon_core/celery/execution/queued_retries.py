"""Failed runs that are to go on, and whose flow has a limit: they need a place again (``stores/limits.py``).

The first step asks for it: the run is *queued* from then on, and its header has what was asked for (``retry``).
Its log says nothing of it but that there was a step. The worker that looks at the run when it has its place lets
it go on (``reopening_step``). Tasks that still run end meanwhile; the state store knows their ends.

A queued run can be paused, and keeps its place in the list. One that is cancelled has failed again, as before.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from selinon_core.celery.execution.commit_loop import CommitExtras, CommitLoop
from selinon_core.celery.execution.executor_context import ExecutorParts, ends_limit
from selinon_core.celery.execution.inbox_codec import InboxEntry, Resumed, read_entry
from selinon_core.celery.execution.log_codec import empty_batch
from selinon_core.celery.execution.reopening_step import Awaited, Place, ReopeningStep, RunBusy, Wanted
from selinon_core.celery.execution.run_beginning import MOST_WITHOUT
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.transition import Problem
from selinon_core.celery.execution.transition_report import ExecutionReport, TracedEvent
from selinon_core.celery.stores.limits import ASK, BEGIN, TAKE, LimitPlace, LimitStep
from selinon_core.celery.stores.outbox_keys import NOTIFY_PARENT, WRITE_RESULT, OutboxKey
from selinon_core.celery.stores.protocol import Commit, Opened, Reopening
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.publisher import waiting_priority
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import QUEUED_RETRY_FORMAT
from selinon_core.errors import MigrationError


class QueuedRetries:
    """Lets runs go on that have their place, and queues those that have none."""

    def __init__(self, parts: ExecutorParts, make_room: Callable[[str, RunHeader], None]) -> None:
        """``make_room(flow_id, header)`` cancels what a queued run takes the place of."""
        self._parts = parts
        self._make_room = make_room
        self._step = ReopeningStep(parts)

    def reopen(self, run: CachedRun, header: RunHeader, opened: Opened, wanted: Wanted) -> None:
        """Reopen, queue or refuse a run that has ended and whose lease is held; raises ``RunBusy``."""
        awaited = self._step.awaited(run, header.status, wanted)
        if isinstance(awaited, str):
            self.refuse(run.flow.name, run.id, opened, awaited)
        elif header.limit and self._parts.plan.flows[header.flow].limit is not None:
            self._ask(run, header, opened, wanted, awaited)
        elif not self._step.take(run, opened, wanted, awaited):
            self.release(run.id, opened)
            raise RunBusy(f"a node run of flow run {run.id} ended at this moment")

    def _ask(self, run: CachedRun, header: RunHeader, opened: Opened, wanted: Wanted, awaited: Awaited) -> None:
        parts, now = self._parts, self._parts.now()
        limit = parts.plan.flows[header.flow].limit
        assert limit is not None
        asked = {**wanted._asdict(), "status": header.status, "reason": header.reason}
        queued = header._replace(
            status="running",
            reason="",
            retry=asked,
            format=max(header.format, QUEUED_RETRY_FORMAT),
            serial=wanted.serial or header.serial,
        )
        fields = {
            "status": queued.status,
            "reason": "",
            "retry": json.dumps(asked, separators=(",", ":")),
            "format": str(queued.format),
            "idle_check_after": "0",
            "serial": str(queued.serial),
        }
        skips = limit.when_full == "skip"
        priority = waiting_priority(parts.plan.settings.lanes, header.lane)
        place = LimitPlace(header.limit, run.id, header.flow, header.queue, priority, now)
        committed = parts.store.commit(
            Commit(
                run.id,
                opened.version,
                now,
                token=opened.token,
                batch=empty_batch(now),
                fields=fields,
                keep=True,
                lease=parts.settings.selinon_lease,
                index_change=parts.index_changes.requeued(queued),
                reopens=Reopening({}, ()),
                limit=LimitStep(TAKE if skips else ASK, place, limit.max),
            )
        )
        parts.wake_granted(committed.granted)
        if not committed.ok and skips and not parts.store.limits.holds(place.key, run.id):
            self.refuse(run.flow.name, run.id, opened, f'the limit is reached under the key "{place.key}"')
            return
        if not committed.ok:
            raise RunBusy(f"flow run {run.id} was changed at this moment")
        run.version += 1
        if committed.token is not None:
            header_fields = {**opened.header, **fields}
            held = opened._replace(token=committed.token, version=run.version, header=header_fields)
            self._go_on(run, queued, held, wanted, awaited)
            return
        details = {"key": place.key, "max": limit.max, "when_full": limit.when_full}
        parts.report(ExecutionReport(header.flow, run.id, events=(TracedEvent("RUN_QUEUED", details),)))
        parts.forget_result(run.id)
        self._make_room(run.id, queued)

    def advance(self, run: CachedRun, header: RunHeader, opened: Opened, entries: list[InboxEntry]) -> None:
        """Look at a queued run whose lease is held: it goes on, is withdrawn, or waits on."""
        parts = self._parts
        if any(isinstance(entry.event, on.FlowCancelled) for entry in entries):
            self._withdraw(run, header, opened, "it was cancelled while it waited for its place")
            return
        fields: dict[str, str] = {}
        numbers = [entry.event.number for entry in entries if isinstance(entry.event, Resumed)]
        if max(numbers, default=0) > header.paused:
            header = header._replace(paused=max(numbers))
            fields = {"paused": str(header.paused), "inbox_threshold": "0"}
        if header.is_paused or not parts.store.limits.holds(header.limit, run.id):
            self._wait_on(run, header, opened, fields)
            self._make_room(run.id, header)
            return
        wanted = Wanted.from_json(header.retry)
        try:
            awaited = self._step.awaited(run, header.retry["status"], wanted)
        except MigrationError as error:
            awaited = str(error)
        if isinstance(awaited, str):
            self._withdraw(run, header, opened, awaited)
            return
        held = opened._replace(header={**opened.header, **fields})
        self._go_on(run, header, held, wanted, awaited, fields)

    def _go_on(
        self,
        run: CachedRun,
        header: RunHeader,
        opened: Opened,
        wanted: Wanted,
        awaited: Awaited,
        fields: dict[str, str] | None = None,
    ) -> None:
        """Reopen a run that has its place; a refused step leaves it queued, and due."""
        run.header = run.header._replace(
            format=header.format, paused=header.paused, retry=header.retry, serial=header.serial
        )
        limit = self._parts.plan.flows[header.flow].limit
        place = LimitPlace(header.limit, run.id, header.flow, header.queue)
        step = LimitStep(BEGIN, place, MOST_WITHOUT if limit is None else limit.max)
        has = Place(header.retry["status"], step, len(opened.entries))
        if not self._step.take(run, opened, wanted, awaited, has, fields):
            self.release(run.id, opened)

    def _wait_on(self, run: CachedRun, header: RunHeader, opened: Opened, fields: dict[str, str]) -> None:
        """Release the lease; what came meanwhile is looked at by the next worker."""
        parts = self._parts
        change = parts.index_changes.status(header) if fields else None
        step = Commit(run.id, opened.version, parts.now(), token=opened.token, fields=fields, index_change=change)
        committed = parts.store.commit(step._replace(consumed=len(opened.entries)))
        if committed.token is not None:  # entries that came meanwhile keep the lease
            held = opened._replace(token=committed.token, entries=committed.entries)
            self.advance(run, header, held, [read_entry(entry) for entry in committed.entries])
        elif committed.entries:
            parts.wake_paused(run.id, header.flow, committed.entries)

    def _withdraw(self, run: CachedRun, header: RunHeader, opened: Opened, why: str) -> None:
        """The run does not go on: it has ended as before, and says its end once more."""
        parts, now = self._parts, self._parts.now()
        status, reason = header.retry["status"], header.retry["reason"]
        is_subflow = header.caller is not None
        outbox = [OutboxKey(WRITE_RESULT), *([OutboxKey(NOTIFY_PARENT)] if is_subflow else [])]
        committed = parts.store.commit(
            Commit(
                run.id,
                opened.version,
                now,
                token=opened.token,
                batch=empty_batch(now),
                consumed=len(opened.entries),
                outbox=[str(key) for key in outbox],
                fields={
                    "status": status,
                    "reason": reason,
                    "retry": "",
                    "paused": str(header.paused + header.paused % 2),
                    "inbox_threshold": "0",
                },
                clear_timers=True,
                keep=True,
                lease=parts.settings.selinon_lease,
                ttl=parts.retention.of_end(header.flow, is_subflow, status),
                index_change=parts.index_changes.ended(header, status, reason, now),
                limit=ends_limit(run.id, header),
            )
        )
        parts.wake_granted(committed.granted)
        if not committed.ok or committed.token is None:
            return
        self._report_refused(header.flow, run.id, why)
        run.version += 1
        extras = CommitExtras(committed.token, leftover=outbox)
        parts.steps.alone(CommitLoop(parts, run, parts.transition(run), None, extras).steps())

    def refuse(self, flow: str, flow_id: str, opened: Opened, why: str) -> None:
        """The run is not retried: say why, and give the lease back."""
        self._report_refused(flow, flow_id, why)
        self.release(flow_id, opened)

    def _report_refused(self, flow: str, flow_id: str, why: str) -> None:
        what = f"the flow run is not retried: {why}"
        self._parts.report(ExecutionReport(flow, flow_id, problems=[Problem("RETRY_REFUSED", what)]))

    def release(self, flow_id: str, opened: Opened) -> None:
        """Give the lease back; a run that has ended expires when it would have."""
        self._parts.store.commit(Commit(flow_id, opened.version, self._parts.now(), token=opened.token))
