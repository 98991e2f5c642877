"""From the facts of a run to the goals it met. O(facts): no trace event is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_core.covering.data import CoverageData, FlowData
from selinon_core.covering.elements import elements_of
from selinon_core.dispatch.node_run import FlowOutcome
from selinon_core.plan import FlowPlan, Plan
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord

if TYPE_CHECKING:
    from selinon_core.runtime.facts import Facts


def collect(facts: Facts, case: str, data: CoverageData) -> None:
    """Add what a run met to ``data``, in the name of ``case``."""
    _Run(facts, case, data).collect()


class _Run:
    def __init__(self, facts: Facts, case: str, data: CoverageData) -> None:
        self._facts = facts
        self._case = case
        self._data = data
        self._parts: dict[str, FlowData] = {}

    def _part(self, flow: FlowPlan) -> FlowData:
        part = self._parts.get(flow.name)
        if part is None:
            known = self._data.flows.get(flow.name)
            part = self._parts[flow.name] = (
                known if known is not None else self._data.of_flow(flow.name, elements_of(flow))
            )
        return part

    def collect(self) -> None:
        facts, case = self._facts, self._case
        for record in facts.flows:
            self._part(record.flow)
        for (flow, index), times in facts.fired().items():
            if times:
                self._parts[flow].hit(f"edge:{index}/fired", case, times)
        for edge in facts.edges:
            part = self._parts[edge.flow_run.flow.name]
            element = f"edge:{edge.edge.index}"
            if edge.condition is not None:
                if not edge.condition:
                    part.hit(f"{element}/no", case)
                evaluated(part, element, edge.leaves, edge.condition, case)
            if edge.items is not None:
                part.hit(f"{element}/{foreach_size(edge.items)}", case)
        for fallback in facts.fallbacks:
            part = self._parts[fallback.flow_run.flow.name]
            element = f"failure:{fallback.failure.index}"
            if fallback.used:
                part.hit(f"{element}/used", case)
            if fallback.condition is not None:
                part.hit(f"{element}/{'true' if fallback.condition else 'false'}", case)
                evaluated(part, element, fallback.leaves, fallback.condition, case)
        self._nodes()
        self._flows()

    def _nodes(self) -> None:
        facts, case, parts = self._facts, self._case, self._parts
        retries: dict[int, int] = {}
        gave_up: set[int] = set()
        for ended in facts.attempts:
            record = ended.node
            if ended.is_timeout:
                parts[record.flow_run.flow.name].hit(f"node:{record.run.name}/timeout", case)
            if not ended.will_retry:
                gave_up.add(id(record))
            elif ended.error is not None:  # a retry that the task asks for is not limited
                retries[id(record)] = retries.get(id(record), 0) + 1
        for record in facts.nodes:
            flow = record.flow_run.flow
            part, name, status = parts[flow.name], record.run.name, record.run.status
            if status == "reused":
                part.hit(f"node:{name}/reused", case)
                continue
            part.hit(f"node:{name}/ran", case)
            if id(record) in retries and status == "success":
                part.hit(f"node:{name}/retry-helped", case)
            elif id(record) in gave_up and used_up(facts.plan, name, retries.get(id(record), 0)):
                part.hit(f"node:{name}/retry-gave-up", case)
            if status == "failure" and record.error is not None:
                self._failed(part, flow, record)
        if facts.eager:
            flow_of = {record.run.id: record.flow_run.flow.name for record in facts.nodes}
            for run in facts.eager:
                parts[flow_of[run.id]].hit(f"node:{run.name}/eager-failure", case)

    def _failed(self, part: FlowData, flow: FlowPlan, record: NodeRecord) -> None:
        name = record.run.name
        if name in flow.nowait:
            part.hit(f"node:{name}/nowait-failure", self._case)
        outcome = record.run.outcome
        is_cancelled = outcome is not None and outcome.cancelled  # with its caller, which handles nothing any more
        if record.run.is_flow and not is_cancelled and any(name in entry.nodes for entry in flow.failures):
            part.hit(f"node:{name}/subflow-failure", self._case)

    def _flows(self) -> None:
        retried: dict[int, int] = {}
        for record, _, _ in self._facts.flow_retries:
            retried[id(record)] = retried.get(id(record), 0) + 1
        for record in self._facts.flows:
            if record.outcome is not None:
                self._flow(record, record.outcome, retried.get(id(record), 0))

    def _flow(self, record: FlowRecord, outcome: FlowOutcome, retries: int) -> None:
        part = self._parts[record.flow.name]
        if outcome.timed_out:
            part.hit("flow/timeout", self._case)
        elif outcome.succeeded:
            if retries:
                part.hit("flow/retry-helped", self._case)
        elif not outcome.cancelled and 0 < record.flow.max_retry <= retries:
            part.hit("flow/retry-gave-up", self._case)


def used_up(plan: Plan, task: str, retries: int) -> bool:
    """Whether so many retries are all that a task has."""
    known = plan.tasks.get(task)
    return known is not None and 0 < known.max_retry <= retries


def foreach_size(items: int) -> str:
    """The last part of the key of a goal about the number of items."""
    return "foreach-none" if items == 0 else "foreach-one" if items == 1 else "foreach-many"


_LETTERS = {True: "t", False: "f", None: "-"}


def evaluated(part: FlowData, element: str, leaves: Sequence[bool | None], outcome: bool, case: str) -> None:
    """Count an evaluation: its atoms, and for MC/DC the whole of it. Conditions of one leaf have no atoms."""
    if len(leaves) < 2:
        return
    for number, value in enumerate(leaves):
        if value is not None:
            part.hit(f"{element}/atom:{number}/{'true' if value else 'false'}", case)
    vector = "".join([_LETTERS[value] for value in leaves])
    part.evaluated(element, f"{vector}:{_LETTERS[outcome]}", case)
