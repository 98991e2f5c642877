"""Failed flow runs go on, on real workers, and callers get their results; a killed worker repeats what it ran."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import redirect_stderr
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery.result import AsyncResult

from selinon_cli.main import run_program
from selinon_cli.registry import SELINON
from selinon_core.errors import FlowError, RequestError
from tests.celery.retried_project import TASKS, YAML
from tests.celery.workers import ROOT, Site, site, wait_until

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]


def written(place: Site) -> None:
    place.write(YAML.replace("MODULE", f"tasks_{place.name}"), TASKS)
    (place.directory / "broken").touch()


def ran(place: Site) -> Mapping[str, int]:
    return Counter(line.split()[0] for line in place.ran())


@pytest.mark.parametrize(
    ("broker", "state"),
    [
        pytest.param("redis", "redis", marks=pytest.mark.service("redis")),
        pytest.param("amqp", "postgres", marks=pytest.mark.service("redis", "amqp", "postgres")),
        pytest.param("redis", "sqlite", marks=pytest.mark.service("redis")),
    ],
)
def test_a_failed_run_goes_on_although_its_worker_is_killed(broker: str, state: str, tmp_path: Path) -> None:
    with site(tmp_path, broker, state) as place:
        written(place)
        worker = place.start("-c", "2")
        run = place.selinon.run_flow("order", {"id": 7})
        with pytest.raises(FlowError):
            run.result(30)
        (tmp_path / "broken").unlink()
        place.selinon.retry(run.id, by="a test")
        wait_until(lambda: ran(place)["Slow"], told=place.logs)
        assert run.status() == "running"
        assert AsyncResult(run.id, app=place.app).state == "PENDING"
        place.kill(worker)
        (tmp_path / "go").touch()
        place.start("-c", "2")
        assert set(run.result(60)["finished_nodes"]) == {"Load", "pay", "Ship"}
        assert AsyncResult(run.id, app=place.app).state == "SUCCESS"
        assert ran(place) == {"Load": 1, "Charge": 2, "Slow": 2, "Ship": 1}
        assert len(set(place.ran())) == 4  # each node run kept its id
        with pytest.raises(RequestError, match="succeeded"):
            place.selinon.retry(run.id)


def selinon(place: Site, *words: str) -> tuple[int, str]:
    """Run the command in this process; returns its exit code and what it says."""
    said = io.StringIO()
    with redirect_stderr(said):
        code = run_program(SELINON, [*words, "--app", "caller:app"])
    return code, said.getvalue()


@pytest.mark.service("redis")
def test_many_failed_runs_are_retried_by_a_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with site(tmp_path, "redis") as place:
        written(place)
        (tmp_path / "go").touch()
        monkeypatch.setitem(sys.modules, "caller", SimpleNamespace(app=place.app))
        place.start("-c", "2")
        runs = [place.selinon.run_flow("order", {"id": n}) for n in range(12)]
        assert {run.wait(60) for run in runs} == {"failure"}
        (tmp_path / "broken").unlink()
        query = ("retry", "--flow", "order", "--since", "1h")
        code, said = selinon(place, *query, "--dry-run")
        assert code == 0, said
        assert "12 flow runs to retry\n" in said
        assert "12 to be retried, 0 refused\n" in said
        code, said = selinon(place, *query)
        assert code == 2
        assert "add --yes" in said
        assert {run.status() for run in runs} == {"failure"}
        code, said = selinon(place, *query, "--limit", "10", "--yes", "--rate", "100/s")
        assert code == 0, said
        assert "10 retried, 0 refused\n" in said
        wait_until(lambda: [run.status() for run in runs].count("success") == 10, told=place.logs)
        assert selinon(place, *query, "--yes")[0] == 0
        assert {run.wait(60) for run in runs} <= {"success", "failure"}
        wait_until(lambda: {run.status() for run in runs} == {"success"}, told=place.logs)
        assert ran(place) == {"Load": 12, "Charge": 24, "Slow": 12, "Ship": 12}
        assert selinon(place, *query) == (0, "no flow run fits that can be retried\n")


@pytest.mark.service("redis")
def test_interrupted_it_says_what_is_left(tmp_path: Path) -> None:
    with site(tmp_path, "redis") as place:
        written(place)
        place.start("-c", "2")
        runs = [place.selinon.run_flow("order", {"id": n}) for n in range(3)]
        assert {run.wait(60) for run in runs} == {"failure"}
        command = [sys.executable, "-m", "selinon", "retry", "--flow", "order", "--since", "1h", "--yes"]
        command += ["--rate", "1/h", "--app", "tests.celery.real_app:app"]
        environment = {**os.environ, **place.environment}
        with subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = ""
            for line in process.stderr:
                said += line
                if line.startswith("asked for the retry of"):
                    process.send_signal(signal.SIGINT)
            process.wait()
        assert "1 retried, 0 refused, 2 left\n" in said
        assert process.returncode == 130
