"""A handle waits by the clock that it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery

from selinon_core.celery import Selinon
from selinon_core.celery.handle import FlowHandle
from selinon_core.celery.surroundings import REAL
from selinon_core.errors import FlowError
from tests.celery.changed_flows import CHAIN, NODES, plan_of


class Clock:
    """A clock that jumps; ``then`` is called at each sleep."""

    def __init__(self, then: Callable[[float], None] = lambda now: None) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._then = then

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self._then(self.now)

    def monotonic(self) -> float:
        return self.now


def handle(clock: Clock, header: dict[str, str] | None, backend: str | None = None) -> FlowHandle:
    """A handle of a run with a header that the test changes. In a ``backend`` the run has failed."""
    app = Celery("caller", broker="memory://", backend=backend, set_as_current=False)
    app.conf.selinon_state_url = "memory://"
    selinon: Any = Selinon(app, plan=plan_of(NODES, CHAIN))
    selinon.store.header = lambda id: header
    if backend is not None:
        app.backend.store_result("id", FlowError({"failed_nodes": {"A": ["a"]}}), "FAILURE")
    return FlowHandle(selinon, "id", "f", REAL._replace(sleep=clock.sleep, monotonic=clock.monotonic))


def test_waiting_ends_with_the_run() -> None:
    header = {"status": "running"}
    clock = Clock(lambda now: header.update(status="success") if now >= 1001 else None)
    assert handle(clock, header).wait(timeout=60, interval=0.5) == "success"
    assert clock.slept == [0.5, 0.5]


def test_waiting_ends_at_its_time_out() -> None:
    clock = Clock()
    with pytest.raises(TimeoutError, match=r"flow run id did not end within 2 s \(it is running\)"):
        handle(clock, {"status": "running"}).wait(timeout=2, interval=0.5)
    assert clock.slept == [0.5] * 4


def test_the_failure_of_before_a_retry_is_not_the_result() -> None:
    """Where it is written, or heard of, later than the run goes on."""
    clock = Clock()
    with pytest.raises(TimeoutError, match=r"flow run id did not end within 1 s"):
        handle(clock, {"status": "running"}, "cache+memory://").result(timeout=1)
    with pytest.raises(FlowError):  # the state store does not know the run
        handle(clock, None, "cache+memory://").result(timeout=1)


def test_a_result_is_waited_for_without_a_result_backend() -> None:
    clock = Clock()
    with pytest.raises(TimeoutError, match=r"flow run id did not end within 1 s"):
        handle(clock, {"status": "running"}).result(timeout=1)
    assert clock.now == pytest.approx(1001, abs=0.2)
    assert clock.slept
