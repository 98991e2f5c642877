"""A rolling update under load: flows are asked for all the time while workers are replaced by newer ones."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from selinon_core.celery import Selinon
from tests.rolling.reckoning import Reckoning, reckon
from tests.rolling.versions import ARGUMENTS, ASKED_FOR, Edition, Version, write_both
from tests.workers.leftovers import left_over
from tests.workers.processes import Worker
from tests.workers.stage import Stage, is_running


class Plan(NamedTuple):
    """What to do. ``broker`` and ``store`` are redis, amqp, postgres, or a URL of a server that is left alone.

    ``flows`` are asked for at the least; more, if the update takes longer. ``in_flight`` of them run all the time.
    ``beside``: how many have to end while an old worker and the new one that replaces it run side by side.
    ``kill``: whether one of the old workers is killed instead of being asked to stop; None: the seed says.
    ``forget``: whether tasks that no flow uses any more are gone from the new files. Node runs of them that no old
    worker takes in time fail after a minute.
    """

    flows: int = 500
    strategy: str = "IGNORE"
    broker: str = "redis"
    store: str = "redis"
    seed: int = 0
    workers: int = 4
    in_flight: int = 80
    beside: int = 10
    kill: bool | None = None
    forget: bool = False
    patience: float = 600.0


class Load:
    """Keeps so many flow runs in flight."""

    def __init__(self, selinon: Selinon, dice: random.Random, in_flight: int, patience: float) -> None:
        self._selinon = selinon
        self._in_flight = in_flight
        self._until = time.monotonic() + patience
        self._names = itertools.cycle(dice.sample(ASKED_FOR, len(ASKED_FOR)))
        self._running: set[str] = set()
        self.ids: list[str] = []

    @property
    def ended(self) -> int:
        """How many runs ended, as far as was looked."""
        return len(self.ids) - len(self._running)

    def feed_until(self, condition: Callable[[], bool]) -> None:
        """Ask for a flow whenever one has ended, until something is the case. Raises ``TimeoutError``."""
        while not condition():
            self._look()
            while len(self._running) < self._in_flight:
                id = self._selinon.run_flow(next(self._names), ARGUMENTS).id
                self.ids.append(id)
                self._running.add(id)
            if time.monotonic() > self._until:
                raise TimeoutError(f"{len(self._running)} of {len(self.ids)} flow runs have not ended")

    def drain(self) -> bool:
        """Wait for the end of everything; False when something did not end in time."""
        while time.monotonic() < self._until:
            self._look()
            if not self._running and not self._selinon.store.runs(1):
                return True
        return False

    def _look(self) -> None:
        self._running = {id for id in self._running if is_running(self._selinon, id)}
        time.sleep(0.05)


class Update:
    """One of them, in ``directory``."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        self.plan = plan
        self.directory = directory
        self._dice = random.Random(plan.seed)
        kill = self._dice.random() < 0.5 if plan.kill is None else plan.kill
        self.victim = self._dice.randrange(plan.workers) if kill else None

    def run(self) -> Reckoning:
        """Start old workers, ask for flows, replace the workers, wait for the end, reckon."""
        plan = self.plan
        edition = write_both(self.directory, plan.strategy, forget=plan.forget)
        with ExitStack() as stack:
            stage = Stage(stack, self.directory, plan.broker, plan.store)
            selinon = stage.client(self._environment(stage, edition.new))
            old = [self._worker(stack, stage, edition.old, number) for number in range(plan.workers)]
            for worker in old:
                worker.wait_until_ready()
            load = Load(selinon, self._dice, plan.in_flight, plan.patience)
            began = time.monotonic()
            new = self._replace(stack, stage, edition, old, load)
            took = time.monotonic() - began
            load.feed_until(lambda: len(load.ids) >= plan.flows)
            ended = load.drain()
            found = self._reckon(selinon, stage, edition, load.ids)
            if not ended:
                found.wrong.append("not everything ended")
            for worker in new:
                worker.process.terminate()
            statuses = {worker.log.stem: worker.process.wait(60) for worker in new}
            found.wrong.extend(f"{name} ended with {status}" for name, status in statuses.items() if status)
        figures = {"asked for": len(load.ids), **found.figures, "left to others": self._told("MIGRATION_SKEW")}
        # A message that names what is unknown goes back to the queue: rejected, or sent anew and ignored.
        figures |= {"put back": self._told(" reject requeue=True", " ignored")}
        figures |= {"killed": self.victim, "seconds of the update": round(took, 1)}
        return found._replace(figures=figures)

    def _environment(self, stage: Stage, version: Version) -> dict[str, str]:
        # Little is run ahead, so that most runs meet several workers.
        return stage.environment([str(version.directory)], selinon_inline_seconds=0.1)

    def _worker(self, stack: ExitStack, stage: Stage, version: Version, number: int) -> Worker:
        log = self.directory / f"{version.directory.name}-{number}.log"
        options = ("-P", "prefork", "-c", "2", "-Q", stage.queue)
        worker = Worker(self._environment(stage, version), log, *options)
        stack.callback(worker.kill)
        return worker

    def _replace(
        self, stack: ExitStack, stage: Stage, edition: Edition, old: list[Worker], load: Load
    ) -> list[Worker]:
        """Replace one worker after the other while flows go on; returns the new ones."""
        new = []
        for number, worker in enumerate(old):
            enough = self.plan.flows * (number + 1) // (self.plan.workers + 1)
            load.feed_until(lambda enough=enough: len(load.ids) >= enough)  # type: ignore[misc]
            new.append(self._worker(stack, stage, edition.new, number))
            load.feed_until(new[-1].is_ready)
            enough = load.ended + self.plan.beside
            load.feed_until(lambda enough=enough: load.ended >= enough)  # type: ignore[misc]
            if number == self.victim:
                worker.kill()
            elif worker.stop(60) != 0:
                raise RuntimeError(f"{worker.log.stem} ended with {worker.process.returncode}")
        return new

    def _reckon(self, selinon: Selinon, stage: Stage, edition: Edition, ids: list[str]) -> Reckoning:
        import redis

        left = left_over(selinon, stage.store, stage.broker, stage.queue)
        client: Any = redis.Redis.from_url(stage.memory, decode_responses=True)
        performed = client.lrange("performed", 0, -1)
        client.close()
        found = reckon(selinon, edition, self.plan.strategy, ids, performed)
        found.wrong.extend(f"{count} left in {where}" for where, count in left.items() if count)
        return found

    def _told(self, *texts: str) -> int:
        """How often old workers said one of these."""
        logs = [path.read_text() for path in self.directory.glob("v1-*.log")]
        return sum(log.count(text) for log in logs for text in texts)
