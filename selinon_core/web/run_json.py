"""The JSON of a flow run in responses of the API, made from a ``FollowedRun``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.index import IndexRow
from selinon_core.errors import RequestError
from selinon_core.plan import Plan
from selinon_core.plan.template_text import sources_of
from selinon_core.runtime.trace.run_records import args_template
from selinon_core.web.actions import actions_of
from selinon_core.web.followed_run import FollowedNode, FollowedRun
from selinon_core.web.links import run_links, task_links
from selinon_core.web.quantiles import quantile
from selinon_core.web.shortening import shortened, shortened_text
from selinon_core.web.waits_json import wait_rows

#: The version of everything that the API returns.
VERSION = 1
#: Groups of nodes in one answer: those that failed first.
MAX_GROUPS = 200
#: Steps of a critical path in one answer: those that took longest.
MAX_STEPS = 20
#: Node runs in one answer.
MEMBERS_PER_PAGE = 100

STATUSES = ("failure", "running", "retrying", "waiting", "success", "reused")
_RANK = {status: rank for rank, status in enumerate(STATUSES)}


def run_json(run: FollowedRun, row: IndexRow | None, plan: Plan) -> dict[str, Any]:
    """A run, with its nodes grouped by name; ``row`` is what the index knows of it.

    ``groups`` has the nodes of the present attempt of the flow, those that failed first, at most ``MAX_GROUPS``.
    """
    header, machine = run.header, None if run.run is None else run.run.machine
    assert header is not None
    groups = groups_json(run)
    outcome = None if machine is None else machine.outcome
    has_output = outcome is not None and outcome.has_output
    open_run = header.status == "running"
    status = row.status if row is not None and row.ended is None and open_run else header.shown_status
    started = [node for node in run.nodes if node.node.flow_attempt == run.attempt]
    return {
        "version": VERSION,
        "id": run.id,
        "flow": header.flow,
        "status": status,
        "reason": run.masked(header.reason) or run.problem,
        "problem": run.problem,
        "attempt": run.attempt,
        "key": None if row is None else row.key,
        "lane": None if row is None else row.lane,
        "priority": None if row is None else row.priority,
        "labels": {} if row is None else dict(row.labels),
        "args": None if machine is None or machine.phase == "new" else shortened(run.masked(machine.start.args)),
        "output": shortened(run.masked(outcome.output)) if has_output and outcome is not None else None,
        "created": header.created,
        "begun": run.nodes[0].queued if run.nodes else None,
        "ended": None if open_run else run.ended or header.updated,
        "rerun_of": None if row is None else row.rerun_of,
        "root": None if row is None else row.root,
        "parent": None if header.caller is None else header.caller.flow_id,
        "log_version": run.version,
        "revision": run.revision,
        "undecided": run.undecided,
        "progress": {
            "done": sum(node.status in ("success", "reused") for node in started),
            "failed": sum(node.status == "failure" for node in started),
            "started": len(started),
        },
        "groups": groups[:MAX_GROUPS],
        "groups_left_out": max(0, len(groups) - MAX_GROUPS),
        "waits": wait_rows(run.waits, plan),
        "critical_path": _longest(run.critical_path),
        "links": run_links(plan, run),
        "actions": actions_of(status),
    }


def status_of(store: Store, id: str) -> str | None:
    """The status of a run as ``run_json`` has it; None: there is no such run."""
    header, row = store.header(id), store.index.get(id)
    if header is None:
        return None
    return (
        row.status if row is not None and row.ended is None and header["status"] == "running" else header["status"]
    )


def _longest(path: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps of a critical path with the largest shares, at most ``MAX_STEPS``, in their order."""
    if len(path) <= MAX_STEPS:
        return path
    kept = {step["number"] for step in sorted(path, key=lambda step: -step["share"])[:MAX_STEPS]}
    return [step for step in path if step["number"] in kept]


def groups_json(run: FollowedRun) -> list[dict[str, Any]]:
    """The nodes of the present attempt by name: counts by status, seconds, and the span of time; failed first."""
    found: dict[str, list[FollowedNode]] = {}
    for node in run.nodes:
        if node.node.flow_attempt == run.attempt:
            found.setdefault(node.node.name, []).append(node)
    groups = [_group(name, nodes) for name, nodes in found.items()]
    return sorted(groups, key=_urgency)


def _group(name: str, nodes: Sequence[FollowedNode]) -> dict[str, Any]:
    counts = dict.fromkeys(STATUSES, 0)
    for node in nodes:
        counts[node.status] += 1
    seconds = sorted(node.seconds for node in nodes if node.seconds is not None)
    begun = [node.begun for node in nodes if node.begun is not None]
    ends = [node.ended for node in nodes if node.ended is not None]
    return {
        "name": name,
        "kind": "flow" if nodes[0].node.is_flow else "task",
        "count": len(nodes),
        **counts,
        "seconds": {"p50": quantile(seconds, 0.5), "p95": quantile(seconds, 0.95)},
        "queued": min(node.queued for node in nodes),
        "begun": min(begun, default=None),
        "ended": max(ends) if len(ends) == len(nodes) else None,
    }


def _urgency(group: dict[str, Any]) -> int:
    """What failed comes first, then what is at work; the order of starts decides among equals."""
    if group["failure"]:
        return 0
    return 1 if group["running"] or group["retrying"] or group["waiting"] else 2


# -- node runs ----------------------------------------------------------------------------------------------


def members_json(run: FollowedRun, name: str, after: str | None, plan: Plan) -> dict[str, Any]:
    """A page of the node runs of a name in the present attempt: those that failed first.

    ``after`` is the ``next`` of the page before. Raises ``RequestError`` for another text.
    """
    position = _position(after)
    wanted = [
        (_RANK[node.status] != 0, node.node.number, node)
        for node in run.nodes
        if node.node.name == name and node.node.flow_attempt == run.attempt
    ]
    behind = sorted(entry[:2] for entry in wanted if entry[:2] > position)
    page = behind[:MEMBERS_PER_PAGE]
    by_number = {number: node for _, number, node in wanted}
    more = len(behind) > len(page)
    return {
        "version": VERSION,
        "nodes": [node_json(run, by_number[number], plan) for _, number in page],
        "next": f"{int(page[-1][0])}.{page[-1][1]}" if more else None,
        "count": len(wanted),
    }


def _position(after: str | None) -> tuple[bool, int]:
    if after is None:
        return (False, 0)
    rank, _, number = after.partition(".")
    if rank not in ("0", "1") or not (number.isascii() and number.isdecimal() and len(number) < 16):
        raise RequestError('"after" has to be what "next" of the page before says')
    return (rank == "1", int(number))


def node_json(run: FollowedRun, followed: FollowedNode, plan: Plan) -> dict[str, Any]:
    """A node run."""
    node = followed.node
    args = run.masked(node.args)
    error = run.masked(run.error(followed)) if followed.status == "failure" else None
    shown: dict[str, Any] = {
        "id": node.id,
        "name": node.name,
        "kind": "flow" if node.is_flow else "task",
        "number": node.number,
        "status": followed.status,
        "flow_attempt": node.flow_attempt,
        "attempts": followed.attempts,
        "queued": followed.queued,
        "begun": followed.begun,
        "ended": followed.ended,
        "seconds": None if followed.seconds is None else round(followed.seconds, 3),
        "error": None if error is None else {key: shortened_text(text) for key, text in error.items()},
        "args": None if args is None else shortened(args),
        "args_from": None,
        "after": [{"id": source.id, "name": source.name, "number": source.number} for source in node.sources[:20]],
        "links": task_links(plan, run, node),
    }
    if followed.status == "reused" and node.number in run.origins:
        shown["reused_from"] = run.origins[node.number]
    wait = next((row for row in run.waits if row.id == node.id), None)
    if wait is not None and node.status == "active":
        shown["wait"] = {"title": wait.title, "since": wait.since, "deadline": wait.deadline}
    if node.id in run.progress and followed.status in ("running", "retrying", "failure"):
        shown["progress"] = run.masked(run.progress[node.id])
    if node.number in run.limits and followed.status in ("waiting", "retrying"):
        shown["limit"] = {**run.limits[node.number], "holders": run.limits[node.number]["holders"][:20]}
    flow = None if run.run is None else run.run.flow
    template = args_template(flow, node) if flow is not None and node.flow_attempt == run.attempt else None
    if template is not None and node.refused is None:
        shown["args_from"] = shortened(sources_of(template))
    return shown
