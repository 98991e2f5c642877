"""What a preview says, as rows: a node, and why it is where it is."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

from selinon_core.plan import FlowPlan
from selinon_core.rerunning.preview import AGAIN, ENTER, GIVEN, NOT_AGAIN, REUSE, THEN, Preview
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord


class Row(NamedTuple):
    """A node, as a label or a name, and why it is where it is. ``name`` is the label without its number."""

    node: str
    name: str
    why: str

    def to_json(self) -> dict[str, Any]:
        """As in the JSON of ``--plan``."""
        return {"node": self.node, "why": self.why}


class Rows:
    """The rows of one preview; labels are worked out once."""

    def __init__(self, preview: Preview) -> None:
        self._preview = preview
        self._recorded = preview.recorded

    def rows(self, *states: str) -> list[Row]:
        """The rows of some states, in canonical order."""
        return [
            Row(label, label.partition("#")[0], self._preview.why[record.run.id])
            for record, label in self._labelled
            if self._preview.state.get(record.run.id) in states
        ]

    @cached_property
    def _labelled(self) -> list[tuple[NodeRecord, str]]:
        lineage = self._recorded.seen.lineage
        return [(r, lineage.label(r.run.id)) for r in lineage.ordered if r.run.id in self._recorded.by_id]

    def inside_counts(self) -> dict[str, dict[str, int]]:
        """By the label without number of each sub-flow that is reused whole: its node runs, counted by name."""
        found: dict[str, dict[str, int]] = {}
        for record, label in self._labelled:
            if record.run.is_flow and self._preview.state[record.run.id] == REUSE:
                counts = found.setdefault(label.partition("#")[0], {})
                for each in self._recorded.inside(record.run.id):
                    counts[each.run.name] = counts.get(each.run.name, 0) + 1
        return found

    def never_ran(self) -> list[Row]:
        """Nodes without a run that may run behind what runs again, in the flow and in the sub-flows entered."""
        found: dict[str, Row] = {}
        for flow_run in self._entered_runs():
            prefix = "" if flow_run is self._recorded.root else f"{flow_run.flow.name}/"
            for name in self._reachable(flow_run):
                found.setdefault(prefix + name, Row(prefix + name, prefix + name, "never ran"))
        return list(found.values())

    def _entered_runs(self) -> Iterable[FlowRecord]:
        yield self._recorded.root
        for record in self._recorded.records:
            if record.run.id in self._preview.entered and record.run.id in self._recorded.flow_runs:
                yield self._recorded.flow_runs[record.run.id]

    def _reachable(self, flow_run: FlowRecord) -> list[str]:
        flow: FlowPlan = self._preview.plan.flows.get(flow_run.flow.name, flow_run.flow)
        ran: dict[str, set[str]] = {}
        for record in self._recorded.inside(flow_run.id):
            ran.setdefault(record.run.name, set()).add(self._preview.state[record.run.id])
        moving = {name for name, states in ran.items() if states & {AGAIN, ENTER, THEN, GIVEN}}
        arrived = {name for name, states in ran.items() if states & {REUSE}} | moving
        found: list[str] = []
        grown = True
        while grown:
            grown = False
            for edge in flow.edges:
                if not arrived.issuperset(edge.sources):
                    continue
                if edge.sources and not moving & set(edge.sources) and self._was_asked(flow_run, flow, edge.index):
                    continue
                for name in edge.destinations:
                    if name not in arrived:
                        arrived.add(name)
                        moving.add(name)
                        grown = True
                        if name not in ran:
                            found.append(name)
        return found

    def _was_asked(self, flow_run: FlowRecord, flow: FlowPlan, index: int) -> bool:
        """Whether an edge was considered in a recorded run, so that what it said holds."""
        return (flow_run.id, self._recorded.ends(flow, index)) in self._asked

    @cached_property
    def _asked(self) -> set[tuple[str, Any]]:
        recorded = self._recorded
        found = {
            (fact.flow_run.id, recorded.ends(fact.flow_run.flow, fact.edge.index))
            for fact in recorded.seen.facts.edges
        }
        for record in recorded.records:
            combination = recorded.combination_of(record)
            if combination is not None:
                found.add(combination[:2])
        return found

    def to_json(self) -> dict[str, Any]:
        """``{"version", "run", "flow", "again", "then", "given", "reuse", "not_again", "missing"}``."""
        labels = {record.run.id: label for record, label in self._labelled}
        return {
            "version": 1,
            "run": self._recorded.root.id,
            "flow": self._recorded.root.flow.name,
            "again": [row.to_json() for row in self.rows(AGAIN, ENTER)],
            "then": [row.to_json() for row in (*self.rows(THEN), *self.never_ran())],
            "given": [row.to_json() for row in self.rows(GIVEN)],
            "reuse": [row.to_json() for row in self.rows(REUSE)],
            "not_again": [row.to_json() for row in self.rows(NOT_AGAIN)],
            "missing": [
                {"node": labels[record.run.id], "why": self._preview.why[record.run.id]}
                for record in self._preview.missing
            ],
            "repeats": len(self._preview.repeated),
        }
