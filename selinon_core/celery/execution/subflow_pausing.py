"""Pauses a flow run and, one after the other, the runs of its sub-flows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from selinon_core.celery.execution.executor_context import ExecutorParts
from selinon_core.celery.execution.inbox_codec import InboxEntry, Resumed
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.stores.protocol import GONE, OUT_OF_REACH, PAUSED, Commit
from selinon_core.celery.stores.run_header import Caller, RunHeader
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch.codec import PAUSED_FORMAT


class PausedRun(NamedTuple):
    """A run that is to be paused; one that has not begun is created if it ``may_begin``."""

    id: str
    flow: str
    may_begin: bool = True
    caller: Caller | None = None
    root: str = ""


class SubflowPausing:
    """Pauses runs of one plan in one process."""

    def __init__(self, parts: ExecutorParts) -> None:
        self._parts = parts

    def pause(self, run: PausedRun, number: int) -> tuple[str, bool]:
        """Pause one run: what the store found, and whether the run was not paused before."""
        parts = self._parts
        while True:
            fields = parts.store.header(run.id)
            header = None if fields is None else RunHeader.read(fields)
            now = parts.now()
            if header is not None:
                change = parts.index_changes.status(header._replace(paused=number))
                found = parts.store.pause(run.id, number, PAUSED_FORMAT, change, now)
                if found != GONE:
                    return found, found == PAUSED and header.paused < number
            elif not run.may_begin:
                return GONE, False
            queue = parts.messages.queue(run.flow)
            header = RunHeader(run.flow, queue, format=PAUSED_FORMAT, caller=run.caller, root=run.root)
            header = header._replace(paused=number, inbox_threshold=OUT_OF_REACH)
            row = parts.index_changes.queued(run.id, header, now)
            step = Commit(run.id, 0, now, create=header.new_fields(), index_change=row)
            if parts.store.commit(step).ok:
                return PAUSED, True

    def pause_below(self, flow_id: str, number: int, found: str) -> None:
        """Pause the runs of sub-flows; those of a run that was resumed meanwhile go on."""
        parts = self._parts
        if found == PAUSED and not self._waits_to_go_on(flow_id):
            for run, node in self._subflows(flow_id):
                # One whose message no worker took is not paused: its message is dropped.
                record = parts.store.records(run.id, [node.number]).get(node.number)
                taken = record is not None and record.begun_at > 0
                caller = Caller(run.id, node.number, run.flow.name)
                of_node, _ = self.pause(PausedRun(node.id, node.name, taken, caller, run.root), number)
                self.pause_below(node.id, number, of_node)
        fields = parts.store.header(flow_id)
        header = None if fields is None else RunHeader.read(fields)
        if header is not None and header.status == "running" and not header.is_paused and header.paused > number:
            for _, node in self._subflows(flow_id):
                parts.relay.steer(node.id, node.name, InboxEntry(Resumed(header.paused)))

    def _waits_to_go_on(self, flow_id: str) -> bool:
        """Whether a run has ended, and waits for its place: what is below it has nothing to do with its pause."""
        fields = self._parts.store.header(flow_id)
        return fields is not None and RunHeader.read(fields).awaits_retry

    def _subflows(self, flow_id: str) -> Iterator[tuple[CachedRun, NodeRun]]:
        """The sub-flows of a run that have not ended, as far as its log says: nothing is decided meanwhile."""
        run = self._parts.loader.read(flow_id)
        if run is not None:
            machine = run.machine
            for node in (*machine.detached.values(), *machine.active):
                if node.is_flow:
                    yield run, node
