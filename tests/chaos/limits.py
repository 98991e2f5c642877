"""Limits under fire: three workers, one of which is killed each second, and flows whose limits are always reached.

What has to hold:

- there are never more at once than places: attempts of tasks under the key of a task's limit, flow runs under the
  key of a flow's; neither in the store nor in the lines that the tasks write;
- no place is lost: soon after the last kill everything that has one is at work, while others still wait;
- in the end all flow runs have ended and no place is held.

``python -m tests.chaos.limits --seconds 300 --store postgres`` does it for longer.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from selinon_core.celery import Selinon
from selinon_core.celery.stores.limits import LimitState, read_holder
from selinon_core.celery.worker.limit_upkeep import LOOK_EVERY
from selinon_core.runtime.ids import id_maker
from tests.chaos.limited_tasks import note
from tests.workers.processes import Worker
from tests.workers.stage import Stage, is_running, patient, verdict

#: Keys and places: of a task, and of a flow.
CALLS, RUNS = ("calls", 3), ("runs", 2)
HEARTBEAT_TIMEOUT, RESEND_AFTER = 3.0, 3.0
#: Seconds after which a place counts as lost: many times what it takes, as the machine may have much else to do.
LOST_AFTER = 10 * (HEARTBEAT_TIMEOUT + RESEND_AFTER)
SETTINGS = {
    "selinon_heartbeat_timeout": HEARTBEAT_TIMEOUT,
    "selinon_resend_after": RESEND_AFTER,
    "selinon_lease": 2.0,
    "selinon_max_deliveries": 1000,
}
#: Calls of one run.
FAN = 30
#: Runs of each flow that have not ended, while it burns.
OPEN = {"fan": 2, "order": 4}
_HELD = "import: tests.chaos.limited_tasks, classname: Held"
YAML = f"""
tasks:
  - {{name: Call, {_HELD}, limit: {{key: {CALLS[0]}, max: {CALLS[1]}}}}}
  - {{name: After, {_HELD}}}
  - {{name: Pick, {_HELD}}}
  - {{name: Pack, {_HELD}}}
flow-definitions:
  - name: fan
    edges: [{{from: , to: Call, foreach: "{list(range(FAN))}"}}, {{from: Call, to: After}}]
  - name: order
    limit: {{key: {RUNS[0]}, max: {RUNS[1]}}}
    edges: [{{from: , to: Pick}}, {{from: Pick, to: Pack}}]
"""


class Plan(NamedTuple):
    """What to do. ``broker`` and ``store`` are redis, amqp, postgres, or a URL of a server that is left alone."""

    seconds: float = 8.0
    broker: str = "redis"
    store: str = "redis"
    seed: int = 0
    workers: int = 3
    every: float = 1.0
    patience: float = 240.0


class Lines:
    """What is at work, by the lines of the tasks and of the kills."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._read = 0
        #: The process of each attempt of a task with a limit, by the node run.
        self.calls: dict[str, str] = {}
        #: Attempts of each flow run of the flow with a limit that are at work: processes.
        self._orders: dict[str, set[str]] = {}
        self.most_calls = 0
        self.attempts: Counter[str] = Counter()
        self._events: list[tuple[str, bool]] = []

    def read(self) -> None:
        """Read on."""
        with self.path.open() as file:
            file.seek(self._read)
            for line in iter(file.readline, ""):
                if not line.endswith("\n"):
                    break
                self._read = file.tell()
                self._take(*line.split())

    def _take(self, what: str, *about: str) -> None:
        if what == "dead":
            self.calls = {id: pid for id, pid in self.calls.items() if pid != about[0]}
            for pids in self._orders.values():
                pids.discard(about[0])
            return
        task, flow_id, task_id, pid = about
        if what == "begin":
            self.attempts[task_id] += 1
        if task == "Call":
            if what == "begin":
                self.calls[task_id] = pid
            elif self.calls.get(task_id) == pid:
                del self.calls[task_id]
            self.most_calls = max(self.most_calls, len(self.calls))
        elif task != "After":
            at_work = self._orders.setdefault(flow_id, set())
            at_work.add(pid) if what == "begin" else at_work.discard(pid)
            self._events.append((flow_id, what == "begin"))

    @property
    def most_orders(self) -> int:
        """The most flow runs at once: each from its first line to its last."""
        last = {flow_id: number for number, (flow_id, _) in enumerate(self._events)}
        at_once: set[str] = set()
        most = 0
        for number, (flow_id, _) in enumerate(self._events):
            at_once.add(flow_id)
            most = max(most, len(at_once))
            if last[flow_id] == number:
                at_once.discard(flow_id)
        return most

    def works_for(self, holder: str, of_tasks: bool) -> bool:
        """Whether what has a place is at work."""
        if not of_tasks:
            return bool(self._orders.get(holder))
        flow_id, number = read_holder(holder)
        return id_maker(flow_id)(number) in self.calls


class LimitFire:
    """One run of it, in ``directory``."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        self.plan = plan
        self.directory = directory
        self.dice = random.Random(plan.seed)
        self.lines = Lines(directory / "lines.txt")
        self.kills: Counter[str] = Counter()
        self.ids: dict[str, str] = {}
        self.wrong: list[str] = []
        self.most = Counter[str]()
        #: Since when a place is held by what is not at work, and the longest that one was.
        self._idle_since: dict[tuple[str, str], float] = {}
        self.longest_idle = dict.fromkeys((CALLS[0], RUNS[0]), 0.0)
        self._workers: list[Worker] = []

    def run(self) -> dict[str, Any]:
        """Set the stage, kill, wait until places are in use and runs ended; the figures. See ``wrong``."""
        configuration = self.directory / "nodes.yaml"
        configuration.write_text(YAML)
        with ExitStack() as stack:
            stage = Stage(stack, self.directory, self.plan.broker, self.plan.store)
            environment = stage.environment([str(configuration)], **SETTINGS)
            environment["SELINON_TEST_LINES"] = str(self.lines.path)
            selinon = stage.client(environment)
            for number in range(self.plan.workers):
                self._workers.append(self._worker(environment, stage.queue, number))
            stack.callback(lambda: [worker.kill() for worker in self._workers])
            for worker in self._workers:
                worker.wait_until_ready()
            self._burn(selinon, environment, stage.queue)
            for worker in self._workers:
                worker.wait_until_ready()
            in_use = self._until_places_are_in_use(selinon)
            ended = self._until_all_ended(selinon)
            for worker in self._workers:
                worker.stop(5)
        self.lines.read()
        for what, most, (key, places) in (
            ("attempts were at work", self.lines.most_calls, CALLS),
            ("flow runs were at work", self.lines.most_orders, RUNS),
            ("node runs held a place", self.most[CALLS[0]], CALLS),
            ("flow runs held a place", self.most[RUNS[0]], RUNS),
        ):
            if most > places:
                self.wrong.append(f"{most} {what} at once under the key {key}, which has {places} places")
        return {
            "kills": dict(self.kills),
            "flow runs": dict(Counter(self.ids.values())),
            "attempts": sum(self.lines.attempts.values()),
            "task attempts beyond the first": sum(count - 1 for count in self.lines.attempts.values()),
            "at work at once": {CALLS[0]: self.lines.most_calls, RUNS[0]: self.lines.most_orders},
            "holders at once": dict(self.most),
            "longest that a place was held by what was not at work": self.longest_idle,
            "seconds after the last kill until places were in use": round(in_use, 1),
            "seconds until all had ended": round(ended, 1),
        }

    def _worker(self, environment: dict[str, str], queue: str, number: int) -> Worker:
        log = self.directory / f"worker{number}.log"
        return Worker(environment, log, "-P", "prefork", "-c", "2", "-Q", queue)

    def _burn(self, selinon: Selinon, environment: dict[str, str], queue: str) -> None:
        until = time.monotonic() + self.plan.seconds
        next_kill = time.monotonic() + self.plan.every
        while time.monotonic() < until:
            self._keep_busy(selinon)
            if time.monotonic() >= next_kill and self._kill_something():
                next_kill = time.monotonic() + self.plan.every
            for number, worker in enumerate(self._workers):
                if worker.process.poll() is not None:
                    self._workers[number] = self._worker(environment, queue, number)
            self._look(selinon)

    def _keep_busy(self, selinon: Selinon) -> None:
        """Start flows, so that some always wait."""
        open = Counter(flow for id, flow in self.ids.items() if patient(lambda id=id: is_running(selinon, id)))
        for flow, wanted in OPEN.items():
            for _ in range(wanted - open[flow]):
                self.ids[selinon.run_flow(flow).id] = flow

    def _kill_something(self) -> bool:
        """A worker that was ready, or a process of its pool; whether there was one."""
        ready = [worker for worker in self._workers if worker.process.poll() is None and worker.is_ready()]
        if not ready:
            return False
        worker = self.dice.choice(ready)
        children = worker.children()
        if self.dice.random() < 0.5:
            worker.kill()
            self.kills["worker"] += 1
        elif children:
            children = [self.dice.choice(children)]
            os.kill(children[0], signal.SIGKILL)
            self.kills["process of a pool"] += 1
        for pid in children:
            note(str(self.lines.path), "dead", pid)
        return True

    def _look(self, selinon: Selinon) -> None:
        """Look at the places: how many are held, and which of them by what is not at work."""
        found: list[tuple[str, LimitState]] = [
            (CALLS[0], patient(lambda: selinon.store.task_limits.state(CALLS[0]))),
            (RUNS[0], patient(lambda: selinon.store.limits.state(RUNS[0]))),
        ]
        now = time.monotonic()
        self.lines.read()
        idle = {}
        for key, state in found:
            self.most[key] = max(self.most[key], len(state.holders))
            for place in state.holders:
                if not self.lines.works_for(place.run, key == CALLS[0]):
                    since = self._idle_since.get((key, place.run), now)
                    idle[key, place.run] = since
                    self.longest_idle[key] = max(self.longest_idle[key], round(now - since, 1))
        self._idle_since = idle

    def _until_places_are_in_use(self, selinon: Selinon) -> float:
        """Wait until whatever had a place at the last kill has worked, or given it back."""
        self._look(selinon)
        began, left = time.monotonic(), set(self._idle_since)
        while left and time.monotonic() < began + LOST_AFTER:
            self._keep_busy(selinon)
            self._look(selinon)
            left &= set(self._idle_since)
        self.wrong += [f"{run} has a place under {key}, and does not work" for key, run in sorted(left)]
        return time.monotonic() - began

    def _until_all_ended(self, selinon: Selinon) -> float:
        """Wait for the ends of all runs, and until the places are free."""
        began, left = time.monotonic(), list(self.ids)
        store = selinon.store
        while left and time.monotonic() < began + self.plan.patience:
            left = [id for id in left if patient(lambda id=id: is_running(selinon, id))]
            self._look(selinon)
        self.wrong += [f"{self.ids[id]} {id} did not end" for id in left]
        statuses = {id: patient(lambda id=id: store.header(id)) for id in self.ids if id not in left}
        self.wrong += [
            f"{self.ids[id]} {id}: {header['status']}"
            for id, header in statuses.items()
            if header is None or header["status"] != "success"
        ]
        ended, free = time.monotonic() - began, LimitState(0, [], [])
        until = time.monotonic() + 2 * LOOK_EVERY
        while not left and (store.task_limits.state(CALLS[0]), store.limits.state(RUNS[0])) != (free, free):
            if time.monotonic() > until:
                self.wrong.append("places are held although all runs ended")
                break
            time.sleep(0.2)
        return ended


def main() -> int:
    """Burn, and say what came out of it; 0 when everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.limits", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--broker", default="redis", help="redis or amqp (private servers), or a URL")
    parser.add_argument("--store", default="redis", help="redis or postgres (private servers), or a URL")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between kills")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="selinon-limits-"))
    fire = LimitFire(Plan(**vars(options)), directory)
    figures = fire.run()
    return verdict({**vars(options), **figures}, fire.wrong, directory)


if __name__ == "__main__":
    sys.exit(main())
