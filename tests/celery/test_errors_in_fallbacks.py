"""A fallback finds the same exception wherever it runs: in this process, in a child process, on a worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.project import compile_text
from selinon_core.simulating.world import World

MODULE = """
import json
from pathlib import Path
from selinon_core import SelinonTask

class Refused(ValueError):
    def __init__(self, account, amount):
        super().__init__(f"{account} has not {amount}")

class Refuse(SelinonTask):
    def run(self, node_args):
        raise {"own": Refused("ada", 5), "key": KeyError("x"), "os": OSError(2, "no file")}[node_args]

class Look(SelinonTask):
    def run(self, node_args):
        error = self.parent_task_exception("Refuse")
        found = [type(error).__name__, str(error), isinstance(error, (Refused, KeyError, OSError))]
        (Path(__file__).parent / "found.json").write_text(json.dumps(found))
"""
YAML = """
tasks:
  - {name: Refuse, import: refusing_tasks, max_retry: 0}
  - {name: Look, import: refusing_tasks}
flow-definitions:
  - {name: f, edges: [{from: , to: Refuse}], failures: [{nodes: Refuse, fallback: Look}]}
"""


@pytest.mark.parametrize("which", ["own", "key"])
def test_the_class_of_an_error_does_not_depend_on_who_runs_the_fallback(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "refusing_tasks.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    plan = compile_text({"nodes.yaml": YAML}).plan
    assert plan is not None
    seen: list[Any] = []
    for pool in ("thread", "process"):
        options = LocalOptions(pool=pool, pythonpath=(str(tmp_path),), storage="real")
        assert LocalExecutor(plan, options).run("f", which).report()["status"] == "success"
        seen.append(json.loads((tmp_path / "found.json").read_text()))
    world = World(plan, workers=1)
    world.start("f", which)
    world.work()
    seen.append(json.loads((tmp_path / "found.json").read_text()))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][2] is True
