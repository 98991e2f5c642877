"""``--data decisions``: of results and arguments only what decisions look at is kept.

Everything else becomes the least value that fits the schema, or without one a value of the same shape: empty
texts, zeros, the same keys.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from selinon_core.errors import ConfigurationError
from selinon_core.plan import Plan, TaskPlan
from selinon_core.predicates.values import MISSING, field
from selinon_core.recording.reads import Path, Reads
from selinon_core.recording.run_data import LOST, RunData
from selinon_core.recording.unknown import UNKNOWN
from selinon_core.schemas.check import ResultSchema
from selinon_core.worlds.assembly import assembled


class Reduction:
    """Reduces the values of runs of one plan. ``schema_of`` finds the schema of a task's results."""

    def __init__(self, plan: Plan, reads: Reads, schema_of: Callable[[TaskPlan], ResultSchema | None]) -> None:
        self._plan = plan
        self._reads = reads
        self._schema_of = schema_of

    def apply(self, data: RunData) -> None:
        """Replace the values of a run."""
        flow = self._plan.flows[data.flow]
        schema = None
        if flow.input_schema is not None:
            schema = ResultSchema.written(flow.input_schema, flow.place.file, key="input_schema")
        data.args = self._reduced(data.args, schema, self._reads.deciding_args)
        for node in data.nodes:
            if node.is_task and node.result is not UNKNOWN and node.status == "success":
                node.result = self.result(node.name, node.result)
            if node.error is not None:
                node.error = (node.error[0], "")
            node.failures = [one if one is None or one[0] == LOST else (one[0], "") for one in node.failures]
            node.args = UNKNOWN  # the replay works them out from what was reduced
            node.output = UNKNOWN
        for each in data.foreach:
            paths = self._reads.deciding_args if each.flows else frozenset()
            each.items[:] = [self._item(item, number, paths) for number, item in enumerate(each.items, 1)]

    def result(self, name: str, value: Any) -> Any:
        """The result of a task with what decisions look at."""
        kept = self._reads.deciding_results.get(name, frozenset())
        if name in self._reads.first_tasks:
            kept |= self._reads.deciding_args
        return self._reduced(
            value, self._schema_of(self._plan.tasks[name]), kept, self._reads.copied_results.get(name, ())
        )

    @staticmethod
    def _item(item: Any, number: int, paths: frozenset[Path]) -> Any:
        if () in paths:
            return item
        kept = {path: field(item, list(path)) for path in paths}
        found = {path: value for path, value in kept.items() if value is not MISSING}
        return assembled(blank(item), found) if found or isinstance(item, dict) else number

    def _reduced(
        self, value: Any, schema: ResultSchema | None, kept: Iterable[Path], copied: Iterable[Path] = ()
    ) -> Any:
        kept = frozenset(kept)
        if () in kept:
            return value
        base = blank(value) if schema is None else _least(schema, value)
        wanted = {path: field(value, list(path)) for path in kept}
        for path in copied:
            if field(base, list(path)) is MISSING:
                found = field(value, list(path))
                wanted.setdefault(path, found if found is MISSING else blank(found))
        reduced = assembled(base, {path: found for path, found in wanted.items() if path})
        if any(field(reduced, list(path)) is MISSING for path, found in wanted.items() if found is not MISSING):
            reduced = assembled(blank(value), {path: found for path, found in wanted.items() if path})
        return reduced


def _least(schema: ResultSchema, value: Any) -> Any:
    try:
        return schema.minimal_value()
    except ConfigurationError:
        return blank(value)


def blank(value: Any) -> Any:
    """A JSON value of the same shape without what it says: empty texts, zeros."""
    if isinstance(value, dict):
        return {key: blank(item) for key, item in value.items()}
    if isinstance(value, list):
        return [blank(item) for item in value]
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        return ""
    return type(value)() if isinstance(value, int | float) else value


def key_of(value: Any) -> str:
    """A JSON value as a text that equal values share."""
    return json.dumps(value, sort_keys=True, default=repr)
