"""Functions that configurations may name."""

from __future__ import annotations

from typing import Any


def always_run(flow_name: str, node_name: str, node_args: Any, task_names: list[str], storage_pool: Any) -> None:
    """The default selective run function: run the task, reuse nothing."""
