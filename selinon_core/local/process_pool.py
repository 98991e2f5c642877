"""Attempts in processes of their own, for tasks that keep a processor busy (``--pool process``).

A child gets the plan once, and with each attempt what the task may ask for: results of its parents that a stand-in
keeps, and errors of failed parents. What it returns is stored by the parent process, where the stand-ins are; real
storages are used by the child itself. Everything crosses as JSON text, and values of the user's as texts of their
own, so that a process takes and gives neither more nor less than a thread.
"""

from __future__ import annotations

import json
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from selinon_core.errors import SelinonException
from selinon_core.local.mocked_storage import LocalStorages
from selinon_core.plan import Plan, TaskPlan
from selinon_core.plan.json_form import plan_from_json, plan_to_json
from selinon_core.runtime.active_run import ActiveRun, RunEnvironment
from selinon_core.runtime.error_codec import error_value, rebuild_error
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.inputs import Inputs
from selinon_core.runtime.json_values import NotJson, describe_json_error, encode_json
from selinon_core.runtime.library_imports import libraries_only
from selinon_core.runtime.task_runner import (
    Assignment,
    Attempt,
    Failed,
    RetryLater,
    SchemaChecker,
    Succeeded,
    TaskRunner,
)
from selinon_core.runtime.threads import AttemptHandle
from selinon_core.runtime.trace.tracer import jsonable
from selinon_core.storage import DataStorage

#: What is known of a parent run: (flow name, task name, result as JSON text, error as JSON or None)
Known = tuple[str, str, str, dict[str, str] | None]
#: ``emit(event, details)``: receives the trace events of storages
Emit = Callable[[str, dict[str, Any]], None]
#: Seconds that storages have to disconnect.
_LONGEST_FAREWELL = 5.0


class ProcessPool:
    """Runs attempts in child processes, each of which is used again for later attempts.

    Relative paths of the project lead from ``directory``. ``emit`` gets the trace events of storages in children.
    Methods may be called from several threads.
    """

    def __init__(
        self, plan: Plan, pythonpath: tuple[str, ...], directory: str, real: frozenset[str], emit: Emit
    ) -> None:
        self._arguments = (json.dumps(plan_to_json(plan)), pythonpath, directory, sorted(real))
        self._emit = emit
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def run(
        self,
        task: TaskPlan,
        assignment: Assignment,
        known_of: Callable[[str], Known | None],
        ticket: AttemptHandle,
    ) -> Attempt:
        """Run one attempt in a child; ``known_of`` returns what is known of a parent run by its id.

        When ``ticket`` is given up, the child is killed. Raises ``ChildDied``, and ``KeyboardInterrupt`` where the
        task does.
        """
        ids = {id for value in (assignment.parent, assignment.failures) for id in _ids(value)}
        known = {id: known_of(id) for id in sorted(ids)}
        fields = assignment._replace(args=encode_json(assignment.args))._asdict()
        request = json.dumps([task.name, fields, {i: k for i, k in known.items() if k}])
        try:
            worker = self._take()
        except Exception as error:
            raise ChildDied(f"no process can be started for {task.name}: {error!r}") from None
        ticket.stop = worker.kill
        if ticket.given_up:
            worker.kill()
        try:
            worker.wait_until_ready()
            ticket.begin()
            answer = json.loads(worker.ask(request))
        except (EOFError, OSError):  # the child died; whatever the attempt did, it did not end well
            worker.kill()
            # how we noticed says nothing to the user
            raise ChildDied(f"the process that ran {task.name} died ({worker.fate()})") from None
        ticket.stop = None  # in this order, so that giving up cannot kill a child that another attempt uses
        if ticket.given_up:
            worker.kill()
            raise ChildDied("the run does not wait for this attempt any more")
        with self._lock:
            self._idle.append(worker)
        for event, details in answer["emitted"]:
            self._emit(event, details)
        return _attempt(answer)

    def _take(self) -> _Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive():
                    return worker
        return _Worker(self._arguments)

    def close(self) -> None:
        """Let idle children end; those that are busy were killed when their attempts were given up."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()


class ChildDied(SelinonException):
    """Raised for an attempt whose process ended before the attempt did."""


class _Worker:
    """One child process and the line to it."""

    def __init__(self, arguments: tuple[str, tuple[str, ...], str, list[str]]) -> None:
        # Not forked: a fork would share connections and locks with threads that do not exist there.
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, *arguments), name="selinon-child")
        with libraries_only():  # the child puts the project in front itself, once its own imports are done
            self._process.start()
        theirs.close()
        self._ready = False

    def wait_until_ready(self) -> None:
        """Wait until the child has started, which is not part of the time that the task takes."""
        if not self._ready:
            self._line.recv_bytes()
            self._ready = True

    def ask(self, request: str) -> str:
        """Send a request and wait for the answer; raises ``EOFError`` or ``OSError`` when the child dies."""
        self._line.send_bytes(request.encode())
        return self._line.recv_bytes().decode()

    def is_alive(self) -> bool:
        """Whether the child can be asked."""
        return self._process.is_alive()

    def kill(self) -> None:
        """End the child at once."""
        self._process.kill()

    def fate(self) -> str:
        """How the child ended."""
        self._process.join()
        return f"exit code {self._process.exitcode}"

    def close(self) -> None:
        """Ask the child to end, which disconnects its storages, and see to it that it does."""
        self._line.close()
        self._process.join(_LONGEST_FAREWELL)
        if self._process.is_alive():
            self.kill()
            self._process.join()


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
    if answer["kind"] == "interrupted":
        raise KeyboardInterrupt
    if answer["kind"] == "succeeded":
        result = json.loads(answer["result"])
        return Succeeded(result if answer["why"] is None else NotJson(result, answer["why"]), answer["stored"])
    error = _rebuilt(answer["error"])
    if answer["kind"] == "retry":
        return RetryLater(answer["countdown"], error)
    assert error is not None
    return Failed(error)


def _rebuilt(error: dict[str, str] | None) -> Exception | None:
    """An error of the other process, as ``error_value`` wrote it."""
    if error is None:
        return None
    return rebuild_error(error["type"], error["message"], error["traceback"], error["module"])


# -- in the child ---------------------------------------------------------------------------------------------


class _Child:
    """The state of a child process, and the context of the task it runs."""

    def __init__(self, plan: Plan, pythonpath: tuple[str, ...], directory: str, real: frozenset[str]) -> None:
        self.plan = plan
        self.known: dict[str, Known] = {}
        self.emitted: list[tuple[str, dict[str, Any]]] = []
        imports = Imports(pythonpath)
        self.storages = LocalStorages(plan, imports, self.emit, self._hear_read, real, directory)
        check, inputs = SchemaChecker(directory), Inputs(directory)
        self.runner = TaskRunner(imports, self.storages, self, check, inputs, typed=plan.settings.typed_tasks)

    def emit(self, event: str, details: dict[str, Any]) -> None:
        """Keep an event for the parent process."""
        self.emitted.append((event, jsonable(details)))

    def _hear_read(self, flow_name: str, task_name: str, task_id: str) -> None:
        task = self.plan.tasks[task_name]
        details: dict[str, Any] = {"flow_name": flow_name, "task_name": task_name, "task_id": task_id}
        details |= {"storage_name": task.storage, "storage_task_name": task.storage_task_name}
        self.emitted += [("STORAGE_RETRIEVE", details), ("STORAGE_RETRIEVED", details)]

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
        return _rebuilt(known[3] if known else None)


def _serve(line: Connection, plan: str, pythonpath: tuple[str, ...], directory: str, real: list[str]) -> None:
    """Answer requests until the other end of the line is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process decides what an interrupt means
    child = _Child(plan_from_json(json.loads(plan)), pythonpath, directory, frozenset(real))
    line.send_bytes(b"ready")
    with ActiveRun(RunEnvironment(child, child.storages, child.emit)):
        while True:
            try:
                request = line.recv_bytes()
            except (EOFError, OSError):
                child.storages.close()
                return
            line.send_bytes(json.dumps(_answer(child, json.loads(request))).encode())


def _answer(child: _Child, request: list[Any]) -> dict[str, Any]:
    task_name, fields, known = request
    child.known = known
    child.emitted = []
    for id, (flow, name, result, error) in known.items():
        if error is None:
            child.storages.preload(flow, name, id, json.loads(result))
    assignment = Assignment(**fields)
    try:
        attempt = child.runner.run(
            child.plan.tasks[task_name], assignment._replace(args=json.loads(assignment.args))
        )
    except KeyboardInterrupt:  # the task's own: those of the terminal are ignored here
        return {"emitted": child.emitted, "kind": "interrupted"}
    child.storages.forget()
    answer = {"emitted": child.emitted}
    if isinstance(attempt, Succeeded):
        return answer | {"kind": "succeeded", "stored": attempt.stored} | _result(attempt.result)
    error = None if attempt.error is None else error_value(attempt.error)
    if isinstance(attempt, RetryLater):
        return answer | {"kind": "retry", "countdown": attempt.countdown, "error": error}
    return answer | {"kind": "failed", "error": error}


def _result(result: Any) -> dict[str, Any]:
    """What a task returned as JSON text, or what can be shown of it and why it is not JSON."""
    try:
        return {"result": encode_json(result), "why": None}
    except (TypeError, ValueError, RecursionError):
        return {"result": json.dumps(jsonable(result)), "why": describe_json_error(result)}
