"""The results and failures of one flow run's nodes, for its expressions and functions while it is advanced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.stores import Store
from selinon_core.dispatch import NodeRun
from selinon_core.errors import FlowError, FlowTimeout
from selinon_core.runtime.results import Failure


class RunResults:
    """What questions may read while a flow run is advanced (``runtime.results.Results``)."""

    __slots__ = ("_results", "_run", "_store")

    def __init__(self, store: Store, run: CachedRun, results: Mapping[str, Any]) -> None:
        self._store = store
        self._run = run
        self._results = results

    def locate(self, task_id: str) -> str | None:
        """The flow in which a task run was, as far as the run was given it."""
        return self._run.header.result_locations.get(task_id)

    def result_of(self, task_id: str) -> Any:
        """The result of a task without storage that just ended."""
        return self._results[task_id]

    def failure_of(self, run: NodeRun) -> Failure:
        """How a node run failed (``failed.X`` of an expression); raises ``StateStoreError``."""
        if run.refused is not None:
            return Failure("ArgumentError", run.refused, 0)
        record = self._store.records(self._run.id, [run.number]).get(run.number)
        attempts = 1 if record is None else max(record.attempts + (record.begun_at > 0), 1)
        if run.is_flow:
            outcome = run.outcome
            kind = FlowTimeout if outcome is not None and outcome.timed_out else FlowError
            return Failure(kind.__name__, (outcome.reason if outcome is not None else None) or "", attempts)
        text = self._store.error(run.id)
        error = {} if text is None else json.loads(text)
        return Failure(error.get("type") or "SelinonException", error.get("message") or "", attempts)
