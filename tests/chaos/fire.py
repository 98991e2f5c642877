"""Flows under fire: seeded kills of processes and servers while flows are submitted, then the reckoning."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import redis

from selinon_core.celery import Selinon
from selinon_core.celery.transport.publisher import DISPATCHER, OutgoingMessage
from selinon_core.runtime.ids import random_flow_id
from tests.chaos.cases import MOST_AT_ONCE, chosen, steered
from tests.chaos.reckoning import Reckoning, places, reckon
from tests.chaos.steering import Steering
from tests.workers.merging import merge, prefix_of
from tests.workers.processes import Worker
from tests.workers.stage import Stage, patient

Json = dict[str, Any]


class Plan(NamedTuple):
    """What to do. ``broker`` and ``store`` are redis, amqp, postgres, or a URL of a server that is left alone."""

    flows: int = 1000
    seconds: float = 120.0
    broker: str = "redis"
    store: str = "redis"
    seed: int = 0
    recorded: int = 60
    data_flow: int = 40
    workers: int = 3
    every: float = 1.0
    restarts: bool = True
    restart_share: float = 0.05
    die: float = 0.0005
    duplicate: float = 0.05
    delay: float = 0.02
    patience: float = 600.0
    #: How often a run is paused: a probability each 0.3 s. Above 0 there are waits and retries, too.
    steer: float = 0.0


class Fire:
    """One run of it, in ``directory``."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        self.plan = plan
        self.directory = directory
        self.dice = random.Random(plan.seed)
        self.kills: Counter[str] = Counter()
        self._servers: dict[str, Any] = {}
        self._workers: list[Worker] = []
        self._read: Counter[str] = Counter()
        self._late: list[tuple[float, OutgoingMessage]] = []
        self._steering: Steering | None = None
        self._broken: set[str] = set()
        #: The most attempts that held a place of the limit of tasks at once.
        self._most_holders = 0
        self._log = (directory / "fire.log").open("a")

    def say(self, text: str) -> None:
        """Keep a line for the report of a failure."""
        self._log.write(f"{time.time():.3f} {text}\n")
        self._log.flush()

    # -- the stage --------------------------------------------------------------------------------------------

    def run(self) -> Reckoning:
        """Set the stage, submit and kill, wait for the end, reckon."""
        plan = self.plan
        found_cases = (steered() if plan.steer else []) + chosen(plan.seed, plan.recorded, plan.data_flow)
        cases = {prefix_of(n): case for n, case in enumerate(found_cases)}
        configuration, behaviours = self.directory / "nodes.yaml", self.directory / "cases.json"
        behaviours.write_text(json.dumps({prefix: case["behaviour"] for prefix, case in cases.items()}))
        with ExitStack() as stack:
            stack.enter_context(self._log)
            stage = Stage(stack, self.directory, plan.broker, plan.store)
            queue, self._servers = stage.queue, stage.servers
            configuration.write_text(json.dumps(merge(cases, queue)))
            # The one setting other than documented: no task is given up because its worker was killed five times.
            environment = stage.environment([str(configuration)], selinon_max_deliveries=1000)
            chaos = {"die": plan.die, "duplicate": plan.duplicate, "delay": plan.delay, "seed": plan.seed}
            environment |= {
                "SELINON_TEST_CASES": str(behaviours),
                "SELINON_TEST_CHAOS": json.dumps({**chaos, "directory": str(self.directory)}),
            }
            selinon = stage.client(environment)
            if plan.steer:
                memory = redis.Redis.from_url(stage.memory)
                stack.callback(memory.close)
                self._steering = Steering(selinon, random.Random(plan.seed), memory, plan.steer)
            for number in range(plan.workers):
                self._workers.append(self._worker(environment, queue, number))
            stack.callback(lambda: [worker.kill() for worker in self._workers])
            for worker in self._workers:
                worker.wait_until_ready()
            ids = self._burn(selinon, cases, environment, queue)
            began = time.monotonic()
            missing = self._end(selinon, list(ids), environment, queue)
            drained = time.monotonic() - began
            urls = (stage.store, stage.broker, queue, stage.memory)
            found = reckon(selinon, *urls, cases, ids, missing, patient)
            found.figures["most places held"] = self._most_holders
            if self._most_holders > MOST_AT_ONCE:
                found.wrong.append(f"{self._most_holders} attempts held a place, and {MOST_AT_ONCE} may")
            died = self.directory / "died.txt"
            points = [line.split(" ", 1)[1] for line in died.read_text().splitlines()] if died.exists() else []
            self.kills.update({f"died {point}": count for point, count in Counter(points).items()})
            found.figures["kills"] = dict(sorted(self.kills.items()))
            found.figures["kills in total"] = sum(self.kills.values())
            if self._steering is not None:
                found.figures["steered"] = dict(self._steering.done)
                found.figures["refused"] = dict(self._steering.refused)
            found.figures["late messages"] = sum(self._read.values())
            found.figures["seconds to the last end after the fire"] = round(drained, 1)
            for worker in self._workers:
                worker.stop(5)
            return found

    def _worker(self, environment: dict[str, str], queue: str, number: int) -> Worker:
        log = self.directory / f"worker{number}.log"
        return Worker(environment, log, "-P", "prefork", "-c", "2", "-Q", queue, app="tests.chaos.app:app")

    # -- the fire ---------------------------------------------------------------------------------------------

    def _burn(self, selinon: Selinon, cases: dict[str, Json], environment: Json, queue: str) -> dict[str, str]:
        """Submit all flows, spread over the time, while things die; returns prefixes by id."""
        plan, ids = self.plan, {}
        prefixes = [list(cases)[n % len(cases)] for n in range(plan.flows)]
        self.dice.shuffle(prefixes)
        began = time.monotonic()
        next_kill = began + plan.every
        while True:
            passed = time.monotonic() - began
            while prefixes and len(ids) <= plan.flows * passed / plan.seconds:
                prefix = prefixes.pop()
                id = self._submit(selinon, prefix, cases[prefix])
                ids[id] = prefix
                if "broken" in cases[prefix]["behaviour"]:
                    self._broken.add(id)
            if passed >= plan.seconds and not prefixes:
                return ids
            if time.monotonic() >= next_kill:
                next_kill += plan.every
                self._kill_something()
            self._tend(selinon, environment, queue)
            if self._steering is not None:
                self._steering.tend(list(ids), self._broken)
                if passed > plan.seconds / 2 and self._steering.has_failed:
                    self._steering.mend()
            time.sleep(0.02)

    def _submit(self, selinon: Selinon, prefix: str, case: Json) -> str:
        """As ``run_flow`` does, but with one id however often it has to be tried."""
        from selinon_core.dispatch import select

        request = case["request"]
        flow, chosen_nodes, id = prefix + request["flow"], request["selective"], random_flow_id()
        kwargs: Json = {"action": "start", "flow": flow, "id": id, "args": request["node_args"]}
        if chosen_nodes:
            subsequent = chosen_nodes["run_subsequent"]
            if not isinstance(subsequent, bool):
                subsequent = [prefix + name for name in subsequent]
            names = [prefix + name for name in chosen_nodes["task_names"]]
            selective = select(selinon.plan, flow, names, chosen_nodes["follow_subflows"], subsequent)
            kwargs["selective"] = selective.to_json()
        writer, publisher = selinon._publisher()
        letter = OutgoingMessage(writer.queue(flow), DISPATCHER, f"selinon.flow.{flow}", id, id, kwargs)
        if selinon.pending_starts.enabled:
            patient(lambda: selinon.pending_starts.add(letter))
        patient(lambda: publisher.send([letter]))
        self.say(f"submitted {id} {flow}")
        return id

    def _kill_something(self) -> None:
        chance = self.dice.random()
        workers = [worker for worker in self._workers if worker.process.poll() is None]
        if self.plan.restarts and chance < self.plan.restart_share:
            role = self.dice.choice([role for role in self._servers if role != "memory"])
            self.say(f"restart of the {role}")
            self._servers[role].kill()
            time.sleep(self.dice.uniform(0, 1))
            self._servers[role].start()
            self.kills[f"{role} restarted"] += 1
        elif chance < self.plan.restart_share + 0.25 and workers:
            worker = self.dice.choice(workers)
            self.say(f"kill of {worker.log.stem}")
            worker.kill()
            self.kills["worker"] += 1
        else:
            children = [pid for worker in workers for pid in worker.children()]
            if children:
                pid = self.dice.choice(children)
                self.say(f"kill of child {pid}")
                try:
                    os.kill(pid, signal.SIGKILL)
                    self.kills["child"] += 1
                except ProcessLookupError:
                    pass

    def _tend(self, selinon: Selinon, environment: dict[str, str], queue: str) -> None:
        """Start workers that are gone, post messages that are late."""
        for number, worker in enumerate(self._workers):
            if worker.process.poll() is not None:
                self._workers[number] = self._worker(environment, queue, number)
        for path in self.directory.glob("late-*.jsonl"):
            lines = path.read_text().splitlines()
            for line in lines[self._read[path.name] :]:
                late = time.monotonic() + self.dice.uniform(0.2, 3)
                self._late.append((late, OutgoingMessage(*json.loads(line))))
            self._read[path.name] = len(lines)
        self._most_holders = max(self._most_holders, len(patient(lambda: places(selinon)).holders))
        now = time.monotonic()
        ready = [letter for due, letter in self._late if due <= now]
        self._late = [entry for entry in self._late if entry[0] > now]
        if ready:
            patient(lambda: selinon._publisher()[1].send(ready))

    def _end(self, selinon: Selinon, ids: list[str], environment: dict[str, str], queue: str) -> list[str]:
        """Wait until all flow runs are over; returns those that are not after a while."""
        until = time.monotonic() + self.plan.patience
        left = ids
        if self._steering is not None:
            self._steering.mend()
        while left and time.monotonic() < until:
            self._tend(selinon, environment, queue)
            if self._steering is not None:
                self._steering.tend([], self._broken)
            left = [id for id in left if patient(lambda id=id: self._goes_on(selinon, id))]
            time.sleep(0.2)
        while time.monotonic() < until and (self._late or patient(lambda: selinon.store.runs(1))):
            self._tend(selinon, environment, queue)
            time.sleep(0.2)
        return left

    def _goes_on(self, selinon: Selinon, id: str) -> bool:
        """Whether a run has not ended; one that failed because it was broken is retried."""
        header = selinon.store.header(id)
        return (
            header is None
            or header["status"] == "running"
            or (id in self._broken and header["status"] == "failure")
        )


__all__ = ["Fire", "Plan"]
