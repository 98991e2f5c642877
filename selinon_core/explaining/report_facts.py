"""The facts of a run that is over, from its report: what ``selinon run --local --report FILE`` wrote.

The report says which edges there were. Where the files have changed since, explanations are about the edges that
ran, and ``changed`` says which of them are gone and which are new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from selinon_core.diagnostics.location import Place
from selinon_core.dispatch import FlowOutcome, FlowRun, NodeRun
from selinon_core.dispatch.node_run import CANCELLED, TIMED_OUT
from selinon_core.explaining.run_view import RunView
from selinon_core.explaining.words import edge_text
from selinon_core.plan import EdgePlan, FailurePlan, FlowPlan, Plan
from selinon_core.runtime.error_codec import rebuild_error
from selinon_core.runtime.facts import AttemptEnded, EdgeConsidered, Facts, FallbackConsidered
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord

Row = Mapping[str, Any]


class Counts(NamedTuple):
    """How often the edges of a flow were considered and fired, by their indexes: what facts ask a machine for."""

    considered: Mapping[int, int]
    fired: Mapping[int, int]


class ReportView(RunView):
    """A run by its report."""

    def __init__(self, plan: Plan, report: Row) -> None:
        reading = _Reading(plan, report)
        super().__init__(reading.plan, reading.facts())
        self.notes = reading.notes
        self.reused_from = {
            str(row["id"]): str(row["reused_from"]) for row in report["nodes"] if row.get("reused_from")
        }
        rerun, definitions = report.get("rerun"), report.get("definitions")
        self.origin = str(rerun["origin"]) if isinstance(rerun, dict) and rerun.get("origin") else None
        self.definitions = definitions if isinstance(definitions, dict) else {}


class _Reading:
    def __init__(self, plan: Plan, report: Row) -> None:
        self._report = report
        self._nodes: dict[str, NodeRecord] = {}
        self._flow_runs: dict[str, FlowRecord] = {}
        self.notes: list[str] = []
        names = dict.fromkeys(
            [str(report["flow"]), *(row["flow"] for row in report["nodes"]), *_called(report["nodes"])]
        )
        self._shapes = {name: self._shape(plan, name) for name in names}
        self.plan = Plan(plan.tasks, {**plan.flows, **self._shapes}, plan.storages, plan.settings)
        if report.get("decisions_omitted"):
            self.notes.append(f"the report leaves out {report['decisions_omitted']} decisions, the latest ones")

    # -- the flows that ran -------------------------------------------------------------------------------------

    def _shape(self, plan: Plan, name: str) -> FlowPlan:
        """A flow with the edges and failures entries that ran."""
        rows = [row for row in self._report.get("edges", ()) if row["flow"] == name]
        entries = [row for row in self._report.get("fallbacks", ()) if row["flow"] == name]
        known = plan.flows.get(name)
        if known is None:
            self.notes.append(f"flow {name} is not in the files any more")
            known = next(iter(plan.flows.values()))._replace(name=name, edges=(), failures=())
        if not rows:
            return known
        edges = tuple(_edge(row, known.edges) for row in rows)
        gone = [edge for edge, row in zip(edges, rows, strict=True) if not _is_at_its_place(row, known.edges)]
        if gone:
            edges_text = _some(edge_text(edge) for edge in gone)
            self.notes.append(f"flow {name} has changed since: {edges_text} stood elsewhere or is gone")
        return known._replace(edges=edges, failures=tuple(_entry(row, known.failures) for row in entries))

    # -- what ran -----------------------------------------------------------------------------------------------

    def facts(self) -> Facts:
        """The facts that the report has."""
        report = self._report
        root = self._flow_run(str(report["id"]), str(report["flow"]), None, None, report.get("node_args"))
        root.outcome, root.ended_at = _root_outcome(report), float(report.get("virtual_seconds") or 0.0)
        for row in report["nodes"]:
            self._add(row, root)
        self._link()
        facts = Facts(self.plan, root, list(self._flow_runs.values()), list(self._nodes.values()), ())
        facts.attempts = list(self._attempts())
        facts.eager = [record.run for record in self._nodes.values() if _is_eager(record)]
        decisions = (self._decision(row) for row in report.get("decisions", ()))
        facts.decisions = [fact for fact in decisions if fact is not None]
        facts.edges = [fact for fact in facts.decisions if isinstance(fact, EdgeConsidered)]
        facts.fallbacks = [fact for fact in facts.decisions if isinstance(fact, FallbackConsidered)]
        return facts

    def _flow_run(
        self, id: str, name: str, above: FlowRecord | None, node: NodeRecord | None, args: Any
    ) -> FlowRecord:
        found = self._flow_runs.get(id)
        if found is None:
            first = all(record.flow.name != name for record in self._flow_runs.values())
            machine = cast(FlowRun, self._counts(name) if first else Counts({}, {}))
            found = FlowRecord(self._shapes[name], id, machine, args, {}, None, None, above, node)
            self._flow_runs[id] = found
        return found

    def _counts(self, name: str) -> Counts:
        """The counts of a flow: those of all its runs, which the first of them has."""
        rows = [row for row in self._report.get("edges", ()) if row["flow"] == name]
        return Counts(
            {row["index"]: int(row.get("considered", 0)) for row in rows},
            {row["index"]: int(row.get("fired", 0)) for row in rows},
        )

    def _add(self, row: Row, root: FlowRecord) -> None:
        id, is_flow = str(row["id"]), row["kind"] == "flow"
        flow_run = self._flow_runs.get(str(row.get("flow_id")), root)
        run = NodeRun(
            int(row.get("number") or len(self._nodes) + 1),
            id,
            str(row["name"]),
            is_flow,
            self._edge_index(flow_run.flow, row.get("edge")),
            (),
            row.get("node_args"),
            row.get("failures"),
            int(row.get("flow_attempt") or 1),
            int(row.get("item") or 0),
        )
        run.status = row["status"]
        record = NodeRecord(run, flow_run, row.get("parent") or {})
        record.attempts = int(row.get("attempts") or 0)
        record.result = row.get("result")
        record.started_at, record.finished_at = row.get("started_at"), row.get("finished_at")
        record.abandoned = bool(row.get("abandoned"))
        if row.get("error"):
            record.error = _error(row["error"])
        self._nodes.setdefault(id, record)
        if is_flow:
            inner = self._flow_run(id, run.name, flow_run, record, run.args)
            error = row.get("error") or {}
            if run.status != "active":
                inner.outcome = run.outcome = FlowOutcome(
                    run.status != "failure", {}, {}, [], {}, row.get("reason") or error.get("message")
                )
                if "output" in row:
                    run.outcome.with_output(row["output"])

    @staticmethod
    def _edge_index(flow: FlowPlan, index: Any) -> int | None:
        return index if isinstance(index, int) and 0 <= index < len(flow.edges) else None

    def _link(self) -> None:
        """The sources of node runs, which may stand behind them."""
        for row in self._report["nodes"]:
            self._nodes[str(row["id"])].run.sources = self._runs(row.get("sources", ()))

    def _runs(self, ids: Sequence[Any]) -> tuple[NodeRun, ...]:
        return tuple(self._nodes[str(id)].run for id in ids if str(id) in self._nodes)

    def _attempts(self) -> Iterator[AttemptEnded]:
        for row in self._report["nodes"]:
            record = self._nodes[str(row["id"])]
            for number, ended in enumerate(row.get("attempts_ended", ()), 1):
                said = ended.get("error")
                error = None if said is None else _error(said)
                yield AttemptEnded(record, number, error, False, True, ended.get("at") or 0.0)
            if record.error is not None and not record.run.is_flow:
                at = record.finished_at or 0.0
                yield AttemptEnded(record, record.attempts, record.error, False, False, at)

    def _decision(self, row: Row) -> EdgeConsidered | FallbackConsidered | None:
        flow_run = self._flow_runs.get(str(row.get("flow_id")))
        if flow_run is None:
            return None
        runs, at = self._runs(row.get("sources", ())), row.get("at") or 0.0
        tree, value = row.get("condition"), row.get("value")
        leaves = tuple(leaves_of_tree(tree)) if tree else ()
        seen = seen_in_tree(tree) if tree else {}
        if "edge" in row:
            index = self._edge_index(flow_run.flow, row["edge"])
            if index is None:
                return None
            edge = flow_run.flow.edges[index]
            return EdgeConsidered(flow_run, edge, runs, value, leaves, row.get("items"), at, seen)
        index = row.get("fallback")
        if not isinstance(index, int) or index >= len(flow_run.flow.failures):
            return None
        entry, used = flow_run.flow.failures[index], bool(row.get("used"))
        started = tuple(r.run for r in self._nodes.values() if r.run.edge is None and r.run.sources == runs)
        return FallbackConsidered(flow_run, entry, value, leaves, used, runs, started if used else (), at, seen)


def _is_eager(record: NodeRecord) -> bool:
    """Whether a failed node run may have ended its flow at once."""
    return record.run.status == "failure" and record.run.name in record.flow_run.flow.eager_failures


def _called(rows: Sequence[Row]) -> Iterator[str]:
    return (str(row["name"]) for row in rows if row["kind"] == "flow")


def _root_outcome(report: Row) -> FlowOutcome | None:
    if report.get("status") not in ("success", "failure"):
        return None
    reason = report.get("error")
    own = [row for row in report["nodes"] if row.get("flow_id", report["id"]) == report["id"]]
    active = [row for row in own if row["status"] == "active" or row.get("abandoned")]
    return FlowOutcome(
        report["status"] == "success",
        report.get("finished_nodes") or {},
        report.get("failed_nodes") or {},
        [{"name": row["name"], "id": row["id"]} for row in active],
        {},
        reason,
        timed_out=reason == TIMED_OUT,
        cancelled=reason == CANCELLED,
        unreached=tuple(report.get("unreached_nodes", ())),
    )


def _error(said: Row) -> Exception:
    return rebuild_error(str(said.get("type") or "Exception"), str(said.get("message") or ""))


def _edge(row: Row, known: Sequence[EdgePlan]) -> EdgePlan:
    """The edge of a row: that of the files which has the same ends, else one of which only the ends are known."""
    index, sources, destinations = row["index"], tuple(row["from"]), tuple(row["to"])
    if _is_at_its_place(row, known):
        return known[index]
    same = [edge for edge in known if (edge.sources, edge.destinations) == (sources, destinations)]
    if len(same) == 1:
        return same[0]._replace(index=index)
    return EdgePlan(index, sources, destinations, None, None, None, None, _place(row.get("where")))


def _is_at_its_place(row: Row, known: Sequence[EdgePlan]) -> bool:
    index = row["index"]
    if not 0 <= index < len(known):
        return False
    return (known[index].sources, known[index].destinations) == (tuple(row["from"]), tuple(row["to"]))


def _entry(row: Row, known: Sequence[FailurePlan]) -> FailurePlan:
    nodes, fallback = tuple(row["nodes"]), () if row["fallback"] is True else tuple(row["fallback"])
    same = [entry for entry in known if (entry.nodes, entry.fallback) == (nodes, fallback)]
    at_place = [entry for entry in same if entry.index == row["index"]] or same
    if at_place:
        return at_place[0]._replace(index=row["index"])
    return FailurePlan(row["index"], nodes, fallback, None, False, _place(row.get("where")))


def _place(text: Any) -> Place:
    file, _, rest = str(text).rpartition(":")
    file, _, line = file.rpartition(":")
    return Place(file, int(line), int(rest)) if line.isdigit() and rest.isdigit() else Place(str(text), 1, 1)


def leaves_of_tree(tree: Row) -> Iterator[bool | None]:
    """The truths of the leaves of a condition as a report has it, in reading order."""
    if "not" in tree:
        yield from leaves_of_tree(tree["not"])
        return
    for kind in ("and", "or"):
        if kind in tree:
            for operand in tree[kind]:
                yield from leaves_of_tree(operand)
            return
    value = tree.get("value")
    yield value if isinstance(value, bool) else None


def seen_in_tree(tree: Row) -> dict[str, Any]:
    """What the expressions of a condition read."""
    if "not" in tree:
        return seen_in_tree(tree["not"])
    found: dict[str, Any] = {}
    for kind in ("and", "or"):
        for operand in tree.get(kind, ()):
            found |= seen_in_tree(operand)
    saw = tree.get("saw")
    return found | (dict(saw) if isinstance(saw, Mapping) else {})


def _some(texts: Iterator[str]) -> str:
    listed = list(texts)
    return ", ".join(listed[:3]) + (", ..." if len(listed) > 3 else "")
