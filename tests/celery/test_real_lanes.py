"""A flow in a lane on real workers: a worker of the lane serves it with its tasks and sub-flows, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.celery.workers import site

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]

YAML = """
global:
  lanes:
    urgent: {queue_suffix: _urgent}
tasks:
  - {name: Fetch, import: steps}
  - {name: Ship, import: steps}
flow-definitions:
  - name: order
    edges: [{from: , to: Fetch}, {from: Fetch, to: ship}]
  - name: ship
    edges: [{from: , to: Ship}]
"""
TASKS = """
from pathlib import Path

class Fetch:
    def __init__(self, **names):
        pass

    def run(self, node_args):
        with (Path(__file__).parent / "ran.txt").open("a") as out:
            out.write(f"{type(self).__name__} {node_args}\\n")

class Ship(Fetch):
    pass
"""


@pytest.mark.parametrize(
    "broker",
    [
        pytest.param("redis", marks=pytest.mark.service("redis")),
        pytest.param("amqp", marks=[pytest.mark.service("amqp"), pytest.mark.service("redis")]),
    ],
)
def test_a_worker_of_a_lane_serves_its_runs_and_no_others(tmp_path: Path, broker: str) -> None:
    with site(tmp_path, broker, selinon_inline_count=0) as place:
        place.more_queues.append(f"{place.name}_urgent")
        place.write(YAML)
        (tmp_path / "steps.py").write_text(TASKS)
        place.serve("--lane", "urgent", "-c", "1")
        assert f"serving {place.name}_urgent\n" in place.logs()
        usual = place.selinon.run_flow("order", "usual")
        urgent = place.selinon.run_flow("order", "urgent", lane="urgent")
        assert set(urgent.result(60)["finished_nodes"]) == {"Fetch", "ship"}
        assert place.ran() == ["Fetch urgent", "Ship None"]
        assert usual.status() == "pending", "its queues are for other workers"
        place.serve("-c", "1")
        assert set(usual.result(60)["finished_nodes"]) == {"Fetch", "ship"}
        assert place.ran()[2:] == ["Fetch usual", "Ship None"]
