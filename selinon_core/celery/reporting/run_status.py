"""The status of a flow run: made from its replayed log and the store's records of its node runs."""

from __future__ import annotations

import json
from typing import Any

from selinon_core.celery.reporting.node_limits import limits_of
from selinon_core.celery.reporting.node_output import progress_of
from selinon_core.celery.reporting.reused_runs import ReusedRuns
from selinon_core.celery.reporting.run_reader import FoldedRun, RunReader
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.limits import is_hold
from selinon_core.celery.stores.protocol import NodeRecord
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.stores.waits import rows_of
from selinon_core.dispatch import FlowOutcome, NodeRun
from selinon_core.dispatch.codec import WAITS_FORMAT
from selinon_core.dispatch.references import shown
from selinon_core.errors import RequestError, UnknownRunError
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import FlowPlan
from selinon_core.plan.template_text import sources_of
from selinon_core.runtime.redaction import redaction
from selinon_core.runtime.trace.run_records import args_template

#: States of a node run that has not ended.
OPEN_STATES = ("waiting", "running", "retrying")


def describe(store: Store, flows: FlowVersions, id: str, depth: int = 20) -> dict[str, Any]:
    """A flow run as a JSON value.

    ``{"id", "flow", "status", "reason", "created", "updated", "ended", "attempt", "nodes": [...],
    "timers": {name: due}}``;
    a node is ``{"id", "name", "kind", "number", "status", "flow_attempt", "attempts", "since", "queued", "begun",
    "ended", "sources", "error"}`` and a sub-flow has its own ``run``. ``error`` is ``{"type", "message",
    "traceback"}`` of a task that failed; ``wait`` of a task that waits for a
    signal, ``{"title", "since", "deadline"}``; ``progress`` is there of a task that said how far it is,
    ``{"done", "of", "text", "at"}``; ``node_args`` and ``args_from`` are there of a node whose edge or
    fallback has ``args``, ``output`` of a run whose flow declares one. A run that was started with a key has
    ``key`` and ``start_conflict``: when it was last asked for with other arguments, ``{"at", "message"}`` or None.
    A run that runs another one again has ``rerun_of``, the id of that one, and its reused nodes ``reused_from``:
    the id of the flow run that made the result, None where the result was given.
    A run that is queued has ``limit``: ``{"key", "max", "holders", "ahead"}``, the ids of the runs that hold the
    places, and how many runs wait before it. A task that waits for a place of its own limit has such a ``limit``
    too, where ``holders`` are the flow runs of the tasks that hold the places.
    ``status`` is waiting (its message is on the way), running, retrying, success, failure or reused. Times are
    seconds since the epoch: ``queued`` is when the node run was decided on, ``begun`` when its newest attempt
    arrived at a worker. ``sources`` are the numbers of the node runs that it was started after. Raises
    ``RequestError`` when the store does not know the run.
    """
    return described(RunReader(store, flows), id, depth)


def described(reader: RunReader, id: str, depth: int = 20) -> dict[str, Any]:
    """As ``describe``, of runs that a reader keeps."""
    found: dict[str, Any] = redaction(reader.flows.plan.settings.redact).masked(_described(reader, id, depth))
    return found


def _described(reader: RunReader, id: str, depth: int) -> dict[str, Any]:
    store = reader.store
    with reader.reading(id) as folded:
        if folded is None:
            raise UnknownRunError(f"there is no flow run {id}")
        found = _run(store, folded)
        if folded.run is None:
            return found
        records = store.records(id, [node.number for node in folded.nodes])
        rows = [
            (node, _row(store, folded.run.flow, node, records.get(node.number), folded.ended.get(node.number)))
            for node in folded.nodes
        ]
        may_wait = folded.header.format >= WAITS_FORMAT and folded.header.status == "running"
        header = folded.header
        for node, row in rows:
            record = records.get(node.number)
            row["queued"], row["begun"] = folded.queued[node.number], (record and record.begun_at) or None
            row["ended"] = folded.ended.get(node.number)
            row["sources"] = [source.number for source in node.sources]
    waits = {row.number: row for row in rows_of(store.waits, id)} if may_wait else {}
    not_begun = [node for node, row in rows if row["status"] in ("waiting", "retrying")]
    limits = limits_of(store, reader.flows.plan.tasks, id, not_begun)
    progress = progress_of(store, id) if any(row["kind"] == "task" and row["begun"] for _, row in rows) else {}
    origins = ReusedRuns(store, reader.flows).origins(id, header, (node for node, _ in rows))
    for node, row in rows:
        if node.number in origins:
            row["reused_from"] = origins[node.number]
        if node.is_flow and depth > 0:
            _add_below(reader, row, node.id, depth - 1)
        if node.number in waits and row["status"] in OPEN_STATES:
            wait = waits[node.number]
            row["wait"] = {"title": wait.title, "since": wait.since, "deadline": wait.deadline}
        if node.number in limits:
            row["limit"] = limits[node.number]
        if node.id in progress:
            row["progress"] = progress[node.id]
        found["nodes"].append(row)
    return found


def _run(store: Store, folded: FoldedRun) -> dict[str, Any]:
    """A run without its nodes."""
    header, run = folded.header, folded.run
    found: dict[str, Any] = {
        "id": folded.id,
        "flow": header.flow,
        "status": header.shown_status,
        "reason": folded.problem or header.reason or None,
        "created": header.created,
        "updated": header.updated,
        "ended": None if header.status == "running" else folded.finished or header.updated,
        "queue": header.queue,
        "undecided": len(folded.inbox),
        "timers": store.timers(folded.id),
        "nodes": [],
    }
    if header.key:
        conflict = store.error(folded.id)
        found["key"] = header.key
        found["start_conflict"] = None if conflict is None else _shown_conflict(conflict)
    if header.rerun:
        found["rerun_of"] = header.rerun_of
    if header.limit and header.is_queued:
        found["starts_paused"] = is_hold(header.limit)
    if header.limit and header.is_queued and not is_hold(header.limit):
        found["limit"] = limit_shown(store, folded.id, header)
    if run is not None:
        outcome = run.machine.outcome
        if outcome is not None and outcome.has_output:
            found["output"] = shown(outcome.output)
        found["attempt"] = run.machine.attempt
        found["questions"] = len(run.machine.open_questions)
    return found


def limit_shown(store: Store, id: str, header: RunHeader) -> dict[str, Any]:
    """What a queued run waits for: the runs that hold the places, and how many come before it."""
    state = store.limits.state(header.limit)
    waiting = [place.run for place in state.waiting]
    return {
        "key": header.limit,
        "max": state.max,
        "holders": [place.run for place in state.holders],
        "ahead": waiting.index(id) if id in waiting else 0,
    }


def _add_below(reader: RunReader, row: dict[str, Any], id: str, depth: int) -> None:
    """The run of a sub-flow, if a worker began it."""
    try:
        row["run"] = described(reader, id, depth)
    except RequestError:
        return
    row["begun"] = row["run"]["created"]


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
        "ended": None,
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


def _shown_conflict(text: str) -> dict[str, Any]:
    conflict = json.loads(text)
    return {"at": conflict.get("at"), "message": conflict.get("message") or ""}


def _error(store: Store, node: NodeRun, status: str) -> dict[str, str] | None:
    """The error of a failed task, or of a node run that failed without being started."""
    if node.refused is not None:
        return {"type": "ArgumentError", "message": node.refused, "traceback": ""}
    text = store.error(node.id) if status == "failure" and not node.is_flow else None
    if text is None:
        return None
    error = json.loads(text)
    return {key: error.get(key) or "" for key in ("type", "message", "traceback")}


def outcome_of(store: Store, flows: FlowVersions, id: str) -> FlowOutcome | None:
    """How a run ended, from its log. None when it has not ended, or cannot be read with these files."""
    fields = store.header(id)
    if fields is None or fields.get("status") == "running":  # no log is read for that
        return None
    with RunReader(store, flows).reading(id) as folded:
        if folded is None or folded.problem:
            return None
        outcome = None if folded.run is None else folded.run.machine.outcome
        header = folded.header
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
