"""``python -m tests.celery.chaos``: real workers under load while a seeded script kills them; then the invariants.

Every flow run has to end, with the outcome the local executor gives for it; no node run may be decided
twice; nothing may be left in an inbox. Prints a line of JSON; the exit code says whether all of it holds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from selinon_core.celery.cached_run import read_batch
from selinon_core.local import LocalExecutor
from tests.celery.reported import report_of
from tests.celery.workers import Site, site

FLOWS = """
tasks:
  - {name: A, import: MODULE, classname: Work}
  - {name: B, import: MODULE, classname: Work}
  - {name: C, import: MODULE, classname: Work}
  - {name: D, import: MODULE, classname: Work}
  - {name: E, import: MODULE, classname: Work}
  - {name: Bad, import: MODULE, classname: Bad}
  - {name: Flaky, import: MODULE, classname: Flaky, max_retry: 2, retry_countdown: 1}
  - {name: Rescue, import: MODULE, classname: Work}
flow-definitions:
  - name: chain
    edges: [{from: , to: A}, {from: A, to: B}, {from: B, to: C}, {from: C, to: D}, {from: D, to: E}]
  - name: fan
    edges:
      - {from: , to: A}
      - {from: A, to: B, foreach: {import: MODULE, function: items}}
      - {from: A, to: [C, D]}
      - {from: [C, D], to: E}
  - name: ladder
    edges: [{from: , to: [A, B]}, {from: [A, B], to: [C, D]}, {from: [C, D], to: E}]
  - name: rescued
    edges: [{from: , to: [A, Bad]}, {from: Rescue, to: E}]
    failures: [{nodes: Bad, fallback: Rescue}]
  - name: failing
    edges: [{from: , to: A}, {from: A, to: Bad}]
  - name: retrying
    edges: [{from: , to: Flaky}, {from: Flaky, to: B}]
  - name: nested
    propagate_finished: true
    edges: [{from: , to: chain}, {from: chain, to: ladder}, {from: [chain, ladder], to: E}]
  - name: deep
    edges: [{from: , to: [nested, fan]}, {from: [nested, fan], to: rescued}]
"""

TASKS = """
import time
from selinon_core import SelinonTask

def items(storage_pool, node_args):
    return [1, 2, 3, 4, 5]

class Work(SelinonTask):
    def run(self, node_args):
        time.sleep(0.02)

class Bad(SelinonTask):
    def run(self, node_args):
        raise ValueError("bad")

class Flaky(SelinonTask):
    def run(self, node_args):
        if self.attempt == 1:
            raise OSError("once")
"""
NAMES = ("chain", "fan", "ladder", "rescued", "failing", "retrying", "nested", "deep")


def main() -> int:
    """Run, kill, check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", choices=("redis", "amqp"), default="redis")
    parser.add_argument("--state", choices=("redis", "postgres", "sqlite"), default="redis")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long to kill")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between kills")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--patience", type=float, default=120.0, help="how long runs may take after the last kill")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    settings = {"selinon_max_deliveries": 1000}
    with (
        tempfile.TemporaryDirectory() as directory,
        site(Path(directory), options.broker, options.state, **settings) as place,
    ):
        place.write(FLOWS.replace("MODULE", f"tasks_{place.name}"), TASKS)
        told = Chaos(place, options).run()
    print(json.dumps(told))
    return 0 if told["ok"] else 1


class Chaos:
    """One run of it."""

    def __init__(self, place: Site, options: argparse.Namespace) -> None:
        self.place = place
        self.options = options
        self.chooser = random.Random(options.seed)
        self.kills: Counter[str] = Counter()
        self.alive: list[Any] = []

    def run(self) -> dict[str, Any]:
        """Submit, kill, wait, check."""
        options, place = self.options, self.place
        executor = LocalExecutor(place.selinon.plan)
        expected = {name: _counts(executor.run(name).report()) for name in NAMES}
        place.selinon.store.prepare()
        self.alive = [place.start("-c", "2") for _ in range(options.workers)]
        began = time.monotonic()
        runs: list[Any] = []
        next_kill = began + options.every
        while time.monotonic() - began < options.seconds or len(runs) < options.runs:
            due = int(options.runs * min(1.0, (time.monotonic() - began) / (options.seconds * 0.9)))
            while len(runs) < due:
                runs.append(place.selinon.run_flow(NAMES[len(runs) % len(NAMES)]))
            if time.monotonic() >= next_kill and time.monotonic() - began < options.seconds:
                self._kill()
                next_kill = time.monotonic() + options.every
            time.sleep(0.05)
        killed_until = time.monotonic()
        while len(self.alive) < options.workers:
            self.alive.append(place.start("-c", "2", wait=False))
        open_runs = {run.id: run for run in runs}
        while open_runs and time.monotonic() - killed_until < options.patience:
            for id in [id for id, run in open_runs.items() if run.status() not in ("pending", "running")]:
                del open_runs[id]
            time.sleep(0.2)
        settled = time.monotonic() - killed_until
        time.sleep(1.0)
        different = [
            (run.flow, run.id)
            for run in runs
            if run.id not in open_runs
            and _counts(report_of(place.selinon.plan, place.selinon.store, run.id)) != expected[run.flow]
        ]
        twice = [run.id for run in runs if self._decided_twice(run.id)]
        return {
            "ok": not open_runs and not different and not twice,
            "broker": options.broker,
            "state": options.state,
            "seed": options.seed,
            "runs": len(runs),
            "kills": dict(self.kills),
            "unfinished": [(run.flow, run.id, run.status()) for run in open_runs.values()][:10],
            "different": different[:10],
            "decided_twice": twice[:10],
            "settled_after": round(settled, 1),
        }

    def _kill(self) -> None:
        """Kill a whole worker, its main process only, or one of its children; dead workers are replaced."""
        place = self.place
        for worker in [worker for worker in self.alive if worker.poll() is not None]:
            self.alive.remove(worker)
        while len(self.alive) < self.options.workers:
            self.alive.append(place.start("-c", "2", wait=False))
        worker = self.chooser.choice(self.alive)
        kind = self.chooser.choice(("worker", "main", "child", "child"))
        try:
            if kind == "worker":
                place.kill(worker)
            elif kind == "main":
                worker.kill()
            else:
                children = place.children(worker)
                if not children:
                    return
                os.kill(self.chooser.choice(children), signal.SIGKILL)
        except (ProcessLookupError, FileNotFoundError):
            return
        self.kills[kind] += 1

    def _decided_twice(self, id: str) -> bool:
        """Whether the log of a run says of a node run that it ended twice."""
        found = self.place.selinon.store.read(id)
        if found is None:
            return True
        ends = Counter(e[1] for batch in found[1] for e in read_batch(batch)[1] if e[0] in "+-")
        left = found[2] if found[0]["status"] == "running" else ()
        return any(times > 1 for times in ends.values()) or bool(left)


def _counts(report: dict[str, Any]) -> Any:
    nodes = Counter((node["flow"], node["name"], node["status"]) for node in report["nodes"])
    return report["status"], sorted(nodes.items())


if __name__ == "__main__":
    sys.exit(main())
