"""The class users derive their tasks from."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from selinon_core.context import TaskContext, default_context
from selinon_core.errors import NoParentNodeError, RequestError, Retry

if TYPE_CHECKING:
    import logging

    from selinon_core.storage import DataStorage


class SelinonTask(abc.ABC):
    """Base class of tasks: derive from it and write ``run``.

    ``parent`` maps the sources of the edge that started this run to what they left behind: a task's name to
    the id of its run, a sub-flow's name (under ``propagate_finished``) to ``{task: [ids], sub-flow: {...}}``.
    ``failures`` has the same shape with lists of ids everywhere and holds, in a fallback and behind it, the
    failed runs that were handled. ``attempt`` counts from 1. All three are the run's own copies.

    The constructor takes the five names below, as keywords or in this order; ``failures``, ``attempt`` and
    the context are set on the instance afterwards, so that old subclasses and tests need not know them.
    """

    #: Number of this attempt, counted from 1; every attempt counts, also one that ``self.retry()`` asked for.
    attempt: int = 1

    # Set by the driver that runs the task; None: the process-wide default.
    _context: TaskContext | None = None

    def __init__(
        self,
        flow_name: str,
        task_name: str,
        parent: Mapping[str, Any] | None,
        task_id: str,
        dispatcher_id: str,
    ) -> None:
        self.flow_name = flow_name
        self.task_name = task_name
        self.parent: Mapping[str, Any] = {} if parent is None else parent
        self.task_id = task_id
        self.dispatcher_id = dispatcher_id

    @abc.abstractmethod
    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work; the returned result is a JSON value.

        A task writes ``run(self, node_args)``, which is given the arguments as one JSON value, or
        ``run(self, *, name, ...)``, which is given the keys of an object.
        """

    # Cached properties, not set in __init__: most tasks use none of them, and all three stay assignable.

    @cached_property
    def failures(self) -> Mapping[str, Any]:
        """The handled failed runs in a fallback, ``{name: [ids]}``; empty elsewhere."""
        return {}

    @cached_property
    def log(self) -> logging.Logger:
        """A logger named ``selinon.task.<task name>``."""
        import logging

        return logging.getLogger(f"selinon.task.{self.task_name}")

    @cached_property
    def storage(self) -> DataStorage | None:
        """The task's connected storage, None when the task has none."""
        return self._resolved_context().storage_of(self.task_name)

    def parent_task_result(self, parent_name: str) -> Any:
        """Return the result of a parent task, read from that task's storage.

        Raises ``NoParentNodeError`` when there is no such parent, ``StorageError`` when its storage cannot be
        read and ``UnknownStorageError`` when it has none.
        """
        task_id = self._run_of(parent_name, self.parent, "parent")
        return self._resolved_context().retrieve(self.flow_name, parent_name, task_id)

    def parent_flow_result(
        self, flow_names: str | list[str] | tuple[str, ...], task_name: str, index: int | None = None
    ) -> Any:
        """Return a result of a task that ran in a parent sub-flow, by default the last one to finish.

        ``flow_names`` is the sub-flow's name, or the path of names down to it where results are nested. The
        sub-flow has to be listed under ``propagate_finished`` or ``propagate_compound_finished``.

        Raises what ``parent_task_result`` raises, also for an ``index`` out of range.
        """
        path = _path(flow_names)
        task_id = self._run_below(path, task_name, index, self.parent, "parent")
        return self._resolved_context().retrieve(path[-1], task_name, task_id)

    def parent_task_exception(self, parent_name: str) -> BaseException:
        """Return what a failed task raised, in its fallback or in any task behind the fallback.

        The name is looked for in ``failures``, then in ``parent``. Raises ``NoParentNodeError`` when it is in
        neither and ``RequestError`` when that run did not fail.
        """
        runs = self.failures if parent_name in self.failures else self.parent
        task_id = self._run_of(parent_name, runs, "failed parent")
        return self._exception(task_id, f"'{parent_name}'")

    def parent_flow_exception(
        self, flow_names: str | list[str] | tuple[str, ...], task_name: str, index: int | None = None
    ) -> BaseException:
        """Return what a task in a failed sub-flow raised, by default in its last failed run.

        Looked for in ``failures`` (the sub-flow has to be listed under ``propagate_failures`` or
        ``propagate_compound_failures``), then in ``parent``. Raises as ``parent_task_exception`` does.
        """
        path = _path(flow_names)
        runs = self.failures if path[0] in self.failures else self.parent
        task_id = self._run_below(path, task_name, index, runs, "failed parent")
        return self._exception(task_id, f"'{task_name}' in {' / '.join(path)}")

    @staticmethod
    def progress(done: float, of: float | None = None, text: str = "") -> None:
        """Say how far this task is: ``done`` of ``of`` units, and what it is at; see ``selinon_core.progress``."""
        from selinon_core.task_progress import progress

        progress(done, of, text)

    @staticmethod
    def retry(countdown: float = 0) -> NoReturn:
        """Give up this attempt and run the task again after ``countdown`` seconds; not counted as a retry.

        Works by raising ``Retry``, so nothing behind the call is executed.
        """
        raise Retry(countdown)

    def _resolved_context(self) -> TaskContext:
        return default_context() if self._context is None else self._context

    def _exception(self, task_id: str, what: str) -> BaseException:
        exception = self._resolved_context().exception_of(task_id)
        if exception is None:
            raise RequestError(f"parent {what} of {self._who()} did not raise an exception (run {task_id})")
        return exception

    def _run_of(self, name: str, runs: Mapping[str, Any], kind: str) -> str:
        found = runs.get(name)
        if isinstance(found, str):
            return found
        if isinstance(found, (list, tuple)) and found:
            return str(found[-1])
        if isinstance(found, Mapping):
            raise NoParentNodeError(
                f"'{name}' is a sub-flow among the parents of {self._who()}: name the task in it with "
                f"parent_flow_result or parent_flow_exception"
            )
        raise NoParentNodeError(f"{self._who()} has no {kind} task '{name}'; there is {_names(runs)}")

    def _run_below(
        self, path: list[str], task_name: str, index: int | None, runs: Mapping[str, Any], kind: str
    ) -> str:
        for depth, flow_name in enumerate(path):
            below = runs.get(flow_name)
            if not isinstance(below, Mapping):
                where = f" in {' / '.join(path[:depth])}" if depth else ""
                raise NoParentNodeError(
                    f"{self._who()} has no {kind} flow '{flow_name}'{where}; there is {_names(runs)}. Is the "
                    f"flow listed under propagate_finished (for failures: propagate_failures)?"
                )
            runs = below
        where = " / ".join(path)
        ids = runs.get(task_name)
        if not isinstance(ids, (list, tuple)):
            raise NoParentNodeError(f"no task '{task_name}' ran in {where}, the {kind} of {self._who()}")
        try:
            return str(ids[-1 if index is None else index])
        except IndexError:
            raise NoParentNodeError(
                f"'{task_name}' has {len(ids)} runs in {where}, the {kind} of {self._who()}: no index {index}"
            ) from None

    def _selinon_dereference_task_id(
        self, flow_names: str | list[str] | tuple[str, ...], task_name: str, index: int | None
    ) -> str:
        """Return the id of a run in a parent sub-flow: what base classes of projects know from selinon 1.x."""
        return self._run_below(_path(flow_names), task_name, index, self.parent, "parent")

    def _who(self) -> str:
        return f"task '{self.task_name}' in flow '{self.flow_name}'"


def _path(flow_names: str | list[str] | tuple[str, ...]) -> list[str]:
    path = [flow_names] if isinstance(flow_names, str) else list(flow_names)
    if not path:
        raise NoParentNodeError("the path to a parent flow is empty")
    return path


def _names(runs: Mapping[str, Any]) -> str:
    return ", ".join(f"'{name}'" for name in runs) or "none"
