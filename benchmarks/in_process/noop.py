"""Tasks that do nothing."""

from __future__ import annotations

from typing import Any


class Noop:
    """Any class with the five names can be a task; this one counts nothing and returns nothing."""

    def __init__(self, flow_name: str, task_name: str, parent: Any, task_id: str, dispatcher_id: str) -> None:
        self.task_id = task_id

    def run(self, node_args: Any) -> None:
        return None


class Small(Noop):
    """A result for predicates to look at."""

    def run(self, node_args: Any) -> dict[str, int]:  # type: ignore[override]
        return {"x": 1}
