"""What ``selinon export`` wrote, read again: the logs are replayed as those of a state store would be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from selinon_core.celery.reporting.live_view import LiveView
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.protocol import NodeRecord as StoredNode
from selinon_core.dispatch import FlowOutcome, flow_indexes
from selinon_core.dispatch.node_run import CANCELLED
from selinon_core.errors import RequestError, ResultMissingError, SelinonException
from selinon_core.migrations.repository import Migrations
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan

Json = Any


class ExportedStore:
    """The part of a state store that replays need, from the part ``export`` of an exported run."""

    def __init__(self, report: Mapping[str, Json]) -> None:
        export = report["export"]
        self._at = float(export["at"])
        self._runs = {str(run["id"]): run for run in export["runs"]}
        self._definitions: Mapping[str, Json] = export["definitions"]
        self._errors = {str(row["id"]): row["error"] for row in report["nodes"] if row.get("error")}

    def clock(self) -> float:
        """When the run was exported."""
        return self._at

    def header(self, id: str) -> Mapping[str, str] | None:
        """The fields of a run; None for one that was not exported."""
        run = self._runs.get(id)
        return None if run is None else {name: _text(value) for name, value in run["header"].items()}

    def read(self, id: str) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
        """The fields, the log and the inbox of a run."""
        run, header = self._runs.get(id), self.header(id)
        if run is None or header is None:
            return None
        return header, [_text(batch) for batch in run["log"]], [_text(entry) for entry in run["inbox"]]

    def records(self, id: str, numbers: Sequence[int]) -> dict[int, StoredNode]:
        """The records of node runs by their numbers."""
        found = self._runs[id]["records"]
        return {number: StoredNode(**found[str(number)]) for number in numbers if str(number) in found}

    def timers(self, id: str) -> dict[str, float]:
        """The timers of a run."""
        return {str(name): float(due) for name, due in self._runs[id]["timers"].items()}

    def error(self, id: str) -> str | None:
        """The error of a task run as the store had it."""
        found = self._errors.get(id)
        return None if found is None else json.dumps(found)

    def get_definition(self, name: str) -> str | None:
        """The text of a definition."""
        found = self._definitions.get(name)
        return None if found is None else _text(found)


class ExportedView(LiveView):
    """A flow run as it was exported.

    ``rows`` are its nodes as the export has them, by id. Raises ``RequestError`` for what is not an export of this
    project, ``MigrationError`` for a log that cannot be read any more.
    """

    _with_reused = True

    def __init__(self, plan: Plan, report: Mapping[str, Json]) -> None:
        self.rows: dict[str, Mapping[str, Json]] = {str(row["id"]): row for row in report["nodes"]}
        try:
            store = cast(Store, ExportedStore(report))
            flows = FlowVersions(plan, flow_indexes(plan), Migrations(None, ()), store.get_definition)
            super().__init__(store, flows, str(report["id"]), self._stored_result, _queue(plan))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise RequestError(f"its logs cannot be read ({type(error).__name__}: {error})") from None
        for record in self.records:
            record.attempts = int(self.rows.get(record.run.id, {}).get("attempts") or 0)
        if self.root.outcome is None and report.get("status") in ("failure", "cancelled"):
            self._end_from_outside(report)

    def _end_from_outside(self, report: Mapping[str, Json]) -> None:
        """A run that was cancelled has no end in the log of its machine."""
        root, is_cancelled = self.root, report["status"] == "cancelled"
        reason = CANCELLED if is_cancelled else str(report.get("error") or "it was ended from outside")
        root.outcome = FlowOutcome(False, {}, {}, [], {}, reason, cancelled=is_cancelled)
        began = float(self._began(report))
        root.ended_at = began + float(report.get("virtual_seconds") or 0.0)

    def _began(self, report: Mapping[str, Json]) -> float:
        run = next(run for run in report["export"]["runs"] if run["id"] == report["id"])
        return float(run["header"].get("created") or 0.0)

    def _stored_result(self, flow: str, task: str, id: str) -> Json:
        row = self.rows.get(id, {})
        if "result" not in row:
            raise ResultMissingError(f"the export has no result of {task}")
        return row["result"]


def _queue(plan: Plan) -> Any:
    def queue_of(name: str) -> str:
        known = plan.flows.get(name) or plan.tasks.get(name)
        if known is None:
            raise SelinonException(f"{name} is not in the files any more")
        return known.queue

    return queue_of


def _text(value: Json) -> str:
    """A part of a store as the text it was: an export has JSON texts as values."""
    return value if isinstance(value, str) else json.dumps(value)
