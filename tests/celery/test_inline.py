"""Which tasks a worker executes inline, and which get messages of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from selinon_core.celery.transport.publisher import ENVELOPE
from selinon_core.project import compile_data
from selinon_core.simulating.world import World

#: What a task does when it runs, by its name.
_EFFECTS: dict[str, Callable[[], None]] = {}


class Quick:
    """A task that does what the test wants."""

    def __init__(self, **names: Any) -> None:
        self._name = names["task_name"]

    def run(self, node_args: Any) -> None:
        """Do it."""
        _EFFECTS.get(self._name, lambda: None)()


class Slow(Quick):
    """A class of its own: durations are those of what is imported."""


@pytest.fixture
def world() -> World:
    tasks = [{"name": name, "import": __name__, "classname": name} for name in ("Quick", "Slow")]
    edges = [{"from": None, "to": "Quick"}, {"from": "Quick", "to": "Slow"}]
    plan = compile_data({"tasks": tasks, "flow-definitions": [{"name": "main", "edges": edges}]}).plan
    assert plan is not None
    return World(plan, workers=1)


def _published(world: World) -> list[str]:
    """The tasks that got messages in one more run."""
    before = len(world.broker.sent)
    id = world.start("main")
    world.work()
    assert world.results[id][0] == "success"
    return [message.kwargs["task"] for message in world.broker.sent[before:] if message.celery_task == ENVELOPE]


def _takes(world: World, seconds: float) -> None:
    def run() -> None:
        world.now += seconds

    _EFFECTS["Slow"] = run


def test_a_task_that_is_known_to_take_long_gets_a_message(world: World) -> None:
    _takes(world, world.settings.selinon_inline_seconds * 1.1)
    assert _published(world) == []  # not known yet
    assert _published(world) == ["Slow"]
    assert _published(world) == ["Slow"]


def test_a_task_that_fits_into_the_time_is_executed_inline(world: World) -> None:
    _takes(world, world.settings.selinon_inline_seconds * 0.9)
    assert _published(world) == []
    assert _published(world) == []


def test_the_rest_of_the_time_counts(world: World) -> None:
    half = world.settings.selinon_inline_seconds * 0.6
    _takes(world, half)
    assert _published(world) == []

    def also_half() -> None:
        world.now += half

    _EFFECTS["Quick"] = also_half
    try:
        assert _published(world) == ["Slow"]  # its first run of Quick took more than was known
    finally:
        del _EFFECTS["Quick"]
