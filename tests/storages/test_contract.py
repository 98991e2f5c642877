"""What every shipped storage promises."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from selinon_core.errors import ResultMissingError, StorageError
from selinon_core.storage import SelinonMissingDataException
from tests.storages.backends import Backend

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
with_fixtures = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def exactly(value: Any) -> str:
    """Return a text that tells 1 from 1.0 and -0.0 from 0.0, but not the order of keys."""
    return json.dumps(value, sort_keys=True)


def test_a_stored_result_can_be_retrieved(storage: Any) -> None:
    storage.store({"arg": 1}, "flow", "Task", "id-1", {"answer": [42, None, "x"]})
    assert storage.retrieve("flow", "Task", "id-1") == {"answer": [42, None, "x"]}


def test_the_names_may_be_given_as_keywords(storage: Any) -> None:
    storage.store(node_args=None, flow_name="flow", task_name="Task", task_id="id-1", result=1)
    assert storage.retrieve(flow_name="flow", task_name="Task", task_id="id-1") == 1
    storage.delete(flow_name="flow", task_name="Task", task_id="id-1")


@with_fixtures
@given(result=json_values, node_args=json_values)
@example(result=None, node_args=None)
@example(result="", node_args="")
@example(result=1.0, node_args=None)
@example(result=-0.0, node_args=None)
@example(result=1e22, node_args=1e22)
@example(result=5e-324, node_args=None)
@example(result=2**70, node_args=2**70)
@example(result="\x00", node_args={"\x00": "\x00"})
@example(result={"a": "\ud800"}, node_args="\ud800")
@example(result="\ud800", node_args=None)
@example(result={"$a.b": {"$set": 1}, "": {".": []}, "_id": 3}, node_args=None)
@example(result={"selinon:json": "1"}, node_args=None)
@example(result={"result": 1, "result_json": 2}, node_args=None)
def test_every_json_value_comes_back_as_it_was(storage: Any, result: Any, node_args: Any) -> None:
    storage.store(node_args, "flow", "Task", "id", result)
    assert exactly(storage.retrieve("flow", "Task", "id")) == exactly(result)


def test_a_large_result(storage: Any) -> None:
    result = {"text": "0123456789" * 100_000}
    storage.store(None, "flow", "Task", "id", result)
    assert storage.retrieve("flow", "Task", "id") == result


def test_what_is_missing_is_said_to_be_missing(storage: Any) -> None:
    with pytest.raises(SelinonMissingDataException, match="'Task' in flow 'flow', run id-0") as caught:
        storage.retrieve("flow", "Task", "id-0")
    # for the runtime: trying again does not help; for code written for the original: as there
    assert isinstance(caught.value, ResultMissingError)
    assert isinstance(caught.value, FileNotFoundError)


def test_storing_again_replaces(storage: Any) -> None:
    storage.store(None, "flow", "Task", "id", {"a": 1, "b": 2})
    storage.store(None, "flow", "Task", "id", "short")
    assert storage.retrieve("flow", "Task", "id") == "short"


NAMES = ["flow", "Flow", "f.low", "f/low", "f%2Flow", "", ".", "..", "../up", "/etc", "flöw", "a b", "f" * 120]


def test_results_are_told_apart_by_all_three_names(storage: Any) -> None:
    addresses = {(one, "Task", "id") for one in NAMES}
    addresses |= {("flow", one, "id") for one in NAMES}
    addresses |= {("flow", "Task", one) for one in [*NAMES, "id.json", "id.error", "id.error.json"]}
    for address in addresses:
        storage.store(None, *address, list(address))
    for address in addresses:
        assert storage.retrieve(*address) == list(address)
    storage.delete("flow", "Task", "id")
    for address in addresses - {("flow", "Task", "id")}:
        assert storage.retrieve(*address) == list(address)


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "x" * 5000, "\n", "*", "a:b", "$a"])
def test_a_strange_name_works_or_is_refused(storage: Any, name: str) -> None:
    for address in [(name, "Task", "id"), ("flow", name, "id"), ("flow", "Task", name)]:
        try:
            storage.store(None, *address, "result")
        except StorageError:
            continue
        assert storage.retrieve(*address) == "result"


def test_names_may_be_as_long_as_lint_and_messages_allow(storage: Any) -> None:
    long = "F" * 254
    places = [
        (flow, task, f"{long}{id}")
        for flow in (long + "a", long + "b")
        for task in (long + "c", "T")
        for id in "12"
    ]
    for number, place in enumerate(places):
        storage.store(None, *place, number)
    assert [storage.retrieve(*place) for place in places] == list(range(len(places)))
    storage.store(None, *places[0], "again")
    storage.delete(*places[1])
    assert storage.retrieve(*places[0]) == "again"
    with pytest.raises(SelinonMissingDataException, match=long):
        storage.retrieve(*places[1])
    assert storage.retrieve(*places[2]) == 2


def test_a_deleted_result_is_missing(storage: Any) -> None:
    storage.store(None, "flow", "Task", "id-1", 1)
    storage.store(None, "flow", "Task", "id-2", 2)
    storage.delete("flow", "Task", "id-1")
    with pytest.raises(SelinonMissingDataException):
        storage.retrieve("flow", "Task", "id-1")
    assert storage.retrieve("flow", "Task", "id-2") == 2
    with pytest.raises(SelinonMissingDataException):
        storage.delete("flow", "Task", "id-1")


def raised(exception: Exception) -> Any:
    try:
        raise exception
    except Exception:
        return sys.exc_info()


def test_errors_are_kept_beside_results(storage: Any) -> None:
    address = ("flow", "Task", "id")
    with pytest.raises(SelinonMissingDataException, match="error"):
        storage.retrieve_error(*address)
    storage.store_error({"arg": 1}, *address, raised(ValueError("first")))
    storage.store_error({"arg": 2}, *address, raised(KeyError("second")))
    record = storage.retrieve_error(*address)
    assert record["error"]["type"] == "KeyError"
    assert record["error"]["message"] == "'second'"
    assert record["error"]["traceback"].startswith("Traceback")
    assert "raise exception" in record["error"]["traceback"]
    assert [record[name] for name in ("flow_name", "task_name", "task_id", "node_args")] == [
        *address,
        {"arg": 2},
    ]
    with pytest.raises(SelinonMissingDataException):
        storage.retrieve(*address)
    storage.store(None, *address, "result")
    storage.delete(*address)
    with pytest.raises(SelinonMissingDataException):
        storage.retrieve_error(*address)


def test_an_error_alone_can_be_deleted(storage: Any) -> None:
    storage.store_error(None, "flow", "Task", "id", raised(ValueError()))
    storage.delete("flow", "Task", "id")
    with pytest.raises(SelinonMissingDataException):
        storage.delete("flow", "Task", "id")


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_error_that_cannot_be_printed_is_kept(storage: Any) -> None:
    storage.store_error(None, "flow", "Task", "id", raised(Unspeakable()))
    assert storage.retrieve_error("flow", "Task", "id")["error"]["type"] == "Unspeakable"


def test_results_share_nothing_with_what_was_stored_or_retrieved(storage: Any) -> None:
    stored = {"list": [1]}
    storage.store(None, "flow", "Task", "id", stored)
    stored["list"].append(2)
    storage.retrieve("flow", "Task", "id")["list"].append(3)
    assert storage.retrieve("flow", "Task", "id") == {"list": [1]}


@pytest.mark.parametrize(
    "result",
    [
        object(),
        {"a": {1, 2}},
        {"a": [object()]},
        float("nan"),
        {"score": [float("-inf")]},
        {"a": 10**5000},
        {"a": {1: "x", "1": "y"}},
        [datetime.date(2000, 1, 1)],
        [datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)],
        {"a": b"bytes"},
    ],
)
def test_what_is_not_json_is_refused_and_changes_nothing(storage: Any, result: Any) -> None:
    storage.store(None, "flow", "Task", "id", "before")
    with pytest.raises(StorageError, match=r"'Task' in flow 'flow'.*not JSON"):
        storage.store(None, "flow", "Task", "id", result)
    assert storage.retrieve("flow", "Task", "id") == "before"


def test_connects_on_demand_and_again_after_disconnecting(backend: Backend) -> None:
    storage = backend.build()
    storage.disconnect()
    storage.store(None, "flow", "Task", "id", 1)
    assert storage.is_connected()
    storage.connect()
    storage.disconnect()
    storage.disconnect()
    if backend.shared:
        assert not storage.is_connected()
        assert storage.retrieve("flow", "Task", "id") == 1
    assert backend.build().is_connected() is (backend.classname == "InMemoryStorage")
    storage.disconnect()


def test_another_instance_sees_it(backend: Backend) -> None:
    if not backend.shared:
        pytest.skip("is private to its instance")
    one, other = backend.build(), backend.build()
    one.store(None, "flow", "Task", "id", 1)
    assert other.retrieve("flow", "Task", "id") == 1
    other.store(None, "flow", "Task", "id", 2)
    assert one.retrieve("flow", "Task", "id") == 2
    one.disconnect()
    other.disconnect()


def in_threads(count: int, work: Any) -> None:
    """Run ``work(number)`` in threads that begin together; raise what one of them raised."""
    barrier = threading.Barrier(count)
    raised_there: list[BaseException] = []

    def run(number: int) -> None:
        try:
            barrier.wait(timeout=60)
            work(number)
        except BaseException as exc:
            raised_there.append(exc)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised_there:
        raise raised_there[0]


def test_readers_see_whole_results_while_writers_replace_them(backend: Backend) -> None:
    storage = backend.build()  # connected by whichever thread comes first
    rounds, size = 15, 2000

    def work(number: int) -> None:
        own = f"id-{number}"
        replaced = "shared" if backend.atomic else f"{own}-replaced"
        for round_ in range(rounds):
            storage.store(None, "flow", "Task", replaced, [number * 1000 + round_] * size)
            storage.store(None, "flow", "Task", own, round_)
            seen = storage.retrieve("flow", "Task", replaced)
            assert len(seen) == size
            assert len(set(seen)) == 1
            assert storage.retrieve("flow", "Task", own) == round_

    in_threads(4, work)
    storage.disconnect()


_FORK = """
import json, os, sys
from tests.storages.backends import Backend

storage = Backend(*json.loads(sys.argv[1])).build()
storage.store(None, "flow", "Task", "parent", "before")
children = []
for child in range(4):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            assert not storage.is_connected()
            for round_ in range(20):
                storage.store(None, "flow", "Task", f"child-{child}", [child, round_])
                assert storage.retrieve("flow", "Task", f"child-{child}") == [child, round_]
            assert storage.retrieve("flow", "Task", "parent") in ("before", "after")
            storage.disconnect()
            status = 0
        finally:
            os._exit(status)
    children.append(pid)
for round_ in range(20):
    storage.store(None, "flow", "Task", "parent", "after")
    assert storage.retrieve("flow", "Task", "parent") == "after"
statuses = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
assert statuses == [0] * 4, statuses
for child in range(4):
    assert storage.retrieve("flow", "Task", f"child-{child}") == [child, 19]
storage.disconnect()
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork on this system")
def test_survives_a_fork(backend: Backend) -> None:
    if not backend.forks:
        pytest.skip("is in the memory of one process")
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", _FORK, json.dumps(backend)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
