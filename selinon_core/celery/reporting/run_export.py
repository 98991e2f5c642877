"""A flow run as one JSON value: for bug reports, drawings, and as mocks of a local run.

It is a report as of a local run, with what the store holds of the run and of its sub-flows beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from selinon_core.celery.reporting.run_reader import FoldedRun, RunReader
from selinon_core.celery.reporting.run_status import described
from selinon_core.celery.reporting.stored_values import StoredValues
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.dispatch import FlowOutcome, NodeRun
from selinon_core.errors import UnknownRunError
from selinon_core.plan import FlowPlan
from selinon_core.runtime.redaction import Redaction, redaction
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.trace.tracer import jsonable
from selinon_core.version import __version__

#: The version of the part ``export``; that of the report is beside it.
EXPORT_VERSION = 1
#: Fields of the header whose values are JSON texts.
_JSON_FIELDS = ("caller", "result_locations", "labels", "rerun")

Json = dict[str, Any]


def export_run(
    reader: RunReader, storages: Storages, id: str, *, results: bool = True, redact: bool = True
) -> Json:
    """A flow run and its sub-flows as a report of version 1, with ``export`` beside.

    ``export`` is ``{"version", "selinon", "at", "redacted", "missing_results", "runs": [...], "definitions"}``; a
    run is ``{"id", "header", "log", "inbox", "records", "timers"}`` as the store has it, and ``definitions`` are
    the flows that the logs refer to. With ``results`` the nodes have the results that are stored;
    ``missing_results`` says of others why they cannot be read. ``redact`` masks what ``global.redact`` names.
    Raises ``RequestError`` when the store does not know the run.
    """
    store = reader.store
    if store.header(id) is None:
        raise UnknownRunError(f"there is no flow run {id}")
    hidden = redaction(reader.flows.plan.settings.redact if redact else ())
    writer = _Exporter(reader, storages if results else None, hidden)
    writer.add(id, {})
    report = writer.report(id)
    report["export"] = {
        "version": EXPORT_VERSION,
        "selinon": __version__,
        "at": store.clock(),
        "redacted": redact,
        "missing_results": writer.missing,
        "runs": writer.runs,
        "definitions": writer.definitions,
    }
    masked: Json = hidden.masked(jsonable(report))
    return masked


class _Exporter:
    """Collects runs, from the one at the top downwards."""

    def __init__(self, reader: RunReader, storages: Storages | None, hidden: Redaction) -> None:
        self._reader = reader
        self._store = reader.store
        self._values = StoredValues(reader.flows.plan, storages, hidden)
        self._hidden = hidden
        self._top: Json = {}
        self._began = 0.0
        self.nodes: list[Json] = []
        self.edges: dict[tuple[str, int], Json] = {}
        self.runs: list[Json] = []
        self.definitions: Json = {}
        self.missing: dict[str, str] = {}

    def add(self, id: str, above: Mapping[str, Any]) -> None:
        """A run, and the runs below it."""
        below = []
        with self._reader.reading(id) as folded:
            if folded is None:  # no worker has begun the sub-flow, or its state is gone
                return
            self._add_state(folded)
            if not self._top:
                self._begin(folded)
            if folded.run is not None:
                flow = folded.run.flow
                rows = {row["number"]: row for row in described(self._reader, id, 0)["nodes"]}
                for node in folded.nodes:
                    self.nodes.append(self._node(folded, flow, node, rows[node.number]))
                    if node.is_flow:
                        below.append(node.id)
                self._count_edges(folded, flow)
        for inner in below:
            self.add(inner, self._top)

    def report(self, id: str) -> Json:
        """The report of the run at the top."""
        return {**self._top, "nodes": self.nodes, "edges": list(self.edges.values())}

    def _begin(self, folded: FoldedRun) -> None:
        header, run = folded.header, folded.run
        self._began = header.created
        ended = folded.finished or (header.updated if header.status != "running" else self._store.clock())
        outcome = None if run is None else run.machine.outcome
        self._top = {
            "version": 1,
            "flow": header.flow,
            "id": folded.id,
            "status": header.status,
            "error": folded.problem or header.reason or None,
            "node_args": self._hidden.masked(self._values.args(run.machine.start.args))
            if run is not None
            else None,
            "virtual_seconds": round(ended - header.created, 3),
            "finished_nodes": dict(outcome.finished) if outcome is not None else {},
            "failed_nodes": dict(outcome.failed) if outcome is not None else {},
            **self._output(outcome),
        }

    def _output(self, outcome: FlowOutcome | None) -> Json:
        return {"output": self._values.args(outcome.output)} if outcome is not None and outcome.has_output else {}

    def _node(self, folded: FoldedRun, flow: FlowPlan, node: NodeRun, status: Json) -> Json:
        row: Json = {
            "id": node.id,
            "name": node.name,
            "kind": status["kind"],
            "flow": flow.name,
            "flow_id": folded.id,
            "flow_attempt": node.flow_attempt,
            "number": node.number,
            "edge": node.edge,
            "sources": [source.id for source in node.sources],
            "status": status["status"],
            "attempts": status["attempts"],
            "node_args": self._values.args(node.args),
            "error": status["error"],
            "started_at": self._since(status["begun"] or status["queued"]),
            "finished_at": self._since(status["ended"]),
        }
        if "args_from" in status:
            row["args_from"] = status["args_from"]
        if node.is_flow:
            row |= self._output(node.outcome)
        elif node.status in ("success", "reused"):
            self._add_result(row, flow, node)
        return row

    def _add_result(self, row: Json, flow: FlowPlan, node: NodeRun) -> None:
        found = self._values.result(flow.name, node)
        if "missing" in found:
            self.missing[node.id] = found["missing"]
        row |= {"result": found["result"]} if "result" in found else {}

    def _since(self, at: float | None) -> float | None:
        return None if at is None else round(at - self._began, 3)

    def _count_edges(self, folded: FoldedRun, flow: FlowPlan) -> None:
        assert folded.run is not None
        machine = folded.run.machine
        for edge in flow.edges:
            row = self.edges.setdefault(
                (flow.name, edge.index),
                {
                    "flow": flow.name,
                    "index": edge.index,
                    "from": list(edge.sources),
                    "to": list(edge.destinations),
                    "where": str(edge.place),
                    "considered": 0,
                    "fired": 0,
                },
            )
            row["considered"] += machine.considered.get(edge.index, 0)
            row["fired"] += machine.fired.get(edge.index, 0)

    def _add_state(self, folded: FoldedRun) -> None:
        found = self._store.read(folded.id)
        if found is None:
            return
        fields, log, inbox = found
        header = {name: _parsed(text) if name in _JSON_FIELDS else text for name, text in fields.items()}
        if "early" in header:  # lists of a task, the value of its signal, and more
            header["early"] = [
                [name, self._hidden.masked_under(name, value), *more]
                for name, value, *more in _parsed(header["early"]) or ()
            ]
        names = {node.number: node.name for node in folded.nodes}
        records = self._store.records(folded.id, [0, *(node.number for node in folded.nodes)])
        self.runs.append(
            {
                "id": folded.id,
                "header": header,
                "log": [_parsed(batch) for batch in log],
                "inbox": [self._entry(_parsed(entry), names) for entry in inbox],
                "records": {str(number): record._asdict() for number, record in sorted(records.items())},
                "timers": self._store.timers(folded.id),
            }
        )
        read = RunHeader.read(fields)
        for name in {read.initial_definition, read.definition} - {None, ""}:
            assert name is not None
            text = self._store.get_definition(name)
            if text is not None and name not in self.definitions:
                self.definitions[name] = _parsed(text)

    def _entry(self, entry: Any, names: Mapping[int, str]) -> Any:
        """An entry of an inbox; the result that comes with an end stands under the name of its task."""
        match entry:
            case [[kind, number, *more], result]:
                return [[kind, number, *more], self._hidden.masked_under(names.get(number, ""), result)]
        return entry


def _parsed(text: str) -> Any:
    """The value of a JSON text, in which keys can be masked; another text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
