"""Expressions about a run that is over: worked out on the results that its report has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.dispatch import FlowOutcome, NodeRun
from selinon_core.dispatch.ancestors import in_canonical_order
from selinon_core.errors import RequestError, ResultMissingError, SelinonException
from selinon_core.expressions.evaluate import Bound, bind
from selinon_core.expressions.names import names_used
from selinon_core.expressions.parser import parse
from selinon_core.expressions.values import EvaluationError, type_name
from selinon_core.plan import EdgePlan, FlowPlan, Plan
from selinon_core.plan.model import ForeachItems
from selinon_core.runtime.results import Asking, Failure, ResultReader
from selinon_core.runtime.scope import OutputScope, Scope
from selinon_core.runtime.templates import bound_expression


class Evaluated(NamedTuple):
    """The value of an expression about one combination, or why it has none (``error``).

    ``about`` names the combination: the runs of the sources as ``Name id``, and the number of the item.
    ``kind`` is the type of the value. ``saw`` has what was read.
    """

    about: str
    value: Any
    kind: str
    error: str | None
    saw: Mapping[str, Any]


def evaluate_in_report(
    text: str, plan: Plan, flow: str, edge: EdgePlan | None, report: Mapping[str, Any]
) -> list[Evaluated]:
    """Work an expression out for each combination for which an edge was considered in a run.

    ``edge`` None: as the output of the flow sees it, for each run of the flow. Raises ``RequestError`` for a text
    that is not an expression, and where the run has no such combination.
    """
    parsed = parse(text)
    if parsed.faults:
        fault = parsed.faults[0]
        raise RequestError(f"{text!r} is not an expression: {fault.message} (at character {fault.start + 1})")
    foreach = None if edge is None else edge.foreach
    item_name = foreach.item_name if isinstance(foreach, ForeachItems) else "item"
    try:
        bound = bind(parsed.tree, item_name)
    except EvaluationError as error:
        raise RequestError(f"{text!r} cannot be worked out: {error}") from None
    needs_items = any(use.kind in ("item", "index") for use in names_used(parsed.tree, item_name))
    found: list[Evaluated] = []
    for flow_run in _flow_runs(report, plan.flows[flow], plan):
        if edge is None:
            found.append(_evaluated(bound, flow_run.output_scope(), flow_run.id))
            continue
        for scope, about in flow_run.scopes(edge):
            if needs_items and isinstance(foreach, ForeachItems):
                found += _for_items(bound, scope, about, foreach)
            else:
                found.append(_evaluated(bound, scope, about))
    if not found:
        which = f"run of flow {flow}" if edge is None else f"combination of {', '.join(edge.sources) or 'nothing'}"
        raise RequestError(f"the report has no {which}")
    return found


def _for_items(bound: Bound, scope: Scope, about: str, foreach: ForeachItems) -> Iterator[Evaluated]:
    try:
        items = bound_expression(foreach.expression)(scope)
    except (EvaluationError, SelinonException) as error:
        yield Evaluated(about, None, "", f"{foreach.expression.text}: {error}", {})
        return
    scope.has_item = True
    for scope.index, scope.item in enumerate(items if isinstance(items, list) else ()):
        yield _evaluated(bound, scope, f"{about}, item {scope.index}" if about else f"item {scope.index}")


def _evaluated(bound: Bound, scope: Scope, about: str) -> Evaluated:
    saw: dict[str, Any] = {}
    try:
        value = bound(scope, saw)
    except (EvaluationError, SelinonException) as error:
        return Evaluated(about, None, "", str(error), saw)
    return Evaluated(about, value, type_name(value), None, saw)


def _flow_runs(report: Mapping[str, Any], flow: FlowPlan, plan: Plan) -> Iterator[_FlowRun]:
    rows: Sequence[Mapping[str, Any]] = report["nodes"]
    if report.get("flow") == flow.name:
        yield _FlowRun(flow, plan, str(report.get("id")), report.get("node_args"), report)
    for row in rows:
        if row["kind"] == "flow" and row["name"] == flow.name:
            yield _FlowRun(flow, plan, row["id"], row.get("node_args"), report)


class _FlowRun:
    """One run of a flow, as the report has it; also what a storage and a driver would answer about it."""

    def __init__(self, flow: FlowPlan, plan: Plan, id: str, args: Any, report: Mapping[str, Any]) -> None:
        self.id = id
        self._args = args
        self._environment = plan.settings.environment
        self._report = report
        self._rows = {row["id"]: row for row in report["nodes"] if row.get("flow_id") == id}
        self._runs = {row["id"]: self._run(row) for row in self._rows.values()}
        for run in self._runs.values():
            sources = self._rows[run.id].get("sources", ())
            run.sources = tuple(self._runs[source] for source in sources if source in self._runs)
        attempt = max((run.flow_attempt for run in self._runs.values()), default=1)
        self._asking = Asking(flow, id, attempt, {})
        self._reader = ResultReader(self, flow, self)  # type: ignore[arg-type]

    def _run(self, row: Mapping[str, Any]) -> NodeRun:
        about = (row.get("number", 0), row["id"], row["name"], row["kind"] == "flow", row.get("edge"), ())
        run = NodeRun(*about, row.get("node_args"), None, row.get("flow_attempt", 1), row.get("item") or 0)
        run.status = row["status"]
        if run.is_flow:
            run.outcome = FlowOutcome(run.status == "success", {}, {}, [], {})
            if "output" in row:
                run.outcome.with_output(row["output"])
        return run

    def scopes(self, edge: EdgePlan) -> Iterator[tuple[Scope, str]]:
        """A scope for each combination that the edge was considered for, or started something from."""
        combinations: dict[tuple[str, ...], None] = {}
        for row in self._rows.values():
            if row.get("edge") == edge.index:
                combinations[tuple(row.get("sources", ()))] = None
        for row in self._report.get("decisions", ()):
            if row.get("flow_id") == self.id and row.get("edge") == edge.index:
                combinations[tuple(row.get("sources", ()))] = None
        for ids in combinations:
            sources = tuple(self._runs[id] for id in ids if id in self._runs)
            about = ", ".join(f"{run.name} {run.id}" for run in sources)
            yield Scope(self._asking, self._reader, self._environment, sources, self._args), about

    def output_scope(self) -> OutputScope:
        """The scope of the flow's output, of its last attempt."""
        finished: dict[str, list[NodeRun]] = {}
        for run in self._runs.values():
            if run.status in ("success", "reused") and run.flow_attempt == self._asking.attempt:
                finished.setdefault(run.name, []).append(run)
        ordered = in_canonical_order(finished)
        return OutputScope(self._asking, self._reader, self._environment, ordered, self._args)

    # -- what a storage and a driver would answer ---------------------------------------------------------------

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """The result that the report has."""
        row = self._rows.get(task_id)
        if row is None or "result" not in row:
            raise ResultMissingError("it is not in the report")
        return row["result"]

    def locate(self, task_id: str) -> str | None:
        """All are in the report."""
        return None

    def result_of(self, task_id: str) -> Any:
        """As ``retrieve``."""
        return self.retrieve("", "", task_id)

    def failure_of(self, run: NodeRun) -> Failure:
        """The failure that the report has."""
        row = self._rows[run.id]
        error = row.get("error") or {}
        return Failure(error.get("type", ""), error.get("message", ""), row.get("attempts", 0))
