"""Attempts in processes of their own, for tasks that keep a processor busy (``--pool process``).

A child gets the plan once, and with each attempt what the task may ask for: results of its parents that a stand-in
keeps, and errors of failed parents. What it returns is stored by the parent process, where the stand-ins are; real
storages are used by the child itself. Everything crosses as JSON text.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from selinon_core.local.mocked_storage import LocalStorages
from selinon_core.plan import Plan, TaskPlan
from selinon_core.plan_json import plan_from_json, plan_to_json
from selinon_core.runtime.error_values import error_json, rebuild_error
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.task_run import (
    Assignment,
    Attempt,
    Failed,
    RetryLater,
    SchemaChecker,
    Succeeded,
    TaskRunner,
)
from selinon_core.runtime.trace import jsonable
from selinon_core.storage import DataStorage

#: What is known of a parent run: (flow name, task name, result or None, error as JSON or None)
Known = tuple[str, str, Any, dict[str, str] | None]


class ProcessPool:
    """Runs attempts in up to ``size`` child processes."""

    def __init__(self, plan: Plan, pythonpath: tuple[str, ...], real: frozenset[str], size: int) -> None:
        self._pool = ProcessPoolExecutor(
            size,
            # Not forked: a fork would share connections and locks with threads that do not exist there.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare,
            initargs=(json.dumps(plan_to_json(plan)), pythonpath, sorted(real)),
        )

    def run(self, task: TaskPlan, assignment: Assignment, known_of: Callable[[str], Known | None]) -> Attempt:
        """Run one attempt in a child; ``known_of`` tells what is known of a parent run by its id."""
        ids = {id for value in (assignment.parent, assignment.failures) for id in _ids(value)}
        known = {id: known_of(id) for id in sorted(ids)}
        request = json.dumps([task.name, assignment._asdict(), {i: k for i, k in known.items() if k}])
        try:
            answer = json.loads(self._pool.submit(_run, request).result())
        except Exception as error:  # the child died, or the pool is shut down
            return Failed(error)
        return _attempt(answer)

    def close(self) -> None:
        """End the children without waiting for what they do."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _ids(item)
    elif isinstance(value, list):
        for item in value:
            yield from _ids(item)


def _attempt(answer: dict[str, Any]) -> Attempt:
    if answer["kind"] == "succeeded":
        return Succeeded(answer["result"], answer["stored"])
    told = answer["error"]
    error = None if told is None else rebuild_error(told["type"], told["message"], told["traceback"])
    if answer["kind"] == "retry":
        return RetryLater(answer["countdown"], error)
    assert error is not None
    return Failed(error)


# -- in the child ---------------------------------------------------------------------------------------------


class _Child:
    """The state of a child process, and the context of the task it runs."""

    def __init__(self, plan: Plan, pythonpath: tuple[str, ...], real: frozenset[str]) -> None:
        self.plan = plan
        self.known: dict[str, Known] = {}
        imports = Imports(pythonpath)
        self.storages = LocalStorages(plan, imports, lambda *told: None, lambda *told: None, real)
        self.runner = TaskRunner(imports, self.storages, self, SchemaChecker())

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """The result of a parent."""
        known = self.known.get(task_id)
        return self.storages.retrieve(known[0] if known else flow_name, task_name, task_id)

    def storage_of(self, task_name: str) -> DataStorage | None:
        """A task's storage, as this process has it."""
        return self.storages.of_task(task_name)

    def exception_of(self, task_id: str) -> BaseException | None:
        """What a failed parent raised."""
        known = self.known.get(task_id)
        told = known[3] if known else None
        return None if told is None else rebuild_error(told["type"], told["message"], told["traceback"])


_child: _Child | None = None


def _prepare(plan: str, pythonpath: tuple[str, ...], real: list[str]) -> None:
    global _child
    _child = _Child(plan_from_json(json.loads(plan)), pythonpath, frozenset(real))


def _run(request: str) -> str:
    assert _child is not None
    task_name, fields, known = json.loads(request)
    _child.known = known
    for id, (flow, name, result, error) in known.items():
        if error is None:
            _child.storages.preload(flow, name, id, result)
    attempt = _child.runner.run(_child.plan.tasks[task_name], Assignment(**fields))
    if isinstance(attempt, Succeeded):
        return json.dumps({"kind": "succeeded", "result": jsonable(attempt.result), "stored": attempt.stored})
    error = None if attempt.error is None else error_json(attempt.error)
    if isinstance(attempt, RetryLater):
        return json.dumps({"kind": "retry", "countdown": attempt.countdown, "error": error})
    return json.dumps({"kind": "failed", "error": error})
