"""What a task raised is reported: in the log of the worker, and in the status of its flow run."""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import Any

import pytest

from selinon_cli.render.run_tree import run_tree
from selinon_core import SelinonTask
from selinon_core.celery.reporting.run_status import describe
from selinon_core.project import compile_text
from selinon_core.simulating.world import World

YAML = """
tasks:
  - {name: Charge, import: charging, max_retry: 1, retry_countdown: 7}
  - {name: Ask, import: charging}
  - {name: Odd, import: charging}
flow-definitions:
  - {name: order, edges: [{from: , to: Charge}]}
  - {name: polite, edges: [{from: , to: Ask}]}
  - {name: odd, edges: [{from: , to: Odd}]}
  - {name: shop, edges: [{from: , to: order}]}
"""


class Charge(SelinonTask):
    def run(self, node_args: Any) -> None:
        raise ValueError(f"card declined, attempt {self.attempt}")


class Ask(SelinonTask):
    def run(self, node_args: Any) -> None:
        if self.attempt == 1:
            self.retry(3)


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


class Odd(SelinonTask):
    def run(self, node_args: Any) -> None:
        raise Unprintable


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    module = ModuleType("charging")
    for task in (Charge, Ask, Odd):
        setattr(module, task.__name__, task)
    monkeypatch.setitem(sys.modules, "charging", module)
    plan = compile_text({"nodes.yaml": YAML}).plan
    assert plan is not None
    return World(plan, workers=1)


def test_a_worker_logs_what_a_task_raised_and_what_follows(world: World, caplog: pytest.LogCaptureFixture) -> None:
    id = world.start("order")
    world.work()
    first, last = caplog.records
    assert (first.levelno, last.levelno) == (logging.WARNING, logging.ERROR)
    assert first.getMessage().startswith(
        f"attempt 1 of Charge in flow order failed, the next one is in 7 s ({id}, "
    )
    assert last.getMessage().startswith(f"attempt 2 of Charge in flow order failed ({id}, ")
    for record, number in ((first, 1), (last, 2)):
        text = record.getMessage()
        assert "\nTraceback (most recent call last):\n" in text
        assert text.endswith(f"\nValueError: card declined, attempt {number}")
        assert "selinon_core" not in text


def test_a_task_that_asks_to_run_again_did_not_fail(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.start("polite")
    world.work()
    assert caplog.records == []


def test_an_error_that_cannot_be_printed_is_logged_too(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.start("odd")
    world.work()
    (record,) = caplog.records
    assert "attempt 1 of Odd in flow odd failed" in record.getMessage()
    assert "Unprintable" in record.getMessage()


def test_the_status_of_a_flow_run_has_the_errors_of_its_nodes(world: World) -> None:
    id = world.start("shop")
    world.work()
    told = describe(world.store, world.workers[0].flow_versions, id)
    (order,) = told["nodes"]
    assert order["error"] is None, "a flow's is the reason of its run"
    (charge,) = order["run"]["nodes"]
    assert charge["error"]["type"] == "ValueError"
    assert charge["error"]["message"] == "card declined, attempt 2"
    assert "in run" in charge["error"]["traceback"]
    text = run_tree(told, color=False)
    assert "    Charge  failure  attempt 2\n" in text
    assert "failed:\n  Charge in flow order after 2 attempts: ValueError: card declined, attempt 2\n" in text


def test_many_node_runs_that_fare_alike_are_a_line() -> None:
    def node(number: int, name: str, status: str) -> dict[str, Any]:
        about = {"id": str(number), "kind": "task", "attempts": 1, "since": 1.0, "error": None}
        return {"name": name, "status": status, **about}

    nodes = [node(n, "Ship", "success" if n < 900 else "waiting") for n in range(1000)]
    nodes += [node(n, "Pack", "success") for n in range(3)]
    told = {"id": "x", "flow": "order", "status": "running", "created": 0.0, "updated": 0.0, "timers": {}}
    lines = run_tree({**told, "nodes": nodes}, color=False).splitlines()
    assert lines[1:] == ["  Ship  900 success", "  Ship  100 waiting", *["  Pack  success"] * 3]
