"""What the tasks of a rolling update do: they write down that they ran, take some time, and fail if they are bad.

Without ``SELINON_TEST_MEMORY`` (in local runs, which say what is expected) they only do the latter.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterable
from typing import Any

from tests.workers.acting import SharedStorage, memory

#: Seconds a task takes: at least, at most.
TAKES = (0.02, 0.08)


class Timed:
    """The class of every task."""

    def __init__(
        self, flow_name: str, task_name: str, parent: dict[str, Any] | None, task_id: str, dispatcher_id: str
    ) -> None:
        self.task_name = task_name
        self.task_id = task_id

    def run(self, node_args: Any) -> Any:
        """Act; an attempt that comes again takes as long as the first."""
        if "SELINON_TEST_MEMORY" in os.environ:
            memory().rpush("performed", self.task_id)
            time.sleep(random.Random(self.task_id).uniform(*TAKES))
        if self.task_name.startswith("Bad"):
            raise RuntimeError(f"{self.task_name} is bad")
        return {"task": self.task_name}


def items_of_args(_storage_pool: Any, node_args: Any) -> Iterable[Any]:
    """One run for each of the flow's items."""
    items: Iterable[Any] = node_args["items"]
    return items


__all__ = ["SharedStorage", "Timed", "items_of_args"]
