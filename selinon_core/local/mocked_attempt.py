"""How an attempt ends whose outcome is scripted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.cases.model import UNGIVEN, Outcome
from selinon_core.errors import FatalTaskError, Retry
from selinon_core.plan import TaskPlan
from selinon_core.runtime.error_codec import rebuild_error
from selinon_core.runtime.json_values import copy_json, snapshot
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.task_runner import Assignment, Attempt, Succeeded, TaskRunner


class Played(Succeeded):
    """A scripted result; ``result`` is a snapshot, which a stand-in keeps already if ``stored``."""

    __slots__ = ()


class ScriptedResults:
    """The snapshots of the results that scripts give, each made once for all runs that play the script."""

    def __init__(self) -> None:
        #: by identity of the outcome, which is kept with it
        self._snapshots: dict[int, tuple[Outcome, Any]] = {}

    def snapshot(self, outcome: Outcome) -> Any:
        """The snapshot of a result; raises as ``copy_json`` does."""
        known = self._snapshots.get(id(outcome))
        if known is None:
            known = self._snapshots[id(outcome)] = (outcome, snapshot(outcome.value))
        return known[1]


def mocked_attempt(
    runner: TaskRunner,
    storages: Storages,
    stand_in: Callable[[TaskPlan], Any],
    task: TaskPlan,
    assignment: Assignment,
    outcome: Outcome | BaseException,
) -> Attempt:
    """End an attempt as scripted: a result is stored as a real one would be, an error judged as a real one.

    ``stand_in`` gives the result where the script does not.
    """
    if not isinstance(outcome, Outcome):
        return runner.judge(task, assignment, outcome)
    if outcome.kind != "result":
        return runner.judge(task, assignment, error_of(outcome))
    try:
        result = stand_in(task) if outcome.value is UNGIVEN else copy_json(outcome.value)
        if task.storage is None or task.storage_readonly:
            return Succeeded(result, False)
        storages.store(assignment.args, assignment.flow_name, task.name, assignment.task_id, result)
        return Succeeded(result, True)
    except Exception as error:
        return runner.judge(task, assignment, error)


def error_of(outcome: Outcome) -> BaseException:
    """The exception of an outcome that is not a result."""
    if outcome.kind == "retry":
        return Retry(outcome.value)
    if outcome.kind == "fatal":
        return FatalTaskError(str(outcome.value))
    return error_from_text(str(outcome.value))


def error_from_text(text: str) -> BaseException:
    """The exception that ``Type: message`` stands for; a ``RuntimeError`` for a text that names no type."""
    name, colon, message = text.partition(":")
    name = name.strip()
    if name.isidentifier() and (colon or not name.islower()):
        return rebuild_error(name, message.strip())
    return RuntimeError(text)
