"""Running case files one after the other, or each in a process of its own; results keep the order of the files."""

from __future__ import annotations

import json
import os
import selectors
import signal
from collections.abc import Callable, Iterator, Sequence

from selinon_core.local.garbage import no_automatic_collections
from selinon_core.project.result_schemas import ResultSchemas
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.collection import CaseFile, result_schemas
from selinon_core.testing.file_run import FileRun
from selinon_core.testing.options import RunOptions
from selinon_core.testing.results import CaseResult, FileResult, Finding
from selinon_core.testing.snapshots import SnapshotError

#: Whether case files can be run in processes of their own.
CAN_FORK = hasattr(os, "fork")

#: Runs a case file to its end. Raises ``SnapshotError``.
_RunFile = Callable[[CaseFile], FileResult]


def run_files(files: Sequence[CaseFile], options: RunOptions, jobs: int = 1) -> Iterator[FileResult]:
    """Yield the result of each file in the order of the files; all of them have to be whole.

    ``jobs`` is how many processes run at once. With ``options.fail_fast`` the first result with a case that is not
    fine is the last one. Raises ``SnapshotError``.
    """
    run = _runner(options)
    results = _forked(files, run, jobs) if jobs > 1 and len(files) > 1 and CAN_FORK else map(run, files)
    with no_automatic_collections():
        for result in results:
            yield result
            if options.fail_fast and not all(case.is_fine for case in result.cases):
                return


def _runner(options: RunOptions) -> _RunFile:
    runners: dict[int, tuple[CaseRunner, ResultSchemas]] = {}

    def run(file: CaseFile) -> FileResult:
        plan, project = file.project.plan, file.project
        assert plan is not None
        if id(project) not in runners:
            runners[id(project)] = CaseRunner(plan, project.pythonpath, options), result_schemas(project)
        runner, results = runners[id(project)]
        whole = FileRun(file.path, file.name, file.cases, options, results)
        return whole.run_all(runner, file.numbers, plan)

    return run


class _Child:
    """A process that runs one file and writes its result to a pipe."""

    def __init__(self, number: int, file: CaseFile, run: _RunFile) -> None:
        self.number = number
        self.file = file
        self._parts: list[bytes] = []
        self.pipe, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.pipe)
            _run_in_child(write, file, run)
        os.close(write)

    def read(self) -> bool:
        """Take over what there is; False when there is nothing more to come."""
        part = os.read(self.pipe, 1 << 16)
        self._parts.append(part)
        return bool(part)

    def result(self) -> FileResult:
        """Wait for the end of the process and return its result. Raises ``SnapshotError``."""
        os.close(self.pipe)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        text = b"".join(self._parts)
        try:
            said = json.loads(text)
        except ValueError:
            return self._died(status)
        if "error" in said:
            raise SnapshotError(said["error"])
        return FileResult.from_json(said)

    def stop(self) -> None:
        """End the process."""
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.pipe)
        os.waitpid(self.pid, 0)

    def _died(self, status: int) -> FileResult:
        how = f"by signal {-status}" if status < 0 else f"with exit code {status}"
        text = f"the process that ran the cases of this file ended {how}"
        cases = []
        for number, case in self.file.selected:
            cases.append(CaseResult(number, "error", findings=(Finding("error", "", text, str(case.place)),)))
        return FileResult(self.file.name, tuple(cases))


def _run_in_child(pipe: int, file: CaseFile, run: _RunFile) -> None:
    """Write the result as one JSON text, and end without what the parent would do at its end."""
    code = 1
    try:
        try:
            said = run(file).to_json()
        except SnapshotError as error:
            said = {"error": str(error)}
        with os.fdopen(pipe, "w", encoding="utf-8") as stream:
            json.dump(said, stream)
        code = 0
    except BaseException:
        import sys
        import traceback

        traceback.print_exc(file=sys.__stderr__)
        if sys.__stderr__ is not None:
            sys.__stderr__.flush()
    finally:
        os._exit(code)


def _forked(files: Sequence[CaseFile], run: _RunFile, jobs: int) -> Iterator[FileResult]:
    waiting = list(enumerate(files))
    done: dict[int, FileResult] = {}
    running: dict[int, _Child] = {}
    upcoming = 0
    try:
        with selectors.DefaultSelector() as selector:
            while upcoming < len(files):
                while waiting and len(running) < jobs:
                    child = _Child(*waiting.pop(0), run)
                    running[child.pipe] = child
                    selector.register(child.pipe, selectors.EVENT_READ)
                for key, _ in selector.select():
                    child = running[key.fd]
                    if not child.read():
                        selector.unregister(key.fd)
                        del running[key.fd]
                        done[child.number] = child.result()
                while upcoming in done:
                    yield done.pop(upcoming)
                    upcoming += 1
    finally:
        for child in running.values():
            child.stop()
