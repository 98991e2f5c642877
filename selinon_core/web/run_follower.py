"""Keeps the flow runs that have viewers in memory, and updates each at most once per ``pace`` seconds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.celery.selinon_protocol import Owner
from selinon_core.errors import RequestError
from selinon_core.web.followed_run import FollowedRun

#: Seconds between two looks of the server at one run.
PACE = 1.0


class RunFollower:
    """Safe under threads. ``monotonic`` returns seconds that only grow."""

    def __init__(self, selinon: Owner, monotonic: Callable[[], float], pace: float = PACE, most: int = 64) -> None:
        self._selinon = selinon
        self._monotonic = monotonic
        self._pace = pace
        self._most = most
        self._lock = threading.Lock()
        self._reader: RunReader | None = None
        self._runs: OrderedDict[str, FollowedRun] = OrderedDict()

    @contextmanager
    def run(self, id: str) -> Iterator[FollowedRun]:
        """The run, caught up and locked. Raises ``RequestError`` when there is no such run."""
        run = self._followed(id)
        with run.lock:
            now = self._monotonic()
            if now - run.caught_up_at >= self._pace:
                try:
                    run.catch_up()
                except RequestError:
                    self._forget(run)
                    raise
                run.caught_up_at = now
            yield run

    def _followed(self, id: str) -> FollowedRun:
        with self._lock:
            run = self._runs.get(id)
            if run is None:
                run = self._runs[id] = FollowedRun(self._reader_of_its_own(), id)
                while len(self._runs) > self._most:
                    self._runs.popitem(last=False)
            self._runs.move_to_end(id)
            return run

    def _reader_of_its_own(self) -> RunReader:
        """What it keeps is not changed by those who ask for the status of a run in this process."""
        if self._reader is None:
            services: Any = self._selinon.services
            self._reader = RunReader(services.store, services.flow_versions, self._most)
        return self._reader

    def _forget(self, run: FollowedRun) -> None:
        with self._lock:
            if self._runs.get(run.id) is run:
                del self._runs[run.id]
