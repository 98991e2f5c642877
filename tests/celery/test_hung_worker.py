"""Who keeps a lease: a worker process that hangs while it publishes loses it, a slow condition keeps it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import scripted

from selinon_core.celery.execution.lease_renewer import LeaseRenewer
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.celery.stores.protocol import Commit
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.surroundings import Surroundings, Thread
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.simulating.world import Crash, World
from tests.celery.changed_flows import NODES, flow, plan_of

#: Seconds until the hung process is killed: longer than any lease, and than any wait of the sweep.
HANGS_FOR = 100.0


class _HangingWorld(World):
    """Two workers. The first process that publishes task B or C hangs there.

    Meanwhile its threads go on, time passes, and the other worker works. At last it is killed.
    """

    def __init__(self, *flows: dict[str, Any]) -> None:
        self._threads: dict[int, Callable[[], None]] = {}
        self._at_work: WorkerServices | None = None
        self._meanwhile: Callable[[], None] | None = None
        #: Seconds after which no flow run was left, though the process still hung.
        self.ended_after: float | None = None
        super().__init__(plan_of(NODES, list(flows)), workers=2, selinon_inline_count=0, selinon_batch_count=1)
        self._send = self.broker.send
        self.broker.send = self._send_or_hang  # type: ignore[method-assign]

    def _start_thread(self, name: str, run: Callable[[], None]) -> Thread:
        self._threads[id(self._at_work)] = run
        return super()._start_thread(name, run)

    def handle(self, engine: WorkerServices, *message: Any) -> None:
        self._at_work = engine
        super().handle(engine, *message)

    def _sleep(self, seconds: float) -> None:
        super()._sleep(seconds)
        if self._meanwhile is not None:
            self._meanwhile()

    def _send_or_hang(self, letters: Iterable[OutgoingMessage]) -> None:
        letters = list(letters)
        if self._at_work is not None and any(letter.kwargs.get("task") in ("B", "C") for letter in letters):
            self.broker.send = self._send  # type: ignore[method-assign]
            self._hang(self._at_work)
        self._send(letters)

    def _hang(self, hung: WorkerServices) -> None:
        """Returns by ``Crash`` only."""
        workers, began = self.workers, self.now
        self.workers = [engine for engine in workers if engine is not hung]

        def others_work() -> None:
            self._meanwhile = None
            self.work(until=self.now)
            if self.ended_after is None and not self.store.runs(1):
                self.ended_after = self.now - began
            if self.now - began > HANGS_FOR:
                raise Crash
            self._meanwhile = others_work

        self._meanwhile = others_work
        try:
            self._threads.get(id(hung), lambda: None)()  # a thread of a worker goes on as long as it does
            while True:
                self._sleep(1.0)
        finally:
            self._meanwhile, self.workers = None, workers


def test_the_lease_of_a_process_that_hangs_after_a_condition_runs_out() -> None:
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    conditional = flow((None, "A"), ("A", ["B", "C"]), (["B", "C"], "D"))
    conditional["edges"][1]["condition"] = {"name": "alwaysTrue"}
    world = _HangingWorld(conditional)
    id = world.start("f")
    world.work()
    assert world.results[id][0] == "success"
    assert world.crashes == 1
    assert world.ended_after is not None
    assert world.ended_after < 4 * world.settings.selinon_lease


class _Enough(Exception):
    """As much time passed as was to pass."""


class _Clockwork:
    """A clock, and threads that run only in ``pass_time``."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self._until = self.now
        self._thread: Callable[[], None] = lambda: None

    def surroundings(self) -> Surroundings:
        return Surroundings(lambda: self.now, lambda: self.now, self._sleep, self._start_thread)

    def _sleep(self, seconds: float) -> None:
        if self.now + seconds > self._until:
            raise _Enough
        self.now += seconds

    def _start_thread(self, name: str, run: Callable[[], None]) -> Thread:
        self._thread = run
        return threading.current_thread()

    def pass_time(self, seconds: float) -> None:
        self._until = self.now + seconds
        with suppress(_Enough):
            self._thread()
        self.now = self._until


def test_a_lease_is_renewed_while_user_code_runs_and_for_one_lease_after() -> None:
    clockwork, store, lease = _Clockwork(), MemoryStore(), 4.0
    header = RunHeader("f", "celery", "running").new_fields()
    step = Commit("F", 0, clockwork.now, create=header, batch="[]", keep=True, lease=lease)
    token = store.commit(step).token
    assert token is not None
    renewer = LeaseRenewer(store, lease, clockwork.surroundings())
    renewer.track("F", token)

    def is_held() -> bool:
        return store.acquire_lease("F", 0, lease, clockwork.now) is None

    with renewer.user_code("F"):
        clockwork.pass_time(100.0)
        assert is_held()
    clockwork.pass_time(lease)
    assert is_held()
    clockwork.pass_time(2 * lease)
    assert not is_held()
