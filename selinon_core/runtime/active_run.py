"""The active run: what user code of a local run finds when it asks the process instead of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from selinon_core.context import TaskContext, active_context
from selinon_core.runtime.storages import Storages


class RunEnvironment(NamedTuple):
    """What an active run offers. ``emit(event, details)`` traces; ``sinks`` get its events too."""

    context: TaskContext
    storages: Storages
    emit: Callable[[str, dict[str, Any]], None]
    sinks: tuple[Callable[[str, dict[str, Any]], object], ...] = ()


_active_here: ContextVar[RunEnvironment | None] = ContextVar("selinon_active_run", default=None)
_active: list[RunEnvironment] = []  # newest last; asked by threads that a run has started


@contextmanager
def active_run(environment: RunEnvironment) -> Iterator[None]:
    """While this lasts, user code that asks the process finds this run."""
    with active_context(environment.context):
        token = _active_here.set(environment)
        _active.append(environment)
        try:
            yield
        finally:
            _active.remove(environment)
            _active_here.reset(token)


def active_run_here() -> RunEnvironment | None:
    """The run that is active in this thread, else the one that began last; None without one."""
    return _active_here.get() or (_active[-1] if _active else None)
