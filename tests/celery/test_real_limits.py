"""A flow with a limit on real workers, one of which is killed: places are neither doubled nor lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.celery.workers import site, wait_until

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]

YAML = """
tasks:
  - {name: Hold, import: steps}
  - {name: Ship, import: steps}
flow-definitions:
  - name: order
    limit: {key: "${args.customer}", max: 2}
    edges: [{from: , to: Hold}, {from: Hold, to: Ship}]
"""
#: The first task of the first two runs waits until it is let go.
TASKS = """
import time
from pathlib import Path

HERE = Path(__file__).parent

class Hold:
    def __init__(self, **names):
        self.id = names["task_id"]

    def run(self, node_args):
        with (HERE / "ran.txt").open("a") as out:
            out.write(f"Hold {node_args['number']}\\n")
        if (HERE / "broken").exists():
            raise ValueError("the API is down")
        while not (HERE / "go").exists():
            time.sleep(0.02)

class Ship(Hold):
    def run(self, node_args):
        with (HERE / "ran.txt").open("a") as out:
            out.write(f"Ship {node_args['number']}\\n")
"""


@pytest.mark.service("redis")
def test_no_more_runs_than_the_limit_and_a_killed_worker_loses_no_place(tmp_path: Path) -> None:
    settings: dict[str, float] = {
        "selinon_heartbeat_timeout": 3.0,
        "selinon_lease": 2.0,
        "selinon_sweep_interval": 0.5,
    }
    with site(tmp_path, **settings) as place:
        place.write(YAML)
        (tmp_path / "steps.py").write_text(TASKS)
        first = place.start("-c", "4")
        runs = [place.selinon.run_flow("order", {"customer": "acme", "number": n}) for n in range(6)]
        other = place.selinon.run_flow("order", {"customer": "other", "number": 9})
        wait_until(lambda: len(place.ran()) == 3, told=place.logs)
        store = place.selinon.store
        wait_until(lambda: len(store.limits.state("acme").waiting) == 4, told=place.logs)
        assert sorted(run.status() for run in (*runs, other)) == ["queued"] * 4 + ["running"] * 3
        assert len(store.limits.state("acme").holders) == 2
        place.kill(first)
        place.start("-c", "2")
        (tmp_path / "go").touch()
        for run in (*runs, other):
            assert set(run.result(90)["finished_nodes"]) == {"Hold", "Ship"}
            assert len(store.limits.state("acme").holders) <= 2
        assert store.limits.state("acme") == (0, [], [])
        assert store.limits.waiting_by_name() == {}


@pytest.mark.service("redis")
@pytest.mark.parametrize("state", ["redis", pytest.param("postgres", marks=pytest.mark.service("postgres"))])
def test_retries_wait_for_their_places_and_a_killed_worker_loses_none(tmp_path: Path, state: str) -> None:
    settings: dict[str, float] = {
        "selinon_heartbeat_timeout": 3.0,
        "selinon_lease": 2.0,
        "selinon_sweep_interval": 0.5,
    }
    with site(tmp_path, state=state, **settings) as place:
        place.write(YAML)
        (tmp_path / "steps.py").write_text(TASKS)
        (tmp_path / "broken").touch()
        first = place.start("-c", "4")
        runs = [place.selinon.run_flow("order", {"customer": "acme", "number": n}) for n in range(4)]
        wait_until(lambda: all(run.status() == "failure" for run in runs), told=place.logs)
        (tmp_path / "broken").unlink()
        for run in runs:
            place.selinon.retry(run.id)
        store = place.selinon.store
        wait_until(lambda: len(place.ran()) == 6, told=place.logs)
        wait_until(
            lambda: sorted(run.status() for run in runs) == ["queued"] * 2 + ["running"] * 2, told=place.logs
        )
        place.kill(first)
        place.start("-c", "2")
        (tmp_path / "go").touch()
        wait_until(lambda: all(run.status() == "success" for run in runs), told=place.logs)
        assert store.limits.state("acme") == (0, [], [])
        assert sum(line.startswith("Ship") for line in place.ran()) >= 4
