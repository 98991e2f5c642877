"""The parts of a run report that come from the facts of a run, as JSON values."""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch.references import shown
from selinon_core.plan import EdgePlan, FailurePlan
from selinon_core.runtime.conditions import explain
from selinon_core.runtime.error_codec import error_json, error_text
from selinon_core.runtime.facts import AttemptEnded, EdgeConsidered, Facts, FallbackConsidered
from selinon_core.runtime.json_values import copy_json, restore
from selinon_core.runtime.trace.run_records import NodeRecord, args_template, items_of
from selinon_core.runtime.trace.tracer import jsonable

#: A report has no more decisions than this: a run that goes on for long may make millions.
MOST_DECISIONS = 10_000

Json = dict[str, Any]


def seconds(value: float | None) -> float | None:
    """Seconds without the noise of adding floats."""
    return None if value is None else round(value, 6)


def nodes_of(facts: Facts) -> list[Json]:
    """Every node run in the order they were scheduled."""
    items = items_of(facts.nodes)
    ended: dict[NodeRecord, list[Json]] = {}
    for fact in facts.attempts:
        if fact.will_retry:
            ended.setdefault(fact.node, []).append(_attempt(fact))
    return [_node(record, items.get(record.run), ended.get(record)) for record in facts.nodes]


def edges_of(facts: Facts) -> list[Json]:
    """Every edge of the flows that ran, with how often it was considered and fired."""
    considered, fired = facts.considered(), facts.fired()
    seen: dict[str, tuple[EdgePlan, ...]] = {}
    for record in facts.flows:
        seen[record.flow.name] = record.flow.edges
    return [
        {
            "flow": name,
            "index": edge.index,
            "from": list(edge.sources),
            "to": list(edge.destinations),
            "where": str(edge.place),
            "considered": considered.get((name, edge.index), 0),
            "fired": fired.get((name, edge.index), 0),
        }
        for name, edges in seen.items()
        for edge in edges
    ]


def fallbacks_of(facts: Facts) -> list[Json]:
    """Every failures entry of the flows that ran, with how often it was considered and used."""
    rows: dict[tuple[str, int], Json] = {}
    for record in facts.flows:
        for failure in record.flow.failures:
            rows.setdefault((record.flow.name, failure.index), _fallback(record.flow.name, failure))
    for fact in facts.fallbacks:
        row = rows[fact.flow_run.flow.name, fact.failure.index]
        row["considered"] += 1
        row["used"] += fact.used
    return list(rows.values())


def decisions_of(facts: Facts) -> Json:
    """``decisions``, at most ``MOST_DECISIONS`` of them, and ``decisions_omitted`` if there are more."""
    report: Json = {"decisions": [decision_of(fact) for fact in facts.decisions[:MOST_DECISIONS]]}
    omitted = len(facts.decisions) - MOST_DECISIONS
    if omitted > 0:
        report["decisions_omitted"] = omitted
    return report


def _node(record: NodeRecord, item: int | None, attempts_ended: list[Json] | None) -> Json:
    run, flow_run = record.run, record.flow_run
    row: Json = {
        "id": run.id,
        "name": run.name,
        "kind": "flow" if run.is_flow else "task",
        "flow": flow_run.flow.name,
        "flow_id": flow_run.id,
        "flow_attempt": run.flow_attempt,
        "number": run.number,
        "edge": run.edge,
        "sources": [source.id for source in run.sources],
    }
    if item is not None:
        row["item"] = item
    row["status"] = run.status
    row["attempts"] = record.attempts
    row["node_args"] = copy_json(shown(run.args))
    template = args_template(flow_run.flow, run)
    if template is not None:
        from selinon_core.plan.template_text import sources_of

        row["args_from"] = sources_of(template)
    row["parent"] = record.parent
    if run.failures:
        row["failures"] = copy_json(run.failures)
    if not run.is_flow:
        row["result"] = _reported(restore(record.result))
    elif run.outcome is not None and run.outcome.has_output:
        row["output"] = copy_json(shown(run.outcome.output))
    row["error"] = None if record.error is None else error_json(record.error)
    if run.is_flow and record.error is not None:
        row["error"]["traceback"] = ""
    if run.outcome is not None and run.outcome.reason:
        row["reason"] = run.outcome.reason
    if attempts_ended:
        row["attempts_ended"] = attempts_ended
    row["started_at"] = seconds(record.started_at)
    row["finished_at"] = seconds(record.finished_at)
    row["real_seconds"] = round(record.real_seconds_by_now(), 6)
    if record.abandoned:
        row["abandoned"] = True
    return row


def _reported(result: Any) -> Any:
    """A result as JSON has it; an integer alone may be longer than Python likes to write."""
    return jsonable(result) if result.__class__ is int else result


def _attempt(fact: AttemptEnded) -> Json:
    """Without the traceback, which takes long to write: there may be very many attempts."""
    error = fact.error
    shown = None if error is None else {"type": type(error).__name__, "message": error_text(error)}
    return {"error": shown, "at": seconds(fact.time)}


def _fallback(flow: str, failure: FailurePlan) -> Json:
    return {
        "flow": flow,
        "index": failure.index,
        "nodes": list(failure.nodes),
        "fallback": list(failure.fallback) or True,
        "where": str(failure.place),
        "considered": 0,
        "used": 0,
    }


def decision_of(fact: EdgeConsidered | FallbackConsidered) -> Json:
    """A decision about an edge or a failures entry."""
    row: Json = {"flow": fact.flow_run.flow.name, "flow_id": fact.flow_run.id, "at": seconds(fact.time)}
    if isinstance(fact, EdgeConsidered):
        condition = fact.edge.condition
        row |= {"edge": fact.edge.index, "sources": [source.id for source in fact.sources]}
    else:
        condition = fact.failure.condition
        row |= {"fallback": fact.failure.index, "sources": [run.id for run in fact.handled], "used": fact.used}
    if fact.condition is not None and condition is not None:
        row |= {"value": fact.condition, "condition": explain(condition, fact.leaves, fact.seen)}
    if isinstance(fact, EdgeConsidered) and fact.items is not None:
        row["items"] = fact.items
    return row
