"""Notifications that something happened in a directory. A scan finds out what (see ``file_snapshot``)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch

#: Reading is not a change; the watcher's own scans would start further ones.
_READING = frozenset({"opened", "closed_no_write"})
#: Every watched directory costs a thread, with older watchdogs also one of the system's few inotify instances.
#: Changes in further directories are found by the scans at intervals.
MAX_DIRECTORIES = 100


class _Handler(FileSystemEventHandler):
    def __init__(self, happened: Callable[[], None]) -> None:
        self._happened = happened

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in _READING:
            self._happened()


class FileEvents:
    """Watches directories one by one (not recursively: what is left out must not cost anything)."""

    def __init__(self, happened: Callable[[], None]) -> None:
        self._handler = _Handler(happened)
        self._observer = Observer()
        #: By path and identity: a directory may be renamed and another one made in its place.
        self._watches: dict[tuple[str, int, int], ObservedWatch] = {}
        self._observer.start()

    def watch(self, directories: Sequence[str]) -> bool:
        """Watch exactly these directories from now on, the first ones if they are too many.

        Returns whether some of them are new: something may have happened in those before.
        """
        wanted = {}
        for directory in directories[:MAX_DIRECTORIES]:
            with contextlib.suppress(OSError):
                status = os.stat(directory)
                wanted[directory, status.st_dev, status.st_ino] = directory
        for key in self._watches.keys() - wanted.keys():
            watch = self._watches.pop(key)
            with contextlib.suppress(KeyError, OSError):  # the directory is gone, and its watch with it
                self._observer.unschedule(watch)
        added = False
        for key, directory in wanted.items():
            if key not in self._watches:
                with contextlib.suppress(OSError):  # gone again, or a limit of the system: the scans have to do
                    self._watches[key] = self._observer.schedule(self._handler, directory)
                    added = True
        return added

    def close(self) -> None:
        """Stop watching."""
        self._observer.stop()
        self._observer.join(timeout=0.2)
