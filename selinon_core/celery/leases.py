"""Keeping a lease while user code runs: a predicate may read a slow storage for longer than a lease lasts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from selinon_core.celery.stores import Store
from selinon_core.errors import StateStoreError


class LeaseKeeper:
    """Renews the leases held by this process, from a thread that starts with the first question asked.

    A run whose advancer is in user code for long stays its own; one whose process dies is free after a lease.
    """

    def __init__(self, store: Store, lease: float, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._store = store
        self._lease = lease
        self._held: dict[str, tuple[int, float]] = {}
        self._process = 0

    def hold(self, flow_id: str, token: int) -> None:
        """A lease was taken."""
        self._held[flow_id] = (token, self._clock() + self._lease)

    def drop(self, flow_id: str) -> None:
        """It was given back, or lost."""
        self._held.pop(flow_id, None)

    def watch(self) -> None:
        """User code is about to run."""
        if self._process != os.getpid():
            self._process = os.getpid()
            threading.Thread(target=self._renew, name="selinon-leases", daemon=True).start()

    def _renew(self) -> None:
        while True:
            time.sleep(self._lease / 4)
            now = self._clock()
            for flow_id, (token, until) in list(self._held.items()):
                if until - now > self._lease / 2:
                    continue
                try:
                    if self._store.renew(flow_id, token, now + self._lease):
                        self._held[flow_id] = (token, now + self._lease)
                    else:
                        self._held.pop(flow_id, None)
                except StateStoreError:
                    continue  # the commit will tell
