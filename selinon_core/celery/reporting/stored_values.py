"""Arguments and results of node runs on workers, as exports and ``selinon status --data`` show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch.references import Referring, shown
from selinon_core.errors import ResultMissingError, SelinonException
from selinon_core.plan import Plan
from selinon_core.runtime.redaction import Redaction, redaction
from selinon_core.runtime.results import ReferredResults
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.trace.tracer import jsonable


class StoredValues:
    """Reads the values of one flow run; without ``storages`` only those that the log has."""

    def __init__(self, plan: Plan, storages: Storages | None, hidden: Redaction) -> None:
        self._plan = plan
        self._results = None if storages is None else ReferredResults(storages)
        self._hidden = hidden

    def args(self, args: Any) -> Any:
        """Arguments with the values that they refer to; with the references where these cannot be read."""
        if not isinstance(args, Referring):
            return args
        if self._results is not None:
            try:
                return self._results.decoded(args)
            except (SelinonException, ResultMissingError):
                pass
        return shown(args)

    def result(self, flow: str, node: NodeRun) -> dict[str, Any]:
        """``{"result"}`` of a task that succeeded, masked; ``{"missing"}``: why it cannot be read; empty: none."""
        task = self._plan.tasks.get(node.name)
        if self._results is None or task is None or task.storage is None:
            return {}
        try:
            result = jsonable(self._results.result(flow, node.name, node.id))
        except (SelinonException, FileNotFoundError) as error:
            return {"missing": str(error)}
        return {"result": self._hidden.masked_under(node.name, result)}


def node_data(
    reader: RunReader, storages: Storages, rows: Iterable[tuple[str, Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """What node runs were given, what they gave and why they failed, without what ``global.redact`` names.

    ``rows`` are ids of flow runs, each with a row of ``run_status.described``. What is returned of each is
    ``{"id", "name", "number", "run", "status", "attempts", "node_args", "args_from", "error"}``; of a task that
    succeeded and has a storage ``result``, or ``missing``: why it cannot be read; ``output`` of a sub-flow that
    has one.
    """
    plan = reader.flows.plan
    hidden = redaction(plan.settings.redact)
    values = StoredValues(plan, storages, hidden)
    found = []
    for run, row in rows:
        data = {key: row[key] for key in ("id", "name", "number", "status", "attempts")} | {"run": run}
        with reader.reading(run) as folded:
            flow = None if folded is None or folded.run is None else folded.run.flow.name
            nodes = () if folded is None else folded.nodes
            node = next((node for node in nodes if node.number == row["number"]), None)
        data["node_args"] = None if node is None else hidden.masked(jsonable(values.args(node.args)))
        data["args_from"], data["error"] = row.get("args_from"), row["error"]
        if node is not None and flow is not None and row["status"] in ("success", "reused"):
            outcome = node.outcome if node.is_flow else None
            if outcome is not None and outcome.has_output:
                data["output"] = hidden.masked(jsonable(values.args(outcome.output)))
            data |= {} if node.is_flow else values.result(flow, node)
        found.append(data)
    return found
