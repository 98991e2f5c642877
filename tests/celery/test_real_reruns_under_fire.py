"""Random flows on real workers that are killed: reruns in a row end as the undisturbed run, and reuse what ran.

All flows burn in one fire, each at its own pace: an undisturbed run, a run with failures, and three reruns of it.
``SELINON_TEST_FLOWS`` says how many flows there are. What fails in a flow follows from its number and
``SELINON_TEST_SEED``.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from selinon_core.celery.rerunning.stored_run import StoredRun
from selinon_core.celery.steering import Reruns
from selinon_core.rerunning.request import Request
from tests.celery.rerunning import comparable
from tests.celery.workers import Site, site, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("workers"),
    pytest.mark.timeout(3600),
    pytest.mark.service("redis"),
]

FLOWS = int(os.environ.get("SELINON_TEST_FLOWS", "2"))
SEED = os.environ.get("SELINON_TEST_SEED", "1")
#: Flows that have a run at one time.
AT_ONCE = 100
#: Runs that are looked at in one go.
LOOKS = 5
EVERYTHING_THAT_FAILED = ("state:failed", "state:handled", "state:unfinished")
#: Of a hundred tasks so many fail: in the undisturbed run, in the one that is run again, and in its reruns.
FAILS = (0, 40, 30, 15, 0)
WORKERS = 2
#: Attempts that begin between two kills.
BETWEEN_KILLS = max(30, FLOWS // 2)
TASKS = """
import json
import time
from pathlib import Path
from selinon_core import SelinonTask

HERE = Path(__file__).parent

class Step(SelinonTask):
    def run(self, node_args):
        with (HERE / "ran.txt").open("a") as out:
            out.write(f"{self.task_name} {self.task_id}\\n")
        time.sleep(0.05)  # so that kills meet tasks
        number = self.task_name.lstrip("ABCDEFXYZRescue")
        if self.task_name in json.loads((HERE / f"failing{number}.json").read_text()):
            raise ValueError(f"{self.task_name} was asked to fail")
        return self.task_name
"""


def random_flow(number: int, dice: random.Random) -> list[dict[str, Any]]:
    """A flow with joins, a fan-out and a fallback, and its sub-flow; no other flow has their names."""
    top, below = f"flow{number}", f"below{number}"
    names = [f"{letter}{number}" for letter in "ABCDEF"[: dice.randint(3, 6)]]
    nodes = [*names[1:], below]
    edges: list[dict[str, Any]] = [{"from": None, "to": names[0]}]
    ready = [names[0]]
    for node in nodes:
        sources = dice.sample(ready, min(len(ready), dice.randint(1, 2)))
        edge: dict[str, Any] = {"from": sources, "to": node}
        if dice.random() < 0.2:
            edge["foreach"] = "[1, 2, 3]"
        edges.append(edge)
        ready.append(node)
    handled = dice.choice(nodes)
    failures = [{"nodes": handled, "fallback": f"Rescue{number}", "propagate_failure": dice.random() < 0.5}]
    inner = [
        {"from": None, "to": [f"X{number}", f"Y{number}"]},
        {"from": [f"X{number}", f"Y{number}"], "to": f"Z{number}"},
    ]
    flows = [{"name": top, "edges": edges, "failures": failures if dice.random() < 0.7 else []}]
    return [*flows, {"name": below, "edges": inner}]


def task_names(flows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The tasks of flows."""
    names = {flow["name"] for flow in flows}
    ends = [edge["to"] for flow in flows for edge in flow["edges"]]
    nodes = {node for end in ends for node in ([end] if isinstance(end, str) else end)}
    nodes |= {entry["fallback"] for flow in flows for entry in flow.get("failures", ())}
    return sorted(nodes - names)


def configuration(flows: Sequence[Mapping[str, Any]], module: str) -> str:
    """The project, as JSON, which is YAML."""
    tasks = [{"name": name, "import": module, "classname": "Step"} for name in task_names(flows)]
    return json.dumps({"tasks": tasks, "flow-definitions": list(flows)})


class Fire:
    """Kills one worker after the other, whenever some more attempts have begun; another takes its place."""

    def __init__(self, place: Site) -> None:
        self.place = place
        self.kills = 0
        #: The ids of attempts, in the order in which they began.
        self.ran: list[str] = []
        self._read = 0
        self._next = BETWEEN_KILLS
        self._workers: deque[subprocess.Popen[bytes]] = deque()

    def light(self) -> None:
        """Start the workers."""
        for _ in range(WORKERS):
            self._workers.append(self.place.start("-c", "3"))

    def burn(self) -> None:
        """Kill a worker if it is time. Those that came last may not be ready yet: they die later."""
        self.look()
        if len(self.ran) >= self._next:
            self.place.kill(self._workers.popleft())
            self.kills += 1
            self._workers.append(self.place.start("-c", "3", wait=False))
            self._next = len(self.ran) + BETWEEN_KILLS

    def look(self) -> None:
        """Read which attempts have begun."""
        path = self.place.directory / "ran.txt"
        if path.exists():
            with path.open("rb") as lines:
                lines.seek(self._read)
                whole, newline, _ = lines.read().rpartition(b"\n")
            self._read += len(whole) + len(newline)
            self.ran += [line.split()[1] for line in whole.decode().splitlines()]


class Course:
    """The runs of one flow, one after the other."""

    def __init__(self, place: Site, fire: Fire, number: int) -> None:
        self._place, self._fire, self._number = place, fire, number
        self._dice = random.Random(f"{SEED} {number}")
        self.flows = random_flow(number, self._dice)
        self.top: str = self.flows[0]["name"]
        self._tasks = task_names(self.flows)
        self._shares = list(FAILS)
        #: The undisturbed run, and the newest one.
        self._calm = self._run = ""
        self._began = 0
        #: What the preview of the newest run says that it reuses, None: it is no rerun.
        self._foretold: set[str] | None = None
        self.reruns = self.reused = 0
        self.wrong: list[str] = []

    def begin(self) -> None:
        """Begin the undisturbed run."""
        self._let_fail(self._shares.pop(0))
        self._calm = self._run = self._place.selinon.run_flow(self.top).id

    def has_ended(self) -> bool:
        """Whether the newest run has ended."""
        header = self._place.selinon.store.header(self._run)
        return header is not None and header["status"] != "running"

    def go_on(self) -> bool:
        """Judge the run that has ended, and begin the next one; False: there is none."""
        if self._foretold is not None:
            self._judge(self._foretold)
        while self._shares:
            self._let_fail(self._shares.pop(0))
            if self._run == self._calm:
                self._run = self._place.selinon.run_flow(self.top).id
                return True
            if self._rerun():
                return True
        if comparable(self._stored()) != comparable(self._stored(self._calm)):
            self.wrong.append(f"{self.top}: {self._run} did not end as {self._calm}")
        if self._place.selinon.store.header(self._run)["status"] != "success":  # type: ignore[index]
            self.wrong.append(f"{self.top}: {self._run} failed")
        return False

    def _rerun(self) -> bool:
        """Run the newest run again; False: nothing of it failed."""
        planned = Reruns(self._place.selinon).preview(self._run, Request(EVERYTHING_THAT_FAILED))
        if planned.preview.does_nothing:
            return False
        self._foretold = {id for id, state in planned.preview.state.items() if state == "reuse"}
        self._fire.look()
        self._began = len(self._fire.ran)
        self._run = self._place.selinon.rerun(self._run, EVERYTHING_THAT_FAILED, by="a test").id
        return True

    def _judge(self, foretold: set[str]) -> None:
        self._fire.look()
        reused = {record.run.id for record in self._stored().records if record.run.status == "reused"}
        if executed := reused & set(self._fire.ran[self._began :]):
            self.wrong.append(f"{self.top}: {self._run} reuses and executes {executed}")
        if lost := foretold - reused:
            self.wrong.append(f"{self.top}: {self._run} does not reuse {lost}, as its preview said")
        self.reruns, self.reused = self.reruns + 1, self.reused + len(reused)
        self._foretold = None

    def _let_fail(self, share: int) -> None:
        new = self._place.directory / f"failing{self._number}.new"
        new.write_text(json.dumps([name for name in self._tasks if self._dice.random() * 100 < share]))
        new.rename(new.with_suffix(".json"))

    def _stored(self, id: str = "") -> StoredRun:
        """A run with what it reuses; by default the newest."""
        services = self._place.selinon.services
        return StoredRun(services.store, services.flow_versions, id or self._run, float("inf"))


def go_on(running: deque[Course], fire: Fire) -> bool:
    """Look at some of the flows, and let those go on whose run has ended; whether there was one."""
    fire.burn()
    has_any = False
    for _ in range(min(LOOKS, len(running))):
        course = running.popleft()
        ended = course.has_ended()
        has_any = has_any or ended
        if not ended or course.go_on():
            running.append(course)
    return has_any


def test_three_reruns_in_a_row_under_kills_end_as_the_undisturbed_run(tmp_path: Path) -> None:
    with site(tmp_path, "redis", selinon_max_deliveries=1000, selinon_heartbeat_timeout=15) as place:
        fire = Fire(place)
        courses = [Course(place, fire, number) for number in range(FLOWS)]
        flows = [flow for course in courses for flow in course.flows]
        place.write(configuration(flows, f"tasks_{place.name}"), TASKS)
        fire.light()
        waiting, running = deque(courses), deque[Course]()
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                running.append(waiting.popleft())
                running[-1].begin()
            wait_until(lambda: go_on(running, fire), 600, place.logs)
    wrong = [text for course in courses for text in course.wrong]
    reruns, reused = sum(course.reruns for course in courses), sum(course.reused for course in courses)
    print(
        f"{FLOWS} flows, {reruns} reruns, {reused} node runs reused, {len(fire.ran)} attempts, "
        f"{fire.kills} workers killed"
    )
    assert not wrong, "\n".join(wrong)
    assert reruns
    assert reused
    assert fire.kills
