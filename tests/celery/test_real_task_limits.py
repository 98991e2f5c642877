"""A task with a limit on real workers that are killed: never more attempts than places, and no place is lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.celery.workers import site, wait_until

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(240)]

YAML = """
tasks:
  - {name: Call, import: steps, limit: {key: "api ${args.account}", max: 2}}
  - {name: Ship, import: steps}
flow-definitions:
  - name: order
    edges: [{from: , to: [Call, Call]}, {from: Call, to: Ship}]
"""
#: A call is in a file of its own process while it runs. It waits until it is let go.
TASKS = """
import os
import time
from pathlib import Path

HERE = Path(__file__).parent

class Call:
    def __init__(self, **names):
        self.id = names["task_id"]

    def run(self, node_args):
        with (HERE / "ran.txt").open("a") as out:
            out.write(f"Call {self.id}\\n")
        own = HERE / f"at-work-{os.getpid()}"
        own.write_text(self.id)
        try:
            while not (HERE / "go").exists():
                time.sleep(0.02)
            time.sleep(0.1)
        finally:
            own.unlink()

class Ship:
    def __init__(self, **names):
        pass

    def run(self, node_args):
        with (HERE / "ran.txt").open("a") as out:
            out.write("Ship\\n")
"""


def at_work(directory: Path) -> int:
    """Attempts in processes that are alive."""
    return sum(Path(f"/proc/{path.name.rpartition('-')[2]}").exists() for path in directory.glob("at-work-*"))


@pytest.mark.service("redis")
@pytest.mark.parametrize("state", ["redis", pytest.param("postgres", marks=pytest.mark.service("postgres"))])
def test_places_are_neither_exceeded_nor_lost_when_workers_are_killed(tmp_path: Path, state: str) -> None:
    settings: dict[str, float] = {
        "selinon_heartbeat_timeout": 3.0,
        "selinon_lease": 2.0,
        "selinon_sweep_interval": 0.5,
    }
    with site(tmp_path, state=state, **settings) as place:
        place.write(YAML)
        (tmp_path / "steps.py").write_text(TASKS)
        first = place.start("-c", "4")
        store = place.selinon.store
        runs = [place.selinon.run_flow("order", {"account": "acme", "number": n}) for n in range(3)]
        wait_until(lambda: len(store.task_limits.state("api acme").waiting) == 4, told=place.logs)
        assert at_work(tmp_path) == 2
        status = [node for run in runs for node in place.selinon.status(run.id)["nodes"]]
        waiting = [node for node in status if "limit" in node]
        assert len(waiting) == 4
        assert {node["limit"]["key"] for node in waiting} == {"api acme"}
        assert {node["status"] for node in waiting} == {"waiting"}
        place.kill(first)
        second = place.start("-c", "4")
        wait_until(lambda: at_work(tmp_path) == 2, told=place.logs)
        (tmp_path / "go").touch()
        most, until = 0, time.monotonic() + 150
        while any(run.status() == "running" for run in runs):
            most = max(most, len(store.task_limits.state("api acme").holders), at_work(tmp_path))
            if second is not None and len(place.ran()) > 6:
                place.kill(second)
                place.start("-c", "4")
                second = None
            assert time.monotonic() < until, place.logs()
            time.sleep(0.02)
        assert most == 2
        assert [run.status() for run in runs] == ["success"] * 3
        wait_until(lambda: store.task_limits.state("api acme") == (0, [], []), told=place.logs)
        assert store.task_limits.waiting_by_name() == {}
