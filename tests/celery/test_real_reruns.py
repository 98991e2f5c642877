"""A run is run again by real workers, one of which is killed; from Python, and by the command."""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest

from selinon_cli.main import run_program
from selinon_cli.registry import SELINON
from selinon_core.celery.stores.index import OPEN, RunQuery
from selinon_core.errors import FlowError
from tests.celery.retried_project import TASKS, YAML
from tests.celery.workers import Site, site, wait_until

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(180), pytest.mark.service("redis")]


#: ``Ship`` runs where the gate is open, which a predicate of the user looks at.
GATED = YAML.replace("{from: pay, to: Ship}", "{from: pay, to: Ship, condition: {name: gate}}").replace(
    "flow-definitions:", "global: {predicates_module: MODULE}\nflow-definitions:"
)
GATE = """

def gate():
    return (HERE / "open").exists()
"""


def rerun(place: Site, *words: str) -> tuple[int, str, str]:
    """Run the command in this process; returns its exit code, what it prints and what it says."""
    return command("rerun", *words)


def command(*words: str) -> tuple[int, str, str]:
    """The same for any command."""
    printed, said = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(said):
        code = run_program(SELINON, [*words, "--app", "caller:app"])
    return code, printed.getvalue(), said.getvalue()


def test_a_run_is_run_again_although_a_worker_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with site(tmp_path, "redis") as place:
        place.write(YAML.replace("MODULE", f"tasks_{place.name}"), TASKS)
        monkeypatch.setitem(sys.modules, "caller", SimpleNamespace(app=place.app))
        (tmp_path / "broken").touch()
        worker = place.start("-c", "2")
        run = place.selinon.run_flow("order", {"id": 7})
        with pytest.raises(FlowError):
            run.result(30)
        (tmp_path / "broken").unlink()
        again = place.selinon.rerun(run.id, by="a test")
        ran = lambda: Counter(line.split()[0] for line in place.ran())  # noqa: E731
        wait_until(lambda: ran()["Slow"], told=place.logs)
        place.kill(worker)
        (tmp_path / "go").touch()
        place.start("-c", "2")
        assert set(again.result(60)["finished_nodes"]) == {"Load", "pay", "Ship"}
        assert ran() == {"Load": 1, "Charge": 2, "Slow": 2, "Ship": 1}
        assert run.status() == "failure"
        store = place.selinon.store
        row = store.index.get(again.id)
        assert row is not None
        assert row.rerun_of == run.id
        audited = store.audit.read(run=run.id).entries[0]
        assert (audited.what, audited.who) == ("rerun", "a test")

        code, printed, said = rerun(place, again.id[:12], "--select", "Ship", "--plan", "--format", "json")
        assert code == 0, said
        plan = json.loads(printed)
        assert [row["node"] for row in plan["again"]] == ["Ship"]
        assert [row["node"] for row in plan["reuse"]] == ["Load", "pay"]
        code, _, said = rerun(place, again.id, "--select", "Ship")
        assert code == 2
        assert "tasks would run again that succeeded: Ship" in said
        code, printed, said = rerun(place, again.id, "--select", "Ship", "--yes")
        assert code == 0, said
        assert f"runs {again.id} again" in said
        assert ran()["Ship"] == 2
        code, _, said = rerun(place, again.id, "--mock-tasks")
        assert code == 2
        assert "--mock-tasks is about runs in this process" in said
        code, _, said = rerun(place, "--flow", "order", "--since", "1h", "--plan")
        assert code == 0, said
        assert "1 flow run to rerun\n" in said
        assert f"would rerun {run.id}: runs pay, pay/Charge, Ship, pay/Slow; reuses 1\n" in said
        code, _, said = rerun(place, "--flow", "order", "--since", "1h")
        assert code == 2
        assert "add --yes" in said
        before = len(place.selinon.store.index.find(RunQuery(flows=("order",))).rows)
        code, _, said = rerun(place, "--flow", "order", "--since", "1h", "--yes", "--rate", "100/s")
        assert code == 0, said
        rows = place.selinon.store.index.find
        wait_until(lambda: len(rows(RunQuery(flows=("order",))).rows) == before + 1, told=place.logs)
        wait_until(lambda: not rows(RunQuery(flows=("order",), statuses=OPEN)).rows, told=place.logs)
        assert ran()["Load"] == 1
        code, _, said = rerun(place, "--flow", "order", "--since", "1h", "--yes")
        assert code == 1
        assert f"flow run {run.id} was run again already, as flow run" in said
        assert rerun(place, "--flow", "order", "--give", "Charge=1")[0] == 2
        assert rerun(place, again.id, "--flow", "order")[0] == 2


def test_a_condition_is_reconsidered_and_the_rerun_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site(tmp_path, "redis") as place:
        module = f"tasks_{place.name}"
        place.write(GATED.replace("MODULE", module), TASKS + GATE)
        monkeypatch.setitem(sys.modules, "caller", SimpleNamespace(app=place.app))
        (tmp_path / "go").touch()
        place.start("-c", "2")
        run = place.selinon.run_flow("order", {"id": 7})
        assert set(run.result(60)["finished_nodes"]) == {"Load", "pay"}
        (tmp_path / "open").touch()
        again = place.selinon.rerun(run.id, select=["Load"])
        assert set(again.result(60)["finished_nodes"]) == {"Load", "pay", "Ship"}
        (tmp_path / "open").unlink()
        kept = place.selinon.rerun(again.id, select=["Ship"])
        assert set(kept.result(60)["finished_nodes"]) == {"Load", "pay", "Ship"}
        asked = place.selinon.rerun(again.id, select=["Ship"], reconsider=True)
        assert set(asked.result(60)["finished_nodes"]) == {"Load", "pay"}
        assert Counter(line.split()[0] for line in place.ran()) == {"Load": 2, "Charge": 2, "Slow": 2, "Ship": 2}

        code, printed, said = command("explain", kept.id, "Load")
        assert code == 0, said
        assert f"in flow run {again.id}" in printed
        code, printed, said = command("record", kept.id, "--project", str(tmp_path / "project.yaml"))
        assert code == 0, said
        assert '"runs": {"Load": 1, "pay": 1, "pay/Charge": 1, "pay/Slow": 1, "Ship": 1}' in printed
