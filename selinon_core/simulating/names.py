"""Names of node runs and messages while a run goes on: labels of lineage, the same in every schedule.

A label counts runs of one name in canonical order, which is known only when the run is over. So the labels are
those of the undisturbed run, by the keys of its node runs; a node run that it does not have (a fallback after a
fault) gets the next free number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.reporting.run_replay import RunReplay
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.publisher import DISPATCHER
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch.codec import decode_event
from selinon_core.local.driver_state import DriverState
from selinon_core.migrations.versions import FlowVersions
from selinon_core.runtime.lineage import GrowingLineage, Lineage
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.simulating.recorder import RecordingTracer


class Labels:
    """Labels by key, from the undisturbed run; empty before that."""

    def __init__(self) -> None:
        self.by_key: dict[str, str] = {}
        #: By path and name: the largest number.
        self.largest: dict[str, int] = {}

    def learn(self, lineage: Lineage, nodes: Iterable[NodeRecord]) -> None:
        """Take over the labels of a run."""
        for record in nodes:
            label = lineage.label(record.run.id).removeprefix(">")
            if "#" not in label:
                label = f"{label}#1"
            self.by_key[lineage.key(record.run.id)] = label
            name, _, number = label.rpartition("#")
            self.largest[name] = max(self.largest.get(name, 0), int(number))


class Names:
    """The names in one schedule."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._lineage = GrowingLineage()
        self._largest = dict(labels.largest)
        self._keys: dict[str, str] = {}  # by id of the node run
        self._own: dict[str, str] = {}  # by key: labels of node runs that the undisturbed run does not have
        self._flows: dict[str, str] = {}  # by id of the flow run
        self._of: dict[tuple[str, int], str] = {}

    def add_flow(self, record: FlowRecord) -> None:
        """A flow run begins."""
        node = record.node
        self._flows[record.id] = f"{record.flow.name}#1" if node is None else self.node(node.run.id)

    def add_node(self, record: NodeRecord) -> None:
        """A node run was started."""
        key = self._lineage.add(record)
        self._keys[record.run.id] = key
        label = self._labels.by_key.get(key)
        if label is None:
            label = self._own.get(key)
        if label is None:
            path = self._path(record.flow_run)
            name = f"{path}/{record.run.name}" if path else record.run.name
            number = self._largest[name] = self._largest.get(name, 0) + 1
            label = self._own[key] = f"{name}#{number}"
        self._of[record.flow_run.id, record.run.number] = label

    @staticmethod
    def _path(flow_run: FlowRecord) -> str:
        names = []
        above: FlowRecord | None = flow_run
        while above is not None and above.parent_run is not None:
            names.append(above.flow.name)
            above = above.parent_run
        return ">".join(reversed(names))

    def key(self, task_id: str) -> str:
        """The key of a node run."""
        return self._keys[task_id]

    def flow(self, flow_id: str) -> str | None:
        """The label of a flow run, None for one that never began."""
        return self._flows.get(flow_id)

    def knows(self, task_id: str) -> bool:
        """Whether an id is that of a node run of this schedule."""
        return task_id in self._keys

    def node(self, task_id: str) -> str:
        """The label of a node run."""
        key = self._keys[task_id]
        return self._labels.by_key.get(key) or self._own[key]

    def message(self, celery_task: str, kwargs: Mapping[str, Any]) -> str:
        """The label of a message: of the node run, or what it asks of which flow run."""
        if celery_task != DISPATCHER:
            first = kwargs["nodes"][0] if "nodes" in kwargs else kwargs
            return self._of.get((kwargs["id"], first["number"])) or f"{kwargs['flow']}/{first['number']}#1"
        caller = kwargs.get("caller")
        flow = self._flows.get(kwargs["id"])
        if flow is None:
            flow = self._of[caller[0], caller[1]] if caller else f"{kwargs['flow']}#1"
        return f"{kwargs['action']} {flow}"


class NamingTracer(RecordingTracer):
    """Names node runs as they are started."""

    def __init__(self, state: DriverState, clock: Any, names: Names) -> None:
        super().__init__(state, clock)
        self._names = names

    def catch_up(self, store: Store, flows: FlowVersions, flow_id: str) -> None:
        """Record the last batch of a log: it was kept, and the worker that decided it does not know that."""
        found = store.read(flow_id)
        assert found is not None
        fields, log, _ = found
        run = CachedRun(flow_id, RunHeader.read(fields), flows)
        run.replay(log[:-1])
        replayed = FlowRecord(run.flow, flow_id, run.machine, None, {}, None, None, None, None)
        replay = RunReplay(store, flows)
        batch = decode_batch(log[-1])
        entries = [
            entry
            for event in batch.events
            for entry in replay.event_entries(replayed, batch.at, decode_event(event), [])
        ]
        record = self.flow(run)
        for kind, _, about, *more in entries:
            if kind == trace_entries.SCHEDULED:
                self.emit_entry(kind, NodeRecord(about.run, record, about.given_parent))
            elif kind != trace_entries.TOLD:
                self.emit_entry(kind, record, *more)

    def flow(self, run: CachedRun) -> FlowRecord:
        """The record of a flow run."""
        is_new = run.id not in self._flows
        record = super().flow(run)
        if is_new:
            self._names.add_flow(record)
        return record

    def _new_node(self, flow_run: FlowRecord, run: NodeRun, parent: dict[str, Any] | None) -> NodeRecord:
        record = super()._new_node(flow_run, run, parent)
        self._names.add_node(record)
        return record
