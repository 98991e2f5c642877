"""Node runs of flow runs in a state store, in the form in which reports and recorded cases have them."""

from __future__ import annotations

from typing import Any

from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.reporting.run_status import status_of
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import flow_indexes
from selinon_core.dispatch.codec import decode_event
from selinon_core.migrations.repository import Migrations
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan


def report_of(plan: Plan, store: Store, id: str) -> dict[str, Any]:
    """``{"status", "finished_nodes", "failed_nodes", "nodes"}`` of a flow run, from its log alone."""
    nodes: list[dict[str, Any]] = []
    outcome = _collect(plan, store, id, nodes)
    if outcome is None:
        return {"status": "running", "finished_nodes": {}, "failed_nodes": {}, "nodes": nodes}
    return {
        "status": "success" if outcome.succeeded else "failure",
        "finished_nodes": outcome.finished,
        "failed_nodes": outcome.failed,
        "nodes": nodes,
    }


def _collect(plan: Plan, store: Store, id: str, nodes: list[dict[str, Any]]) -> Any:
    found = store.read(id)
    assert found is not None, f"no flow run {id}"
    header, log, _ = found
    run = CachedRun(
        id,
        RunHeader.read(header),
        FlowVersions(plan, flow_indexes(plan), Migrations(None, ()), store.get_definition),
    )
    launches: list[Any] = []
    below: list[str] = []
    for batch in log:
        for parts in decode_batch(batch)[1]:
            for effect in run.machine.advance(decode_event(parts)):
                if isinstance(effect, do.StartTask | do.StartFlow):
                    launches.append((effect.node_run, effect.parent))
                elif isinstance(effect, do.ReuseNode):
                    launches.append((effect.node_run, {}))
    records = store.records(id, [node.number for node, _ in launches])
    for node, parent in launches:
        nodes.append(
            {
                "id": node.id,
                "name": node.name,
                "kind": "flow" if node.is_flow else "task",
                "flow": header["flow"],
                "flow_id": id,
                "node_args": node.args,
                "parent": parent,
                "status": status_of(store, node, records.get(node.number)),
            }
        )
        if node.is_flow:
            below.append(node.id)
    for inner in below:
        if store.header(inner) is not None:
            _collect(plan, store, inner, nodes)
    return run.machine.outcome
