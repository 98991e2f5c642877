"""From a signal to the next task, beside from a task's end to it, counted: ``python benchmarks/signal_cost.py``.

One simulated worker on a private Redis carries out a flow of two tasks. Counted is what happens between the signal
(or the moment at which the first task is called) and the call of the second task: messages that are sent (the
signal is one), scripts that the server runs, and all its commands with those of scripts. The counts do not depend
on what else the machine does. The target is that a signal takes the path of a task's end.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import redis

from benchmarks.celery.servers import redis_server
from selinon_core.celery.stores import open_store
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.simulating.world import World

MODULE = "signal_cost_tasks"
#: What calls the tasks: set while a run is measured.
called: dict[str, Any] = {}


class Task:
    """Says that it is called."""

    def __init__(self, **names: Any) -> None:
        self._name = names["task_name"]

    def run(self, node_args: Any) -> None:
        """Say it."""
        called["take"](self._name)


class Figures(NamedTuple):
    """What was done up to a moment."""

    messages: int
    scripts: int
    commands: int


def plan_of(first: str) -> Plan:
    """A flow of two tasks, the first as it is given."""
    module = ModuleType(MODULE)
    module.__dict__["Task"] = Task
    sys.modules[MODULE] = module
    tasks = f"tasks:\n  - {{name: A, {first}}}\n  - {{name: B, import: {MODULE}, classname: Task}}\n"
    flow = "flow-definitions:\n  - {name: f, edges: [{from: , to: A}, {from: A, to: B}]}\n"
    plan = compile_text({"nodes.yaml": tasks + flow}).plan
    assert plan is not None
    return plan


def measure(url: str, waits: bool, inline: int) -> Figures:
    """What one run takes from the signal, or the first task, to the second task."""
    store = open_store(url, f"signal{waits}{inline}:")
    store.prepare()
    first = "wait: {}" if waits else f"import: {MODULE}, classname: Task"
    world = World(plan_of(first), workers=1, store=store, selinon_inline_count=inline)
    client: Any = redis.Redis.from_url(url)
    found: dict[str, Figures] = {}

    def now() -> Figures:
        calls = {name: each["calls"] for name, each in client.info("commandstats").items()}
        calls.pop("cmdstat_info", None)
        scripts = calls.get("cmdstat_evalsha", 0) + calls.get("cmdstat_eval", 0)
        return Figures(len(world.broker.sent), scripts, sum(calls.values()))

    def deliver() -> None:
        while world.broker.queue:
            world.deliver(*world.broker.take(False))

    called["take"] = lambda name: found.update({name: now()})
    for _ in range(2):  # at the second one the server has the scripts
        id = world.start("f")
        deliver()
        if waits:
            found["A"] = now()
            world.signal("f", id, "A")
            deliver()
    store.clear()
    store.close()
    return Figures(*(after - before for before, after in zip(found["A"], found["B"], strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the same: it is quick")
    parser.parse_args()
    logging.getLogger("selinon").setLevel(logging.ERROR)  # the server is not to be durable
    print(f"{'to the next task':34}" + "".join(f"{name:>10}" for name in Figures._fields))
    with redis_server() as url:
        for name, waits, inline in (
            ("from a task's end, inline", False, 1000),
            ("from a task's end, by a message", False, 0),
            ("from a signal", True, 1000),
        ):
            print(f"{name:34}" + "".join(f"{figure:10}" for figure in measure(f"{url}/0", waits, inline)))


if __name__ == "__main__":
    main()
