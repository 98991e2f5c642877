"""A flow run is paused on real workers: what runs ends, nothing begins, and other workers let it go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.celery.retried_project import TASKS, YAML
from tests.celery.workers import site, wait_until

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]


@pytest.mark.parametrize(
    ("broker", "state"),
    [
        pytest.param("redis", "redis", marks=pytest.mark.service("redis")),
        pytest.param("amqp", "postgres", marks=pytest.mark.service("redis", "amqp", "postgres")),
    ],
)
def test_a_run_is_paused_and_goes_on_on_other_workers(broker: str, state: str, tmp_path: Path) -> None:
    with site(tmp_path, broker, state) as place:
        place.write(YAML.replace("MODULE", "steps"))
        (tmp_path / "steps.py").write_text(TASKS)
        worker = place.start("-c", "2")
        run = place.selinon.run_flow("order", {"id": 7})
        wait_until(lambda: any("Slow" in line for line in place.ran()), told=place.logs)
        code, said = place.command("pause", run.id)
        assert (code, said) == (0, f"asked to pause {run.id}\n")
        wait_until(lambda: run.status() == "paused", told=place.logs)
        assert place.command("pause", run.id) == (0, f"{run.id} is paused already\n")
        (tmp_path / "go").touch()  # what runs ends
        (below,) = [node["run"] for node in place.selinon.status(run.id)["nodes"] if "run" in node]
        wait_until(lambda: place.selinon.status(below["id"])["undecided"] == 1, told=place.logs)
        assert place.selinon.status(below["id"])["status"] == "paused"
        place.kill(worker)
        place.start("-c", "2")
        assert not any("Ship" in line for line in place.ran())
        assert place.selinon.resume(run.id, by="a test")
        assert set(run.result(60)["finished_nodes"]) == {"Load", "pay", "Ship"}
        assert len(place.ran()) == 4
        code, said = place.command("resume", "--flow", "order", "--yes")
        assert (code, said) == (0, "no flow run fits that can be resumed\n")
        assert place.command("resume", run.id)[0] == 1
