"""Hearing that something happened in a directory. What happened is found out by looking (see ``sight``)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch

_TELLING = frozenset({"created", "modified", "moved", "deleted"})


class _Handler(FileSystemEventHandler):
    def __init__(self, happened: Callable[[], None]) -> None:
        self._happened = happened

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _TELLING:  # not "opened" and "closed": our own reading would wake us
            self._happened()


class Eyes:
    """Watches directories one by one (not recursively: what is left out must not cost anything)."""

    def __init__(self, happened: Callable[[], None]) -> None:
        self._handler = _Handler(happened)
        self._observer = Observer()
        self._watches: dict[str, ObservedWatch] = {}
        self._observer.start()

    def watch(self, directories: set[str]) -> None:
        """Watch exactly these directories from now on."""
        for directory in self._watches.keys() - directories:
            watch = self._watches.pop(directory)
            with contextlib.suppress(KeyError, OSError):  # the directory is gone, and its watch with it
                self._observer.unschedule(watch)
        for directory in sorted(directories - self._watches.keys()):
            try:
                self._watches[directory] = self._observer.schedule(self._handler, directory)
            except OSError as error:
                if os.path.isdir(directory):
                    raise OSError(error.errno, f"{error.strerror} (too many directories to watch?)") from error

    def close(self) -> None:
        """Stop watching."""
        self._observer.stop()
        self._observer.join(timeout=1)
