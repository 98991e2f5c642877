"""How a task reaches the world: results and exceptions of other node runs, and its own storage.

A task knows names and ids only. Whoever runs it hands it a ``TaskContext``; where nobody does (a class built
by hand), the context of the local run around it is asked, or the process-wide default, which the ``selinon``
facade sets together with its ``Config``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from selinon_core.errors import ConfigNotInitializedError

if TYPE_CHECKING:
    from selinon_core.runtime.storages import Storages
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


class RunEnvironment(NamedTuple):
    """What user code of a local run finds when it asks the process instead of what it was given.

    ``tell(event, details)`` traces; ``sinks`` are those it reaches beside the configured ones.
    """

    context: TaskContext
    storages: Storages
    emit: Callable[[str, dict[str, Any]], None]
    sinks: tuple[Callable[[str, dict[str, Any]], object], ...] = ()


_default: TaskContext | None = None
_running_here: ContextVar[RunEnvironment | None] = ContextVar("selinon_running_here", default=None)
_running: list[RunEnvironment] = []  # newest last; asked by threads that a run has started


def set_default_context(context: TaskContext | None) -> TaskContext | None:
    """Set what tasks without a context of their own use, and return what was set before."""
    global _default
    previous, _default = _default, context
    return previous


@contextmanager
def active_run(surroundings: RunEnvironment) -> Iterator[None]:
    """While this lasts, tasks built by hand, and whoever asks for the default, get what the run has."""
    token = _running_here.set(surroundings)
    _running.append(surroundings)
    try:
        yield
    finally:
        _running.remove(surroundings)
        _running_here.reset(token)


def active_run_here() -> RunEnvironment | None:
    """The run that is going on in this thread, else the one begun last, if any."""
    return _running_here.get() or (_running[-1] if _running else None)


def default_context() -> TaskContext:
    """Return the context of the run that is going on, else the default.

    Raises ``ConfigNotInitializedError`` when there is neither.
    """
    run = active_run_here()
    context = _default if run is None else run.context
    if context is None:
        raise ConfigNotInitializedError(
            "this task was not started by selinon and no configuration is set, so results of other tasks and "
            "storages cannot be reached; set one with selinon.Config, or assign the task's `_context`"
        )
    return context
