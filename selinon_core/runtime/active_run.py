"""The active run: what user code of a local run finds when it asks the process instead of its arguments."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, NamedTuple

from selinon_core.context import ActiveContext, TaskContext
from selinon_core.runtime.storages import Storages


class RunEnvironment(NamedTuple):
    """What an active run offers. ``emit(event, details)`` traces; ``sinks`` get its events too."""

    context: TaskContext
    storages: Storages
    emit: Callable[[str, dict[str, Any]], None]
    sinks: tuple[Callable[[str, dict[str, Any]], object], ...] = ()


_active_here: ContextVar[RunEnvironment | None] = ContextVar("selinon_active_run", default=None)
_active: list[RunEnvironment] = []  # newest last; asked by threads that a run has started


class ActiveRun:
    """While this is entered, user code that asks the process finds this run."""

    __slots__ = ("_context", "_environment", "_token")

    def __init__(self, environment: RunEnvironment) -> None:
        self._environment = environment
        self._context = ActiveContext(environment.context)

    def __enter__(self) -> None:
        self._context.__enter__()
        self._token: Token[RunEnvironment | None] = _active_here.set(self._environment)
        _active.append(self._environment)

    def __exit__(self, *error: object) -> None:
        _active.remove(self._environment)
        _active_here.reset(self._token)
        self._context.__exit__()


def active_run_here() -> RunEnvironment | None:
    """The run that is active in this thread, else the one that began last; None without one."""
    return _active_here.get() or (_active[-1] if _active else None)
