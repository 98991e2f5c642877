"""Why node runs and flow runs ended as they did: errors, attempts, time-outs, what had not ended."""

from __future__ import annotations

from functools import cached_property

from selinon_core.explaining.reason import Reason
from selinon_core.explaining.run_view import RunView
from selinon_core.explaining.words import entry_text
from selinon_core.runtime.error_codec import name_error_and_place
from selinon_core.runtime.facts import AttemptEnded
from selinon_core.runtime.limit_keys import place_text
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord

#: How many sub-flows inside each other are looked into.
_DEEPEST = 4
#: How many reasons of one sort explanations give.
MOST_REASONS = 5


class EndReasons:
    """Explains the ends of one run."""

    def __init__(self, seen: RunView) -> None:
        self._seen = seen

    def failed(self, record: NodeRecord, depth: int = _DEEPEST) -> Reason:
        """What a failed node run raised; a sub-flow run leads to what failed in it."""
        error = self._seen.error(record) or "it did not say why"
        if record.error is not None and record.run.outcome is None:
            error = name_error_and_place(record.error)
        of: tuple[Reason, ...] = ()
        if record.run.is_flow and depth > 1:
            inside = self._failed_in.get(record.run.id, ())
            of = tuple(self.failed(each, depth - 1) for each in inside[:MOST_REASONS])
        where, kind = self._seen.mocked_at(record)
        text = f"{self._seen.label(record)} failed: {error}"
        return Reason("failed", text, where, of, where_kind=kind)

    @cached_property
    def _failed_in(self) -> dict[str, list[NodeRecord]]:
        """Failed node runs by the ids of their flow runs."""
        found: dict[str, list[NodeRecord]] = {}
        for record in self._seen.records:
            if record.run.status == "failure":
                found.setdefault(record.flow_run.id, []).append(record)
        return found

    def flow_failed(self) -> tuple[Reason, ...]:
        """The failures behind the end of the flow; where it was stopped, what had not ended by then."""
        root = self._seen.facts.root
        outcome = root.outcome
        if outcome is not None and (outcome.timed_out or outcome.cancelled):
            return tuple(self.active(each["id"]) for each in outcome.active[:MOST_REASONS])
        passed_on = [
            Reason("fallback-used", f"fallback {entry_text(entry.failure)} was used", str(entry.failure.place))
            for entry in self._seen.facts.fallbacks
            if entry.used and entry.flow_run is root and entry.failure.propagate_failure
        ]
        failed = self._failed_in.get(root.id, ())[:MOST_REASONS]
        return (*passed_on[:MOST_REASONS], *(self.failed(record) for record in failed))

    def active(self, id: str) -> Reason:
        """A node run that had not ended."""
        record = self._seen.by_id[id]
        queued = self._queued(record)
        if queued is not None:
            return queued
        began = "" if record.started_at is None else f", which began at {self._seen.at(record.started_at)},"
        return Reason("active", f"{self._seen.label(record)}{began} had not ended")

    def _queued(self, record: NodeRecord) -> Reason | None:
        """Of a sub-flow that never began and has a limit: what it waited for."""
        flow = self._seen.plan.flows.get(record.run.name) if record.run.is_flow else None
        if flow is None or flow.limit is None or flow.throttling is not None or record.run.id in self._begun:
            return None
        waited = f"it waited for {place_text(flow.limit.max)} of its limit"
        text = f"{self._seen.label(record)} did not begin: {waited}"
        return Reason("queued", text, str(flow.place))

    @cached_property
    def _begun(self) -> frozenset[str]:
        """The ids of the flow runs that began."""
        return frozenset(
            record.id
            for record in self._seen.facts.flows
            if record.node is None or record.node.started_at is not None
        )

    def stopped(self, flow_run: FlowRecord) -> tuple[Reason, ...]:
        """What ended a flow run early: its time-out, a cancellation, an eager failure."""
        outcome, name = flow_run.outcome, flow_run.flow.name
        if outcome is None or outcome.succeeded:
            return ()
        if outcome.timed_out:
            return (Reason("timed-out", f"the timeout of flow {name} was over", str(flow_run.flow.place)),)
        if outcome.cancelled:
            return (Reason("cancelled", f"flow {name} was cancelled"),)
        eager = [run for run in self._seen.facts.eager if run.id in self._seen.by_id]
        found = [self._seen.by_id[run.id] for run in eager if self._seen.by_id[run.id].flow_run is flow_run]
        if not found:
            is_unanswered = (outcome.reason or "").startswith(f"flow {name}, ")
            return (Reason("unanswered", outcome.reason or ""),) if is_unanswered else ()
        text = f"flow {name} ended at the failure of {found[0].run.name}, which is one of its eager_failures"
        return (Reason("eager-failure", text, str(flow_run.flow.place), (self.failed(found[0]),)),)

    def attempts(self, record: NodeRecord) -> tuple[Reason, ...]:
        """How the attempts of a node run ended, one by one."""
        found = [
            Reason("attempt", f"attempt {each.attempt} {_end_of(each)}")
            for each in self._seen.facts.attempts
            if each.node is record
        ]
        if record.run.status == "success":
            found.append(Reason("attempt", f"attempt {record.attempts} succeeded"))
        return tuple(found[:MOST_REASONS])


def _end_of(attempt: AttemptEnded) -> str:
    if attempt.error is None:
        return "asked to be tried again"
    return f"failed: {name_error_and_place(attempt.error)}"
