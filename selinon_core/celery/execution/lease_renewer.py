"""Renews leases of flow runs from a thread while user code runs: the predicate of an edge may take longer than a
lease.

Nothing else that is done under a lease may take long. A process that hangs there (in a publish, in a lock) has to
lose its lease, or its flow run would wait for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

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
        #: By flow run id: the token, and when the lease ends.
        self._tracked: dict[str, tuple[int, float]] = {}
        #: By flow run id: until when its lease is renewed.
        self._wanted: dict[str, float] = {}
        self._lock = threading.Lock()
        self._thread: Thread | None = None

    def track(self, flow_id: str, token: int) -> None:
        """A lease was taken."""
        self._tracked[flow_id] = (token, self._now() + self._lease)

    def untrack(self, flow_id: str) -> None:
        """A lease was released, or lost."""
        self._tracked.pop(flow_id, None)
        self._wanted.pop(flow_id, None)

    @contextmanager
    def user_code(self, flow_id: str) -> Iterator[None]:
        """User code runs inside for a flow run: its lease is renewed meanwhile, and for the time of one after."""
        if flow_id not in self._tracked:
            yield
            return
        self._wanted[flow_id] = inf
        self._start()
        try:
            yield
        finally:
            # Not at once: the next question follows, or the commit, which needs the lease too.
            self._wanted[flow_id] = self._now() + self._lease

    def _start(self) -> None:
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
                if until - now > self._lease / 2 or self._wanted.get(flow_id, 0.0) < now:
                    continue
                try:
                    renewed = self._store.renew_lease(flow_id, token, now + self._lease)
                except StateStoreError:
                    continue  # the commit is refused then
                if self._tracked.get(flow_id) != (token, until):
                    continue  # released meanwhile, or another one was taken
                if renewed:
                    self._tracked[flow_id] = (token, now + self._lease)
                else:
                    self.untrack(flow_id)
