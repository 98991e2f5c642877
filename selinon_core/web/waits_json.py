"""Tasks that wait for a signal, as the API has them: with the schema of what they wait for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.celery.stores.waits import WaitPage, WaitRow
from selinon_core.errors import ConfigurationError
from selinon_core.plan import Plan
from selinon_core.schemas.check import ResultSchema
from selinon_core.web.run_json import VERSION


def waits_json(page: WaitPage, plan: Plan) -> dict[str, Any]:
    """A page of waits. ``schema`` is null where a task has none, and where its file cannot be read here."""
    schemas: dict[str, Any] = {}
    rows = []
    for row in page.rows:
        if row.node not in schemas:
            schemas[row.node] = _schema(plan, row.node)
        rows.append(_row(row, schemas[row.node]))
    return {"version": VERSION, "waits": rows, "next": page.next}


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
