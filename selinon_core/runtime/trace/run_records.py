"""What a driver remembers of each flow run and node run. Kept small: there may be very many."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from selinon_core.dispatch import FlowOutcome, FlowRun, NodeRun, SelectiveRun
from selinon_core.dispatch.rules.propagation import parent_of
from selinon_core.plan import EdgePlan, FlowPlan
from selinon_core.plan.model import Template


class FlowRecord:
    """A flow run: its machine, its place in the tree of flow runs, and how it ended."""

    __slots__ = (
        "args",
        "ended_at",
        "failures",
        "flow",
        "id",
        "machine",
        "node",
        "outcome",
        "parent",
        "parent_run",
        "selective",
    )

    def __init__(
        self,
        flow: FlowPlan,
        id: str,
        machine: FlowRun,
        args: Any,
        parent: dict[str, Any],
        failures: dict[str, Any] | None,
        selective: SelectiveRun | None,
        parent_run: FlowRecord | None,
        node: NodeRecord | None,
    ) -> None:
        self.flow = flow
        self.id = id
        self.machine = machine
        self.args = args
        self.parent = parent
        self.failures = failures
        self.selective = selective
        self.parent_run = parent_run
        self.node = node
        self.outcome: FlowOutcome | None = None
        self.ended_at = 0.0

    @property
    def depth(self) -> int:
        """How many flows this one is nested in."""
        depth, above = 0, self.parent_run
        while above is not None:
            depth, above = depth + 1, above.parent_run
        return depth


class NodeRecord:
    """A node run: the machine's view (``run``) and the driver's. Times are seconds since the start.

    ``result`` is a snapshot (see ``runtime.json_values``). ``retries`` counts those that ``max_retry`` limits.
    ``attempted_at`` is when the last attempt ended after which there is to be another one, and unset before.
    ``began`` is when the attempt that is running began, on the clock ``time.perf_counter``; else None.
    ``abandoned``: the flow did not wait for it any more, or an attempt could not be stopped at its time-out.
    """

    __slots__ = (
        "abandoned",
        "attempted_at",
        "attempts",
        "began",
        "error",
        "finished_at",
        "flow_run",
        "given_parent",
        "real_seconds",
        "result",
        "retries",
        "run",
        "started_at",
        "stored",
    )

    attempted_at: float

    def __init__(self, run: NodeRun, flow_run: FlowRecord, given_parent: dict[str, Any] | None) -> None:
        self.run = run
        self.flow_run = flow_run
        self.given_parent = given_parent
        self.started_at: float | None = None
        self.finished_at: float | None = None
        self.attempts = 0
        self.retries = 0
        self.result: Any = None
        self.stored = False
        self.error: BaseException | None = None
        self.abandoned = False
        self.real_seconds = 0.0
        self.began: float | None = None

    @property
    def parent(self) -> dict[str, Any]:
        """The ``parent`` the node was started with, as a fresh mapping."""
        return parent_of(self.flow_run.flow, self.run, self.flow_run.parent)

    def real_seconds_by_now(self) -> float:
        """Seconds that its attempts took, with what the running one has taken so far."""
        running = 0.0 if self.began is None else time.perf_counter() - self.began
        return self.real_seconds + running

    def take_parent(self) -> dict[str, Any]:
        """A ``parent`` for one attempt to own."""
        given, self.given_parent = self.given_parent, None
        return self.parent if given is None else given


class ItemNumbers:
    """Counts the items of foreach as their node runs are started."""

    def __init__(self) -> None:
        self._started: Counter[tuple[str, int, int, str, tuple[NodeRun, ...]]] = Counter()

    def add(self, record: NodeRecord) -> int | None:
        """The number of the item, from 0, of the node run that was started next; None: no foreach started it."""
        run = record.run
        edge = edge_of(record)
        if edge is None or edge.foreach is None:
            return None
        about = (record.flow_run.id, run.flow_attempt, edge.index, run.name, run.sources)
        number = self._started[about] // edge.destinations.count(run.name)
        self._started[about] += 1
        return number


def items_of(nodes: Iterable[NodeRecord]) -> dict[NodeRun, int]:
    """The number of the item, from 0, of each node run that a foreach started; ``nodes`` in starting order."""
    numbers = ItemNumbers()
    found = ((record.run, numbers.add(record)) for record in nodes)
    return {run: number for run, number in found if number is not None}


def args_template(flow: FlowPlan, run: NodeRun) -> Template | None:
    """The ``args`` of the edge or the failures entry that started a node run; None where it has none."""
    if run.edge is not None:
        return flow.edges[run.edge].args
    return flow.failures[run.position].args if run.position < len(flow.failures) else None


def edge_of(record: NodeRecord) -> EdgePlan | None:
    """The edge that started a node run, None for a fallback."""
    index = record.run.edge
    return None if index is None else record.flow_run.flow.edges[index]
