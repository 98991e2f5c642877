"""What ends the pause of a flow run: it is resumed or cancelled, or its time is over; what follows from that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selinon_core.celery.execution.executor_context import ExecutorParts, ends_limit
from selinon_core.celery.execution.inbox_codec import InboxEntry, Pausing, Resumed, read_entry
from selinon_core.celery.execution.log_codec import encode_end
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.subflow_pausing import SubflowPausing
from selinon_core.celery.execution.tombstones import CANCELLED_BEFORE, ends_of
from selinon_core.celery.execution.transition import Transition
from selinon_core.celery.execution.wait_endings import is_wait
from selinon_core.celery.stores.outbox_keys import (
    DEADLINE,
    RESUME_FLOW,
    SEND_AGAIN,
    OutboxKey,
    TimerKey,
    known_timers,
)
from selinon_core.celery.stores.protocol import PAUSED, Commit, Opened
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.runtime.trace import entries as trace_entries


class PauseEnds:
    """Looks at runs that are paused and whose lease is held."""

    def __init__(self, parts: ExecutorParts) -> None:
        self._parts = parts
        self._below = SubflowPausing(parts)

    def decided(
        self, header: RunHeader, entries: list[InboxEntry], timers: list[TimerKey]
    ) -> tuple[Resumed | None, list[InboxEntry], list[TimerKey]]:
        """Whether the run is resumed, and the entries and due timers that are to be decided on, in this order.

        All of a run that is resumed. Of one that ends its end comes first, so nothing starts. Else nothing.
        """
        resumed = _resumption(entries, header)
        if resumed is not None:
            return resumed, entries, timers
        timers = [timer for timer in timers if timer.kind == DEADLINE]
        if not timers and not any(isinstance(entry.event, on.FlowCancelled) for entry in entries):
            return None, [], []
        return None, sorted(entries, key=lambda entry: not isinstance(entry.event, on.FlowCancelled)), timers

    def leave(self, run: CachedRun, header: RunHeader, opened: Opened) -> None:
        """Nothing is to be decided: see to it that the runs below are paused, too, and release the lease.

        The entry stays in the inbox: what came before it waits for the end of the pause.
        """
        self._parts.leases.untrack(run.id)
        events = [read_entry(entry).event for entry in opened.entries]
        if any(isinstance(event, Pausing) and event.number == header.paused for event in events):
            self._below.pause_below(run.id, header.paused, PAUSED)
        self.give_back(run.id, header, opened)
        self._parts.cache.put(run)

    def give_back(self, flow_id: str, header: RunHeader, opened: Opened, **changes: Any) -> None:
        """Release the lease; what came meanwhile may end the pause. ``changes`` are fields of the commit."""
        parts = self._parts
        step = Commit(flow_id, opened.version, parts.now(), token=opened.token, **changes)
        known = set(opened.entries)
        committed = parts.store.commit(step)
        new = [entry for entry in committed.entries if entry not in known]
        parts.wake_paused(flow_id, header.flow, new)
        parts.wake_granted(committed.granted)

    def end(
        self, transition: Transition, header: RunHeader, resumed: Resumed | None, outbox: Sequence[OutboxKey]
    ) -> None:
        """The pause is over with this step: the run goes on, or ends."""
        run = transition.run
        number = header.paused + 1 if resumed is None else resumed.number
        run.header, run.inbox_threshold = run.header._replace(paused=number), 0
        transition.fields |= {"paused": str(number), "inbox_threshold": "0"}
        if resumed is not None:
            if run.header.caller is None:
                transition.trace.append((trace_entries.NOTE, do.TraceNote("RUN_RESUMED", {"by": resumed.by})))
            transition.outbox += self._to_send(run, outbox)

    def _to_send(self, run: CachedRun, outbox: Sequence[OutboxKey]) -> list[OutboxKey]:
        """The starts of node runs that did not begin, and to sub-flows that they go on."""
        store, machine = self._parts.store, run.machine
        open_nodes = {**machine.detached, **{node.number: node for node in machine.active}}
        records = store.records(run.id, list(open_nodes))
        sent_otherwise = {timer.number for timer in known_timers(store.timers(run.id)) if timer.is_send}
        sent_otherwise |= {key.number for key in outbox if key.is_start}
        found = []
        for number, node in sorted(open_nodes.items()):
            record = records.get(number)
            if node.is_flow:
                found.append(OutboxKey(RESUME_FLOW, number))
            if not node.is_flow and is_wait(self._parts.plan.tasks.get(node.name)):
                continue  # no message is sent for it
            if (record is None or not (record.done or record.begun_at)) and number not in sent_otherwise:
                found.append(OutboxKey(SEND_AGAIN, number))
        return found

    def advance_before_begin(self, flow_id: str, header: RunHeader, opened: Opened) -> None:
        """Of a run that was paused before it began, or that waits for its place: it is resumed, or cancelled."""
        parts = self._parts
        entries = [read_entry(entry) for entry in opened.entries]
        if not (header.has_not_begun and any(isinstance(entry.event, on.FlowCancelled) for entry in entries)):
            resumed = _resumption(entries, header)
            changes: dict[str, Any] = {}
            if resumed is not None:
                changes["fields"] = {"paused": str(resumed.number), "inbox_threshold": "0"}
                changes["index_change"] = parts.index_changes.status(header._replace(paused=resumed.number))
            self.give_back(flow_id, header, opened, consumed=len(entries), **changes)
            return
        self.cancel_before_begin(flow_id, header, opened, CANCELLED_BEFORE)

    def cancel_before_begin(self, flow_id: str, header: RunHeader, opened: Opened, reason: str) -> None:
        """Cancel a run that did not begin and whose lease is held."""
        parts = self._parts
        now, outbox = parts.now(), ends_of(header.caller)
        step = Commit(
            flow_id,
            opened.version,
            now,
            token=opened.token,
            limit=ends_limit(flow_id, header),
            batch=encode_end(now, "cancelled"),
            consumed=len(opened.entries),
            outbox=outbox,
            fields={"status": "cancelled", "reason": reason},
            clear_timers=True,
            keep=True,
            lease=parts.settings.selinon_lease,
            ttl=parts.retention.of_end(header.flow, header.caller is not None, "cancelled"),
            index_change=parts.index_changes.ended(header, "cancelled", reason, now),
        )
        committed = parts.store.commit(step)
        parts.wake_granted(committed.granted)
        if committed.token is not None:
            ended = opened._replace(token=committed.token, version=opened.version + 1, outbox=outbox)
            parts.relay.tombstones.finish(flow_id, header._replace(reason=reason), ended)


def _resumption(entries: Sequence[InboxEntry], header: RunHeader) -> Resumed | None:
    """What in the inbox of a run that is paused ends the pause."""
    found = [entry.event for entry in entries if isinstance(entry.event, Resumed)]
    newest = max(found, key=lambda resumed: resumed.number, default=None)
    return newest if newest is not None and header.is_paused and newest.number > header.paused else None
