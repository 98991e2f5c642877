"""Renews leases of flow runs from a thread while user code runs: the predicate of an edge may take longer than a
lease.
"""

from __future__ import annotations

import threading

from selinon_core.celery.stores import Store
from selinon_core.celery.surroundings import Surroundings, Thread
from selinon_core.errors import StateStoreError


class LeaseRenewer:
    """Renews the leases held by this process, from a thread that starts with the first question asked.

    A worker that runs user code for long keeps its lease; when its process dies, the lease expires.
    """

    def __init__(self, store: Store, lease: float, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._now = surroundings.now
        self._store = store
        self._lease = lease
        self._tracked: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._thread: Thread | None = None

    def track(self, flow_id: str, token: int) -> None:
        """A lease was taken."""
        self._tracked[flow_id] = (token, self._now() + self._lease)

    def untrack(self, flow_id: str) -> None:
        """A lease was released, or lost."""
        self._tracked.pop(flow_id, None)

    def start(self) -> None:
        """User code is about to run."""
        thread = self._thread
        if thread is None or not thread.is_alive():  # it does not survive a fork
            with self._lock:
                if self._thread is thread:
                    self._thread = self._surroundings.start_thread("selinon-leases", self._renew)

    def _renew(self) -> None:
        while True:
            self._surroundings.sleep(self._lease / 4)
            with self._lock:
                if not self._tracked:
                    self._thread = None
                    return
            now = self._now()
            for flow_id, (token, until) in list(self._tracked.items()):
                if until - now > self._lease / 2:
                    continue
                try:
                    if self._store.renew_lease(flow_id, token, now + self._lease):
                        self._tracked[flow_id] = (token, now + self._lease)
                    else:
                        self._tracked.pop(flow_id, None)
                except StateStoreError:
                    continue  # the commit is refused then
