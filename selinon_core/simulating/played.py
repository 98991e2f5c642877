"""A schedule that was played, for those who judge it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from selinon_core.cases.model import Deviation
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.dispatch import NodeRun
from selinon_core.local.driver_state import DriverState
from selinon_core.local.run import LocalRun
from selinon_core.plan.started import flows_below
from selinon_core.runtime.error_codec import decode_error, name_error
from selinon_core.runtime.json_values import restore
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import NodeRecord
from selinon_core.simulating.aftermath import FlowRemains
from selinon_core.simulating.attempts import Attempts
from selinon_core.simulating.names import Names, NamingTracer


class Played:
    """What came of a schedule.

    ``is_over``: it came to its end with at most ``most`` messages and sweeps. ``remains`` is what is left of flow
    runs. ``results`` are those written for flow runs, by id. ``cancelled_before``: ids of flow runs that were
    cancelled before they began. ``problems`` are messages that ended with an
    exception. ``expected``: what ``canonical`` has to be, None: nothing.
    """

    run: LocalRun

    def __init__(
        self,
        flow: str,
        state: DriverState,
        names: Names,
        tracer: NamingTracer,
        attempts: Attempts,
        deviations: list[Deviation],
        problems: list[tuple[str, BaseException]],
    ) -> None:
        self.flow = flow
        self._state = state
        self.names = names
        self._tracer = tracer
        self.attempts = attempts.begun
        self.completed = attempts.completed
        self.poisoned = attempts.poisoned
        self.memo = attempts.memo
        self.deviations = deviations
        self.problems = problems
        self.results: dict[str, list[tuple[bool, Any]]] = {}
        self.cancelled_before: frozenset[str] = frozenset()
        self.is_over = False
        self.most = 0
        self.remains: list[FlowRemains] = []
        self.expected: Any = None

    @property
    def outcome(self) -> str:
        """How the flow run ended, in words."""
        root = self.run.root
        if root.outcome is None:
            known = self.by_id.get(root.id)
            is_cancelled = known is not None and known.header.status == "cancelled"
            return "cancelled before it began" if is_cancelled else "did not end"
        error = self.run.error
        return self.run.status if error is None else f"{self.run.status}: {error}"

    @cached_property
    def failures(self) -> list[str]:
        """What workers reported as a problem."""
        found = [entry for entry in self._state.recorder.journal if entry[0] == trace_entries.TOLD]
        return [str(entry[3].get("what")) for entry in found if entry[2] == "DISPATCHER_FAILURE"]

    @cached_property
    def ends(self) -> dict[str, int]:
        """How often each flow run ended, by id."""
        found: dict[str, int] = {}
        for entry in self._state.recorder.journal:
            if entry[0] == trace_entries.FLOW_ENDED:
                found[entry[2].id] = found.get(entry[2].id, 0) + 1
        return found

    @cached_property
    def by_id(self) -> dict[str, FlowRemains]:
        """What is left of each flow run."""
        return {remains.id: remains for remains in self.remains}

    @property
    def nodes(self) -> Mapping[tuple[str, int], NodeRecord]:
        """Records of node runs by flow run id and number."""
        return self._tracer.nodes

    def name_of(self, remains: FlowRemains) -> str:
        """The label of a flow run."""
        return self.names.flow(remains.id) or remains.header.flow

    def is_signalled(self, record: NodeRecord) -> bool:
        """Whether a task waits for a signal, and is not run."""
        return self._state.plan.tasks[record.run.name].wait is not None

    def settle(self, store: MemoryStore) -> None:
        """Say of each node run what the log says: a worker that was too late may have recorded something else."""
        by_id = self.by_id
        for flow in self._state.flows:
            remains = by_id.get(flow.id)
            if remains is not None and remains.machine is not None:
                flow.machine = remains.machine
                flow.outcome = remains.machine.outcome
        for (flow_id, number), record in self.nodes.items():
            remains = by_id.get(flow_id)
            if remains is None or number not in remains.ended:
                continue
            is_good = number in remains.succeeded
            record.run.status = "success" if is_good else "failure"
            if record.run.is_flow:
                continue
            kept = store.records(flow_id, [number]).get(number)
            if kept is not None:
                record.attempts = kept.attempts + 1
            if is_good:
                record.error = None
            elif record.error is None:
                text = store.error(record.run.id)
                record.error = None if text is None else decode_error(text)

    def is_left_alone(self, label: str) -> bool:
        """Whether a node run is one that no flow waits for and that did not end, or may be below one.

        Nothing looks after those any more.
        """
        flow = label.rpartition("/")[0].rpartition(">")[2]
        return label in self._left_alone or flow in self._flows_left_alone

    @cached_property
    def _left_alone(self) -> Mapping[str, NodeRecord]:
        found = [r for r in self.nodes.values() if r.run.name in r.flow_run.flow.nowait and r.finished_at is None]
        return {self.names.node(record.run.id): record for record in found}

    @cached_property
    def _flows_left_alone(self) -> frozenset[str]:
        tops = {record.run.name for record in self._left_alone.values() if record.run.is_flow}
        return frozenset(name for top in tops for name in flows_below(self._state.plan, top))

    @cached_property
    def canonical(self) -> tuple[Any, dict[str, Any]]:
        """The outcome, and by label of node runs what is to be the same in each schedule."""
        outcome = self.run.root.outcome
        ended = (
            "nothing" if outcome is None else ("success" if outcome.succeeded else f"failure: {outcome.reason}")
        )
        failed = Counter(
            _name(record.run, record) for record in self.nodes.values() if record.run.status == "failure"
        )
        return ended, {self.names.node(r.run.id): self._compared(r, failed) for r in self.nodes.values()}

    def _compared(self, record: NodeRecord, failed: Mapping[tuple[Any, ...], int]) -> tuple[Any, ...]:
        run = record.run
        error = None
        if record.error is not None:  # that of a flow has ids
            error = type(record.error).__name__ if run.is_flow else name_error(record.error)
        # Which of several failed runs of a name a fallback handles depends on the order, and so do its parents.
        is_open = run.edge is None and any(failed[_name(source, record)] > 1 for source in run.sources)
        parent = None if is_open else self._labelled(record.parent)
        result = None if run.is_flow else restore(record.result)
        return (run.status, record.attempts, run.args, parent, result, error)

    def _labelled(self, value: Any) -> Any:
        """Labels in place of ids, lists of them in alphabetical order; ids from before this run stay."""
        if isinstance(value, Mapping):
            return {name: self._labelled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return sorted(map(self._labelled, value))
        return self.names.node(value) if self.names.knows(value) else value


def _name(run: NodeRun, record: NodeRecord) -> tuple[Any, ...]:
    """What failed runs are counted by: their flow run is that of ``record``."""
    return (record.flow_run.id, run.flow_attempt, run.name)
