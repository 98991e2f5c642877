"""Keeping a lease while user code runs: a predicate may read a slow storage for longer than a lease lasts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from selinon_core.celery.stores import Store
from selinon_core.errors import StateStoreError


class LeaseRenewer:
    """Renews the leases held by this process, from a thread that starts with the first question asked.

    A run whose worker is in user code for long stays its own; one whose process dies is free after a lease.
    """

    def __init__(self, store: Store, lease: float, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._store = store
        self._lease = lease
        self._tracked: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def track(self, flow_id: str, token: int) -> None:
        """A lease was taken."""
        self._tracked[flow_id] = (token, self._clock() + self._lease)

    def untrack(self, flow_id: str) -> None:
        """It was given back, or lost."""
        self._tracked.pop(flow_id, None)

    def start(self) -> None:
        """User code is about to run."""
        thread = self._thread
        if thread is None or not thread.is_alive():  # it does not survive a fork
            with self._lock:
                if self._thread is thread:
                    self._thread = threading.Thread(target=self._renew, name="selinon-leases", daemon=True)
                    self._thread.start()

    def _renew(self) -> None:
        while True:
            time.sleep(self._lease / 4)
            with self._lock:
                if not self._tracked:
                    self._thread = None
                    return
            now = self._clock()
            for flow_id, (token, until) in list(self._tracked.items()):
                if until - now > self._lease / 2:
                    continue
                try:
                    if self._store.renew_lease(flow_id, token, now + self._lease):
                        self._tracked[flow_id] = (token, now + self._lease)
                    else:
                        self._tracked.pop(flow_id, None)
                except StateStoreError:
                    continue  # the commit will tell
