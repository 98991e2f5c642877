"""What workers tell the sampling strategy of a flow."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from selinon_core import SelinonTask
from selinon_core.project import compile_text
from selinon_core.simulating.world import World

YAML = """
tasks: [{name: A, import: sampled}, {name: B, import: sampled}, {name: C, import: sampled}]
flow-definitions:
  - name: main
    sampling: {name: noting, import: sampled}
    edges: [{from: , to: [A, B]}, {from: A, to: B}]
    failures: [{nodes: B, fallback: C}]
"""


class Task(SelinonTask):
    def run(self, node_args: Any) -> None:
        if self.task_name == "B":
            raise ValueError("it fails")


def test_it_is_told_which_nodes_were_started_since_the_last_time(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, list[str]]] = []

    def noting(status: dict[str, Any]) -> float:
        keys = ("active_nodes", "new_started_nodes", "new_fallback_nodes")
        told.append({key: [node["name"] for node in status[key]] for key in keys})
        return 1000.0

    module = ModuleType("sampled")
    module.A = module.B = module.C = Task  # type: ignore[attr-defined]
    module.noting = noting  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sampled", module)
    plan = compile_text({"nodes.yaml": YAML}).plan
    assert plan is not None
    world = World(plan, workers=1, selinon_inline_count=0, selinon_batch_count=1, selinon_idle_check_interval=1.0)
    world.start("main")
    while world.broker.queue:
        world.now += 2  # each step is one after which the strategy is asked
        world.deliver(*world.broker.take(False))
    world.work()
    seen = [tuple(",".join(names) for names in each.values()) for each in told]
    assert seen[0] == ("A,B", "A,B", "")
    assert ("B,B", "B", "") in seen or ("B,B,C", "B", "C") in seen, seen
    assert all(started.count("A") == (position == 0) for position, (_, started, _) in enumerate(seen))
    assert sum(started.split(",").count("B") for _, started, _ in seen) == 2
    assert sum(fallback.count("C") for _, _, fallback in seen) == 2
