"""Node runs of flow runs in a state store, in the form in which reports and recorded cases have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.reporting.run_status import status_of
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import flow_indexes
from selinon_core.dispatch.codec import decode_event
from selinon_core.dispatch.references import Reference, Referring
from selinon_core.dispatch.rules.propagation import parent_of
from selinon_core.migrations.repository import Migrations
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan

#: The result of a task run by its id.
Read = Callable[[str], Any]


def report_of(plan: Plan, store: Store, id: str, read: Read | None = None) -> dict[str, Any]:
    """``{"status", "finished_nodes", "failed_nodes", "nodes"}`` of a flow run, from its log alone.

    Flow runs with an output have an ``output``. References in arguments and outputs are replaced by the values
    that ``read`` finds; without ``read`` there are to be none.
    """
    nodes: list[dict[str, Any]] = []
    outcome = _collect(plan, store, id, nodes, read)
    if outcome is None:
        return {"status": "running", "finished_nodes": {}, "failed_nodes": {}, "nodes": nodes}
    header = store.header(id)
    assert header is not None
    return {
        "flow": header["flow"],
        "status": "success" if outcome.succeeded else "failure",
        "finished_nodes": outcome.finished,
        "failed_nodes": outcome.failed,
        "nodes": nodes,
        **_output(outcome, read),
    }


def _output(outcome: Any, read: Read | None) -> dict[str, Any]:
    return {"output": _values(outcome.output, read)} if outcome is not None and outcome.has_output else {}


def _values(value: Any, read: Read | None) -> Any:
    if not isinstance(value, Referring):
        return value
    assert read is not None

    def part(reference: Reference) -> Any:
        found = read(reference.id)
        for step in reference.path:
            found = found[step]
        return found

    return value.resolved(part)


def _collect(plan: Plan, store: Store, id: str, nodes: list[dict[str, Any]], read: Read | None) -> Any:
    found = store.read(id)
    assert found is not None, f"no flow run {id}"
    header, log, _ = found
    run = CachedRun(
        id,
        RunHeader.read(header),
        FlowVersions(plan, flow_indexes(plan), Migrations(None, ()), store.get_definition),
    )
    launches: list[Any] = []
    below: list[dict[str, Any]] = []
    for batch in log:
        for parts in decode_batch(batch)[1]:
            for effect in run.machine.advance(decode_event(parts)):
                if isinstance(effect, do.StartTask | do.StartFlow):
                    launches.append((effect.node_run, effect.parent))
                elif isinstance(effect, do.ReuseNode):
                    launches.append((effect.node_run, {}))
                elif isinstance(effect, do.FailNode):
                    flow, given = plan.flows[header["flow"]], run.machine.start.parent
                    launches.append((effect.node_run, parent_of(flow, effect.node_run, given or {})))
    records = store.records(id, [node.number for node, _ in launches])
    for node, parent in launches:
        nodes.append(
            {
                "id": node.id,
                "name": node.name,
                "kind": "flow" if node.is_flow else "task",
                "flow": header["flow"],
                "flow_id": id,
                "node_args": _values(node.args, read),
                "parent": parent,
                "status": status_of(store, node, records.get(node.number)),
                "refused": node.refused is not None,
            }
        )
        if node.is_flow:
            below.append(nodes[-1])
    for inner in below:
        if store.header(inner["id"]) is not None:
            inner |= _output(_collect(plan, store, inner["id"], nodes, read), read)
    return run.machine.outcome
