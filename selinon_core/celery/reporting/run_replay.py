"""Replays the logs of a flow run and of its sub-flows: entries of a journal, as a local run keeps one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.errors import ArgumentError, UnknownRunError
from selinon_core.migrations.versions import FlowVersions
from selinon_core.runtime.error_codec import decode_error
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord

Entry = tuple[Any, ...]


class RunReplay:
    """Goes through logs, each with a machine of its own.

    ``flow_runs`` and ``node_runs`` are those of the entries that were taken from ``entries`` so far, by id, in the
    order in which they were started. ``headers``, ``inboxes`` and the ends of ``leases`` are
    those of the flow runs as the store had them, by id.
    ``until``: what was decided later, in seconds since the epoch, is left out. ``with_reused``: what is in
    sub-flow runs that were reused is gone through as well.
    """

    def __init__(
        self, store: Store, flows: FlowVersions, *, until: float | None = None, with_reused: bool = False
    ) -> None:
        self._store = store
        self._flows = flows
        self._until = until
        self._with_reused = with_reused
        self.flow_runs: dict[str, FlowRecord] = {}
        self.node_runs: dict[str, NodeRecord] = {}
        self.headers: dict[str, RunHeader] = {}
        self.leases: dict[str, float] = {}
        self.inboxes: dict[str, Sequence[str]] = {}

    def entries(self, id: str, above: FlowRecord | None = None) -> Iterator[Entry]:
        """What happened to a run and below it; ``above`` is its caller. Raises as ``history``."""
        found = self._store.read(id)
        if found is None:
            raise UnknownRunError(f"there is no flow run {id}")
        fields, log, inbox = found
        header = RunHeader.read(fields)
        if header.initial_definition is None:
            return
        run = CachedRun(id, header, self._flows)
        record = FlowRecord(run.flow, id, run.machine, None, {}, None, None, above, None)
        self.flow_runs[id], self.headers[id] = record, header
        self.leases[id], self.inboxes[id] = float(fields.get("lease") or 0), inbox
        below: list[str] = []
        for batch in log:
            at, events, _ = decode_batch(batch)
            if self._until is not None and at > self._until:
                break
            for parts in events:
                yield from self.event_entries(record, at, decode_event(parts), below)
        for inner in below:
            if self._store.header(inner) is not None:
                yield from self.entries(inner, record)

    def event_entries(self, record: FlowRecord, at: float, event: on.Event, below: list[str]) -> Iterator[Entry]:
        """What an event of a log is in a journal; the machine of ``record`` takes it, ``below`` the sub-flows."""
        machine = record.machine
        before = self._before(record, at, event)
        if isinstance(event, on.FlowStarted):
            record.args, record.parent, record.failures = event.args, event.parent, event.failures
            record.selective = event.selective
        effects = machine.advance(event)
        record.flow = machine.table.flow
        yield from ((kind, at, *about) for kind, *about in before)
        for effect in effects:
            if isinstance(effect, do.StartFlow) or self._reuses_flow(effect):
                below.append(effect.node_run.id)
            for kind, *about in self._of_effect(record, effect, at):
                yield kind, at, *about

    def _reuses_flow(self, effect: do.Effect) -> TypeGuard[do.ReuseNode]:
        return self._with_reused and isinstance(effect, do.ReuseNode) and effect.node_run.is_flow

    def _before(self, record: FlowRecord, at: float, event: on.Event) -> Sequence[Entry]:
        """The trace entries of an event itself, before the machine takes it."""
        machine = record.machine
        if isinstance(event, on.FlowStarted):
            return [(trace_entries.FLOW_STARTED, record)]
        if isinstance(event, on.RetryDue) and machine.phase == "waiting":
            return [(trace_entries.ATTEMPT_STARTED, record)]
        if isinstance(event, on.FlowCancelled):
            return [(trace_entries.FLOW_CANCELLED, record)]
        if isinstance(event, on.NodeSucceeded | on.NodeFailed):
            return self._node_ended(record, at, event)
        number = getattr(event, "question", None)
        question = next((q for q in machine.open_questions if q.question == number), None)
        entry = None if question is None else trace_entries.of_answer(question, event)
        if entry is not None:
            return [(entry[0], record, *entry[1:])]
        return ()

    def _node_ended(
        self, record: FlowRecord, at: float, event: on.NodeSucceeded | on.NodeFailed
    ) -> Sequence[Entry]:
        node = record.machine.run_of(event.number)
        if node is None:
            return ()
        if node.id in self.node_runs:
            self.node_runs[node.id].finished_at = event.ended or at
        details: dict[str, Any] = {"flow_name": record.flow.name, "dispatcher_id": record.id}
        details |= {"node_name": node.name, "node_id": node.id}
        given_up = record.machine.ended or node.flow_attempt != record.machine.attempt
        if given_up and node.name not in record.flow.nowait:
            details["abandoned"] = True
        if isinstance(event, on.NodeSucceeded):
            return [(trace_entries.TOLD, "NODE_SUCCESSFUL", details)]
        error = self._store.error(node.id)
        if error is not None:
            details["what"] = json.loads(error).get("traceback")
            if node.id in self.node_runs:
                self.node_runs[node.id].error = decode_error(error)
        return [(trace_entries.TOLD, "NODE_FAILURE", details)]

    def _of_effect(self, record: FlowRecord, effect: do.Effect, at: float) -> Iterator[Entry]:
        if isinstance(effect, do.StartTask | do.StartFlow):
            yield trace_entries.SCHEDULED, self._started(record, effect.node_run, effect.parent, at)
        elif isinstance(effect, do.AskAgain):
            yield trace_entries.DEFERRED, record, effect.asked, effect.delay
        elif isinstance(effect, do.ScheduleRetry):
            yield trace_entries.FLOW_RETRIED, record, effect.outcome, effect.delay
        elif isinstance(effect, do.FinishFlow):
            record.outcome, record.ended_at = effect.outcome, at
            yield trace_entries.FLOW_ENDED, record, effect.outcome
        elif isinstance(effect, do.ReuseNode):
            self._started(record, effect.node_run, None, at)
            yield trace_entries.REUSED, record, effect.node_run
        elif isinstance(effect, do.FailNode):
            self._started(record, effect.node_run, None, at).error = ArgumentError(effect.node_run.refused or "")
            yield trace_entries.REFUSED, record, effect.node_run
        elif isinstance(effect, do.TraceNote):
            yield trace_entries.NOTE, record, effect

    def _started(
        self, flow_run: FlowRecord, node: NodeRun, parent: dict[str, Any] | None, at: float
    ) -> NodeRecord:
        record = NodeRecord(node, flow_run, parent)
        record.started_at = at
        return self.node_runs.setdefault(node.id, record)
