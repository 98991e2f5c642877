"""How long runs are kept: `keep` of flows, and `selinon prune`."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from selinon_core import SelinonTask
from selinon_core.celery.execution.retention import Retention
from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.celery.steering.pruning import old_runs, prune
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.index import IndexChange, IndexRow
from selinon_core.celery.stores.protocol import Commit
from selinon_core.plan import Plan
from selinon_core.plan.json_form import plan_from_json, plan_to_json
from selinon_core.project import compile_text
from selinon_core.simulating.world import World
from tests.celery.stores import MARKED_KINDS, fresh_store

DAY = 86400.0
YAML = """
tasks: [{name: Work, import: retained}]
flow-definitions:
  - name: main
    propagate_node_args: true
    keep: {success: 1h, failure: 30d}
    edges: [{from: , to: below}]
  - {name: below, keep: 60, edges: [{from: , to: Work}]}
  - {name: other, edges: [{from: , to: Work}]}
"""


class Work(SelinonTask):
    def run(self, node_args: Any) -> None:
        if node_args == "fail":
            raise ValueError("it fails")


def plan_of(text: str) -> Plan:
    plan = compile_text({"nodes.yaml": text}).plan
    assert plan is not None
    return plan


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    module = ModuleType("retained")
    module.Work = Work  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "retained", module)
    return World(plan_of(YAML), workers=1)


def ran(world: World, flow: str, args: Any = None) -> str:
    id = world.start(flow, args)
    world.work()
    return id


def is_there(world: World, id: str, after: float) -> bool:
    world.now += after
    world.sweep(world.now)
    there = world.store.header(id) is not None
    world.now -= after
    return there


@pytest.mark.parametrize(
    ("flow", "args", "seconds"),
    [
        ("main", None, 3600),
        ("main", "fail", 30 * DAY),
        ("below", None, 60),  # it is the run at the top
        ("other", None, 7 * DAY),
        ("other", "fail", 7 * DAY),
    ],
)
def test_a_run_is_kept_for_as_long_as_its_end_says(world: World, flow: str, args: Any, seconds: float) -> None:
    id = ran(world, flow, args)
    assert is_there(world, id, seconds - 1)
    assert not is_there(world, id, seconds + 1)


def test_a_sub_flow_is_kept_for_as_long_as_the_flow_above_may_need_it(world: World) -> None:
    id = ran(world, "main")
    with RunReader(world.store, world.workers[0].flow_versions).reading(id) as folded:
        assert folded is not None
        (below,) = [node.id for node in folded.nodes]
    assert is_there(world, below, 30 * DAY - 1)
    assert not is_there(world, below, 30 * DAY + 1)


def test_errors_are_kept_for_as_long_as_a_failed_run() -> None:
    assert Retention(plan_of(YAML), 7 * DAY).errors == 30 * DAY
    assert Retention(plan_of(YAML), 60 * DAY).errors == 60 * DAY
    plain = Retention(plan_of(YAML.replace("keep: {success: 1h, failure: 30d}", "").replace("keep: 60,", "")), 5.0)
    assert (plain.errors, plain.of_end("below", True, "success")) == (5.0, 5.0)


def test_keep_is_a_part_of_the_plan() -> None:
    plan = plan_of(YAML)
    assert plan.flows["main"].keep == {"success": 3600.0, "failure": 30 * DAY}
    assert plan.flows["below"].keep == {"success": 60.0, "failure": 60.0, "cancelled": 60.0}
    assert plan_from_json(plan_to_json(plan)) == plan
    without = plan_to_json(plan_of(YAML.replace("keep: {success: 1h, failure: 30d}", "").replace("keep: 60,", "")))
    assert "keep" not in str(without)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ("{succes: 1d}", 'unknown end "succes" in keep'),
        (
            "30 days",
            "greater than 0, or a text such as 12h or 30d, not 30 days",
        ),
        ("{success: 0}", "success has to be a number of seconds greater than 0"),
        ("-1", "keep has to be"),
        ("true", "keep"),
        ("[1]", "keep"),
    ],
)
def test_a_keep_that_is_wrong_is_named(keep: str, message: str) -> None:
    found = compile_text({"nodes.yaml": YAML.replace("keep: 60,", f"keep: {keep},")})
    assert found.plan is None
    assert any(message in one.message for one in found.diagnostics), [one.message for one in found.diagnostics]


# -- pruning --------------------------------------------------------------------------------------------------


def keep_run(store: Store, id: str, status: str, at: float) -> None:
    header = {"flow": "main", "queue": "q", "status": status}
    ended = None if status == "running" else at + 1
    row = IndexRow(id, "main", status, at, at, ended, changed=at, labels={"a": "b"}, key=f"k{id}")
    store.commit(Commit(id, 0, at, create=header, batch="[1]", index_change=IndexChange(row)))


@pytest.mark.parametrize("kind", MARKED_KINDS)
def test_stores_forget_ended_runs_and_nothing_else(kind: str, tmp_path: Path) -> None:
    with fresh_store(kind, tmp_path) as store:
        for number, status in enumerate(["success", "failure", "running", "cancelled"]):
            keep_run(store, f"run{number}", status, 1000.0 + number)
        store.put_errors({"task1": "{}", "task2": "{}"}, 1000.0, 1e6)
        assert sorted(store.forget(["run0", "run1", "run2", "nothing"], ["task1"])) == ["run0", "run1"]
        assert store.existing(["run0", "run1", "run2", "run3"]) == {"run2", "run3"}
        assert store.read("run0") is None
        assert (store.error("task1"), store.error("task2")) == (None, "{}")
        assert [store.index.get(f"run{number}") is None for number in range(4)] == [True, True, False, False]
        assert store.index.by_prefix("run", 10) == ["run2", "run3"]
        assert store.forget([]) == []
        # More than a database takes as parameters of one statement: of large runs they are as many.
        assert store.forget([], [f"task{number}" for number in range(70_000)]) == []
        assert store.error("task2") is None


@pytest.mark.parametrize("kind", MARKED_KINDS)
def test_a_row_whose_state_is_gone_is_forgotten(kind: str, tmp_path: Path) -> None:
    with fresh_store(kind, tmp_path) as store:
        rows = [
            IndexRow("old", "main", "success", 1.0, ended=2.0, changed=2.0),
            IndexRow("open", "main", "running", 1.0, changed=2.0),
        ]
        store.index.fill_in(rows)
        assert store.forget(["old", "open"]) == ["old"]
        assert store.index.get("open") is not None


class Owner:
    """What pruning needs of ``Selinon``."""

    def __init__(self, world: World) -> None:
        self.store = world.store
        self.app = self

    def AsyncResult(self, id: str) -> Any:
        raise ConnectionError("the backend is away")  # it forgets results by itself


def test_old_runs_go_with_what_is_below_them(world: World) -> None:
    long_ago = [ran(world, "main"), ran(world, "main", "fail"), ran(world, "other")]
    errors = len(world.store._errors)  # type: ignore[attr-defined]
    assert errors
    world.now += 3 * DAY - 3600
    recent = ran(world, "other")
    owner: Any = Owner(world)
    world.store.clock = lambda: world.now
    assert {row.id for row in old_runs(owner, DAY)} == set(long_ago)
    assert [row.id for row in old_runs(owner, DAY, ["success"], ["other"])] == long_ago[2:]
    reader = RunReader(world.store, world.workers[0].flow_versions)
    (pruned,) = prune(owner, reader, [*long_ago, "unknown"], "ops")
    assert pruned == (3, 2)
    (entry,) = world.store.audit.read().entries
    assert (entry.who, entry.what, entry.details) == ("ops", "prune", {"runs": 4, "first": long_ago[0]})
    assert list(world.store._runs) == [recent]  # type: ignore[attr-defined]
    assert not world.store._errors  # type: ignore[attr-defined]
