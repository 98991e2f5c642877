"""What tasks that were built by hand may ask for, by way of ``StoragePool``.

Tests of such tasks replace methods of ``StoragePool``, and need no configuration then. Importing this module makes
it the default of the process.
"""

from __future__ import annotations

from typing import Any

from selinon_core.context import set_default_context
from selinon_core.legacy.state import STATE
from selinon_core.legacy.storage_pool import StoragePool
from selinon_core.storage import DataStorage


class ProcessWideContext:
    """The ``TaskContext`` of the process-wide configuration."""

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return the result of a task run."""
        return StoragePool.retrieve(flow_name, task_name, task_id)

    def storage_of(self, task_name: str) -> DataStorage | None:
        """Return the connected storage of a task."""
        return StoragePool.get_storage_by_task_name(task_name)

    def exception_of(self, task_id: str) -> BaseException | None:
        """Return what a failed run raised; None without a Celery app."""
        return STATE.exception_of(task_id)


set_default_context(ProcessWideContext())
