"""Changes become rounds, rounds become what is shown. One round at a time, and the newest content wins."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from selinon_cli.exits import WrongUse
from selinon_cli.terminal import Terminal
from selinon_cli.watching.child import Child, start_command, start_round
from selinon_cli.watching.eyes import Eyes
from selinon_cli.watching.server import PageServer
from selinon_cli.watching.sight import Changes, Sight, compare

#: Seconds without a further event after which a burst of events is over, and the longest a burst may last.
QUIET, LONGEST_BURST = 0.05, 0.5
#: Seconds between two looks without any event: for file systems that do not tell.
LOOK_EVERY = 2.0

_HAPPENED = "happened"


class Wishes(NamedTuple):
    """What to do in a round. ``run`` holds keyword arguments of the run command, None: do not run."""

    paths: Sequence[str]
    run: dict[str, Any] | None
    graph: str | None
    command: Sequence[str]
    port: int | None


class Loop:
    """Watches until it is interrupted."""

    def __init__(self, terminal: Terminal, wishes: Wishes, sight: Sight) -> None:
        self._terminal = terminal
        self._wishes = wishes
        self._sight = sight
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._round = 0
        self._child: Child | None = None
        self._command: Child | None = None
        self._began = 0.0
        self._good: str | None = None
        self._server: PageServer | None = None

    def run(self) -> None:
        """Watch; ends with ``KeyboardInterrupt`` only."""
        eyes = Eyes(lambda: self._inbox.put(_HAPPENED))
        try:
            if self._wishes.port is not None:
                self._server = PageServer(self._wishes.port)
                self._terminal.note(f"page: {self._server.address}")
            eyes.watch(self._sight.directories())
            seen = self._sight.look()
            self._terminal.note(f"watching {len(seen)} files (Ctrl-C ends)")
            self._start_round()
            while True:
                if self._wait():
                    eyes.watch(self._sight.directories())
                    now = self._sight.look()
                    changes = compare(seen, now)
                    if changes:
                        seen = now
                        self._say_changes(changes)
                        self._start_round()
        finally:
            self._stop_all()
            eyes.close()
            if self._server is not None:
                self._server.close()

    def _wait(self) -> bool:
        """Wait for something; True when it is time to look at the files."""
        try:
            item = self._inbox.get(timeout=LOOK_EVERY)
        except queue.Empty:
            return True
        burst_ends = time.monotonic() + LONGEST_BURST
        happened = False
        while True:
            if item == _HAPPENED:
                happened = True
            else:
                self._show(*item)
            if not happened:
                return False
            try:
                item = self._inbox.get(timeout=min(QUIET, max(0.0, burst_ends - time.monotonic())))
            except queue.Empty:
                return True

    def _start_round(self) -> None:
        self._stop_all()
        self._round += 1
        number = self._round
        self._began = time.monotonic()
        wishes = self._wishes
        request = {
            "paths": list(wishes.paths),
            "run": wishes.run,
            "graph": wishes.graph,
            "pictures": self._server is not None,
            "color": self._terminal.color_out,
            "verbosity": self._terminal.verbosity,
        }
        if self._server is not None:
            self._server.working()
        self._child = start_round(request, lambda result: self._inbox.put((number, result)))

    def _show(self, number: int, result: dict[str, Any] | None) -> None:
        if number != self._round:
            return  # of content that is not there any more
        if result is None:
            self._terminal.warn("the round ended without a result")
            return
        self._sight.also(result["also"])
        self._terminal.data(result["text"])
        run = result["run"]
        if run is not None:
            self._terminal.data(run["text"])
        if result["ok"]:
            self._good = f"{datetime.now():%H:%M:%S}"
        elif self._good is not None:
            self._terminal.note(f"(the last good result is of {self._good})")
        self._terminal.detail(f"{time.monotonic() - self._began:.2f} s")
        self._terminal.flush()
        if self._server is not None:
            self._server.show(result)
        if result["ok"] and self._wishes.command:
            self._start_command()

    def _start_command(self) -> None:
        words = self._wishes.command
        try:
            self._command = start_command(words, self._command_ended)
        except OSError as error:
            raise WrongUse(f"cannot run {words[0]}: {error.strerror}") from error

    def _command_ended(self, code: int) -> None:
        if code > 0:
            self._terminal.warn(f"{self._wishes.command[0]} ended with exit code {code}")

    def _say_changes(self, changes: Changes) -> None:
        self._terminal.note(f"[{datetime.now():%H:%M:%S}] {changes.text()}")

    def _stop_all(self) -> None:
        for child in (self._child, self._command):
            if child is not None:
                child.stop()
        self._child = self._command = None


def watched(paths: Sequence[str], pythonpath: Sequence[str]) -> Sight:
    """What to watch for a project: the directories of its files and of its modules."""
    directories = [path if os.path.isdir(path) else os.path.dirname(os.path.abspath(path)) for path in paths]
    return Sight([*directories, *(path for path in pythonpath if os.path.isdir(path))])
