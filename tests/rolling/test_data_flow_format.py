"""Workers that know format 1 only leave runs of flows with args to newer workers, and take all other runs."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

import pytest
import scripted

from selinon_core.celery.execution import run_loader
from selinon_core.celery.services import WorkerServices
from selinon_core.project import compile_text
from selinon_core.simulating.world import World

YAML = """
tasks:
  - {name: A, import: scripted, classname: Scripted}
flow-definitions:
  - {name: plain, edges: [{from: , to: A}, {from: A, to: A, condition: "false"}]}
  - {name: given, edges: [{from: , to: A, args: {n: "${args.n}"}}], output: "${flow.name}"}
"""


class Mixed(World):
    """The last worker knows format 2, the others do not."""

    def handle(self, engine: WorkerServices, *about: Any) -> None:
        is_new = engine is self.workers[-1]
        with nullcontext() if is_new else patch.object(run_loader, "FORMAT", 1):
            super().handle(engine, *about)


@pytest.mark.parametrize("seed", range(5))
def test_runs_with_args_wait_for_newer_workers(seed: int) -> None:
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    plan = compile_text({"nodes.yaml": YAML}).plan
    assert plan is not None
    world = Mixed(plan, workers=3, seed=seed, crash=0.02, selinon_inline_count=0)
    ids = [world.start("plain"), world.start("given", {"n": 1})]
    world.work()
    assert [world.results[id][0] for id in ids] == ["success", "success"]
    headers = [world.store.header(id) for id in ids]
    assert [header["format"] for header in headers if header is not None] == ["1", "2"]
