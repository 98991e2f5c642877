"""How a task reaches the world: results and exceptions of other node runs, and its own storage.

A task knows names and ids only. The driver that runs it hands it a ``TaskContext``. A task that was built by hand
has none of its own: it uses the context of the active local run, or the default of the process, which the
``selinon`` facade sets together with its ``Config``.

Beside it is the way back: who listens to the local runs of a context, as the coverage of hand-written tests does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Protocol

from selinon_core.errors import ConfigNotInitializedError

if TYPE_CHECKING:
    from selinon_core.storage import DataStorage


class TaskContext(Protocol):
    """What a running task may ask for."""

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return the result of the task run ``task_id``.

        ``flow_name`` is the asking task's best guess (its own flow, or the last one of the path it named). A
        parent may have run elsewhere (``propagate_parent``, flattened results): a context that knows from
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


#: Called with every local run that ends, in the order in which they began to listen. They belong to a context, so
#: that tests which run in parallel do not hear of each other's runs.
_run_listeners: ContextVar[tuple[Callable[[Any], None], ...]] = ContextVar("selinon_run_listeners", default=())


def add_run_listener(listener: Callable[[Any], None]) -> None:
    """Call ``listener(run)`` with each ``LocalRun`` that was started in this context and has ended."""
    _run_listeners.set((*_run_listeners.get(), listener))


@contextmanager
def run_listener(listener: Callable[[Any], None]) -> Iterator[None]:
    """The same while this lasts."""
    token = _run_listeners.set((*_run_listeners.get(), listener))
    try:
        yield
    finally:
        _run_listeners.reset(token)


def run_ended(run: Any) -> None:
    """Call the listeners of this context with a ``LocalRun``."""
    for listener in _run_listeners.get():
        listener(run)


_default: TaskContext | None = None
_active_here: ContextVar[TaskContext | None] = ContextVar("selinon_active_context", default=None)
_active: list[TaskContext] = []  # newest last; asked by threads that a run has started


def set_default_context(context: TaskContext | None) -> TaskContext | None:
    """Set what tasks without a context of their own use, and return what was set before."""
    global _default
    previous, _default = _default, context
    return previous


class ActiveContext:
    """While this is entered, tasks built by hand use this context."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: TaskContext) -> None:
        self._context = context

    def __enter__(self) -> None:
        self._token: Token[TaskContext | None] = _active_here.set(self._context)
        _active.append(self._context)

    def __exit__(self, *error: object) -> None:
        _active.remove(self._context)
        _active_here.reset(self._token)


def default_context() -> TaskContext:
    """Return the context of the active run (this thread's, else the newest), else the default.

    Raises ``ConfigNotInitializedError`` when there is neither.
    """
    context = _active_here.get() or (_active[-1] if _active else _default)
    if context is None:
        raise ConfigNotInitializedError(
            "this task was not started by selinon and no configuration is set, so results of other tasks and "
            "storages cannot be reached; set one with selinon.Config, or assign the task's `_context`"
        )
    return context
