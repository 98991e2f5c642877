"""Runs rebuilds one at a time, and shows their results in the terminal and on the page."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from selinon_cli.exits import EXIT_OK
from selinon_cli.terminal import Terminal
from selinon_cli.watching.child import Child, RebuildProcess, start_command, start_rebuild, stop
from selinon_cli.watching.options import WatchOptions
from selinon_cli.watching.server import PageServer

_SHOW_CURSOR = "\x1b[?25h"


class RebuildScheduler:
    """Starts rebuilds and takes their results.

    ``later`` takes an action from another thread and performs it in the watcher's thread. ``add_files`` gets the
    files a rebuild has read, ``ended`` is called behind the last part of a rebuild.
    """

    def __init__(
        self,
        terminal: Terminal,
        options: WatchOptions,
        server: PageServer | None,
        later: Callable[[Callable[[], None]], None],
        add_files: Callable[[Iterable[str]], None],
        ended: Callable[[], None],
    ) -> None:
        self._terminal = terminal
        self._options = options
        self._server = server
        self._later = later
        self._add_files = add_files
        self._ended = ended
        self._number = 0
        self._child: RebuildProcess | None = None
        self._command: Child | None = None
        self._began = 0.0
        self._good_at: str | None = None
        self._result: dict[str, Any] | None = None
        #: digest -> svg of the last drawings
        self._drawings: dict[str, str] = {}
        #: digests of the flows as they were when the cases last ran
        self._tested: dict[str, str] = {}

    def start(self) -> None:
        """End what is running and rebuild from the files as they are now."""
        self.stop()
        number = self._number
        self._began = time.monotonic()
        self._result = {
            "ok": False,
            "problem": None,
            "diagnostics": [],
            "flows": [],
            "run": None,
            "tests": None,
            "drawings": {},
        }
        options = self._options
        request = {
            "paths": list(options.paths),
            "pythonpath": list(options.pythonpath),
            "run": options.run,
            "test": options.test,
            "tested": self._tested,
            "graph": options.graph,
            "flow": options.flow,
            "drawings": self._server is not None,
            "known": list(self._drawings),
            "color": self._terminal.color_out,
            "verbosity": self._terminal.verbosity,
        }
        if self._server is not None:
            self._server.working()
        self._terminal.flush()  # the child writes to the same stderr

        def part(found: dict[str, Any]) -> None:
            self._later(lambda: self._take(number, found))

        self._child = start_rebuild(request, part, lambda code: self._later(lambda: self._died(number, code)))

    def stop(self) -> None:
        """End what is running and ignore its results."""
        self._number += 1
        running = [child for child in (self._child, self._command) if child is not None]
        if running:
            self._child = self._command = None
            if not stop(running):
                self._reset_screen()

    def _take(self, number: int, part: dict[str, Any]) -> None:
        if number != self._number or self._result is None:
            return  # the files have changed since
        {
            "check": self._take_check,
            "run": self._take_run,
            "tests": self._take_tests,
            "drawings": self._take_drawings,
            "end": self._take_end,
        }[part["part"]](part)
        self._terminal.flush()

    def _take_check(self, part: dict[str, Any]) -> None:
        assert self._result is not None
        self._result.update({name: part[name] for name in ("ok", "problem", "diagnostics", "flows")})
        self._add_files(part["files"])
        self._terminal.data(part["text"])
        if part["problem"] is not None:
            self._terminal.err.write(part["problem"])
        if part["ok"]:
            self._good_at = f"{datetime.now():%H:%M:%S}"
        elif self._good_at is not None:
            self._terminal.note(f"(the last good result is that of {self._good_at})")
        self._terminal.flush()
        assert self._child is not None
        self._child.go_on()

    def _take_run(self, part: dict[str, Any]) -> None:
        assert self._result is not None
        self._result["run"] = {name: part[name] for name in ("code", "report", "problem", "why")}
        self._add_files(part["files"])
        self._terminal.data(part["text"])

    def _take_tests(self, part: dict[str, Any]) -> None:
        assert self._result is not None
        self._result["tests"] = {name: part[name] for name in ("code", "text", "problem")}
        self._tested = part["flows"]
        self._add_files(part["files"])
        self._terminal.data(part["text"])

    def _take_drawings(self, part: dict[str, Any]) -> None:
        assert self._result is not None
        drawn = part["flows"]
        self._drawings = {
            drawing["digest"]: drawing["svg"] or self._drawings[drawing["digest"]] for drawing in drawn.values()
        }
        self._result["drawings"] = {
            flow: {"svg": self._drawings[drawing["digest"]], "nodes": drawing["nodes"]}
            for flow, drawing in drawn.items()
        }
        if part["problem"] is not None:
            self._terminal.err.write(part["problem"])

    def _take_end(self, part: dict[str, Any]) -> None:
        result, self._result = self._result, None
        assert result is not None
        self._terminal.detail(f"{time.monotonic() - self._began:.2f} s")
        if self._server is not None:
            self._server.show(result)
        if result["ok"] and self._options.command:
            self._start_command()
        self._ended()

    def _died(self, number: int, code: int) -> None:
        """The process has ended; usually all of its results have been taken."""
        if number != self._number or self._result is None:
            return
        problem = f"the rebuild did not come to its end: {_how_it_ended(code)}"
        self._reset_screen()
        self._terminal.warn(problem)
        if self._options.run is not None and self._result["ok"] and self._result["run"] is None:
            self._result["run"] = {"code": None, "report": None, "problem": problem, "why": {}}
        else:
            self._result["problem"] = problem
        result, self._result = self._result, None
        self._terminal.flush()
        if self._server is not None:
            self._server.show(result)
        self._ended()

    def _reset_screen(self) -> None:
        """Show the cursor again: the process may have died in a live display."""
        if self._terminal.interactive:
            self._terminal.err.write(f"{_SHOW_CURSOR}\n")
            self._terminal.err.flush()

    def _start_command(self) -> None:
        words, number = self._options.command, self._number
        try:
            self._command = start_command(
                words, lambda code: self._later(lambda: self._command_ended(number, code))
            )
        except OSError as error:
            self._terminal.warn(f"cannot run {words[0]}: {error.strerror}")

    def _command_ended(self, number: int, code: int) -> None:
        if number == self._number and code != EXIT_OK:
            self._terminal.warn(f"{os.path.basename(self._options.command[0])}: {_how_it_ended(code)}")
            self._terminal.flush()


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"
