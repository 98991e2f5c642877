"""A node run gets one message for each of its attempts, also after long pauses and when a message comes twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from selinon_core.celery.transport.publisher import ENVELOPE
from selinon_core.plan import Plan
from selinon_core.project import compile_data
from selinon_core.simulating.world import World

#: Times at which attempts of tasks began, by name, and how many of them fail.
_began: dict[str, list[float]] = {}
_failures: Counter[str] = Counter()
_worlds: list[World] = []


class Task:
    """A task that notes when it begins, and fails as often as the test wants."""

    def __init__(self, **names: Any) -> None:
        self._name = names["task_name"]

    def run(self, node_args: Any) -> None:
        """Do it."""
        _began.setdefault(self._name, []).append(_worlds[-1].now)
        if _failures[self._name]:
            _failures[self._name] -= 1
            raise ValueError("as the test wants")


def _plan(**flow: Any) -> Plan:
    tasks = [
        {"name": name, "import": __name__, "classname": "Task", "max_retry": retries, "retry_countdown": 5}
        for name, retries in (("A", 0), ("B", 1))
    ]
    edges = [{"from": None, "to": "A"}, {"from": "A", "to": "B"}]
    found = compile_data({"tasks": tasks, "flow-definitions": [{"name": "main", "edges": edges, **flow}]}).plan
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def _clean() -> None:
    _began.clear()
    _failures.clear()
    _worlds.clear()


def _numbers(world: World) -> list[int]:
    """The node runs in all messages for tasks."""
    found = []
    for message in world.broker.sent:
        if message.celery_task == ENVELOPE:
            found += [node["number"] for node in message.kwargs.get("nodes", [message.kwargs])]
    return found


@pytest.mark.parametrize("seed", range(3))
def test_a_flow_that_starts_again_after_a_long_pause_sends_each_node_once(seed: int) -> None:
    _failures["A"] = 1
    world = World(_plan(max_retry=1, retry_countdown=100), seed=seed, shuffle=True)
    assert world.settings.selinon_resend_after < 100
    _worlds.append(world)
    id = world.start("main")
    world.work()
    assert world.results[id][0] == "success"
    numbers = _numbers(world)
    assert len(numbers) == len(set(numbers))


def test_a_countdown_is_kept_when_the_message_of_the_node_before_comes_again() -> None:
    _failures["B"] = 1
    world = World(_plan(), workers=1, serves=lambda worker, queue: True)
    _worlds.append(world)
    world.start("main")
    world.work_some(1)  # both ran inline, for the start message
    assert [len(_began[name]) for name in ("A", "B")] == [1, 1]
    carriers = [message for message in world.broker.sent if message.celery_task == ENVELOPE]
    world.broker.send(carriers or [world.broker.sent[0]])
    world.work()
    first, second = _began["B"]
    assert second - first >= 5
