"""What happened in a run, as typed facts for those who judge runs: tests, coverage, explanations.

The facts come from the entries of the journal, without a detour over trace events, which are many more. One pass
over the entries finds all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from selinon_core.dispatch import effects as do
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.errors import TaskTimeout
from selinon_core.plan import EdgePlan, FailurePlan, Plan
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord

if TYPE_CHECKING:
    from selinon_core.runtime.lineage import Lineage


class EdgeConsidered(NamedTuple):
    """One combination of runs for which an edge was asked something: its condition, its foreach, or both.

    ``condition`` is None where the edge has none. ``leaves`` are the truths of the leaves of the condition in
    reading order, None for a leaf that was not evaluated. ``items`` counts what foreach yielded; None where the
    edge has no foreach, the condition is false, or the function failed. ``time`` is that of the first answer, in
    seconds. ``seen`` has what the expressions of the condition read: ``{"LoadOrder.total": 0}``.
    """

    flow_run: FlowRecord
    edge: EdgePlan
    sources: tuple[NodeRun, ...]
    condition: bool | None
    leaves: tuple[bool | None, ...]
    items: int | None
    time: float
    seen: Mapping[str, Any] = {}


class FallbackConsidered(NamedTuple):
    """A failures entry that could have taken failed runs over, or did (``used``).

    An entry with a condition is considered when that is asked, and once more, with None for its truth, for every
    further set of failed runs that it takes in the same fallback step. One without a condition is considered
    each time it is used. ``handled`` are the failed runs and ``started`` the fallbacks; both are empty where it
    was not used.
    """

    flow_run: FlowRecord
    failure: FailurePlan
    condition: bool | None
    leaves: tuple[bool | None, ...]
    used: bool
    handled: tuple[NodeRun, ...]
    started: tuple[NodeRun, ...]
    time: float
    seen: Mapping[str, Any] = {}


class AttemptEnded(NamedTuple):
    """An attempt of a task that failed or asked to be tried again; 0: the node failed without being started.

    ``error`` is None where the task itself asked for another attempt. Without ``will_retry`` it was the last.
    """

    node: NodeRecord
    attempt: int
    error: BaseException | None
    is_timeout: bool
    will_retry: bool
    time: float


class FlowRetried(NamedTuple):
    """An attempt of a flow that failed and is to be followed by another."""

    flow_run: FlowRecord
    outcome: FlowOutcome
    time: float


class Facts:
    """The facts of one run of ``root``, in the order in which they happened.

    ``decisions`` has ``edges`` and ``fallbacks`` together. ``flows`` and ``nodes`` have all flow runs and node
    runs in the order in which they were started. ``eager`` are failed runs of nodes in ``eager_failures`` that
    failed their flow.
    ``left_out`` has what selective runs did not take: (flow, index of the edge, its destination or None for the
    whole edge).
    """

    def __init__(
        self,
        plan: Plan,
        root: FlowRecord,
        flows: Sequence[FlowRecord],
        nodes: Sequence[NodeRecord],
        journal: Iterable[trace_entries.Entry],
    ) -> None:
        self.plan = plan
        self.root = root
        self.flows: Sequence[FlowRecord] = list(flows)
        self.nodes: Sequence[NodeRecord] = list(nodes)
        self.decisions: list[EdgeConsidered | FallbackConsidered] = []
        self.attempts: list[AttemptEnded] = []
        self.flow_retries: list[FlowRetried] = []
        self.eager: list[NodeRun] = []
        self.left_out: set[tuple[str, int, str | None]] = set()
        _Reading(self).read(journal)
        self.edges = [fact for fact in self.decisions if isinstance(fact, EdgeConsidered)]
        self.fallbacks = [fact for fact in self.decisions if isinstance(fact, FallbackConsidered)]

    @cached_property
    def lineage(self) -> Lineage:
        """The names of the node runs that do not depend on the order of events."""
        from selinon_core.runtime.lineage import Lineage

        return Lineage(self.root, self.nodes)

    def unreached(self) -> dict[str, tuple[tuple[str, ...], str]]:
        """The nodes that never had a chance to run, each with the flows around it, and its name.

        The key is how a case file calls it: a node of ``root`` by its name, one of a flow below it ``flow/Name``.
        """
        found: dict[str, tuple[tuple[str, ...], str]] = {}
        for record in self.flows:
            for name in record.outcome.unreached if record.outcome is not None else ():
                text = name if record is self.root else f"{record.flow.name}/{name}"
                found.setdefault(text, (_flows_around(record), name))
        return found

    def considered(self) -> dict[tuple[str, int], int]:
        """How often each edge, with a condition or without, was considered: (flow, index) -> times."""
        return self._summed("considered")

    def fired(self) -> dict[tuple[str, int], int]:
        """How often each edge fired: (flow, index of the edge) -> times."""
        return self._summed("fired")

    def _summed(self, what: str) -> dict[tuple[str, int], int]:
        counts: dict[tuple[str, int], int] = {}
        for record in self.flows:
            for index, times in getattr(record.machine, what).items():
                key = (record.flow.name, index)
                counts[key] = counts.get(key, 0) + times
        return counts


def _flows_around(record: FlowRecord | None) -> tuple[str, ...]:
    """The names of a flow run and of those that it is nested in, the outermost first."""
    return () if record is None else (*_flows_around(record.parent_run), record.flow.name)


class _Reading:
    """One pass over a journal. An answer and what follows from it are one fact."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        #: true answers that nothing followed yet, and their places
        self._true_edges: dict[tuple[str, int, tuple[NodeRun, ...]], tuple[int, EdgeConsidered]] = {}
        self._true_fallbacks: dict[tuple[str, int], tuple[int, FallbackConsidered]] = {}

    def read(self, journal: Iterable[trace_entries.Entry]) -> None:
        """Add what the entries say to the facts."""
        readers: dict[int, Callable[..., None]] = {
            trace_entries.CONDITION: self._condition,
            trace_entries.FOREACH: self._foreach,
            trace_entries.RETRIED: self._retried,
            trace_entries.FAILED: self._failed,
            trace_entries.REFUSED: self._refused,
            trace_entries.FLOW_RETRIED: self._flow_retried,
            trace_entries.NOTE: self._note,
        }
        for entry in journal:
            read = readers.get(entry[0])
            if read is not None:
                read(*entry[1:])

    def _condition(
        self,
        time: float,
        record: FlowRecord,
        question: do.AskCondition | do.AskFallbackCondition,
        value: bool,
        leaves: Sequence[bool | None],
        seen: Mapping[str, Any] = {},
    ) -> None:
        place = len(self._facts.decisions)
        if isinstance(question, do.AskCondition):
            edge, sources = question.edge, question.sources
            on_edge = EdgeConsidered(record, edge, sources, value, tuple(leaves), None, time, seen)
            self._facts.decisions.append(on_edge)
            if value and edge.foreach is not None:
                self._true_edges[record.id, edge.index, sources] = (place, on_edge)
            return
        failure = question.failure
        on_fallback = FallbackConsidered(record, failure, value, tuple(leaves), False, (), (), time, seen)
        self._facts.decisions.append(on_fallback)
        if value:
            self._true_fallbacks[record.id, failure.index] = (place, on_fallback)

    def _foreach(self, time: float, record: FlowRecord, question: do.AskForeach, items: Sequence[Any]) -> None:
        edge, sources = question.edge, question.sources
        asked = self._true_edges.pop((record.id, edge.index, sources), None)
        if asked is None:
            self._facts.decisions.append(EdgeConsidered(record, edge, sources, None, (), len(items), time))
        else:
            place, considered = asked
            self._facts.decisions[place] = considered._replace(items=len(items))

    def _note(self, time: float, record: FlowRecord, note: do.TraceNote) -> None:
        if note.event == "EAGER_FAILURE":
            self._facts.eager.append(self._run_of_id[note.details["node_id"]])
        elif note.event in ("SELECTIVE_OMIT_EDGE", "SELECTIVE_OMIT_NODE"):
            left_out = (record.flow.name, note.details["edge"], note.details.get("omitted_node"))
            self._facts.left_out.add(left_out)
        elif note.event == "FALLBACK_START":
            self._fallback_used(time, record, note.details)

    def _fallback_used(self, time: float, record: FlowRecord, details: dict[str, Any]) -> None:
        failure = record.flow.failures[details["failure"]]
        handled, started = tuple(details["handled"]), tuple(details["started"])
        asked = self._true_fallbacks.pop((record.id, failure.index), None)
        if asked is None:
            used = FallbackConsidered(record, failure, None, (), True, handled, started, time)
            self._facts.decisions.append(used)
        else:
            place, considered = asked
            self._facts.decisions[place] = considered._replace(used=True, handled=handled, started=started)

    def _retried(
        self,
        time: float,
        record: NodeRecord,
        attempt: int,
        error: BaseException | None,
        countdown: float,
        retries: int,
    ) -> None:
        is_timeout = isinstance(error, TaskTimeout)
        self._facts.attempts.append(AttemptEnded(record, attempt, error, is_timeout, True, time))

    def _failed(self, time: float, record: NodeRecord, attempt: int, error: BaseException, retries: int) -> None:
        is_timeout = isinstance(error, TaskTimeout)
        self._facts.attempts.append(AttemptEnded(record, attempt, error, is_timeout, False, time))

    def _refused(self, time: float, flow_run: FlowRecord, run: NodeRun) -> None:
        record = self._record_of_id[run.id]
        self._facts.attempts.append(AttemptEnded(record, 0, record.error, False, False, time))

    def _flow_retried(self, time: float, record: FlowRecord, outcome: FlowOutcome, delay: float) -> None:
        self._facts.flow_retries.append(FlowRetried(record, outcome, time))

    @cached_property
    def _record_of_id(self) -> dict[str, NodeRecord]:
        return {record.run.id: record for record in self._facts.nodes if record.run.status != "reused"}

    @cached_property
    def _run_of_id(self) -> dict[str, NodeRun]:
        return {record.run.id: record.run for record in self._facts.nodes if record.run.status != "reused"}
