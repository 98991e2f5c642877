"""What tasks log and print on real prefork workers is found by `selinon logs`, and how far they are is seen."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from selinon_cli.main import run_program
from selinon_cli.registry import SELINON
from tests.celery.workers import site, wait_until

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]

YAML = """
tasks: [{name: Say, import: MODULE, max_retry: 1}]
flow-definitions: [{name: order, edges: [{from: , to: Say}]}]
global: {redact: [card]}
"""
TASKS = """
import os, time
from selinon_core import SelinonTask

class Say(SelinonTask):
    def run(self, node_args):
        self.log.warning("card %s", node_args["card"])
        print("printed in attempt", self.attempt)
        self.progress(self.attempt, 2)
        while not os.path.exists(node_args["go"]):
            time.sleep(0.01)
        if self.attempt == 1:
            raise ValueError("once more")
"""


@pytest.mark.service("redis")
def test_lines_and_progress_of_a_task_on_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with site(tmp_path, selinon_log_lines=50) as place:
        place.write(YAML.replace("MODULE", f"tasks_{place.name}"), TASKS)
        place.start("-c", "1")
        run = place.selinon.run_flow("order", {"card": "4111-1111", "go": str(tmp_path / "go")})

        def progress() -> Any:
            nodes = place.selinon.status(run.id)["nodes"] if run.status() == "running" else []
            return [node["progress"] for node in nodes if "progress" in node]

        (found,) = wait_until(progress, told=place.logs)
        assert (found["done"], found["of"]) == (1, 2)
        (tmp_path / "go").touch()
        assert run.wait(60) == "success"
        monkeypatch.setitem(sys.modules, "caller", SimpleNamespace(app=place.app))
        said = io.StringIO()
        with redirect_stdout(said):
            assert (
                run_program(SELINON, ["logs", run.id[:8], "Say", "--format", "json", "--app", "caller:app"]) == 0
            )
        kept = json.loads(said.getvalue())["logs"]
        assert [entry["attempt"] for entry in kept] == [1, 2]
        assert [line["text"] for line in kept[1]["lines"]] == ["card ***", "printed in attempt 2"]
        said = io.StringIO()
        with redirect_stdout(said):
            assert run_program(SELINON, ["logs", run.id, "Say#1", "--app", "caller:app"]) == 0
        assert "WARNING  card ***" in said.getvalue()
        assert run_program(SELINON, ["logs", run.id, "Say#2", "--app", "caller:app"]) == 2
        assert run_program(SELINON, ["logs", run.id, "Sya", "--app", "caller:app"]) == 2
