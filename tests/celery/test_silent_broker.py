"""Callers get an answer in time, also from a broker that accepts connections and says nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from celery import Celery

from selinon_core.celery import Selinon
from selinon_core.celery.transport.broker_deadline import within
from tests.celery.changed_flows import CHAIN, NODES, plan_of


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("broker", ["redis://127.0.0.1:{}", "amqp://127.0.0.1:{}"])
def test_a_caller_does_not_wait_for_ever(broker: str, silent: int) -> None:
    app = Celery("caller", broker=broker.format(silent), set_as_current=False)
    selinon = Selinon(app, plan=plan_of(NODES, CHAIN))
    with pytest.raises(TimeoutError, match=r"the broker did not take the start of f within 0.2 s"):
        selinon.run_flow("f", timeout=0.2)
    with pytest.raises(TimeoutError, match=r"the request to cancel run within 0.2 s"):
        selinon.cancel("run", "f", timeout=0.2)


def test_what_a_request_raises_is_raised() -> None:
    def fails() -> None:
        raise ConnectionResetError("gone")

    for seconds in (None, 60.0):
        with pytest.raises(ConnectionResetError, match="gone"):
            within(seconds, fails, "it")


def test_without_a_limit_it_is_done_here() -> None:
    threads: list[threading.Thread] = []
    within(None, lambda: threads.append(threading.current_thread()), "it")
    within(60.0, lambda: threads.append(threading.current_thread()), "it")
    assert threads[0] is threading.current_thread()
    assert threads[1] is not threads[0]
