"""`retry` of tasks: which errors are retried, and how long the waits are; here, and on workers."""

from __future__ import annotations

import sys
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest

from selinon_core import SelinonTask
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.local.mocks import Mocks
from selinon_core.plan import Plan, RetryPolicy
from selinon_core.plan.json_form import plan_from_json, plan_to_json
from selinon_core.project import compile_text
from selinon_core.runtime.retry_policy import is_retried, wait_before
from selinon_core.simulating.world import World

YAML = """
tasks: [{name: Call, import: retried, RETRY}]
flow-definitions: [{name: main, edges: [{from: , to: Call}]}]
"""
POLICY = "retry: {max: 4, wait: 10, factor: 2, max_wait: 35, never: [KeyError], only: [LookupError, OSError]}"


def plan_of(retry: str) -> Plan:
    found = compile_text({"nodes.yaml": YAML.replace("RETRY", retry)})
    assert found.plan is not None, [one.message for one in found.diagnostics]
    return found.plan


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What `Call` raises is `Call.error`; each call is noted with the time of ``Call.now``."""
    found: list[float] = []

    class Call(SelinonTask):
        error: BaseException = ConnectionError("refused")
        now: Any = None

        def run(self, node_args: Any) -> None:
            found.append(0.0 if Call.now is None else Call.now())
            raise Call.error

    module = ModuleType("retried")
    module.Call = Call  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "retried", module)
    return found


class _Own(ConnectionError):
    pass


@pytest.mark.parametrize(
    ("policy", "error", "expected"),
    [
        (RetryPolicy(), ValueError(), True),
        (RetryPolicy(only=("LookupError",)), KeyError(), True),  # derived from it
        (RetryPolicy(only=("LookupError",)), ValueError(), False),
        (RetryPolicy(never=("LookupError",)), IndexError(), False),
        (RetryPolicy(only=("LookupError",), never=("KeyError",)), KeyError(), False),
        (RetryPolicy(only=("builtins.Connection*",)), ConnectionResetError(), True),
        (RetryPolicy(only=(f"{__name__}.*",)), _Own(), True),
        (RetryPolicy(only=(f"{__name__}.*",)), ConnectionError(), False),
        (RetryPolicy(only=("_Own",)), _Own(), True),
        (RetryPolicy(never=("object",)), ValueError(), True),
    ],
)
def test_classes_of_errors(policy: RetryPolicy, error: BaseException, expected: bool) -> None:
    assert is_retried(policy, error) is expected


def test_waits_grow_up_to_the_longest() -> None:
    task = plan_of(POLICY).tasks["Call"]
    assert task.retry is not None
    assert [wait_before(task, task.retry, retries, "id") for retries in range(4)] == [10, 20, 35, 35]
    endless = plan_of("retry: {max: 4, wait: 10, factor: 1000}").tasks["Call"]
    assert endless.retry is not None
    assert 0 < wait_before(endless, endless.retry, 5000, "id") < 1e9  # not infinite
    at_once = plan_of("retry: {max: 4, wait: 0, jitter: 0.2}").tasks["Call"]
    assert at_once.retry is not None
    assert {wait_before(at_once, at_once.retry, retries, "id") for retries in (0, 1023, 1024, 5000)} == {0}


def test_jitter_spreads_waits_and_repeats_exactly() -> None:
    task = plan_of("retry: {max: 4, wait: 100, jitter: 0.2}").tasks["Call"]
    assert task.retry is not None
    waits = [wait_before(task, task.retry, 0, f"id{number}") for number in range(200)]
    assert waits == [wait_before(task, task.retry, 0, f"id{number}") for number in range(200)]
    assert 80 <= min(waits) < 85
    assert 115 < max(waits) <= 120
    assert len(set(waits)) > 150
    capped = task.retry._replace(max_wait=100)
    assert max(wait_before(task, capped, 0, f"id{number}") for number in range(50)) == 100


def test_a_local_run_waits_in_virtual_time(calls: list[float]) -> None:
    report = LocalExecutor(plan_of(POLICY)).run("main", None).report()
    assert len(calls) == 5
    assert report["virtual_seconds"] == 10 + 20 + 35 + 35
    sys.modules["retried"].Call.error = KeyError("x")
    report = LocalExecutor(plan_of(POLICY)).run("main", None).report()
    assert (len(calls), report["virtual_seconds"]) == (6, 0)


def test_mocked_errors_are_retried_by_their_class(calls: list[float]) -> None:
    for error, attempts in (("TimeoutError: slow", 5), ("KeyError: x", 1), ("ValueError: x", 1)):
        mocks = Mocks.from_mapping({"Call": {"error": error}})
        report = LocalExecutor(plan_of(POLICY), LocalOptions(mocks=mocks)).run("main", None).report()
        assert report["nodes"][0]["attempts"] == attempts, error
    assert not calls


def test_workers_wait_as_the_local_run_does(calls: list[float]) -> None:
    world = World(plan_of(POLICY), workers=1)
    sys.modules["retried"].Call.now = lambda: world.now
    world.start("main")
    world.work()
    waits = [round(later - earlier) for earlier, later in pairwise(calls)]
    assert waits == [10, 20, 35, 35]


def test_the_policy_is_a_part_of_the_plan() -> None:
    plan = plan_of(POLICY)
    task = plan.tasks["Call"]
    assert (task.max_retry, task.retry_countdown) == (4, 10)
    assert task.retry == RetryPolicy(2, 35, 0, ("LookupError", "OSError"), ("KeyError",))
    assert plan_from_json(plan_to_json(plan)) == plan
    simple = plan_of("retry: {max: 4, wait: 10}")
    old = plan_of("max_retry: 4, retry_countdown: 10")
    assert plan_to_json(simple) == plan_to_json(old)
    assert "'retry'" not in str(plan_to_json(old))


@pytest.mark.parametrize(
    ("retry", "message"),
    [
        ("retry: {wait: 10}", "max"),
        ("retry: {max: 0}", "max has to be an integer greater than 0"),
        ("retry: {max: 1, factor: 0.5}", "factor has to be a number of at least 1, not 0.5"),
        ("retry: {max: 1, jitter: 1.5}", "jitter has to be a number from 0 to 1, not 1.5"),
        ("retry: {max: 1, only: []}", "only"),
        ("retry: {max: 1, never: ['no class']}", '"no class"'),
        ("retry: {max: 1, backof: 2}", 'unknown key "backof"'),
        ("retry: {max: 1}, max_retry: 3", "max_retry"),
        ("retry: {max: 1}, retry_countdown: 3", "retry_countdown"),
        ("retry: 5", "retry"),
    ],
)
def test_what_is_wrong_in_a_policy_is_named(retry: str, message: str) -> None:
    found = compile_text({"nodes.yaml": YAML.replace("RETRY", retry)})
    assert found.plan is None
    assert any(message in one.message for one in found.diagnostics), [one.message for one in found.diagnostics]
