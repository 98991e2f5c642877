"""The status of a flow run: made from its replayed log and the store's records of its node runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.protocol import NodeRecord
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.dispatch import FlowOutcome, NodeRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event
from selinon_core.dispatch.references import shown
from selinon_core.errors import RequestError, SelinonException
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import FlowPlan
from selinon_core.plan.template_text import sources_of
from selinon_core.runtime.trace.run_records import args_template

_NEW_NODES = (do.StartTask, do.StartFlow, do.ReuseNode, do.FailNode)


def describe(store: Store, flows: FlowVersions, id: str, depth: int = 20) -> dict[str, Any]:
    """A flow run as a JSON value.

    ``{"id", "flow", "status", "reason", "created", "updated", "attempt", "nodes": [...], "timers": {name: due}}``;
    a node is ``{"id", "name", "kind", "number", "status", "flow_attempt", "attempts", "since", "error"}`` and a
    sub-flow has its own ``run``. ``error`` is ``{"type", "message", "traceback"}`` of a task that failed;
    ``node_args`` and ``args_from`` are there of a node whose edge or fallback has ``args``, ``output`` of a run
    whose flow declares one. A run that was started with a key has ``key`` and ``start_conflict``: when it was last
    asked for with other arguments, ``{"at", "message"}`` or None. ``status`` is waiting (its message is on the
    way), running, retrying, success, failure or reused; times are seconds since the epoch. Raises ``RequestError``
    when the store does not know the run.
    """
    found = store.read(id)
    if found is None:
        raise RequestError(f"there is no flow run {id}")
    fields, log, inbox = found
    header = RunHeader.read(fields)
    described: dict[str, Any] = {
        "id": id,
        "flow": header.flow,
        "status": header.status,
        "reason": header.reason or None,
        "created": header.created,
        "updated": header.updated,
        "queue": header.queue,
        "undecided": len(inbox),
        "timers": store.timers(id),
        "nodes": [],
    }
    if header.key:
        conflict = store.error(id)
        described["key"] = header.key
        described["start_conflict"] = None if conflict is None else _shown_conflict(conflict)
    if header.initial_definition is None:
        return described
    try:
        run, runs, ended = _replayed(flows, id, header, log)
    except (SelinonException, ValueError, KeyError) as error:
        described["reason"] = f"the log does not fit this configuration: {error}"
        return described
    outcome = run.machine.outcome
    if outcome is not None and outcome.has_output:
        described["output"] = shown(outcome.output)
    described["attempt"] = run.machine.attempt
    described["questions"] = len(run.machine.open_questions)
    records = store.records(id, [node.number for node in runs])
    for node in runs:
        row = _row(store, run.flow, node, records.get(node.number), ended.get(node.number))
        if node.is_flow and depth > 0 and store.header(node.id) is not None:
            row["run"] = describe(store, flows, node.id, depth - 1)
        described["nodes"].append(row)
    return described


def _row(
    store: Store, flow: FlowPlan, node: NodeRun, record: NodeRecord | None, ended: float | None
) -> dict[str, Any]:
    """A node run, without what is below it."""
    status = status_of(store, node, record)
    since = ended or (record.begun_at if record is not None else 0.0)
    row: dict[str, Any] = {
        "id": node.id,
        "name": node.name,
        "kind": "flow" if node.is_flow else "task",
        "number": node.number,
        "status": status,
        "flow_attempt": node.flow_attempt,
        "attempts": 0 if record is None else record.attempts + (record.begun_at > 0),
        "since": since or None,
        "error": _error(store, node, status),
    }
    template = args_template(flow, node)
    if template is not None and node.refused is None:
        row |= {"node_args": shown(node.args), "args_from": sources_of(template)}
    return row


def describe_pending(
    id: str,
    flow: str | None = None,
    queue: str | None = None,
    since: float | None = None,
    reason: str | None = None,
    key: str | None = None,
) -> dict[str, Any]:
    """As ``describe``, of a run that was requested ``since`` then and that no worker has begun."""
    described: dict[str, Any] = {
        "id": id,
        "flow": flow,
        "status": "pending",
        "reason": reason,
        "created": since,
        "updated": since,
        "queue": queue,
        "undecided": 0,
        "timers": {},
        "nodes": [],
    }
    return described if key is None else described | {"key": key, "start_conflict": None}


def status_of(store: Store, node: NodeRun, record: NodeRecord | None) -> str:
    """Status of a node run. The log does not record the end of detached runs; for those the store is asked."""
    if node.status != "active":
        return node.status
    if node.is_flow:
        header = store.header(node.id)
        if header is not None and header["status"] != "running":
            return "success" if header["status"] == "success" else "failure"
    if record is not None and record.done:
        return "success" if store.error(node.id) is None else "failure"
    if record is None or not record.begun_at:
        return "retrying" if record is not None and record.attempts else "waiting"
    return "running"


def _error(store: Store, node: NodeRun, status: str) -> dict[str, str] | None:
    """The error of a failed task, or of a node run that failed without being started."""
    if node.refused is not None:
        return {"type": "ArgumentError", "message": node.refused, "traceback": ""}
    text = store.error(node.id) if status == "failure" and not node.is_flow else None
    if text is None:
        return None
    error = json.loads(text)
    return {key: error.get(key) or "" for key in ("type", "message", "traceback")}


def _shown_conflict(text: str) -> dict[str, Any]:
    conflict = json.loads(text)
    return {"at": conflict.get("at"), "message": conflict.get("message") or ""}


def _replayed(
    flows: FlowVersions, id: str, header: RunHeader, log: Sequence[str]
) -> tuple[CachedRun, list[NodeRun], dict[int, float]]:
    """The folded run, its node runs in order of their numbers, and when each ended."""
    run = CachedRun(id, header, flows)
    runs: list[NodeRun] = []
    ended: dict[int, float] = {}
    for batch in log:
        at, events, _ = decode_batch(batch)
        for parts in events:
            event = decode_event(parts)
            if isinstance(event, on.NodeSucceeded | on.NodeFailed):
                ended[event.number] = at
            effects = run.machine.advance(event)
            runs += [effect.node_run for effect in effects if isinstance(effect, _NEW_NODES)]
            ended |= {effect.node_run.number: at for effect in effects if isinstance(effect, do.FailNode)}
    return run, runs, ended


def outcome_of(store: Store, flows: FlowVersions, id: str) -> FlowOutcome | None:
    """How a run ended, from its log. None when it has not ended, or cannot be read with these files."""
    fields = store.header(id)
    if fields is None or fields.get("status") == "running":  # no log is read for that
        return None
    found = store.read(id)
    if found is None:
        return None
    header = RunHeader.read(found[0])
    outcome = None
    if header.initial_definition is not None:
        try:
            outcome = _replayed(flows, id, header, found[1])[0].machine.outcome
        except (SelinonException, ValueError, KeyError):
            return None
    if outcome is not None:
        return outcome
    return FlowOutcome(False, {}, {}, [], {}, header.reason, cancelled=header.status == "cancelled")


def list_runs(store: Store, limit: int = 100) -> list[dict[str, Any]]:
    """Running flow runs, newest first: ``{"id", "flow", "status", "created", "updated", "seconds"}``."""
    rows = []
    for id in store.runs(limit):
        fields = store.header(id)
        if fields is None:
            continue
        header = RunHeader.read(fields)
        rows.append(
            {
                "id": id,
                "flow": header.flow,
                "status": header.status,
                "created": header.created,
                "updated": header.updated,
                "seconds": round(store.clock() - header.created, 3),
            }
        )
    return rows
