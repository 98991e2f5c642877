"""The state of one local run, which the parts of its driver share."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Protocol

from selinon_core.cases.model import Signal
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.local.event_queue import EventQueue
from selinon_core.local.mocked_storage import LocalStorages
from selinon_core.local.options import LocalOptions
from selinon_core.local.run_index import RunIndex
from selinon_core.local.run_recorder import RunRecorder
from selinon_core.local.run_setup import RunSetup
from selinon_core.local.scripts import TaskScripts
from selinon_core.local.stand_ins import ConditionKey, StandInWatch
from selinon_core.local.step_counter import StepCounter
from selinon_core.runtime.json_values import snapshot
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.runtime.trace.tracer import configured_sinks


class Reusing(Protocol):
    """What the parts of a driver ask of a rerun (``local.rerun``)."""

    def answer(self, record: FlowRecord, question: do.Question) -> on.Event | None:
        """The recorded answer to a question; None: it is to be asked as ever."""
        ...

    def take_over(self, record: NodeRecord) -> None:
        """Fill in a reused node run, and add what is inside of it."""
        ...

    def to_report(self, report: dict[str, Any]) -> None:
        """Add to a report what is reused, and from where."""
        ...


class DriverState:
    """``inbox`` has the events that machines have not taken yet; ``steps`` counts against ``max_steps``."""

    def __init__(self, prepared: RunSetup, options: LocalOptions) -> None:
        plan = prepared.plan
        self.plan = plan
        self.options = options
        self._observer = options.observer
        self.agenda = EventQueue(options.seed or 0)
        self.flows: list[FlowRecord] = []
        self.nodes: list[NodeRecord] = []
        self.inbox: deque[tuple[FlowRecord, on.Event]] = deque()
        self.warnings: list[str] = []
        self.steps = StepCounter(plan, options.max_steps)
        self.recorder = recorder = RunRecorder(plan, options, self.agenda)
        self.imports = prepared.imports
        real = frozenset(plan.storages) if options.storage == "real" else options.real_storages
        self.storages = LocalStorages(
            plan,
            prepared.imports,
            recorder.trace,
            recorder.result_read,
            real,
            prepared.directory,
            recorder.error_stored,
        )
        if options.storages is not None and options.storage == "real":
            self.storages.share(options.storages)
        self.lookup = RunIndex(self.nodes, self.storages)
        signalled = frozenset(event.node for _, event in options.at if isinstance(event, Signal))
        self.scripts = TaskScripts(options.mocks, options.mock_all, options.fail, self.lookup, signalled)
        self.calls = prepared.imports.begin_run()
        self.stand_ins = StandInWatch(recorder.journal, self.scripts, self.calls, prepared.imports)
        mocks = options.mocks
        #: the values of mocked conditions, by flow, index and whether of a fallback
        self.mocked_conditions: dict[ConditionKey, tuple[bool, ...]] = {
            (one.flow, one.edge, one.is_fallback): one.values for one in (mocks.conditions if mocks else ())
        }
        #: how often each of them was asked
        self.conditions_asked: dict[ConditionKey, int] = {}
        self.real_time = options.time == "real"
        self.began = time.monotonic()
        self._next_start: dict[str, float] = {}
        #: what a rerun reuses; set by the driver
        self.rerun: Reusing | None = None

    def attach_sinks(self, prepared: RunSetup) -> None:
        """Connect the sinks of the configuration and of the options."""
        entries = prepared.trace_entries(self.options, self.storages.stands_in, self.warnings.append)
        configured = configured_sinks(entries, self.imports, self.storages.connected)
        self.recorder.attach([*configured, *self.options.sinks], self.lookup)

    def update_clock(self) -> None:
        """Move the clock of the run to the real one."""
        self.agenda.now = max(self.agenda.now, time.monotonic() - self.began)

    def new_node(self, run: NodeRun, flow_run: FlowRecord, parent: dict[str, Any] | None) -> NodeRecord:
        """Add the record of a node run."""
        record = NodeRecord(run, flow_run, parent)
        self.nodes.append(record)
        self.steps.count(record)
        if self._observer is not None:
            self._observer("scheduled", record)
        return record

    def reused_result(self, record: NodeRecord) -> Any:
        """The result of an earlier run, as a snapshot; a warning and None where it cannot be read."""
        run = record.run
        if self.plan.tasks[run.name].storage is None:
            return None
        try:
            flow_name = self.lookup.locate(run.id) or record.flow_run.flow.name
            return snapshot(self.storages.retrieve(flow_name, run.name, run.id))
        except Exception as error:
            self.warnings.append(f"the result of {run.name} to be reused cannot be read: {error}")
            return None

    def throttled(self, name: str, least_distance: float) -> float:
        """Seconds until a throttled node may start; starts are exactly ``least_distance`` apart."""
        now = self.agenda.now
        start = max(now, self._next_start.get(name, now))
        self._next_start[name] = start + least_distance
        return start - now


def is_abandoned(record: NodeRecord) -> bool:
    """Whether the flow waited for this run once, and does not any more."""
    flow_run = record.flow_run
    if record.run.name in flow_run.flow.nowait:
        return False
    return flow_run.outcome is not None or record.run.flow_attempt != flow_run.machine.attempt
