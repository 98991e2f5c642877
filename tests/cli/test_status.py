"""`selinon status` and `selinon cancel` on a store with known contents."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from selinon_cli.render.run_tree import run_tree
from tests.cli.conftest import Cli, project_with_app

NODES = """
tasks:
  - {name: Ship, import: tasks}
flow-definitions:
  - {name: order, edges: [{from: , to: Ship}]}
"""
APP = """
from celery import Celery
from selinon_core.celery import Selinon
from selinon_core.celery.stores.protocol import Commit

app = Celery("shop", broker="memory://", set_as_current=False)
app.conf.selinon_state_url = "memory://"
selinon = Selinon(app, paths=["nodes.yaml"])
for number in range(120):
    header = {"flow": "order", "queue": "celery", "status": "running" if number else "success"}
    selinon.store.commit(Commit(f"run{number:03}", 0, 1000.0 + number, create=header))
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project_with_app(tmp_path, monkeypatch, "status_app", NODES, APP)
    return tmp_path


def test_a_list_that_ends_early_says_so(cli: Cli, shop: Path) -> None:
    ran = cli("status", "--app", "status_app:app")
    assert len(ran.out.splitlines()) == 100
    assert ran.out.startswith("run119  order")
    assert ran.err == "these are the newest 100, there are more: see --limit\n"


@pytest.mark.parametrize(
    ("limit", "listed", "said"), [("119", 119, ""), ("3", 3, "these are the newest 3, there")]
)
def test_a_list_is_as_long_as_it_may_be(cli: Cli, shop: Path, limit: str, listed: int, said: str) -> None:
    ran = cli("status", "--app", "status_app:app", "--limit", limit, "--format", "json")
    assert len(json.loads(ran.out)) == listed
    assert ran.err.startswith(said)
    assert bool(ran.err) == bool(said)


def test_the_beginning_of_an_id_is_enough(cli: Cli, shop: Path) -> None:
    assert cli("status", "--app", "status_app:app", "run00").err == (
        'error: 9 flow runs have ids that begin with "run00": run001, run002, run003, run004, run005, ...\n'
        "  name one of them\n"
    )
    ran = cli("status", "--app", "status_app:app", "run119")
    assert ran.out.startswith("order  queued ")  # it has no definition: no worker began it
    with (shop / "status_app.py").open("a") as app:
        app.write("selinon.store.commit(Commit('3f2a91c0', 0, 1.0, create=dict(header)))\n")
    for words in (["status", "3f2a"], ["status", "3f2a91c0"], ["status", "3f2a", "--format", "json"]):
        sys.modules.pop("status_app", None)
        assert "3f2a91c0" in cli(*words, "--app", "status_app:app").out
    sys.modules.pop("status_app", None)
    assert cli("cancel", "--app", "status_app:app", "3f2a").err == "asked for the end of 3f2a91c0\n"
    # Too short to mean one run.
    assert cli("status", "--app", "status_app:app", "3f").err == (
        "error: there is no flow run 3f\n"
        "  its start was refused or parked (see the workers' log), or it is forgotten (selinon_state_ttl)\n"
    )


def test_the_end_of_what_has_ended_is_not_asked_for(cli: Cli, shop: Path) -> None:
    ran = cli("cancel", "--app", "status_app:app", "run000", "run001")
    assert ran.code == 0
    assert ran.err == "run000 has ended already: success\nasked for the end of run001\n"


def test_what_no_worker_has_begun_is_cancelled_by_the_name_of_its_flow(cli: Cli, shop: Path) -> None:
    ran = cli("cancel", "--app", "status_app:app", "queued")
    assert ran.code == 2
    assert ran.err == (
        "error: there is no flow run queued\n  one that no worker has begun yet is cancelled with --flow NAME\n"
    )
    ran = cli("cancel", "--app", "status_app:app", "queued", "--flow", "order")
    assert (ran.code, ran.err) == (0, "asked for the end of queued\n")
    ran = cli("cancel", "--app", "status_app:app", "queued", "--flow", "ordr")
    assert (ran.code, ran.err) == (2, 'error: no flow is named "ordr"\n  did you mean "order"?\n')


def test_a_run_that_no_worker_has_begun_is_shown_as_such() -> None:
    run = {
        "id": "a1",
        "flow": "order",
        "status": "pending",
        "created": 0.0,
        "updated": 0.0,
        "nodes": [],
        "timers": {},
    }
    first, second = run_tree(run, color=False).splitlines()
    assert first.startswith("order  pending  ")
    assert not first.startswith("order  pending  0.0 s")  # it is still waiting
    assert second == "  no worker has begun it"


def test_a_run_that_the_broker_knows_nothing_of_is_shown_without_its_flow(cli: Cli, shop: Path) -> None:
    id = "3f2a91c0-5c1e-4e0e-9d0c-6f1f0e8a2b11"
    ran = cli("status", "--app", "status_app:app", id)
    assert ran.out == (
        f"a flow run  pending  {id}\n"
        "  no worker has begun it, or there is no such flow run: the broker cannot say\n"
    )
    ran = cli("status", "--app", "status_app:app", id, "--format", "json")
    found = json.loads(ran.out)
    assert found["version"] == 1
    assert (found["id"], found["status"], found["flow"], found["created"]) == (id, "pending", None, None)
    ran = cli("cancel", "--app", "status_app:app", id)
    assert ran.err.startswith(f"error: there is no flow run {id}\n")
