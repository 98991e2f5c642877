"""From what happens to files to rounds: bursts, looks, and what a change is."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import queue
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from selinon_cli.render.style import BOLD, styled
from selinon_cli.render.visible import visible
from selinon_cli.terminal import Terminal
from selinon_cli.watching.eyes import Eyes
from selinon_cli.watching.places import places
from selinon_cli.watching.rounds import Rounds, Wishes
from selinon_cli.watching.server import PageServer
from selinon_cli.watching.sight import Changes, Look, Roots, Sight, compare

#: Seconds without a further event after which a burst of events is over, and the longest a burst may last.
QUIET, LONGEST_BURST = 0.05, 0.5
#: Seconds between two looks without any event: for file systems that do not tell. In a large tree that takes long
#: to look at, so many times longer than that.
LOOK_EVERY, OF_LOOKING = 2.0, 20
#: How often in a row a round is played again because files were written while it went on, with what they held
#: before: it may have seen something in between. A task may be the writer, so this has to end.
MOST_REPEATS = 2


class Loop:
    """Watches until it is interrupted."""

    def __init__(self, terminal: Terminal, wishes: Wishes) -> None:
        self._terminal = terminal
        self._wishes = wishes
        self._sight = Sight(places(wishes.paths, wishes.pythonpath), wishes.outputs)
        self._sight.also(Roots(files=tuple(wishes.inputs)))
        self._seen = Look({}, {}, ())
        self._look_every = LOOK_EVERY
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._to_look = False
        self._round_over = False
        self._marks_before = self._seen.marks
        self._repeats = 0

    def run(self) -> None:
        """Watch; ends with ``KeyboardInterrupt``, or ``SystemExit`` when the process is told to end.

        Raises ``WrongUse`` when the port for the page is taken.
        """
        with _told_to_end(), contextlib.ExitStack() as cleanup:
            server = None
            if self._wishes.port is not None:
                server = PageServer(self._wishes.port)
                cleanup.callback(server.close)
                self._terminal.note(f"page: {server.address}")
            eyes = Eyes(lambda: self._inbox.put(self._happened))
            cleanup.callback(eyes.close)
            rounds = Rounds(self._terminal, self._wishes, server, self._inbox.put, self._look_also, self._over)
            cleanup.callback(rounds.stop)
            cleanup.callback(_ignore_further_signals)
            self._seen = self._look(eyes)
            count = len(self._seen.contents)
            self._terminal.note(f"watching {count} {'file' if count == 1 else 'files'} (Ctrl-C ends)")
            while True:
                self._marks_before = self._seen.marks
                rounds.start()
                while (changes := self._worth_a_round(eyes)) is None:
                    self._wait()
                rounds.stop()  # takes its live display off the screen
                if changes:
                    self._say(f"[{datetime.now():%H:%M:%S}] {changes.text()}")

    # --- what happens ---------------------------------------------------------------------------------------

    def _happened(self) -> None:
        self._to_look = True

    def _over(self) -> None:
        self._to_look = self._round_over = True

    def _wait(self) -> None:
        """Deal with what happens until it is time to look at the files: at the end of a burst of events."""
        self._to_look = False
        burst_ends = None
        while True:
            if burst_ends is None:
                timeout = self._look_every
            else:
                timeout = min(QUIET, max(0.0, burst_ends - time.monotonic()))
            try:
                action = self._inbox.get(timeout=timeout)
            except queue.Empty:
                return
            action()
            if self._to_look and burst_ends is None:
                burst_ends = time.monotonic() + LONGEST_BURST

    # --- looking --------------------------------------------------------------------------------------------

    def _look(self, eyes: Eyes) -> Look:
        began = time.monotonic()
        look = self._sight.look()
        while eyes.watch(look.directories):
            look = self._sight.look()  # of what happened before there were eyes on it, nobody heard
        self._look_every = max(LOOK_EVERY, OF_LOOKING * (time.monotonic() - began))
        return look

    def _worth_a_round(self, eyes: Eyes) -> Changes | None:
        """Look at the files: what changed, which may be nothing if a round has to be played again; else None."""
        before, self._seen = self._seen, self._look(eyes)
        round_over, self._round_over = self._round_over, False
        changes = compare(before.contents, self._seen.contents)
        if changes:
            self._repeats = 0
            _forget_bytecode(changes.changed)
            if any(os.path.basename(path) == "pyproject.toml" for path in (*changes.added, *changes.changed)):
                self._sight.also(places(self._wishes.paths, self._wishes.pythonpath))
            return changes
        if round_over and self._seen.marks != self._marks_before and self._repeats < MOST_REPEATS:
            self._repeats += 1
            return changes
        return None

    def _say(self, text: str) -> None:
        """A line between rounds, which are longer than a screen sometimes."""
        self._terminal.note(styled(visible(text), BOLD, self._terminal.color_err))

    def _look_also(self, files: Iterable[str]) -> None:
        """Look at these files from now on; that they are new to us is no change of theirs."""
        if self._sight.also(Roots(files=tuple(files))):
            now = self._sight.look()
            self._marks_before = {**now.marks, **self._marks_before}
            self._seen = now._replace(contents={**now.contents, **self._seen.contents})


def _forget_bytecode(paths: Iterable[str]) -> None:
    """Remove bytecode of what changed: Python does not notice a change of equal size within the same second."""
    for path in paths:
        if path.endswith(".py"):
            with contextlib.suppress(OSError, NotImplementedError):
                os.unlink(importlib.util.cache_from_source(path))


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Being told to end is a reason to tidy up, too."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in _TO_END}
    before[signal.SIGINT] = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_TO_END = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def _ignore_further_signals() -> None:
    """What tidies up must not be interrupted half way; it takes less than half a second."""
    for number in (signal.SIGINT, *_TO_END):
        signal.signal(number, signal.SIG_IGN)
