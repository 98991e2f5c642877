"""An order with a payment below it, for real workers: a task that fails while it is broken, one that waits."""

from __future__ import annotations

TASKS = """
import time
from pathlib import Path
from selinon_core import SelinonTask

HERE = Path(__file__).parent

class Step(SelinonTask):
    def run(self, node_args):
        with (HERE / "ran.txt").open("a") as out:
            out.write(f"{self.task_name} {self.task_id}\\n")
        if self.task_name == "Charge" and (HERE / "broken").exists():
            raise ValueError("the API is down")
        if self.task_name == "Slow":
            until = time.monotonic() + 60
            while not (HERE / "go").exists() and time.monotonic() < until:
                time.sleep(0.02)
"""
YAML = """
tasks:
  - {name: Load, import: MODULE, classname: Step}
  - {name: Charge, import: MODULE, classname: Step}
  - {name: Slow, import: MODULE, classname: Step}
  - {name: Ship, import: MODULE, classname: Step}
flow-definitions:
  - name: order
    edges: [{from: , to: Load}, {from: Load, to: pay}, {from: pay, to: Ship}]
  - name: pay
    edges: [{from: , to: Charge}, {from: Charge, to: Slow}]
"""
