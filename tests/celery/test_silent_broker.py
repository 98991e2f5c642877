"""Callers get an answer in time, also from a broker that accepts connections and says nothing."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import Celery

from selinon_core.celery import Selinon
from selinon_core.celery.surroundings import REAL
from selinon_core.celery.transport.broker_deadline import MOST_IDLE, RequestThreads, within
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


def thread_of_request(threads: RequestThreads) -> threading.Thread:
    found: list[threading.Thread] = []
    threads.within(60.0, lambda: found.append(threading.current_thread()), "it")
    return found[0]


def test_the_next_request_is_made_in_the_same_thread() -> None:
    threads = RequestThreads()
    assert len({thread_of_request(threads) for _ in range(20)}) == 1


def test_a_request_that_does_not_end_keeps_its_thread() -> None:
    threads, ends = RequestThreads(), threading.Event()
    first = thread_of_request(threads)
    with pytest.raises(TimeoutError, match="the broker did not take it within 0 s; it may still take it later"):
        threads.within(0, lambda: ends.wait(60) and None, "it")
    second = thread_of_request(threads)
    assert second is not first
    ends.set()


def test_requests_at_once_have_threads_of_their_own_of_which_some_are_kept() -> None:
    started: list[threading.Thread] = []

    def start_thread(name: str, run: Callable[[], None]) -> threading.Thread:
        started.append(threading.Thread(target=run, name=name, daemon=True))
        started[-1].start()
        return started[-1]

    threads, at_once = RequestThreads(REAL._replace(start_thread=start_thread)), MOST_IDLE + 3
    meeting = threading.Barrier(at_once)
    with ThreadPoolExecutor(at_once) as callers:
        made = [
            callers.submit(threads.within, 60.0, lambda: meeting.wait(60) and None, "it") for _ in range(at_once)
        ]
        for request in made:
            request.result()
    assert len(started) == at_once
    assert thread_of_request(threads) in started
    assert len(started) == at_once


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_has_threads_of_its_own() -> None:
    threads = RequestThreads()
    thread_of_request(threads)
    child = os.fork()
    if not child:
        try:
            threads.within(30.0, lambda: None, "it")
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
