"""`selinon schedules`, and pauses of schedules, on a store with known contents."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from selinon_core.celery.worker.scheduler import start_key
from tests.cli.conftest import Cli, project_with_app

NODES = """
tasks:
  - {name: Ship, import: tasks}
global:
  schedules:
    - {name: nightly, flow: order, cron: "30 2 * * *", timezone: Europe/Berlin}
    - {name: often, flow: order, cron: "*/5 * * * *", overlap: queue, catch_up: all, jitter: 60}
flow-definitions:
  - {name: order, edges: [{from: , to: Ship}]}
"""
APP = """
from celery import Celery
from selinon_core.celery import Selinon
from selinon_core.celery.stores.protocol import Commit
from selinon_core.celery.stores.schedules import ScheduleRow, WaitingStart

NOW = 1_800_000_600.0
app = Celery("shop", broker="memory://", set_as_current=False)
app.conf.selinon_state_url = "memory://"
selinon = Selinon(app, paths=["nodes.yaml"])
selinon.store.clock = lambda: NOW
schedules = selinon.store.schedules
last = (NOW - 7200, NOW - 7199, "order", "aaaa1111-1")
schedules.put(ScheduleRow("nightly", "30 2 * * * Europe/Berlin", NOW, (), *last))
schedules.put(ScheduleRow("often", "*/5 * * * * UTC", NOW, (WaitingStart(NOW - 300, "order"),)))
header = {"flow": "order", "queue": "celery", "status": "running"}
selinon.store.commit(Commit("aaaa1111-1", 0, NOW, create=header))
"""
TEXT = """\
name     flow   cron                      next                                last              status
nightly  order  30 2 * * * Europe/Berlin  2027-01-16 02:30, 2027-01-17 02:30  2027-01-15 07:10  running aaaa1111
often    order  */5 * * * * UTC           2027-01-15 08:15, 2027-01-15 08:20                    (+1 waiting)
"""


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project_with_app(tmp_path, monkeypatch, "schedules_app", NODES, APP)
    monkeypatch.setenv("SELINON_APP", "schedules_app:app")
    return tmp_path


def test_schedules_are_listed_by_the_clock_of_their_zone(cli: Cli) -> None:
    ran = cli("schedules")
    assert (ran.code, ran.out) == (0, TEXT)


def test_programs_get_seconds(cli: Cli) -> None:
    ran = cli("schedules", "--format", "json")
    found = json.loads(ran.out)
    nightly, often = found["schedules"]
    assert found["version"] == 1
    assert nightly["next"] == [1_800_063_000.0, 1_800_149_400.0, 1_800_235_800.0]
    assert nightly["last"] == {
        "due": 1_799_993_400.0,
        "at": 1_799_993_401.0,
        "flow": "order",
        "id": "aaaa1111-1",
        "status": "running",
    }
    assert (often["last"], often["waiting"], often["paused"]) == (None, 1, None)
    assert (often["overlap"], often["catch_up"], often["jitter"]) == ("queue", "all", 60)


def test_pauses_are_listed_with_who_asked(cli: Cli) -> None:
    ran = cli("schedules", "pause", "nightly", "often", "--by", "Zo\x1b[31m")
    assert (ran.code, ran.out) == (0, "paused nightly\npaused often\n")
    assert cli("schedules", "pause", "nightly").out == "nightly is paused already\n"
    listed = cli("schedules").out.splitlines()
    assert "paused since 2027-01-15 09:10 by Zo\\x1b[31m" in listed[1]
    assert cli("schedules", "resume", "nightly").out == "resumed nightly\n"
    assert cli("schedules", "resume", "nightly").out == "nightly is not paused\n"
    assert "2027-01-16 02:30" in cli("schedules").out


def test_unknown_names_are_refused_with_a_suggestion(cli: Cli) -> None:
    ran = cli("schedules", "pause", "nigthly")
    assert (ran.code, ran.err) == (2, 'error: no schedule is named "nigthly"; did you mean "nightly"?\n')
    assert cli("schedules", "resume").code == 2


def test_a_project_without_schedules_says_so(cli: Cli, shop: Path) -> None:
    begin, end = NODES.index("global:"), NODES.index("flow-definitions:")
    (shop / "nodes.yaml").write_text(NODES[:begin] + NODES[end:])
    assert cli("schedules").out == "the project has no schedules\n"


def test_without_the_library_it_is_said_what_to_install(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cronsim", None)
    ran = cli("schedules")
    assert (ran.code, ran.err) == (2, "error: schedules need: pip install 'selinon[schedules]'\n")
    checked = cli("lint", "nodes.yaml")
    assert checked.code == 0
    assert "warning[SEL821]: the times of the schedules are not checked" in checked.out
    assert "pip install 'selinon[schedules]'" in checked.out


def test_the_key_of_a_start_names_schedule_and_time() -> None:
    assert start_key("nightly", 1_800_063_000.0) == "schedule nightly 2027-01-16T01:30:00Z"


def test_a_run_that_is_paused_is_listed_as_paused(cli: Cli, shop: Path) -> None:
    pause = 'selinon.store.pause("aaaa1111-1", 1, 1, None, NOW)\n'
    (shop / "schedules_app.py").write_text(
        APP.replace('"status": "running"', '"status": "running", "initial_definition": "x"') + pause
    )
    assert json.loads(cli("schedules", "--format", "json").out)["schedules"][0]["last"]["status"] == "paused"
