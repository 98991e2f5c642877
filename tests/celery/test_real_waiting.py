"""A task waits on real workers, and `selinon signal` ends it: the next task runs, although a worker was killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from selinon_core.celery.stores.waits import WaitQuery
from tests.celery.workers import site, wait_until

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]

TASKS = """
from pathlib import Path
from selinon_core import SelinonTask

class Step(SelinonTask):
    def run(self, node_args):
        with (Path(__file__).parent / "ran.txt").open("a") as out:
            out.write(f"{self.task_name}\\n")
        return {"n": 1}
"""
YAML = """
tasks:
  - {name: Load, import: steps, classname: Step}
  - {name: Ship, import: steps, classname: Step}
  - {name: Tell, import: steps, classname: Step}
  - name: Approve
    wait: {title: "Ship ${args.number}?"}
    storage: Files
    output_schema: {type: object, required: [ok], properties: {ok: {type: boolean}}}
storages:
  - {name: Files, import: selinon_core.storages.filesystem, classname: Filesystem, configuration: {path: PATH}}
flow-definitions:
  - name: order
    propagate_node_args: true
    edges: [{from: , to: Load}, {from: Load, to: approval}, {from: approval, to: Ship}]
  - name: approval
    edges: [{from: , to: Approve}]
    failures: [{nodes: Approve, fallback: Tell}]
"""


@pytest.mark.parametrize(
    ("broker", "state"),
    [
        pytest.param("redis", "redis", marks=pytest.mark.service("redis")),
        pytest.param("amqp", "postgres", marks=pytest.mark.service("redis", "amqp", "postgres")),
    ],
)
def test_a_wait_outlives_its_worker_and_a_signal_ends_it(broker: str, state: str, tmp_path: Path) -> None:
    with site(tmp_path, broker, state) as place:
        place.write(YAML.replace("PATH", str(tmp_path / "results")))
        (tmp_path / "steps.py").write_text(TASKS)
        worker = place.start("-c", "1")
        approved, rejected = (place.selinon.run_flow("order", {"number": n}) for n in (7, 8))
        waits = place.selinon.store.waits
        wait_until(lambda: len(waits.find(WaitQuery(flows=("approval",))).rows) == 2, told=place.logs)
        place.kill(worker)
        code, said = place.command("signal", approved.id, "Approve", '{"ok": 3}')
        assert (code, "does not fit" in said) == (1, True), said
        code, said = place.command("signal", approved.id, "Approve", '{"ok": true}')
        assert code == 0, said
        code, said = place.command("signal", rejected.id, "Approve", "--reject", "too dear")
        assert code == 0, said
        place.start("-c", "1")
        assert set(approved.result(60)["finished_nodes"]) == {"Load", "approval", "Ship"}
        assert set(rejected.result(60)["finished_nodes"]) == {"Load", "approval", "Ship"}
        assert sorted(place.ran()) == ["Load", "Load", "Ship", "Ship", "Tell"]
        assert waits.find(WaitQuery(flows=("approval",))).rows == []
        code, said = place.command("signal", approved.id, "Approve", '{"ok": true}')
        assert (code, "nothing of it waits" in said) == (1, True), said
        stored = [json.loads(path.read_text()) for path in (tmp_path / "results").rglob("*.json")]
        assert {"ok": True} in stored
