"""Hearing that something happened in a directory. What happened is found out by looking (see ``sight``)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch

#: Reading is no change; our own looking would wake us.
_NOTHING_CHANGED = frozenset({"opened", "closed_no_write"})
#: Every watched directory costs a thread, with older watchdogs also one of the system's few inotify instances.
#: What is beyond is found by looking every now and then.
MOST_DIRECTORIES = 100


class _Handler(FileSystemEventHandler):
    def __init__(self, happened: Callable[[], None]) -> None:
        self._happened = happened

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in _NOTHING_CHANGED:
            self._happened()


class Eyes:
    """Watches directories one by one (not recursively: what is left out must not cost anything)."""

    def __init__(self, happened: Callable[[], None]) -> None:
        self._handler = _Handler(happened)
        self._observer = Observer()
        #: By path and identity: a directory may be renamed and another one made in its place.
        self._watches: dict[tuple[str, int, int], ObservedWatch] = {}
        self._observer.start()

    def watch(self, directories: Sequence[str]) -> bool:
        """Watch exactly these directories from now on, the first ones if they are too many.

        Tells whether there are new ones among them, in which something may have happened before.
        """
        wanted = {}
        for directory in directories[:MOST_DIRECTORIES]:
            with contextlib.suppress(OSError):
                status = os.stat(directory)
                wanted[directory, status.st_dev, status.st_ino] = directory
        for key in self._watches.keys() - wanted.keys():
            watch = self._watches.pop(key)
            with contextlib.suppress(KeyError, OSError):  # the directory is gone, and its watch with it
                self._observer.unschedule(watch)
        news = False
        for key, directory in wanted.items():
            if key not in self._watches:
                with contextlib.suppress(OSError):  # gone again, or a limit of the system: looking has to do
                    self._watches[key] = self._observer.schedule(self._handler, directory)
                    news = True
        return news

    def close(self) -> None:
        """Stop watching."""
        self._observer.stop()
        self._observer.join(timeout=0.2)
