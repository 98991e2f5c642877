"""Who hears of local runs: the listeners of the context in which a run is started, and no others."""

from __future__ import annotations

from threading import Thread

from selinon_core.context import run_listener
from selinon_core.covering import CoverageData, collect
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from tests.covering.small_flows import FIRST, flow


def play() -> LocalRun:
    return LocalExecutor(flow(FIRST), LocalOptions(mock_all=True)).run("f")


def test_a_listener_gets_each_run_while_it_listens() -> None:
    heard: list[LocalRun] = []
    with run_listener(heard.append):
        runs = [play(), play()]
    play()
    assert heard == runs


def test_listeners_add_up() -> None:
    outer: list[LocalRun] = []
    inner: list[LocalRun] = []
    with run_listener(outer.append):
        with run_listener(inner.append):
            play()
        play()
    assert (len(outer), len(inner)) == (2, 1)


def test_runs_of_other_threads_are_not_heard_of() -> None:
    heard: list[LocalRun] = []
    with run_listener(heard.append):
        thread = Thread(target=play)
        thread.start()
        thread.join()
    assert heard == []


def test_what_a_listener_hears_can_be_counted() -> None:
    data = CoverageData()
    with run_listener(lambda run: collect(run.facts, "a test", data)):
        play()
    assert data.flows["f"].hits["edge:0/fired"] == {"a test": 1}
