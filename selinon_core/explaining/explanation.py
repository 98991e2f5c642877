"""Why nodes ran, did not run or failed: reasons with the values that conditions looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from selinon_core.diagnostics.wording import listed
from selinon_core.explaining.condition_reasons import ConditionReasons
from selinon_core.explaining.end_reasons import MOST_REASONS, EndReasons
from selinon_core.explaining.reason import Reason, with_causes
from selinon_core.explaining.run_view import RunView
from selinon_core.explaining.words import edge_text, entry_text, times
from selinon_core.plan import EdgePlan, FailurePlan, FlowPlan, Leaf, Test
from selinon_core.plan.condition_text import condition_text
from selinon_core.runtime.facts import EdgeConsidered, FallbackConsidered
from selinon_core.runtime.ids import id_maker
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord

_FINISHED = ("success", "reused")
#: How far explanations go back.
_DEEPEST = 4


class Explanation(EndReasons):
    """Explains one run. ``in_short``: without what conditions looked at, which takes longer than all the rest."""

    def __init__(self, seen: RunView, *, in_short: bool = False) -> None:
        super().__init__(seen)
        self._conditions = ConditionReasons(seen, in_short=in_short)

    # -- why a node ran -----------------------------------------------------------------------------------------

    def ran(self, record: NodeRecord) -> Reason:
        """What started a node run."""
        run, flow = record.run, record.flow_run.flow
        if run.status == "reused":
            return self._reused(record)
        if run.edge is not None:
            edge = flow.edges[run.edge]
            of = [
                reason
                for entry in self._by_sources.get(
                    (record.flow_run.id, edge.index, tuple(source.number for source in run.sources)), ()
                )
                for reason in self._conditions.of_edge(edge.condition, entry)
            ]
            return Reason("edge-fired", f"edge {edge_text(edge)} fired", str(edge.place), tuple(of[:MOST_REASONS]))
        for entry in self._seen.facts.fallbacks:
            if any(started is run for started in entry.started):
                return self.fallback_used(entry)
        return Reason("started", f"{record.run.name} was started by its flow")

    def _reused(self, record: NodeRecord) -> Reason:
        run = record.run
        if run.id == id_maker(record.flow_run.id)(run.number):
            return Reason("given", "it did not run: the rerun was given its result")
        made_by = self._seen.made_by(record)
        whose = "an earlier flow run" if made_by is None else f"flow run {made_by}"
        return Reason("reused", f"its result is that of node run {run.id} in {whose}")

    def began(self, record: NodeRecord) -> tuple[Reason, ...]:
        """What a node run waited for: when its sources ended, or what failed before a fallback."""
        sources = [self._seen.by_id[run.id] for run in record.run.sources if run.id in self._seen.by_id]
        ended = [self._ended(source) for source in sources if source.finished_at is not None]
        found = self.ran(record)
        return (found._replace(of=(*ended[:MOST_REASONS], *found.of)),)

    def _ended(self, record: NodeRecord) -> Reason:
        after = f" after {record.attempts} attempts" if record.attempts > 1 else ""
        where, kind = self._seen.mocked_at(record)
        text = f"{self._seen.label(record)} ended at {self._seen.at(record.finished_at or 0.0)}{after}"
        return Reason("ended", text, where, where_kind=kind)

    def fallback_used(self, entry: FallbackConsidered) -> Reason:
        """That a failures entry was used: for which failures, and what its condition saw."""
        of = [self.failed(self._seen.by_id[run.id]) for run in entry.handled if run.id in self._seen.by_id]
        of += self._conditions.of_fallback(entry)
        text = f"fallback {entry_text(entry.failure)} was used"
        return Reason("fallback-used", text, str(entry.failure.place), tuple(of[:MOST_REASONS]))

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
        return tuple(dict.fromkeys(reasons))[:MOST_REASONS]

    def _not_started(self, flow: FlowPlan, name: str, seen: frozenset[str]) -> Iterator[Reason]:
        if len(seen) >= _DEEPEST:
            return
        for edge in flow.edges:
            if name in edge.destinations:
                yield from self._not_fired(flow, edge, name, seen | {name})
        for entry in flow.failures:
            if name in entry.fallback:
                yield self.not_used(flow, entry)

    def _is_left_out(self, flow: FlowPlan, edge: EdgePlan, name: str) -> bool:
        left_out = self._seen.facts.left_out
        return (flow.name, edge.index, None) in left_out or (flow.name, edge.index, name) in left_out

    def _not_fired(self, flow: FlowPlan, edge: EdgePlan, name: str, seen: frozenset[str]) -> Iterator[Reason]:
        considered = self._seen.facts.considered().get((flow.name, edge.index), 0)
        entries = list(self._considered(flow.name, edge))
        if entries and all(entry.items == 0 for entry in entries):
            yield Reason("foreach-empty", f"the foreach of {edge_text(edge)} yielded nothing", str(edge.place))
        elif self._is_left_out(flow, edge, name):
            yield Reason("left-out", f"the selective run leaves {edge_text(edge)} out", str(edge.place))
        elif self._seen.facts.fired().get((flow.name, edge.index), 0):
            yield Reason("left-out", f"edge {edge_text(edge)} fired without it", str(edge.place))
        elif considered:
            of = tuple(reason for entry in entries for reason in self._conditions.of_edge(edge.condition, entry))[
                :MOST_REASONS
            ]
            if any(entry.condition is not False and entry.items == 0 for entry in entries):
                yield Reason("foreach-empty", f"the foreach of {edge_text(edge)} yielded nothing", str(edge.place))
                return
            text = f"edge {edge_text(edge)} was considered {times(considered)} and"
            if any(entry.condition is False for entry in entries):
                yield Reason("condition-false", f"{text} said no{_whole(edge)}", str(edge.place), of)
                return
            ended = self._has_ended(flow)
            text += " was not decided when the flow ended" if ended else " is not decided yet"
            if not of:
                of = self._ended_early(flow) if ended else self._seen.undecided()
                text = with_causes(text, of)
            yield Reason("undecided", text, str(edge.place), of)
        else:
            of = tuple(self._not_finished(flow, edge, seen))
            not_yet = "was not considered" if self._has_ended(flow) else "is not considered yet"
            text = with_causes(f"edge {edge_text(edge)} {not_yet}", of)
            yield Reason("not-considered", text, str(edge.place), of)

    def _not_finished(self, flow: FlowPlan, edge: EdgePlan, seen: frozenset[str]) -> Iterator[Reason]:
        missing = False
        for source in dict.fromkeys(edge.sources):
            runs = [
                r for r in self._seen.facts.nodes if r.run.name == source and r.flow_run.flow.name == flow.name
            ]
            if any(record.run.status in _FINISHED for record in runs):
                continue
            missing = True
            failed = [record for record in runs if record.run.status == "failure"]
            if failed:
                yield self.failed(failed[0])
                if len(failed) > 1:
                    runs_text = f"{len(failed) - 1} more run{'s' * (len(failed) > 2)} of {source}"
                    yield Reason("failed", f"{runs_text} failed")
            elif runs:
                text = f"{source} did not finish before its flow ended"
                yield self._unfinished(runs[-1]) or Reason("unfinished", text, of=self._ended_early(flow))
            elif source in seen:
                yield Reason("waits-for-itself", f"{source} did not run: it waits for itself")
            else:
                yield Reason(
                    "source-not-run",
                    f"{source} did not run",
                    of=tuple(self._not_started(flow, source, seen))[:MOST_REASONS],
                )
        if missing or not edge.sources:
            return
        of = self._ended_early(flow)
        if self._never_in_one_attempt(flow, edge):
            text = f"{listed(edge.sources)} never finished in the same attempt of {flow.name}"
            yield Reason("never-together", text, of=of)
        else:
            ends = "the end" if len(set(edge.sources)) == 1 else "the ends"
            text = f"{flow.name} had ended before it decided on {ends} of {listed(edge.sources)}"
            yield Reason("ended-first", text, of=of)

    def _has_ended(self, flow: FlowPlan) -> bool:
        return any(run.outcome is not None for run in self._flow_runs(flow.name))

    def _never_in_one_attempt(self, flow: FlowPlan, edge: EdgePlan) -> bool:
        attempts: dict[str, set[tuple[str, int]]] = {name: set() for name in edge.sources}
        for record in self._seen.facts.nodes:
            run = record.run
            if run.name in attempts and record.flow_run.flow.name == flow.name and run.status in _FINISHED:
                attempts[run.name].add((record.flow_run.id, run.flow_attempt))
        return not set.intersection(*attempts.values())

    def not_used(self, flow: FlowPlan, entry: FailurePlan) -> Reason:
        """Why a failures entry was not used."""
        asked = [
            each
            for each in self._seen.facts.fallbacks
            if each.flow_run.flow.name == flow.name and each.failure.index == entry.index
        ]
        where, text = str(entry.place), f"fallback {entry_text(entry)}"
        if asked:
            of = tuple(reason for each in asked for reason in self._conditions.of_fallback(each))[:MOST_REASONS]
            return Reason("fallback-condition-false", f"the condition of {text} was false", where, of)
        failed = {
            record.run.name
            for record in self._seen.facts.nodes
            if record.flow_run.flow.name == flow.name and record.run.status == "failure"
        }
        fine = [name for name in entry.nodes if name not in failed]
        if fine:
            return Reason("fallback-not-needed", f"{text} was not needed: {listed(fine)} did not fail", where)
        for each in self._seen.facts.fallbacks:
            larger = each.failure
            if each.used and each.flow_run.flow.name == flow.name and set(larger.nodes) > set(entry.nodes):
                text = f"{text} was not used: {entry_text(larger)} took the failures"
                return Reason("fallback-larger-used", text, where, of=(self.fallback_used(each),))
        before = [
            each
            for each in self._seen.facts.fallbacks
            if each.used and each.flow_run.flow.name == flow.name and set(each.failure.nodes) & set(entry.nodes)
        ]
        took = listed([entry_text(each.failure) for each in before]) or "other entries"
        text = f"{text} was not used: {took} took failures that it needs"
        of = tuple(self.fallback_used(each) for each in before[:MOST_REASONS])
        return Reason("fallback-not-used", text, where, of)

    def _ended_early(self, flow: FlowPlan) -> tuple[Reason, ...]:
        """What ended the runs of a flow before all that they could do was done; empty where nothing did."""
        return tuple(reason for run in self._flow_runs(flow.name)[:MOST_REASONS] for reason in self.stopped(run))[
            :MOST_REASONS
        ]

    def _unfinished(self, record: NodeRecord) -> Reason | None:
        """Where a node run is that has not ended, in a run that goes on; None in one that is over."""
        where = self._seen.live(record)
        return None if where is None else where._replace(text=f"{self._seen.label(record)} {where.text}")

    # -- what conditions saw ------------------------------------------------------------------------------------

    def edge(self, flow: str, edge: EdgePlan) -> tuple[Reason, ...]:
        """The truths of the leaves of an edge, each time that it was considered."""
        entries = list(self._considered(flow, edge))
        if not entries and not self._seen.facts.considered().get((flow, edge.index)):
            if flow in self._seen.plan.flows and self._flow_runs(flow):
                return tuple(self._not_finished(self._seen.plan.flows[flow], edge, frozenset()))
            return (Reason("flow-not-run", f"flow {flow} did not run"),)
        return tuple(reason for entry in entries for reason in self._conditions.of_edge(edge.condition, entry))[
            :MOST_REASONS
        ]

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

    def _flow_runs(self, name: str) -> list[FlowRecord]:
        return [record for record in self._seen.facts.flows if record.flow.name == name]


def _whole(edge: EdgePlan) -> str:
    """The condition of an edge, where its leaves alone do not say how they belong together."""
    if isinstance(edge.condition, Leaf | Test | None):
        return ""
    return f": {condition_text(edge.condition, edge.sources, limit=120)}"
