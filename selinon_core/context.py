"""How a task reaches the world: results and exceptions of other node runs, and its own storage.

A task knows names and ids only. Whoever runs it hands it a ``TaskContext``; where nobody does (a class built
by hand), the process-wide default is asked, which the ``selinon`` facade sets together with its ``Config``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from selinon_core.errors import ConfigNotInitializedError

if TYPE_CHECKING:
    from selinon_core.storage import DataStorage


class TaskContext(Protocol):
    """What a running task may ask for."""

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return the result of the task run ``task_id``.

        ``flow_name`` is the asking task's best guess (its own flow, or the last one of the path it named). A
        parent may have run elsewhere (``propagate_parent``, flattened results): a context that can tell from
        the id where the result was stored reads it there.

        Raises ``StorageError``, ``ResultMissingError`` or ``UnknownStorageError``.
        """
        ...

    def storage_of(self, task_name: str) -> DataStorage | None:
        """Return the connected storage of a task, None when it has none."""
        ...

    def exception_of(self, task_id: str) -> BaseException | None:
        """Return what a failed node run raised, None when it did not fail (or is not known)."""
        ...


_default: TaskContext | None = None


def set_default_context(context: TaskContext | None) -> TaskContext | None:
    """Set what tasks without a context of their own use, and return what was set before."""
    global _default
    previous, _default = _default, context
    return previous


def default_context() -> TaskContext:
    """Return the process-wide default; raises ``ConfigNotInitializedError`` when there is none."""
    if _default is None:
        raise ConfigNotInitializedError(
            "this task was not started by selinon and no configuration is set, so results of other tasks and "
            "storages cannot be reached; set one with selinon.Config, or assign the task's `_context`"
        )
    return _default
