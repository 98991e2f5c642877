"""``global.redact``: what stands under a hidden key is shown nowhere, and given on as it is."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.celery.reporting.run_history import history
from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.stores.index import args_text
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.plan import Plan
from selinon_core.project import compile_project
from selinon_core.runtime.redaction import MASK, Redaction
from selinon_core.simulating.world import World
from tests.cli.conftest import Cli, cli  # noqa: F401 - a fixture

SECRET = "hunter2-is-secret"
YAML = """
tasks:
  - name: Load
    import: TASKS
    storage: Results
    output_schema: {type: object, properties: {count: {type: integer}}}
  - {name: Send, import: TASKS, storage: Results}
  - {name: Sorry, import: TASKS, storage: Results}
storages: [{name: Results, import: selinon_core.storages.memory, classname: InMemoryStorage}]
global:
  redact: ["*password*", card.*]
  trace: {function: {import: TASKS, name: seen}}
flow-definitions:
  - name: main
    edges:
      - {from: , to: Load, args: {user: "${args.user}"}}
      - from: Load
        to: Send
        condition: Load.password != "no" and Load.card.number != "x"
        args: {key: "${Load.password}", text: "my key is ${Load.password}", again: "${Load}"}
    failures:
      - {nodes: Send, fallback: Sorry, args: {why: "${failed.Send.message}"}}
    output: {password: "${Load.password}", told: "${Sorry.told}"}
"""
TASKS = """
import json
from pathlib import Path
from selinon_core import SelinonTask

HERE = Path(__file__).parent

def seen(event, report):
    with (HERE / "events.txt").open("a") as out:
        out.write(json.dumps([event, report]) + "\\n")

class Load(SelinonTask):
    def run(self, args):
        password = args["user"]["Password"]
        return {"password": password, "card": {"number": password + "-card"}, "count": 1}

class Send(SelinonTask):
    def run(self, args):
        with (HERE / "got.txt").open("a") as out:
            out.write(json.dumps(args) + "\\n")
        raise ValueError("nobody takes " + args["key"])

class Sorry(SelinonTask):
    def run(self, args):
        return {"told": args["why"]}
"""
ARGS = {"user": {"name": "ann", "Password": SECRET}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    module = f"redacting_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{module}.py").write_text(TASKS)
    (tmp_path / "project.yaml").write_text(YAML.replace("TASKS", module))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    importlib.invalidate_caches()
    return tmp_path


def plan_of(project: Path) -> Plan:
    found = compile_project([project / "project.yaml"])
    assert found.plan is not None, [str(one) for one in found.diagnostics]
    return found.plan


# -- patterns ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "value", "shown"),
    [
        ("password", {"a": {"Password": 1, "b": 2}}, {"a": {"Password": MASK, "b": 2}}),
        ("*token*", {"api_token_2": {"deep": [1]}, "tok": 1}, {"api_token_2": MASK, "tok": 1}),
        ("card.*", {"card": {"a": 4, "b": {"x": 1}}, "a": 4}, {"card": {"a": MASK, "b": MASK}, "a": 4}),
        ("card.number", {"Load.card.number": 4}, {"Load.card.number": MASK}),
        ("card.number", {"x": [{"card": {"number": 5}}]}, {"x": [{"card": {"number": MASK}}]}),
        ("card.number", {"Load.card": {"number": 4}, "number": 5}, {"Load.card": {"number": MASK}, "number": 5}),
        ("key", {"key": None}, {"key": MASK}),
    ],
)  # fmt: skip
def test_a_pattern_matches_keys_at_any_depth(pattern: str, value: Any, shown: Any) -> None:
    before = json.dumps(value)
    assert Redaction((pattern,)).masked(value) == shown
    assert json.dumps(value) == before


def test_a_masked_text_is_masked_in_other_texts_too() -> None:
    hidden = Redaction(("password",))
    shown = hidden.masked({"password": SECRET, "error": f"{SECRET!r} is no number", "short": "hunter2", "n": 1})
    assert shown == {"password": MASK, "error": f"{MASK!r} is no number", "short": "hunter2", "n": 1}
    assert hidden.masked("later: " + SECRET) == f"later: {MASK}"


def test_without_patterns_a_value_is_shown_as_it_is() -> None:
    value = {"password": 1}
    assert Redaction(()).masked(value) is value


_leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
_trees = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@given(_trees, st.data())
def test_a_secret_in_any_tree_is_not_shown(tree: Any, data: st.DataObject) -> None:
    secret: Any = data.draw(st.sampled_from([SECRET, [SECRET], {"x": {"y": SECRET}}, [[{"z": SECRET}]]]))
    within: Any = {"around": tree, "password": secret}
    for wrap in data.draw(st.lists(st.sampled_from(["list", "key", "beside"]), max_size=4)):
        within = {"list": [within], "key": {"k": within}, "beside": {"k": within, "t": tree}}[wrap]
    shown = Redaction(("pass*",)).masked({"told": f"the {SECRET}", "top": within})
    assert SECRET not in json.dumps(shown)


# -- what shows runs --------------------------------------------------------------------------------------------


def test_reports_and_traces_of_local_runs_do_not_show_it(project: Path) -> None:
    run = LocalExecutor(plan_of(project), LocalOptions(storage="real")).run("main", ARGS)
    assert (run.status, run.output["password"]) == ("success", SECRET)  # the caller gets what it is
    assert SECRET in run.output["told"]
    for shown in (run.report(), list(run.trace()), [event.details for event in run.events]):
        assert SECRET not in json.dumps(shown)
        assert MASK in json.dumps(shown)
    assert SECRET not in (project / "events.txt").read_text()
    assert json.loads((project / "got.txt").read_text().splitlines()[0])["key"] == SECRET


@pytest.mark.parametrize("options", [(), ("--format", "json"), ("-v",), ("--trace", "-"), ("--durations", "5")])
def test_commands_of_local_runs_do_not_show_it(project: Path, cli: Cli, options: tuple[str, ...]) -> None:  # noqa: F811
    args = ("run", "--local", "-a", json.dumps(ARGS), "--report", "report.json", *options)
    ran = cli(*args, "project.yaml")
    assert ran.code == 0, ran.err
    written = (project / "report.json").read_text()
    assert SECRET not in ran.out + ran.err + written
    ran = cli("eval", "Load.password", "--flow", "main", "--edge", "1", "--report", "report.json", "project.yaml")
    assert SECRET not in ran.out + ran.err


def test_status_history_and_index_of_workers_do_not_show_it(project: Path) -> None:
    world = World(plan_of(project))
    id = world.start("main", ARGS)
    world.work()
    assert world.results[id][0] == "success"
    services = world.workers[0]
    described = json.dumps(describe(world.store, services.flow_versions, id))
    events = json.dumps(history(services.plan, world.store, services.flow_versions, id))
    for shown in (described, events, (project / "events.txt").read_text()):
        assert SECRET not in shown
        assert MASK in shown
    read = world.store.read(id)
    assert read is not None
    conditions = [line for line in read[1] if '"Load.password"' in line]
    assert conditions
    assert all(MASK in line for line in conditions)
    assert args_text(services.index_changes._hidden.masked(ARGS)) == '{"user":{"name":"ann","Password":"***"}}'
