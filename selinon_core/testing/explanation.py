"""Why nodes ran, did not run or failed: reasons with the values that conditions looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from selinon_core.diagnostics.wording import listed
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch.ancestors import runs_meant
from selinon_core.plan import Condition, EdgePlan, FailurePlan, FlowPlan, Leaf, Test
from selinon_core.plan.condition_text import condition_text
from selinon_core.plan.functions import leaves_of
from selinon_core.plan.shipped import PREDICATE_MODULES, PREDICATES
from selinon_core.runtime.facts import EdgeConsidered, FallbackConsidered
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.testing.observation import Observation
from selinon_core.testing.results import Reason
from selinon_core.testing.words import edge_text, entry_text, shown, times

#: How far explanations go back, and how many reasons of one sort they give.
_DEEPEST = 4
_MOST = 5


class Explanation:
    """Explains one run."""

    def __init__(self, seen: Observation) -> None:
        self._seen = seen

    # -- why a node ran -----------------------------------------------------------------------------------------

    def ran(self, record: NodeRecord) -> Reason:
        """What started a node run."""
        run, flow = record.run, record.flow_run.flow
        if run.status == "reused":
            return Reason("reused", "a result of an earlier run was reused")
        if run.edge is not None:
            edge = flow.edges[run.edge]
            of = [
                reason
                for entry in self._by_sources.get(
                    (record.flow_run.id, edge.index, tuple(source.number for source in run.sources)), ()
                )
                for reason in self._leaves(edge.condition, entry)
            ]
            return Reason("edge-fired", f"edge {edge_text(edge)} fired", str(edge.place), tuple(of[:_MOST]))
        for entry in self._seen.facts.fallbacks:
            if any(started is run for started in entry.started):
                return self._fallback_used(entry)
        return Reason("started", f"{record.run.name} was started by its flow")

    def _fallback_used(self, entry: FallbackConsidered) -> Reason:
        of = [self.failed(self._seen.by_id[run.id]) for run in entry.handled if run.id in self._seen.by_id]
        of += self._entry_leaves(entry)
        text = f"fallback {entry_text(entry.failure)} was used"
        return Reason("fallback-used", text, str(entry.failure.place), tuple(of[:_MOST]))

    # -- why a node did not run ---------------------------------------------------------------------------------

    def not_ran(self, reference: str) -> tuple[Reason, ...]:
        """Why no run is named by a reference; empty where the run does not say."""
        *flows, name = reference.partition("#")[0].split("/")
        if flows:
            found = [self._seen.plan.flows[flows[-1]]] if flows[-1] in self._seen.plan.flows else []
            ran = [flow for flow in found if self._flow_runs(flow.name)]
            if found and not ran:
                of = self.not_ran("/".join(flows)) if flows[-1] != self._seen.facts.root.flow.name else ()
                return (Reason("flow-not-run", f"flow {flows[-1]} did not run", str(found[0].place), of),)
        else:
            ran = [flow for flow in self._seen.plan.flows.values() if self._flow_runs(flow.name)]
        reasons = [reason for flow in ran for reason in self._not_started(flow, name, frozenset())]
        return tuple(dict.fromkeys(reasons))[:_MOST]

    def _not_started(self, flow: FlowPlan, name: str, seen: frozenset[str]) -> Iterator[Reason]:
        if len(seen) >= _DEEPEST:
            return
        for edge in flow.edges:
            if name in edge.destinations:
                yield from self._not_fired(flow, edge, seen | {name})
        for entry in flow.failures:
            if name in entry.fallback:
                yield self.not_used(flow, entry)

    def _not_fired(self, flow: FlowPlan, edge: EdgePlan, seen: frozenset[str]) -> Iterator[Reason]:
        considered = self._seen.facts.considered().get((flow.name, edge.index), 0)
        if self._seen.facts.fired().get((flow.name, edge.index), 0):
            yield Reason("left-out", f"edge {edge_text(edge)} fired without it", str(edge.place))
        elif considered:
            entries = list(self._considered(flow.name, edge))
            of = tuple(reason for entry in entries for reason in self._leaves(edge.condition, entry))[:_MOST]
            if any(entry.condition is not False and entry.items == 0 for entry in entries):
                yield Reason("foreach-empty", f"the foreach of {edge_text(edge)} yielded nothing", str(edge.place))
                return
            kind = "condition-false" if any(entry.condition is False for entry in entries) else "undecided"
            what = "said no" if kind == "condition-false" else "was not decided when the flow ended"
            text = f"edge {edge_text(edge)} was considered {times(considered)} and {what}"
            yield Reason(kind, text, str(edge.place), of)
        else:
            of = tuple(self._not_finished(flow, edge, seen))
            text = f"edge {edge_text(edge)} was not considered"
            yield Reason("not-considered", text, str(edge.place), of)

    def _not_finished(self, flow: FlowPlan, edge: EdgePlan, seen: frozenset[str]) -> Iterator[Reason]:
        missing = False
        for source in dict.fromkeys(edge.sources):
            runs = [r for r in self._seen.facts.nodes if r.run.name == source and r.flow_run.flow is flow]
            if any(record.run.status in ("success", "reused") for record in runs):
                continue
            missing = True
            failed = [record for record in runs if record.run.status == "failure"]
            if failed:
                yield self.failed(failed[0])
            elif runs:
                yield Reason("unfinished", f"{source} did not finish before its flow ended")
            elif source in seen:
                yield Reason("source-not-run", f"{source} did not run")
            else:
                yield Reason(
                    "source-not-run",
                    f"{source} did not run",
                    of=tuple(self._not_started(flow, source, seen))[:_MOST],
                )
        if not missing and edge.sources:
            yield Reason("ended-first", f"{listed(edge.sources)} never finished together before the flow ended")

    def not_used(self, flow: FlowPlan, entry: FailurePlan) -> Reason:
        """Why a failures entry was not used."""
        asked = [each for each in self._seen.facts.fallbacks if each.failure is entry]
        where, text = str(entry.place), f"fallback {entry_text(entry)}"
        if asked:
            of = tuple(reason for each in asked for reason in self._entry_leaves(each))[:_MOST]
            return Reason("fallback-condition-false", f"the condition of {text} was false", where, of)
        failed = {
            record.run.name
            for record in self._seen.facts.nodes
            if record.flow_run.flow is flow and record.run.status == "failure"
        }
        fine = [name for name in entry.nodes if name not in failed]
        if fine:
            return Reason("fallback-not-needed", f"{text} was not needed: {listed(fine)} did not fail", where)
        return Reason(
            "fallback-not-used", f"{text} was not used: the failures were handled by other entries", where
        )

    # -- why a node failed --------------------------------------------------------------------------------------

    def failed(self, record: NodeRecord) -> Reason:
        """What a failed node run raised; a sub-flow run leads to what failed in it."""
        error = self._seen.error(record) or "it did not say why"
        of: tuple[Reason, ...] = ()
        if record.run.is_flow:
            inside = [r for r in self._seen.failed() if r.flow_run.id == record.run.id]
            of = tuple(self.failed(r) for r in inside[:_MOST])
        where, kind = self._mocked_at(record)
        text = f"{self._seen.label(record)} failed: {error}"
        return Reason("failed", text, where, of, where_kind=kind)

    def flow_failed(self) -> tuple[Reason, ...]:
        """The failures behind the end of the flow."""
        root = self._seen.facts.root
        found = [
            record
            for record in self._seen.facts.nodes
            if record.run.status == "failure" and record.flow_run is root
        ]
        return tuple(self.failed(record) for record in found[:_MOST])

    # -- what conditions saw ------------------------------------------------------------------------------------

    def edge(self, flow: str, edge: EdgePlan) -> tuple[Reason, ...]:
        """The truths of the leaves of an edge, each time that it was considered."""
        entries = list(self._considered(flow, edge))
        if not entries and not self._seen.facts.considered().get((flow, edge.index)):
            if flow in self._seen.plan.flows and self._flow_runs(flow):
                return tuple(self._not_finished(self._seen.plan.flows[flow], edge, frozenset()))
            return (Reason("flow-not-run", f"flow {flow} did not run"),)
        return tuple(reason for entry in entries for reason in self._leaves(edge.condition, entry))[:_MOST]

    def _considered(self, flow: str, edge: EdgePlan) -> Sequence[EdgeConsidered]:
        return self._by_edge.get((flow, edge.index), ())

    @cached_property
    def _by_edge(self) -> dict[tuple[str, int], list[EdgeConsidered]]:
        found: dict[tuple[str, int], list[EdgeConsidered]] = {}
        for entry in self._seen.facts.edges:
            found.setdefault((entry.flow_run.flow.name, entry.edge.index), []).append(entry)
        return found

    @cached_property
    def _by_sources(self) -> dict[tuple[str, int, tuple[int, ...]], list[EdgeConsidered]]:
        """Considered edges by flow run, edge and the numbers of the sources."""
        found: dict[tuple[str, int, tuple[int, ...]], list[EdgeConsidered]] = {}
        for entry in self._seen.facts.edges:
            numbers = tuple(run.number for run in entry.sources)
            found.setdefault((entry.flow_run.id, entry.edge.index, numbers), []).append(entry)
        return found

    def _leaves(self, condition: Condition | None, entry: EdgeConsidered) -> Iterator[Reason]:
        yield from self._truths(condition, entry.leaves, entry.sources, entry.flow_run)

    def _entry_leaves(self, entry: FallbackConsidered) -> Iterator[Reason]:
        yield from self._truths(entry.failure.condition, entry.leaves, entry.handled, entry.flow_run)

    def _truths(
        self,
        condition: Condition | None,
        truths: Sequence[bool | None],
        sources: Sequence[NodeRun],
        flow_run: FlowRecord,
    ) -> Iterator[Reason]:
        for leaf, truth in zip(leaves_of(condition), truths, strict=False):
            if truth is not None:
                saw, where, kind = self._seen_by(leaf, sources, flow_run)
                text = condition_text(leaf, limit=60)
                detail = f"is {'true' if truth else 'false'}{saw}"
                yield Reason("leaf", text, where, detail=detail, where_kind=kind)

    def _seen_by(
        self, leaf: Leaf | Test, sources: Sequence[NodeRun], flow_run: FlowRecord
    ) -> tuple[str, str | None, str]:
        """What a leaf looked at: ``: total was 0``, and where that came from."""
        if isinstance(leaf, Test):
            return self._seen_by_test(leaf, sources, flow_run)
        if reads_arguments(leaf):
            return f": {_field(leaf, flow_run.args)}", None, ""
        records = list(read_by(self._seen, leaf, sources))
        if not records:
            return "", None, ""
        values = dict.fromkeys(_field(leaf, self._seen.result(record)) for record in records[:_MOST])
        places = {self._mocked_at(record) for record in records}
        where, kind = places.pop() if len(places) == 1 else (None, "")
        return f": {', '.join(values)}", where, kind

    def _seen_by_test(
        self, test: Test, sources: Sequence[NodeRun], flow_run: FlowRecord
    ) -> tuple[str, str | None, str]:
        from selinon_core.plan.expression_uses import paths_of

        values: dict[str, None] = {}
        places: set[tuple[str | None, str]] = set()
        for path in paths_of(test.text):
            keys = [key for key in path.keys if key is not None]
            if path.use.kind == "args" and None not in path.keys:
                values[_part(path.text, flow_run.args, keys)] = None
            elif path.use.kind == "node" and None not in path.keys:
                for run in runs_meant(sources, path.use.name)[:_MOST]:
                    record = self._seen.by_id.get(run.id)
                    if record is not None and not run.is_flow:
                        values[_part(path.text, self._seen.result(record), keys)] = None
                        places.add(self._mocked_at(record))
        where, kind_of_place = places.pop() if len(places) == 1 else (None, "")
        return (f": {', '.join(values)}" if values else ""), where, kind_of_place

    def _mocked_at(self, record: NodeRecord) -> tuple[str | None, str]:
        outcome = self._seen.outcomes.get(record.run.id)
        return (None, "") if outcome is None or outcome.place is None else (str(outcome.place), "mock")

    def _flow_runs(self, name: str) -> list[FlowRecord]:
        return [record for record in self._seen.facts.flows if record.flow.name == name]


def is_shipped(leaf: Leaf) -> bool:
    """Whether a leaf calls a predicate that comes with selinon."""
    return leaf.function.module in PREDICATE_MODULES and leaf.function.name in PREDICATES


def reads_arguments(leaf: Leaf) -> bool:
    """Whether a leaf is a shipped predicate on the arguments of the flow."""
    return is_shipped(leaf) and PREDICATES[leaf.function.name].takes_node_args


def read_by(seen: Observation, leaf: Leaf, sources: Sequence[NodeRun]) -> Iterator[NodeRecord]:
    """The node runs whose results a leaf reads."""
    if leaf.node is None or (is_shipped(leaf) and not PREDICATES[leaf.function.name].takes_message):
        return
    runs = [seen.by_id[run.id] for run in sources if run.name == leaf.node[0] and run.id in seen.by_id]
    for name in leaf.node[1:]:
        inside = {record.run.id for record in runs}
        runs = [r for r in seen.facts.nodes if r.flow_run.id in inside and r.run.name == name]
    yield from runs


def _field(leaf: Leaf, value: Any) -> str:
    """The part of a value that a leaf is about, as ``total was 0``."""
    key = leaf.args.get("key") if is_shipped(leaf) else None
    if key is None:
        return f"{'args were' if reads_arguments(leaf) else 'the result was'} {shown(value)}"
    path = key if isinstance(key, list) else [key]
    return _part(".".join(map(str, path)), value, path)


def _part(name: str, value: Any, path: Sequence[Any]) -> str:
    """The part of a value at the end of a path, as ``total was 0``."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return f"there was no {name}"
    return f"{name} was {shown(value)}"
