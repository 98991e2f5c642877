"""Emits the trace events of a worker to the project's trace sinks at once, as a local run does."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.wait_endings import EndedWait
from selinon_core.celery.transport.message_limits import one_line
from selinon_core.celery.transport.message_schema import NodeMessage
from selinon_core.dispatch import NodeRun
from selinon_core.plan import Plan
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.json_values import snapshot
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.task_runner import Failed, Succeeded
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.runtime.trace.tracer import Sink, Tracer, configured_sinks, hidden_by

_log = logging.getLogger("selinon")


class RunTracer:
    """Turns entries (``runtime.trace.entries``) into events for the sinks; does nothing where there is no sink."""

    def __init__(self, plan: Plan, imports: Imports) -> None:
        self._plan = plan
        self._imports = imports
        self._storages: Storages | None = None
        self.tracer = Tracer(hidden=hidden_by(plan.settings.redact))
        self._process = 0
        self._added: list[Sink] = []

    def attach(self, storages: Storages) -> None:
        """Set where storage sinks find their storages."""
        self._storages = storages

    def add(self, sink: Sink) -> None:
        """Add a sink beside the configured ones."""
        self._added.append(sink)
        self._process = 0

    @property
    def silent(self) -> bool:
        """Whether there is no sink."""
        if self._process != os.getpid():
            assert self._storages is not None
            self._process = os.getpid()  # first: connecting a storage to trace to asks this again
            configured: list[Sink] = []
            try:
                sinks = self._plan.settings.trace
                configured = configured_sinks(sinks, self._imports, self._storages.connected)
            except Exception:
                _log.exception("the trace cannot be set up")
            self.tracer.sinks = [*configured, *self._added]
        return not self.tracer.sinks

    def emit(self, event: str, details: Mapping[str, Any]) -> None:
        """Emit an event that needs no expanding."""
        if not self.silent:
            self.tracer.emit(event, details)

    def emit_entry(self, *entry: Any) -> None:
        """Emit an entry (kind, what it is about ...)."""
        if self.silent:
            return
        for event in trace_entries.expand(self._plan, (entry[0], 0.0, *entry[1:]), _no_location):
            self.tracer.emit(event.event, event.details)

    def warn(self, event: str, what: str, **details: Any) -> None:
        """Emit and log a problem."""
        _log.warning("%s: %s", event, one_line(what))
        self.emit(event, {**details, "what": what})

    # -- records for entries ----------------------------------------------------------------------------------

    def flow(self, run: CachedRun) -> FlowRecord:
        """The record of a flow run for trace entries."""
        start = getattr(run.machine, "start", None)
        args, parent, failures, selective = None, {}, None, None
        if start is not None:
            args, parent, failures, selective = start.args, start.parent, start.failures, start.selective
        record = FlowRecord(run.flow, run.id, run.machine, args, parent, failures, selective, None, None)
        record.outcome = run.machine.outcome
        if run.header.caller is not None:
            flow_id, number, name = run.header.caller
            above = FlowRecord(self._plan.flows[name], flow_id, run.machine, None, {}, None, None, None, None)
            node = NodeRun(number, run.id, run.flow.name, True, None, (), args, failures, 1)
            node.parent = parent
            record.node = NodeRecord(node, above, parent)
            record.parent_run = above
        return record

    def wait_ended(self, ended: EndedWait) -> None:
        """A task that waited ended: by a signal, which is an event of its own, or by its time-out."""
        if self.silent:
            return
        run, node, signal = ended.run, ended.node, ended.signal
        record = self._wait(run, node)
        record.attempts = 1
        if signal is not None:
            about = {
                "flow_name": run.flow.name,
                "dispatcher_id": run.id,
                "node_name": node.name,
                "node_id": node.id,
            }
            self.emit("SIGNAL", {**about, "rejected": signal.reject is not None, "by": signal.by})
        attempt = ended.attempt
        if isinstance(attempt, Succeeded):
            record.stored = attempt.stored
            record.result = None if attempt.result is None else snapshot(attempt.result)
            self.emit_entry(trace_entries.SUCCEEDED, record, attempt.stored)
        elif isinstance(attempt, Failed):
            record.error = attempt.error
            self.emit_entry(trace_entries.FAILED, record, 1, attempt.error, 0)

    def _wait(self, run: CachedRun, node: NodeRun) -> NodeRecord:
        """The record of a task that waited."""
        above = FlowRecord(run.flow, run.id, None, None, {}, None, None, None, None)  # type: ignore[arg-type]
        return NodeRecord(node, above, {source.name: source.id for source in node.sources})

    def task(self, message: NodeMessage, task_id: str, attempts: int) -> NodeRecord:
        """The record of a task run for trace entries, made from its message."""
        flow = self._plan.flows[message.flow]
        above = FlowRecord(flow, message.id, None, None, {}, None, None, None, None)  # type: ignore[arg-type]
        run = NodeRun(
            message.number, task_id, message.task, False, None, (), message.args, message.failures or None, 1
        )
        run.parent = message.parent
        record = NodeRecord(run, above, message.parent)
        record.attempts = attempts
        return record


def _no_location(task_id: str) -> None:
    """Every entry emitted here has its flow run with it."""
