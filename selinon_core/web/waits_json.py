"""Tasks that wait for a signal, as the API has them: with the schema of what they wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selinon_core.celery.stores.waits import WaitRow
from selinon_core.errors import ConfigurationError
from selinon_core.plan import Plan
from selinon_core.schemas.check import ResultSchema


def wait_rows(waits: Sequence[WaitRow], plan: Plan) -> list[dict[str, Any]]:
    """Waits in their order. ``schema`` is null where a task has none, and where its file cannot be read here."""
    schemas: dict[str, Any] = {}
    rows = []
    for row in waits:
        if row.node not in schemas:
            schemas[row.node] = _schema(plan, row.node)
        rows.append(_row(row, schemas[row.node]))
    return rows


def _row(row: WaitRow, schema: Any) -> dict[str, Any]:
    return {
        "run": row.run,
        "root": row.root,
        "flow": row.flow,
        "node": row.node,
        "id": row.id,
        "title": row.title,
        "since": row.since,
        "deadline": row.deadline,
        "schema": schema,
    }


def _schema(plan: Plan, name: str) -> Any:
    task = plan.tasks.get(name)
    if task is None or task.output_schema is None:
        return None
    if isinstance(task.output_schema, Mapping):
        return task.output_schema
    try:
        found = ResultSchema.of_task(task)
    except ConfigurationError:
        return None
    return None if found is None else found.schema
