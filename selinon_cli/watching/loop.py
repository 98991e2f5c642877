"""The main loop: file events become scans, and changes found by a scan become rebuilds."""

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
from selinon_cli.watching.file_events import FileEvents
from selinon_cli.watching.file_snapshot import Changes, FileScanner, FileSnapshot, WatchRoots, compare
from selinon_cli.watching.options import WatchOptions
from selinon_cli.watching.rebuild_scheduler import RebuildScheduler
from selinon_cli.watching.server import PageServer
from selinon_cli.watching.watch_roots import watch_roots

#: Seconds without a further event after which a burst of events is over, and the longest a burst may last.
BURST_PAUSE, LONGEST_BURST = 0.05, 0.5
#: Seconds between two scans without any event, for file systems that send none; in a large tree this many times
#: the duration of a scan.
SCAN_INTERVAL, SCAN_INTERVAL_FACTOR = 2.0, 20
#: Maximum repeats after files were rewritten with equal content during a rebuild, which may have read an
#: intermediate state. Bounded, because a task may be the writer.
MAX_REPEATS = 2


class WatchLoop:
    """Watches until it is interrupted."""

    def __init__(self, terminal: Terminal, options: WatchOptions) -> None:
        self._terminal = terminal
        self._options = options
        self._scanner = FileScanner(watch_roots(options.paths, options.pythonpath), options.outputs)
        self._scanner.add(WatchRoots(files=tuple(options.inputs)))
        self._seen = FileSnapshot({}, {}, ())
        self._scan_interval = SCAN_INTERVAL
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._scan_due = False
        self._rebuild_ended = False
        self._stamps_before = self._seen.stamps
        self._repeats = 0

    def run(self) -> None:
        """Watch; ends with ``KeyboardInterrupt``, or ``SystemExit`` when the process receives a signal to end.

        Raises ``UsageError`` when the port for the page is taken.
        """
        with _signals_as_exits(), contextlib.ExitStack() as cleanup:
            server = None
            if self._options.port is not None:
                server = PageServer(self._options.port)
                cleanup.callback(server.close)
                self._terminal.note(f"page: {server.address}")
            events = FileEvents(lambda: self._inbox.put(self._on_file_event))
            cleanup.callback(events.close)
            scheduler = RebuildScheduler(
                self._terminal,
                self._options,
                server,
                later=self._inbox.put,
                add_files=self._add_files,
                ended=self._on_rebuild_ended,
            )
            cleanup.callback(scheduler.stop)
            cleanup.callback(_ignore_further_signals)
            self._seen = self._scan(events)
            count = len(self._seen.contents)
            self._terminal.note(f"watching {count} {'file' if count == 1 else 'files'} (Ctrl-C ends)")
            while True:
                self._stamps_before = self._seen.stamps
                scheduler.start()
                while (changes := self._changes_to_build(events)) is None:
                    self._wait()
                scheduler.stop()  # takes its live display off the screen
                if changes:
                    self._print_change(f"[{datetime.now():%H:%M:%S}] {changes.text()}")

    # --- events ---------------------------------------------------------------------------------------------

    def _on_file_event(self) -> None:
        self._scan_due = True

    def _on_rebuild_ended(self) -> None:
        self._scan_due = self._rebuild_ended = True

    def _wait(self) -> None:
        """Handle events until the files have to be scanned: at the end of a burst of events."""
        self._scan_due = False
        burst_ends = None
        while True:
            if burst_ends is None:
                timeout = self._scan_interval
            else:
                timeout = min(BURST_PAUSE, max(0.0, burst_ends - time.monotonic()))
            try:
                action = self._inbox.get(timeout=timeout)
            except queue.Empty:
                return
            action()
            if self._scan_due and burst_ends is None:
                burst_ends = time.monotonic() + LONGEST_BURST

    # --- scanning -------------------------------------------------------------------------------------------

    def _scan(self, events: FileEvents) -> FileSnapshot:
        began = time.monotonic()
        snapshot = self._scanner.scan()
        while events.watch(snapshot.directories):
            # A change in a new directory may have come before its events were subscribed to.
            snapshot = self._scanner.scan()
        self._scan_interval = max(SCAN_INTERVAL, SCAN_INTERVAL_FACTOR * (time.monotonic() - began))
        return snapshot

    def _changes_to_build(self, events: FileEvents) -> Changes | None:
        """Scan the files. None: no rebuild is needed. Empty changes: the last rebuild has to be repeated."""
        before, self._seen = self._seen, self._scan(events)
        rebuild_ended, self._rebuild_ended = self._rebuild_ended, False
        changes = compare(before.contents, self._seen.contents)
        if changes:
            self._repeats = 0
            _forget_bytecode(changes.changed)
            if any(os.path.basename(path) == "pyproject.toml" for path in (*changes.added, *changes.changed)):
                self._scanner.add(watch_roots(self._options.paths, self._options.pythonpath))
            return changes
        if rebuild_ended and self._seen.stamps != self._stamps_before and self._repeats < MAX_REPEATS:
            self._repeats += 1
            return changes
        return None

    def _print_change(self, text: str) -> None:
        """Print a line that separates the output of two rebuilds, which may be longer than a screen."""
        self._terminal.note(styled(visible(text), BOLD, self._terminal.color_err))

    def _add_files(self, files: Iterable[str]) -> None:
        """Watch these files from now on. That they are new to the watcher is not a change."""
        if self._scanner.add(WatchRoots(files=tuple(files))):
            now = self._scanner.scan()
            self._stamps_before = {**now.stamps, **self._stamps_before}
            self._seen = now._replace(contents={**now.contents, **self._seen.contents})


def _forget_bytecode(paths: Iterable[str]) -> None:
    """Remove bytecode of what changed: Python does not notice a change of equal size within the same second."""
    for path in paths:
        if path.endswith(".py"):
            with contextlib.suppress(OSError, NotImplementedError):
                os.unlink(importlib.util.cache_from_source(path))


@contextmanager
def _signals_as_exits() -> Iterator[None]:
    """Turn signals to end into ``SystemExit``, so that the watcher cleans up."""

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
    """The clean-up must not be interrupted half way; it takes less than half a second."""
    for number in (signal.SIGINT, *_TO_END):
        signal.signal(number, signal.SIG_IGN)
