"""What `--starts` of pause and resume, `--lane`, and `--expires` of run say and refuse."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from selinon_core.celery.stores.items import HELD, Item
from tests.cli.conftest import Cli, project_with_app

NODES = """
global:
  lanes: {bulk: {priority: 1}, apart: {queue_suffix: _apart}}
tasks:
  - {name: Ship, import: tasks}
flow-definitions:
  - {name: order, edges: [{from: , to: Ship}]}
"""
APP = """
from celery import Celery
from selinon_core.celery import Selinon

app = Celery("shop", broker="memory://", set_as_current=False)
app.conf.selinon_state_url = "memory://"
selinon = Selinon(app, paths=["nodes.yaml"])
"""


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project_with_app(tmp_path, monkeypatch, "lanes_app", NODES, APP)
    monkeypatch.setenv("SELINON_APP", "lanes_app:app")
    return tmp_path


def test_starts_of_a_flow_are_paused_and_resumed(cli: Cli) -> None:
    words = ("--starts", "--flow", "order")
    assert cli("resume", *words).out == "the starts of order are not paused\n"
    assert cli("pause", *words, "--dry-run").out == "would pause the starts of order\n"
    ran = cli("pause", *words, "--by", "me")
    assert (ran.code, ran.out) == (0, "paused the starts of order\n")
    assert cli("pause", *words).out == "the starts of order are paused already\n"
    ran = cli("resume", *words)
    assert (ran.code, ran.out) == (0, "resumed the starts of order\n")


def test_starts_of_a_flow_that_is_gone_from_the_files_are_resumed(cli: Cli) -> None:
    assert cli("resume", "--starts", "--flow", "order").code == 0
    store = importlib.import_module("lanes_app").selinon.store
    store.items.put(Item(HELD, "gone", 1.0, '{"by": "me"}'), 4e9)
    ran = cli("resume", "--starts", "--flow", "gone")
    assert (ran.code, ran.out) == (0, "resumed the starts of gone\n")
    assert 'no flow is named "gone"' in cli("resume", "--starts", "--flow", "gone").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pause", "--starts"), "--starts is about whole flows: name them by --flow, and nothing else"),
        (("pause", "--starts", "--flow", "order", "3f2a"), "--starts is about whole flows"),
        (("resume", "--starts", "--flow", "order", "--since", "2h"), "--starts is about whole flows"),
        (("pause", "--starts", "--flow", "ordre"), 'did you mean "order"'),
        (("worker", "--lane", "apert"), 'no lane is named "apert"'),
        (("worker", "--lane", "bulk"), 'the lane "bulk" has no queues of its own'),
        (("worker", "--lane", "apart", "-Q", "celery"), "--lane and --queues both say which queues are served"),
        (("run", "--local", "--lane", "bulk", "nodes.yaml"), "are about workers; with --local there are none"),
        (("run", "--local", "--expires", "5", "nodes.yaml"), "are about workers; with --local there are none"),
    ],
)
def test_what_cannot_be_meant_is_refused(cli: Cli, words: tuple[str, ...], said: str) -> None:
    ran = cli(*words)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_an_unknown_lane_of_a_run_is_refused(cli: Cli) -> None:
    ran = cli("run", "--lane", "bluk", "--detach")
    assert ran.code in (1, 2)
    assert 'no lane is named "bluk"; did you mean "bulk"?' in ran.err
    assert "Traceback" not in ran.err
