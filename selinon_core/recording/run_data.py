"""What a recorded run was given, returned and raised, as plain values that can be replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from selinon_core.dispatch.references import shown
from selinon_core.errors import RequestError
from selinon_core.explaining.run_view import RunView
from selinon_core.plan import Foreach
from selinon_core.recording.unknown import UNKNOWN
from selinon_core.runtime.error_codec import error_json
from selinon_core.runtime.facts import EdgeConsidered
from selinon_core.runtime.json_values import copy_json
from selinon_core.runtime.trace.run_records import NodeRecord, edge_of

Json = Any
Row = Mapping[str, Any]
#: The type of the error of an attempt of which nothing is known but that it failed.
LOST: Final = "Recorded"


class RecordedRun(NamedTuple):
    """A run to record. ``name`` is what messages call it.

    ``is_production``: it ran on workers. ``rows``: its nodes as an export has them, by id, with what a log of
    decisions does not have. ``seed`` is that of a local run.
    """

    name: str
    view: RunView
    is_production: bool = False
    rows: Mapping[str, Row] = {}
    seed: int = 0


class NodeData:
    """The values of a node run. ``UNKNOWN`` stands for what the recording does not have.

    ``is_inferred``: the result is what others say of it. ``failures`` are the errors of attempts that were
    followed by another: None where the task asked for it itself. ``error`` is (type, message) of the last attempt.
    ``started`` and ``ended`` are seconds since the run began.
    """

    __slots__ = (
        "args",
        "attempts",
        "ended",
        "error",
        "failures",
        "is_inferred",
        "output",
        "record",
        "result",
        "started",
    )

    def __init__(self, record: NodeRecord) -> None:
        self.record = record
        self.args: Json = UNKNOWN
        self.result: Json = UNKNOWN
        self.output: Json = None
        self.is_inferred = False
        self.attempts: int | None = None
        self.failures: list[tuple[str, str] | None] = []
        self.error: tuple[str, str] | None = None
        self.started: float | None = None
        self.ended: float | None = None

    @property
    def name(self) -> str:
        """The name of the node."""
        return self.record.run.name

    @property
    def status(self) -> str:
        """The status of the run; one that a rerun reused stands for the one that succeeded."""
        status = self.record.run.status
        return "success" if status == "reused" else status

    @property
    def is_task(self) -> bool:
        """Whether it is the run of a task."""
        return not self.record.run.is_flow

    @property
    def was_begun(self) -> bool:
        """Whether it was started at all: arguments that cannot be worked out fail a node before."""
        was_refused = not self.attempts and self.error is not None and self.error[0] == "ArgumentError"
        return self.record.run.refused is None and not was_refused


class ForeachData(NamedTuple):
    """The items that a foreach of a function gave for one combination, in the order of the calls.

    ``flows`` are the destinations that are flows, whose conditions may look at items.
    """

    function: str
    items: list[Json]
    flows: tuple[str, ...]


class RunData:
    """The values of a run: ``args`` of the flow, ``nodes`` in the order in which they were started.

    ``decisions`` are those of the facts in the order of their times. ``foreach`` has the answers of foreach
    functions. ``missing`` says which values the recording does not have.
    """

    def __init__(self, recorded: RecordedRun) -> None:
        self.recorded = recorded
        self.view = view = recorded.view
        self.args: Json = copy_json(shown(view.root.args))
        self.missing: list[str] = []
        started = [each.started_at for each in view.records if each.started_at is not None and not _is_older(each)]
        self.began = min(started, default=0.0) if recorded.is_production else 0.0
        #: Logs of workers are read one after another, each flow run by itself.
        self.decisions = sorted(view.facts.decisions, key=lambda fact: fact.time)
        self.nodes = [self._node(record) for record in sorted(view.records, key=_start)]
        self.by_id = {node.record.run.id: node for node in reversed(self.nodes)}
        self._add_attempts()
        self.foreach = list(self._foreach())

    @property
    def flow(self) -> str:
        """The name of the flow."""
        return self.view.root.flow.name

    def known_result(self, id: str) -> bool:
        """Whether the recording has the result of a node run."""
        node = self.by_id.get(id)
        return node is not None and node.result is not UNKNOWN

    def edges(self) -> Iterator[EdgeConsidered]:
        """The decisions about edges."""
        return (fact for fact in self.decisions if isinstance(fact, EdgeConsidered))

    def _node(self, record: NodeRecord) -> NodeData:
        view, run = self.view, record.run
        node, row = NodeData(record), self.recorded.rows.get(run.id, {})
        node.args = copy_json(row["node_args"] if "node_args" in row else shown(run.args))
        # Workers count no attempts of what runs no code; those of a reused run are in no log of this one.
        if not self._is_wait(run.name) and run.status != "reused":
            node.attempts = int(row["attempts"]) if "attempts" in row else record.attempts or None
        node.started, node.ended = self._since(record.started_at), self._since(record.finished_at)
        if run.is_flow:
            node.result, node.output = None, _output(view, record)
            inner = view.flow_runs.get(run.id)
            if node.args is None and inner is not None:  # a trace has them where the sub-flow begins
                node.args = copy_json(shown(inner.args))
        elif node.status == "success":
            node.result = self._result(record)
        if run.status == "failure" and not run.is_flow:
            node.error = _error_of(record, row)
        return node

    def _is_wait(self, name: str) -> bool:
        task = self.view.plan.tasks.get(name)
        return task is not None and task.wait is not None

    def _result(self, record: NodeRecord) -> Json:
        if self.view.has_result(record):
            return self.view.result(record)
        self.missing.append(f"the result of {self.view.label(record)}")
        return UNKNOWN

    def _since(self, at: float | None) -> float | None:
        return None if at is None else max(0.0, round(at - self.began, 6))

    def _add_attempts(self) -> None:
        """What earlier attempts raised, and placeholders where that was not kept."""
        for ended in self.view.facts.attempts:
            node = self.by_id.get(ended.node.run.id)
            if node is None or node.record is not ended.node:
                continue
            if ended.will_retry:
                node.failures.append(None if ended.error is None else _parts(ended.error))
            elif node.attempts is None and ended.attempt:
                node.attempts = ended.attempt
        for node in self.nodes:
            if node.attempts is None or not node.is_task:  # a flow that runs again does so by itself
                continue
            lost = range(len(node.failures) + 1, node.attempts)
            if lost:
                self.missing.append(f"the errors of earlier attempts of {self.view.label(node.record)}")
            for number in lost:  # more than may be retried are those that the task asked for
                is_error = number <= self.view.plan.tasks[node.name].max_retry
                node.failures.append((LOST, f"attempt {number} of {node.attempts} failed") if is_error else None)

    def _foreach(self) -> Iterator[ForeachData]:
        started = by_edge(self.nodes)
        seen: dict[tuple[str, int], list[Json]] = {}
        calls: list[tuple[str, int, tuple[str, ...], list[Json] | None]] = []
        for fact in self.edges():
            edge = fact.edge
            if not isinstance(edge.foreach, Foreach) or fact.items is None:
                continue
            flows = tuple(name for name in edge.destinations if name in self.view.plan.flows)
            found = started.get(combination(fact), []) if edge.foreach.propagate_result else []
            items = [node.args for node in found[: fact.items * len(edge.destinations) : len(edge.destinations)]]
            function, is_seen = str(edge.foreach.function), len(items) == fact.items
            if is_seen:
                seen[function, fact.items] = items
            calls.append((function, fact.items, flows, items if is_seen else None))
        for function, number, flows, known in calls:
            if known is None:  # items of another edge with the function do as well
                known = seen.get((function, number)) or list(range(1, number + 1))
            yield ForeachData(function, known, flows)


def _output(view: RunView, record: NodeRecord) -> Json:
    """The output of a sub-flow's run; a trace has none."""
    flow, outcome = view.plan.flows.get(record.run.name), record.run.outcome
    has_one = flow is not None and flow.output is not None and outcome is not None and outcome.succeeded
    if not has_one or outcome is None:
        return None
    return view.output(record) if outcome.has_output else UNKNOWN


def _is_older(record: NodeRecord) -> bool:
    """Whether it ran in a sub-flow run that a rerun reused whole: before the rerun began."""
    above = record.flow_run.node
    while above is not None:
        if above.run.status == "reused":
            return True
        above = above.flow_run.node
    return False


def _start(record: NodeRecord) -> float:
    return record.started_at or 0.0


def combination(fact: EdgeConsidered) -> tuple[Any, ...]:
    """What ``by_edge`` has the node runs by that were started for a combination."""
    return (fact.flow_run.id, fact.edge.index, tuple(run.id for run in fact.sources))


def by_edge(nodes: Sequence[NodeData]) -> dict[tuple[Any, ...], list[NodeData]]:
    """Node runs by the flow run, the edge and the sources that they were started for."""
    found: dict[tuple[Any, ...], list[NodeData]] = {}
    for node in nodes:
        edge = edge_of(node.record)
        if edge is not None:
            run = node.record.run
            key = (node.record.flow_run.id, edge.index, tuple(source.id for source in run.sources))
            found.setdefault(key, []).append(node)
    return found


def _error_of(record: NodeRecord, row: Row) -> tuple[str, str] | None:
    said = row.get("error")
    if said:
        return str(said.get("type") or "RuntimeError"), str(said.get("message") or "")
    return None if record.error is None else _parts(record.error)


def _parts(error: BaseException) -> tuple[str, str]:
    found = error_json(error)
    return found["type"], found["message"]


def check_recordable(recorded: RecordedRun) -> None:
    """Raise ``RequestError`` for a run that no case can repeat."""
    view = recorded.view
    root = view.root
    if root.flow.name not in view.plan.flows:
        raise RequestError(f"flow {root.flow.name} is not in the files any more")
    if root.outcome is None:
        raise RequestError("it has not come to its end; selinon explain says what it waits for")
    if root.selective is not None:
        raise RequestError("it is a selective run: record a whole run")
    lost = sorted({r.run.name for r in view.records} - view.plan.tasks.keys() - view.plan.flows.keys())
    if lost:
        raise RequestError(f"the files have no task or flow {', '.join(lost)} any more")
