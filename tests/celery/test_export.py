"""`selinon export`: a run as a file, which is drawn, and run again here with the results that it has."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from selinon_cli.render.node_values import node_values
from selinon_core import SelinonTask
from selinon_core.celery.reporting.run_export import export_run
from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.celery.reporting.run_status import described
from selinon_core.errors import RequestError
from selinon_core.graph import drawing_of
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.local.earlier_run import check_report
from selinon_core.local.run_mocks import is_run, mocks_of_run
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.simulating.world import World

YAML = """
global: {redact: [token]}
storages:
  - {name: Kept, import: selinon_core.storages.memory, classname: InMemoryStorage}
tasks:
  - {name: Load, import: exported, storage: Kept}
  - {name: Charge, import: exported, storage: Kept, max_retry: 1}
  - {name: Refund, import: exported}
flow-definitions:
  - name: main
    edges:
      - {from: , to: Load}
      - {from: Load, to: pay, foreach: Load.amounts, args: "${item}"}
    failures: [{nodes: pay, fallback: Refund}]
  - {name: pay, edges: [{from: , to: Charge}]}
"""

WAITING = """
global: {redact: [token, GetPin]}
tasks:
  - {name: GetPin, import: exported}
  - {name: Approve, wait: {}}
flow-definitions:
  - name: main
    edges: [{from: , to: GetPin}, {from: GetPin, to: Approve}]
"""


class Load(SelinonTask):
    def run(self, node_args: Any) -> Any:
        return {"amounts": [3, 7, 0], "token": "hush-hush"}


class Charge(SelinonTask):
    def run(self, node_args: Any) -> Any:
        if not node_args:
            raise ZeroDivisionError("nothing to charge with hush-hush")
        return node_args * 10


class Refund(SelinonTask):
    def run(self, node_args: Any) -> None:
        return None


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    module = ModuleType("exported")
    for task in (Load, Charge, Refund):
        setattr(module, task.__name__, task)
    monkeypatch.setitem(sys.modules, "exported", module)
    found = compile_text({"nodes.yaml": YAML}).plan
    assert found is not None
    return found


def exported(world: World, id: str, **options: Any) -> dict[str, Any]:
    services = world.workers[0]
    found = export_run(RunReader(world.store, services.flow_versions), services.storages, id, **options)
    again: dict[str, Any] = json.loads(json.dumps(found))
    return again


@pytest.fixture
def run(plan: Plan) -> tuple[World, str]:
    world = World(plan, workers=1, selinon_inline_count=0)
    id = world.start("main", {"token": "hush-hush", "id": 7})
    world.work()
    return world, id


def test_an_export_is_a_report_with_the_state_of_the_run_and_its_sub_flows(run: tuple[World, str]) -> None:
    world, id = run
    found = exported(world, id)
    assert is_run(found)
    check_report(found)
    assert (found["flow"], found["id"], found["status"]) == ("main", id, "success")
    results = [(node["name"], node["status"], node.get("result")) for node in found["nodes"]]
    assert ("Charge", "success", 30) in results
    assert ("Charge", "failure", None) in results
    (failed,) = [node for node in found["nodes"] if node["name"] == "Charge" and node["status"] == "failure"]
    assert (failed["attempts"], failed["error"]["type"]) == (2, "ZeroDivisionError")
    export = found["export"]
    assert (export["version"], export["redacted"], export["missing_results"]) == (1, True, {})
    assert len(export["runs"]) == 4  # with those of the sub-flows
    assert all(one["log"] and one["header"]["flow"] in ("main", "pay") for one in export["runs"])
    assert export["definitions"]


def test_secrets_are_masked_wherever_they_are(run: tuple[World, str]) -> None:
    world, id = run
    assert "hush-hush" not in json.dumps(exported(world, id))
    assert "hush-hush" in json.dumps(exported(world, id, redact=False))


def test_a_signal_that_is_kept_and_a_result_that_waits_are_masked() -> None:
    plan = compile_text({"nodes.yaml": WAITING}).plan
    assert plan is not None
    world = World(plan, workers=1, selinon_inline_count=0)
    id = world.start("main", {})
    world.work_some(1)
    store = world.store
    assert store.claim_delivery(id, 1, 0, False, world.now).kind == "run"
    entry = '[["+",1],"hush-of-a-task"]'
    world.broker.queue.clear()
    world.signal("main", id, "Approve", {"token": "hush-hush"}, early=True)
    world.work_some(1)
    world.pause("main", id, 1)
    world.work_some(1)
    assert store.append_event(id, 1, entry, world.now, urgent=True).kind == "quiet"
    text = json.dumps(exported(world, id))
    assert "hush" not in text
    assert "hush-hush" in json.dumps(exported(world, id, redact=False))


def test_results_may_be_left_out_or_gone(run: tuple[World, str]) -> None:
    world, id = run
    assert all("result" not in node for node in exported(world, id, results=False)["nodes"])
    storage: Any = world.workers[0].storages.connected("Kept")
    storage.disconnect()
    storage.connect()
    for record in list(getattr(storage, "_records", {})):
        del storage._records[record]
    found = exported(world, id)
    assert set(found["export"]["missing_results"]) <= {node["id"] for node in found["nodes"]}


def test_a_run_that_is_not_known_or_cancelled_before_it_began(plan: Plan) -> None:
    world = World(plan, workers=1)
    with pytest.raises(RequestError, match="there is no flow run"):
        exported(world, "nothing")
    world.cancel("main", "never")
    world.work()
    found = exported(world, "never")
    assert (found["status"], found["nodes"]) == ("cancelled", [])


def test_a_local_run_with_the_results_of_an_export_is_the_same_run(plan: Plan, run: tuple[World, str]) -> None:
    found = exported(*run, redact=False)
    mocks = mocks_of_run(found)
    local = LocalExecutor(plan, LocalOptions(mocks=mocks, mock_all=True)).run("main", found["node_args"]).report()

    def masked(args: Any) -> str:
        return json.dumps(args).replace("hush-hush", "***")

    def what_happened(report: dict[str, Any]) -> list[Any]:
        rows = [
            (
                node["flow"],
                node["name"],
                node["status"],
                node["attempts"],
                json.dumps(node["node_args"]).replace("hush-hush", "***"),
            )
            for node in report["nodes"]
            if node["kind"] == "task"
        ]
        return sorted(rows)

    assert what_happened(local) == what_happened(found)
    assert local["status"] == found["status"]
    edges = [(edge["flow"], edge["index"], edge["fired"]) for edge in found["edges"]]
    assert sorted(edges) == sorted((edge["flow"], edge["index"], edge["fired"]) for edge in local["edges"])


def test_an_export_is_drawn(plan: Plan, run: tuple[World, str]) -> None:
    drawing = drawing_of(plan, "main", report=exported(*run))
    assert drawing is not None
    assert drawing_of(plan, "pay", report=exported(*run)).flow == "pay"


@pytest.mark.parametrize("report", [{"version": 1, "nodes": [3]}, {"version": 1, "nodes": [{"id": 1}]}])
def test_what_is_not_a_report_is_refused(report: Any) -> None:
    with pytest.raises(RequestError, match=r"nodes\[0\]"):
        mocks_of_run(report)


def test_the_command_line_takes_an_export_as_mocks(
    plan: Plan, run: tuple[World, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from selinon_cli.main import run_program
    from selinon_cli.registry import SELINON

    monkeypatch.chdir(tmp_path)
    Path("nodes.yaml").write_text(YAML)
    Path("run.json").write_text(json.dumps(exported(*run)))
    words = ["run", "--local", "-q", "--mocks", "run.json", "--mock-tasks", "--format", "json", "nodes.yaml"]
    assert run_program(SELINON, words) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["flow"] == "main"
    assert report["node_args"] == {"token": "***", "id": 7}
    assert sorted(node["result"] or 0 for node in report["nodes"] if node["name"] == "Charge") == [0, 30, 70]
    Path("run.json").write_text('{"version": 1, "nodes": [3]}')
    assert run_program(SELINON, words) == 2
    assert "run.json is not the report of a run: nodes[0] is a number" in capsys.readouterr().err


def shown(world: World, id: str, *words: str) -> str:
    """What `selinon status ID` prints of the run of a simulated world."""
    import io
    from contextlib import redirect_stdout

    from selinon_cli.main import run_program
    from selinon_cli.registry import SELINON

    services = world.workers[0]
    reader = RunReader(world.store, services.flow_versions)

    class Owner:
        plan, store = world.plans[0], world.store

        def __init__(self) -> None:
            self.reader, self.services = reader, services

        def status(self, id: str) -> Any:
            return described(reader, id)

    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        patch.setattr("selinon_cli.commands.status.flows_of", lambda *args: Owner())
        assert run_program(SELINON, ["status", id, *words]) == 0
    return out.getvalue()


def test_status_shows_what_a_node_was_given_and_gave(run: tuple[World, str]) -> None:
    world, id = run
    found = json.loads(shown(world, id, "--data", "Charge", "--format", "json"))
    assert found["version"] == 1
    assert [(node["node_args"], node.get("result"), node["error"] is None) for node in found["nodes"]] == [
        (3, 30, True),
        (7, 70, True),
        (0, None, False),
    ]
    assert {node["status"] for node in found["nodes"]} == {"success", "failure"}
    (load,) = json.loads(shown(world, id, "--data", "Load", "--format", "json"))["nodes"]
    assert load["result"]["token"] != "hush-hush"
    assert load["run"] == id
    second = shown(world, id, "--data", "Charge#2")
    assert second.startswith("Charge  success  ")
    assert second.endswith("\n  arguments: 7\n  result: 70\n")
    failed = shown(world, id, "--data", "Charge#3")
    assert "Charge  failure, 2 attempts  " in failed
    assert "  error: ZeroDivisionError: nothing to charge" in failed
    assert "hush-hush" not in shown(world, id, "--data", "Load")


def test_values_in_a_terminal_have_no_control_characters() -> None:
    node = {"name": "A", "status": "failure", "attempts": 1, "id": "1", "args_from": None}
    error = {"type": "E", "message": "\x1b[2J\u202e", "traceback": "one\n  two\x9b"}
    text = node_values({**node, "node_args": "\x9b\u202e" + 100 * "x", "error": error})
    assert all(line.isascii() and line.isprintable() for line in text.splitlines())
    assert "\n      two" in text
