"""A finished local run, with its report and its trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from selinon_core.local.driver_state import DriverState
from selinon_core.local.scripts import MockUse
from selinon_core.local.stand_ins import MadeUpDecision
from selinon_core.plan import ImportRef
from selinon_core.runtime.facts import Facts
from selinon_core.runtime.json_values import copy_json, restore
from selinon_core.runtime.run_report import decisions_of, edges_of, fallbacks_of, nodes_of, seconds
from selinon_core.runtime.trace.entries import Entry, TraceEvent, expand
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.runtime.trace.tracer import hidden_by, jsonable

if TYPE_CHECKING:
    from selinon_core.local.unused_mocks import UnusedMock

REPORT_VERSION = 1


class RunInterrupted(KeyboardInterrupt):
    """Raised in place of the ``KeyboardInterrupt`` that ended a run; ``run`` is what there was of it."""

    def __init__(self, run: LocalRun) -> None:
        super().__init__()
        self.run = run


class LocalRun:
    """How a flow ran. ``error`` says why it failed or was stopped; None after a success."""

    def __init__(
        self,
        state: DriverState,
        root: FlowRecord,
        real_seconds: float,
        stopped_by: Exception | None,
        interrupted: bool = False,
    ) -> None:
        self._interrupted = interrupted
        self._state = state
        self._root = root
        self.real_seconds = real_seconds
        self.stopped_by = stopped_by
        #: what tasks noted with ``selinon_core.testing.effect``, in a test
        self.effects: tuple[Any, ...] = ()

    @property
    def id(self) -> str:
        """The id of the flow run."""
        return self._root.id

    @property
    def flow(self) -> str:
        """The name of the flow."""
        return self._root.flow.name

    @property
    def status(self) -> str:
        """``success`` or ``failure``, or ``interrupted`` for a run that did not come to its end."""
        outcome = self._root.outcome
        if outcome is None and self._interrupted:
            return "interrupted"
        return "success" if outcome is not None and outcome.succeeded else "failure"

    @property
    def error(self) -> str | None:
        """Why the flow failed, in a sentence."""
        if self.stopped_by is not None:
            return str(self.stopped_by)
        outcome = self._root.outcome
        return None if outcome is None else outcome.reason

    @property
    def result(self) -> dict[str, Any]:
        """``{"finished_nodes": {name: [ids]}, "failed_nodes": {name: [ids]}, "active_nodes": []}``.

        And ``output``, where the flow declares one and succeeded.
        """
        outcome = self._root.outcome
        if outcome is None:
            return {"finished_nodes": {}, "failed_nodes": {}, "active_nodes": []}
        state: dict[str, Any] = copy_json(outcome.state)
        return state

    @property
    def output(self) -> Any:
        """The output of the flow; None where it declares none, or did not succeed."""
        return self.result.get("output")

    @property
    def virtual_seconds(self) -> float:
        """Seconds on the run's own clock until nothing was due any more."""
        return self._state.agenda.now

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """Every node run in the order they were scheduled, as in the report."""
        return nodes_of(self.facts)

    @property
    def edges(self) -> list[dict[str, Any]]:
        """Every edge of the flows that ran, with how often it was considered and fired."""
        return edges_of(self.facts)

    @property
    def events(self) -> list[TraceEvent]:
        """The trace events; times are virtual seconds."""
        return [event._replace(details=_own(event.details)) for event in self.shared_events()]

    def shared_events(self) -> Iterator[TraceEvent]:
        """The same for readers that change nothing: their details are parts of the run itself."""
        state = self._state
        for entry in list(state.recorder.journal):
            yield from expand(state.plan, entry, state.lookup.flow_run_of)

    @cached_property
    def facts(self) -> Facts:
        """What happened as typed facts, in the state of the run when this is first read."""
        state = self._state
        return Facts(state.plan, self._root, state.flows, state.nodes, list(state.recorder.journal))

    @property
    def root(self) -> FlowRecord:
        """The record of the flow run."""
        return self._root

    @property
    def records(self) -> Sequence[NodeRecord]:
        """The records of all node runs in the order in which they were started; not to be changed."""
        return self._state.nodes

    @property
    def journal(self) -> Sequence[Entry]:
        """The entries from which facts and events are made; not to be changed."""
        return self._state.recorder.journal

    @property
    def defaulted_functions(self) -> frozenset[ImportRef]:
        """Functions of conditions, foreach and selective runs for which a default stood in."""
        return frozenset(self._state.calls.defaulted)

    @property
    def warnings(self) -> list[str]:
        """What the user should know: stand-ins that were used, results that could not be reused."""
        return [*self._state.imports.warnings, *self._state.warnings]

    @property
    def unreached_nodes(self) -> list[str]:
        """Nodes that never had a chance to run in a flow run that ended otherwise well, each name once."""
        found = [record.outcome.unreached for record in self._state.flows if record.outcome is not None]
        return list(dict.fromkeys(name for names in found for name in names))

    @property
    def mock_uses(self) -> list[MockUse]:
        """What mocks decided, attempt by attempt in the order in which attempts began."""
        return list(self._state.scripts.uses)

    @property
    def made_up_decisions(self) -> list[MadeUpDecision]:
        """Decisions that rest on made-up results or on defaults of functions that cannot be imported."""
        return list(self._state.stand_ins.found)

    @property
    def unused_mocks(self) -> list[UnusedMock]:
        """Mocks, and rules of mocks, that decided nothing in this run."""
        from selinon_core.local.unused_mocks import unused_mocks

        return unused_mocks(self._state)

    def stored(self, storage_name: str) -> dict[tuple[str, str, str], Any]:
        """What a mocked storage keeps: (flow name, storage task name, task id) -> result."""
        storage = self._state.storages.mocked(storage_name)
        return {key: restore(value) for key, value in storage.results.items()}

    def trace(self) -> Iterator[dict[str, Any]]:
        """The trace as JSON objects: ``event``, ``time`` (virtual seconds) and the event's details."""
        for event in self.shared_events():
            yield trace_line(event)

    def report(self) -> dict[str, Any]:
        """The JSON report, without the values that ``global.redact`` hides."""
        seed = self._state.options.seed
        result = self.result
        report = {
            "version": REPORT_VERSION,
            "flow": self.flow,
            "id": self.id,
            "status": self.status,
            "error": self.error,
            "node_args": copy_json(self._root.args),
            "virtual_seconds": seconds(self.virtual_seconds),
            "real_seconds": round(self.real_seconds, 6),
            "seed": 0 if seed is None else seed,
            "finished_nodes": result["finished_nodes"],
            "failed_nodes": result["failed_nodes"],
            **({"output": result["output"]} if "output" in result else {}),
            "unreached_nodes": self.unreached_nodes,
            "warnings": self.warnings,
            "nodes": self.nodes,
            "edges": self.edges,
            "fallbacks": fallbacks_of(self.facts),
            **decisions_of(self.facts),
        }
        if self._state.rerun is not None:
            self._state.rerun.to_report(report)
        hidden = hidden_by(self._state.plan.settings.redact)
        return report if hidden is None else dict(hidden.masked(report))


def trace_line(event: TraceEvent) -> dict[str, Any]:
    """An event as a line of a trace file."""
    return {"event": event.event, "time": seconds(event.time), **jsonable(event.details)}


def _own(value: Any) -> Any:
    """A value whose mappings and lists are the reader's own."""
    if isinstance(value, dict):
        return {key: _own(item) for key, item in value.items()}
    return [_own(item) for item in value] if isinstance(value, list) else value
