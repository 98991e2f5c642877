"""What a local run leaves behind: the journal of trace entries; the events of it, where there is a listener."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from selinon_core.local.event_queue import EventQueue
from selinon_core.local.options import LocalOptions
from selinon_core.local.run_index import RunIndex
from selinon_core.plan import Plan
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.runtime.trace.tracer import Sink, Tracer, hidden_by


class RunRecorder:
    """``record(entry)`` keeps an entry. Before ``attach`` and without a listener it does nothing else."""

    def __init__(self, plan: Plan, options: LocalOptions, agenda: EventQueue) -> None:
        self.journal: list[trace_entries.Entry] = []
        self.is_heard = False
        self.record: Callable[[trace_entries.Entry], None] = self.journal.append
        self._plan = plan
        self._agenda = agenda
        self._listener = options.listener
        self._observer = options.observer
        self._lock = threading.RLock()
        self._tracer = Tracer()
        self._lookup: RunIndex | None = None

    def attach(self, sinks: Iterable[Sink], lookup: RunIndex) -> None:
        """Emit the events of each entry to the sinks and to the listener as well."""
        self._tracer = Tracer([*sinks], hidden_by(self._plan.settings.redact))
        self.is_heard = bool(self._tracer.sinks) or self._listener is not None
        if self.is_heard:
            self._lookup = lookup
            self.record = self._record_and_emit

    def trace(self, event: str, details: dict[str, Any]) -> None:
        """Record an event of a storage or of a task."""
        self.record((trace_entries.TOLD, self._agenda.now, event, details))

    def result_read(self, flow_name: str, task_name: str, task_id: str) -> None:
        """Record that a result was read from a storage."""
        self.record((trace_entries.READ, self._agenda.now, flow_name, task_name, task_id))

    def error_stored(
        self, flow_name: str, task_name: str, task_id: str, node_args: Any, error: BaseException
    ) -> None:
        """Record that a storage keeps an error."""
        about = (flow_name, task_name, task_id, node_args, error)
        self.record((trace_entries.ERROR_STORED, self._agenda.now, *about))

    def observe(self, what: str, record: NodeRecord | FlowRecord) -> None:
        """Call the observer of the options."""
        if self._observer is not None:
            self._observer(what, record)

    def _record_and_emit(self, entry: trace_entries.Entry) -> None:
        assert self._lookup is not None
        with self._lock:  # tasks in threads record what their storages do
            self.journal.append(entry)
            for event in trace_entries.expand(self._plan, entry, self._lookup.flow_run_of):
                if self._listener is not None:
                    self._listener(event)
                self._tracer.emit(event.event, event.details)
