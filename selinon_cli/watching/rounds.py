"""Playing rounds one at a time, and showing what they find in the terminal and on the page."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from selinon_cli.exits import FINE
from selinon_cli.terminal import Terminal
from selinon_cli.watching.child import Child, RoundChild, start_command, start_round, stop
from selinon_cli.watching.server import PageServer

_SHOW_CURSOR = "\x1b[?25h"


class Wishes(NamedTuple):
    """What to do in a round. ``run`` holds keyword arguments of the run command, None: do not run.

    ``flow`` is what to draw without a run, ``inputs`` are files that the run reads, ``outputs`` those it writes.
    """

    paths: Sequence[str]
    pythonpath: Sequence[str] = ()
    run: dict[str, Any] | None = None
    graph: str | None = None
    flow: str | None = None
    command: Sequence[str] = ()
    port: int | None = None
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()


class Rounds:
    """Plays rounds.

    ``later`` takes an action from another thread and does it in the one that everything happens in. ``read`` gets
    the files a round has read, ``over`` is called when nothing of a round is missing any more.
    """

    def __init__(
        self,
        terminal: Terminal,
        wishes: Wishes,
        server: PageServer | None,
        later: Callable[[Callable[[], None]], None],
        read: Callable[[Iterable[str]], None],
        over: Callable[[], None],
    ) -> None:
        self._terminal = terminal
        self._wishes = wishes
        self._server = server
        self._later = later
        self._read = read
        self._over = over
        self._number = 0
        self._child: RoundChild | None = None
        self._command: Child | None = None
        self._began = 0.0
        self._good_at: str | None = None
        self._result: dict[str, Any] | None = None
        #: digest -> svg of the last pictures
        self._pictures: dict[str, str] = {}

    def start(self) -> None:
        """End what is going on and play a round of what is there now."""
        self.stop()
        number = self._number
        self._began = time.monotonic()
        self._result = {"ok": False, "problem": None, "diagnostics": [], "flows": [], "run": None, "pictures": {}}
        wishes = self._wishes
        request = {
            "paths": list(wishes.paths),
            "pythonpath": list(wishes.pythonpath),
            "run": wishes.run,
            "graph": wishes.graph,
            "flow": wishes.flow,
            "pictures": self._server is not None,
            "known": list(self._pictures),
            "color": self._terminal.color_out,
            "verbosity": self._terminal.verbosity,
        }
        if self._server is not None:
            self._server.working()
        self._terminal.flush()  # the child writes to the same stderr

        def part(found: dict[str, Any]) -> None:
            self._later(lambda: self._take(number, found))

        self._child = start_round(request, part, lambda code: self._later(lambda: self._died(number, code)))

    def stop(self) -> None:
        """End what is going on; what it has found is not wanted any more."""
        self._number += 1
        running = [child for child in (self._child, self._command) if child is not None]
        if running:
            self._child = self._command = None
            if not stop(running):
                self._tidy()

    def _take(self, number: int, part: dict[str, Any]) -> None:
        if number != self._number or self._result is None:
            return  # of content that is not there any more
        {
            "check": self._take_check,
            "run": self._take_run,
            "pictures": self._take_pictures,
            "end": self._take_end,
        }[part["part"]](part)
        self._terminal.flush()

    def _take_check(self, part: dict[str, Any]) -> None:
        assert self._result is not None
        self._result.update({name: part[name] for name in ("ok", "problem", "diagnostics", "flows")})
        self._read(part["files"])
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
        self._result["run"] = {name: part[name] for name in ("code", "report", "problem")}
        self._read(part["files"])
        self._terminal.data(part["text"])

    def _take_pictures(self, part: dict[str, Any]) -> None:
        assert self._result is not None
        drawn = part["flows"]
        self._pictures = {
            picture["digest"]: picture["svg"] or self._pictures[picture["digest"]] for picture in drawn.values()
        }
        self._result["pictures"] = {
            flow: {"svg": self._pictures[picture["digest"]], "nodes": picture["nodes"]}
            for flow, picture in drawn.items()
        }
        if part["problem"] is not None:
            self._terminal.err.write(part["problem"])

    def _take_end(self, part: dict[str, Any]) -> None:
        result, self._result = self._result, None
        assert result is not None
        self._terminal.detail(f"{time.monotonic() - self._began:.2f} s")
        if self._server is not None:
            self._server.show(result)
        if result["ok"] and self._wishes.command:
            self._start_command()
        self._over()

    def _died(self, number: int, code: int) -> None:
        """The process is gone; usually it has told everything."""
        if number != self._number or self._result is None:
            return
        problem = f"the round did not come to its end: {_how_it_ended(code)}"
        self._tidy()
        self._terminal.warn(problem)
        if self._wishes.run is not None and self._result["ok"] and self._result["run"] is None:
            self._result["run"] = {"code": None, "report": None, "problem": problem}
        else:
            self._result["problem"] = problem
        result, self._result = self._result, None
        self._terminal.flush()
        if self._server is not None:
            self._server.show(result)
        self._over()

    def _tidy(self) -> None:
        """Put the screen in order behind a process that may have died in a live display."""
        if self._terminal.interactive:
            self._terminal.err.write(f"{_SHOW_CURSOR}\n")
            self._terminal.err.flush()

    def _start_command(self) -> None:
        words, number = self._wishes.command, self._number
        try:
            self._command = start_command(
                words, lambda code: self._later(lambda: self._command_ended(number, code))
            )
        except OSError as error:
            self._terminal.warn(f"cannot run {words[0]}: {error.strerror}")

    def _command_ended(self, number: int, code: int) -> None:
        if number == self._number and code != FINE:
            self._terminal.warn(f"{os.path.basename(self._wishes.command[0])}: {_how_it_ended(code)}")
            self._terminal.flush()


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"
