"""The history of a flow run: turns its event log into trace events, for people and for ``migrate check``.

It holds what the dispatcher decided, and why. What tasks did meanwhile (attempts, results, storages) is not in the
log; a sink of the trace has that.
"""

from __future__ import annotations

from typing import Any

from selinon_core.celery.reporting.run_replay import RunReplay
from selinon_core.celery.stores import Store
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.tracer import jsonable


def history(plan: Plan, store: Store, flows: FlowVersions, id: str) -> list[dict[str, Any]]:
    """The events of a flow run and of its sub-flows as JSON objects, in order of time.

    ``{"event", "time", "flow_name", "dispatcher_id", ...}`` as of a local run; ``time`` is seconds since the
    epoch. Raises ``RequestError`` when the store does not know the run, ``MigrationError`` when its log cannot be
    read any more.
    """
    events = [
        {"event": event.event, "time": round(event.time, 3), **jsonable(event.details)}
        for entry in RunReplay(store, flows).entries(id)
        for event in trace_entries.expand(plan, entry, lambda task_id: None)
    ]
    return sorted(events, key=lambda event: event["time"])  # stable: the order of each run is kept
