"""A recorded run as reruns look at it: node runs by their lineage, answers by the combination that they were for.

Only the last attempt of each flow run counts, and of sub-flows those that it started.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from selinon_core.dispatch.node_run import FlowOutcome
from selinon_core.dispatch.references import shown
from selinon_core.explaining.run_view import RunView
from selinon_core.plan import EdgePlan, FlowPlan
from selinon_core.runtime.facts import EdgeConsidered
from selinon_core.runtime.lineage import ends_of_edges
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord, edge_of

#: How an edge is known, whatever its index: its ends, and its place among those with the same ends.
Ends = tuple[Any, int]
#: A combination that an edge was considered for: flow run, edge, ids of the sources in lexical order.
Combination = tuple[str, Ends, tuple[str, ...]]


class Recorded:
    """``records`` are the node runs that count, sources before what came from them."""

    def __init__(self, seen: RunView) -> None:
        self.seen = seen
        self.root = seen.root
        self._ends: dict[int, dict[int, Ends]] = {}
        self.records = self._of_last_attempts(seen.records)
        self.by_id = {record.run.id: record for record in self.records}

    def _of_last_attempts(self, records: Sequence[NodeRecord]) -> list[NodeRecord]:
        last: dict[str, int] = {}
        for record in records:
            id, attempt = record.flow_run.id, record.run.flow_attempt
            last[id] = max(last.get(id, 0), attempt)
        kept: list[NodeRecord] = []
        inside = {self.root.id}
        for record in records:
            id = record.flow_run.id
            if id in inside and record.run.flow_attempt == last[id]:
                kept.append(record)
                if record.run.is_flow:
                    inside.add(record.run.id)
        return kept

    def ends(self, flow: FlowPlan, index: int) -> Ends:
        """How an edge is known, in the flow as it was or as it is."""
        known = self._ends.get(id(flow))
        if known is None:
            known = self._ends[id(flow)] = ends_of_edges(flow)
        return known[index]

    # -- by lineage ---------------------------------------------------------------------------------------------

    def started(self, combination: Combination, name: str, position: int, ordinal: int) -> NodeRecord | None:
        """The node run that an edge started; ``position`` is that of its item, ``ordinal`` counts equal ones."""
        return self._started.get((combination, name, position, ordinal))

    @cached_property
    def _started(self) -> dict[tuple[Combination, str, int, int], NodeRecord]:
        found: dict[tuple[Combination, str, int, int], NodeRecord] = {}
        equals: Counter[tuple[Combination, str, int]] = Counter()
        for record in self.records:
            combination = self.combination_of(record)
            if combination is not None:
                like = (combination, record.run.name, record.run.position)
                found[(*like, equals[like])] = record
                equals[like] += 1
        return found

    def combination_of(self, record: NodeRecord) -> Combination | None:
        """What started a node run, None for a fallback."""
        edge = edge_of(record)
        if edge is None:
            return None
        return self.combination(record.flow_run, edge, (run.id for run in record.run.sources))

    def combination(self, flow_run: FlowRecord, edge: EdgePlan, sources: Iterable[str]) -> Combination:
        """A combination of recorded node runs, by their ids."""
        return flow_run.id, self.ends(flow_run.flow, edge.index), tuple(sorted(sources))

    def inside(self, flow_run: str) -> Sequence[NodeRecord]:
        """The node runs of a flow run."""
        return self._inside.get(flow_run, ())

    @cached_property
    def _inside(self) -> dict[str, list[NodeRecord]]:
        found: dict[str, list[NodeRecord]] = {}
        for record in self.records:
            found.setdefault(record.flow_run.id, []).append(record)
        return found

    @cached_property
    def flow_runs(self) -> dict[str, FlowRecord]:
        """The flow runs by id."""
        return self.seen.flow_runs

    @cached_property
    def handled(self) -> frozenset[str]:
        """The ids of failed runs that fallbacks took."""
        ids = {run.id for record in self.records if record.run.edge is None for run in record.run.sources}
        ids.update(run.id for fact in self.seen.facts.fallbacks for run in fact.handled)
        return frozenset(ids)

    # -- answers ------------------------------------------------------------------------------------------------

    def decision(self, combination: Combination) -> EdgeConsidered | None:
        """What an edge was asked for a combination; None where that is not known.

        A report leaves out decisions when there are very many. That the edge fired is known then from what it
        started.
        """
        found = self._decisions.get(combination)
        return self._fired.get(combination) if found is None else found

    @cached_property
    def _decisions(self) -> dict[Combination, EdgeConsidered]:
        found = {}
        for fact in self.seen.facts.edges:  # the latest counts
            found[self.combination(fact.flow_run, fact.edge, (run.id for run in fact.sources))] = fact
        return found

    @cached_property
    def _fired(self) -> dict[Combination, EdgeConsidered]:
        found: dict[Combination, EdgeConsidered] = {}
        for record in self.records:
            edge, combination = edge_of(record), self.combination_of(record)
            if edge is None or combination is None:
                continue
            before = found.get(combination)
            items = None
            if edge.foreach is not None:
                items = max(record.run.position + 1, (before.items or 0) if before else 0)
            condition = None if edge.condition is None else True
            about = (record.flow_run, edge, record.run.sources, condition, (), items, record.started_at or 0.0)
            found[combination] = EdgeConsidered(*about)
        return found

    def items(self, combination: Combination, edge: EdgePlan, count: int) -> list[Any] | None:
        """The items of a foreach that hands them on, from the node runs that have them; None if one is missing."""
        found = []
        for position in range(count):
            record = self.started(combination, edge.destinations[0], position, 0)
            if record is None:
                return None
            found.append(shown(record.run.args))
        return found

    # -- outcomes -----------------------------------------------------------------------------------------------

    def outcome(self, id: str) -> FlowOutcome | None:
        """How a sub-flow ended, None for one that did not."""
        return self._outcomes.get(id)

    @cached_property
    def _outcomes(self) -> dict[str, FlowOutcome]:
        """By id; a report has what is in them, but not themselves."""
        found: dict[str, FlowOutcome] = {}
        for record in reversed(self.records):  # what is in a sub-flow comes behind it
            ended = record.run.outcome
            if not record.run.is_flow or (ended is None and record.run.status != "reused"):
                continue
            if ended is not None and (ended.finished or ended.failed):
                found[record.run.id] = ended
            else:
                found[record.run.id] = self._rebuilt(record, ended, found)
        return found

    def _rebuilt(
        self, record: NodeRecord, ended: FlowOutcome | None, below: dict[str, FlowOutcome]
    ) -> FlowOutcome:
        succeeded = ended is None or ended.succeeded
        names: tuple[dict[str, list[str]], dict[str, list[str]]] = ({}, {})
        subflows: dict[str, list[FlowOutcome]] = {}
        inside = [
            each
            for each in self.inside(record.run.id)
            if each.run.status != "active"
            and not each.abandoned
            and each.run.name not in each.flow_run.flow.nowait
        ]
        for each in sorted(inside, key=lambda one: (one.finished_at or 0.0, one.run.number)):
            failed = each.run.status == "failure"
            if failed and succeeded:
                continue
            names[failed].setdefault(each.run.name, []).append(each.run.id)
            if each.run.id in below:
                subflows.setdefault(each.run.name, []).append(below[each.run.id])
        reason = None if ended is None else ended.reason
        outcome = FlowOutcome(succeeded, *names, [], subflows, reason)
        if ended is not None and ended.has_output:
            outcome.with_output(ended.output)
        return outcome
