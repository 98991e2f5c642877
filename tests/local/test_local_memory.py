"""What a run remembers of a node is small, and so is what it costs to remember it."""

from __future__ import annotations

import gc
import tracemalloc
import weakref

import pytest

from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.plan import Plan
from tests.local.trying import behaviours, build

NODES = 5000


def chain(length: int) -> Plan:
    return build({"f": ["-> T0", *(f"T{i} -> T{i + 1}" for i in range(length - 1))]})


def fan(length: int) -> Plan:
    many = " ".join(f"T{i}" for i in range(length - 2))
    return build({"f": ["-> Begin", f"Begin -> {many}", f"{many} -> End"]})


@pytest.mark.parametrize("shape", [chain, fan])
def test_a_finished_node_takes_less_than_a_kilobyte(shape: object) -> None:
    assert callable(shape)
    behaviours.clear()
    executor = LocalExecutor(shape(NODES))
    LocalExecutor(shape(10)).run("f")  # what is imported at the first run is not remembered per node
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        run = executor.run("f")
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(run.result["finished_nodes"]) == NODES
    assert taken / NODES < 1000


def test_the_collector_is_left_as_it_was_found() -> None:
    behaviours.clear()
    frozen = gc.get_freeze_count()
    plan = chain(5000)
    assert LocalExecutor(plan).run("f").status == "success"
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen


class Observer:
    def __call__(self, what: str, record: object) -> None:
        pass


@pytest.mark.parametrize("mock_all", [False, True])
def test_a_run_is_freed_by_its_last_reader_without_the_collector(mock_all: bool) -> None:
    behaviours.clear()
    observer = Observer()
    held_by_the_run = weakref.ref(observer)
    gc.collect()
    gc.disable()
    try:
        run = LocalExecutor(chain(3), LocalOptions(observer=observer, mock_all=mock_all)).run("f")
        del observer
        assert run.status == "success"
        assert held_by_the_run() is not None
        del run
        assert held_by_the_run() is None
    finally:
        gc.enable()
