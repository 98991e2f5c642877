"""Random flows on real workers that are killed: reruns in a row end as the undisturbed run, and reuse what ran.

``SELINON_TEST_FLOWS`` says how many flows there are.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Collection, Mapping, Sequence
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
    pytest.mark.timeout(1800),
    pytest.mark.service("redis"),
]

FLOWS = int(os.environ.get("SELINON_TEST_FLOWS", "4"))
EVERYTHING_THAT_FAILED = ("state:failed", "state:handled", "state:unfinished")
#: Of a hundred tasks so many fail, in the run and in its three reruns.
FAILS = (40, 30, 15, 0)
#: Attempts that begin between two kills.
BETWEEN_KILLS = 15
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
        if self.task_name in json.loads((HERE / "failing.json").read_text()):
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


def configuration(flows: Sequence[Mapping[str, Any]], module: str) -> str:
    """The project, as JSON, which is YAML."""
    names = {flow["name"] for flow in flows}
    ends = [edge["to"] for flow in flows for edge in flow["edges"]]
    nodes = {node for end in ends for node in ([end] if isinstance(end, str) else end)}
    nodes |= {entry["fallback"] for flow in flows for entry in flow.get("failures", ())}
    task = {"import": module, "classname": "Step"}
    tasks = [{"name": node, **task} for node in sorted(nodes - names)]
    return json.dumps({"tasks": tasks, "flow-definitions": list(flows)})


class Fire:
    """Waits for runs, and kills the worker whenever some more attempts have begun; another one takes its place."""

    def __init__(self, place: Site) -> None:
        self.place = place
        self.kills = 0
        self._worker = place.start("-c", "3")
        self._next = BETWEEN_KILLS

    def until_ended(self, ids: Collection[str]) -> None:
        """Wait for the ends of runs."""
        wait_until(lambda: self._burn() or self._have_ended(ids), 600, self.place.logs)

    def _burn(self) -> bool:
        if len(self.place.ran()) >= self._next:
            self.place.kill(self._worker)
            self.kills += 1
            self._worker = self.place.start("-c", "3")
            self._next = len(self.place.ran()) + BETWEEN_KILLS
        return False

    def _have_ended(self, ids: Collection[str]) -> bool:
        headers = [self.place.selinon.store.header(id) for id in ids]
        return all(header is not None and header["status"] != "running" for header in headers)


def stored(place: Site, id: str) -> StoredRun:
    """A run with what it reuses."""
    services = place.selinon.services
    return StoredRun(services.store, services.flow_versions, id, float("inf"))


def test_three_reruns_in_a_row_under_kills_end_as_the_undisturbed_run(tmp_path: Path) -> None:
    dice = random.Random(int(os.environ.get("SELINON_TEST_SEED", "1")))
    flows = [random_flow(number, dice) for number in range(FLOWS)]
    tops = [flow["name"] for flow, _ in flows]
    with site(tmp_path, "redis", selinon_max_deliveries=1000) as place:
        text = configuration([one for pair in flows for one in pair], f"tasks_{place.name}")
        place.write(text, TASKS)
        tasks = [task["name"] for task in json.loads(text)["tasks"]]

        def let_fail(share: int) -> None:
            new = tmp_path / "failing.new"
            new.write_text(json.dumps([name for name in tasks if dice.random() * 100 < share]))
            new.rename(tmp_path / "failing.json")

        let_fail(0)
        fire = Fire(place)
        calm = {top: place.selinon.run_flow(top).id for top in tops}
        fire.until_ended(calm.values())
        let_fail(FAILS[0])
        runs = {top: place.selinon.run_flow(top).id for top in tops}
        fire.until_ended(runs.values())
        reruns = reused_in_all = 0
        for share in FAILS[1:]:
            let_fail(share)
            before, again = len(place.ran()), {}
            for top, id in runs.items():
                planned = Reruns(place.selinon).preview(id, Request(EVERYTHING_THAT_FAILED))
                if not planned.preview.does_nothing:
                    foretold = {id for id, state in planned.preview.state.items() if state == "reuse"}
                    new = place.selinon.rerun(id, EVERYTHING_THAT_FAILED, by="a test").id
                    again[top], runs[top] = (new, foretold), new
            fire.until_ended([new for new, _ in again.values()])
            executed = {line.split()[1] for line in place.ran()[before:]}
            for new, foretold in again.values():
                reused = {record.run.id for record in stored(place, new).records if record.run.status == "reused"}
                assert not reused & executed
                assert foretold <= reused
                reruns, reused_in_all = reruns + 1, reused_in_all + len(reused)
        for top in tops:
            assert comparable(stored(place, runs[top])) == comparable(stored(place, calm[top])), top
            assert place.selinon.store.header(runs[top])["status"] == "success"  # type: ignore[index]
    print(f"{FLOWS} flows, {reruns} reruns, {reused_in_all} node runs reused, {fire.kills} workers killed")
    assert reruns
    assert reused_in_all
    assert fire.kills
