"""`selinon runs` on a store with known contents, and `selinon status --timeline`."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from selinon_cli.render.run_table import run_table
from selinon_cli.render.timeline import timeline
from selinon_core.celery.reporting.timeline import critical_path
from tests.cli.conftest import Cli, project_with_app

NODES = """
tasks:
  - {name: Ship, import: tasks}
flow-definitions:
  - {name: order, edges: [{from: , to: Ship}]}
  - {name: bill, edges: [{from: , to: Ship}]}
"""
APP = """
from celery import Celery
from selinon_core.celery import Selinon
from selinon_core.celery.stores.index import IndexChange, IndexRow
from selinon_core.celery.stores.protocol import Commit

app = Celery("shop", broker="memory://", set_as_current=False)
app.conf.selinon_state_url = "memory://"
selinon = Selinon(app, paths=["nodes.yaml"])
selinon.store.clock = lambda: 1_800_000_600.0


def add(id, flow, status, at, took=None, reason="", **columns):
    header = {"flow": flow, "queue": "celery", "status": status}
    ended = None if took is None else at + took
    row = IndexRow(id, flow, status, at, at, ended, reason=reason, changed=at, **columns)
    selinon.store.commit(Commit(id, 0, at, create=header, index_change=IndexChange(row)))


add("aaaa1111-1", "order", "success", 1_800_000_000.0, 1.5, args='{"id":7}', labels={"customer": "acme"})
add("bbbb2222-2", "order", "failure", 1_800_000_100.0, 30.0, "no fallback applies to the failed nodes: Ship",
    labels={"customer": "acme", "region": "eu"}, key="order-8")
add("cccc3333-3", "bill", "running", 1_800_000_200.0, args='"' + "x" * 50 + "…")
add("dddd4444-4", "gone", "cancelled", 1_799_990_000.0, 7200.0)
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project_with_app(tmp_path, monkeypatch, "runs_app", NODES, APP)
    monkeypatch.setenv("SELINON_APP", "runs_app:app")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    return tmp_path


@pytest.fixture(autouse=True)
def own_time_zone() -> object:
    yield
    time.tzset()


def ids(cli: Cli, *words: str) -> list[str]:
    ran = cli("runs", *words, "--format", "json")
    assert ran.code == 0, ran.err
    return [run["id"][:4] for run in json.loads(ran.out)["runs"]]


def test_runs_are_listed_newest_first(cli: Cli, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert cli("runs").out == (
        "id          flow   status     created              took     done  labels                   reason\n"
        "cccc3333-3  bill   running    2027-01-15 08:03:20  400.0 s  0/0\n"
        "bbbb2222-2  order  failure    2027-01-15 08:01:40  30.0 s   0/0   customer=acme region=eu"
        "  no fallback applies to the failed nodes: Ship\n"
        "aaaa1111-1  order  success    2027-01-15 08:00:00  1.5 s    0/0   customer=acme\n"
        "dddd4444-4  gone   cancelled  2027-01-15 05:13:20  2.0 h    0/0\n"
    )


def test_every_filter_filters(cli: Cli, shop: Path) -> None:
    assert ids(cli, "--flow", "order") == ["bbbb", "aaaa"]
    assert ids(cli, "--flow", "order", "--flow", "bill") == ["cccc", "bbbb", "aaaa"]
    assert ids(cli, "--flow", "gone") == ["dddd"]  # a flow that the files do not have any more
    assert ids(cli, "--status", "failure,success") == ["bbbb", "aaaa"]
    assert ids(cli, "--status", "failure", "--status", "running") == ["cccc", "bbbb"]
    assert ids(cli, "--label", "customer=acme", "--label", "region=eu") == ["bbbb"]
    assert ids(cli, "--key", "order-8") == ["bbbb"]
    assert ids(cli, "--since", "9m") == ["cccc", "bbbb"]
    assert ids(cli, "--since", "2027-01-15T08:01:40Z", "--until", "2027-01-15 08:03:20") == ["bbbb"]
    assert ids(cli, "--until", "1h") == ["dddd"]
    assert ids(cli, "--status", "paused") == []
    assert cli("runs", "--status", "paused").out == "no flow run fits\n"


def test_lists_go_on_at_their_cursor(cli: Cli, shop: Path) -> None:
    first = cli("runs", "--limit", "3")
    assert first.err == "there are more: --cursor 1800000000.0,aaaa1111-1\n"
    assert ids(cli, "--cursor", "1800000000.0,aaaa1111-1") == ["dddd"]


def test_runs_as_json(cli: Cli, shop: Path) -> None:
    found = json.loads(cli("runs", "--flow", "order", "--limit", "1", "--format", "json").out)
    assert found == {
        "version": 1,
        "runs": [
            {
                "id": "bbbb2222-2",
                "flow": "order",
                "status": "failure",
                "created": 1_800_000_100.0,
                "begun": 1_800_000_100.0,
                "ended": 1_800_000_130.0,
                "seconds": 30.0,
                "attempt": 1,
                "reason": "no fallback applies to the failed nodes: Ship",
                "key": "order-8",
                "lane": None,
                "labels": {"customer": "acme", "region": "eu"},
                "args": None,
                "rerun_of": None,
                "progress": {"started": 0, "done": 0},
            }
        ],
        "next": "1800000100.0,bbbb2222-2",
    }
    rows = {run["id"][:4]: run for run in json.loads(cli("runs", "--format", "json").out)["runs"]}
    assert rows["aaaa"]["args"] == {"id": 7}
    assert rows["cccc"]["args"].endswith("x…"), "arguments that were cut are text"


def test_runs_are_counted(cli: Cli, shop: Path) -> None:
    assert cli("runs", "--count").out == "4\n"
    ran = cli("runs", "--count", "--flow", "order", "--status", "failure", "--format", "json")
    assert ran.out == '{"version": 1, "count": 1}\n'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--status", "failed"],
            'error: --status: "failed" is not a status\n  did you mean "failure"? '
            "one of queued, running, paused, success, failure, cancelled\n",
        ),
        (["--flow", "ordr"], 'error: no flow is named "ordr"\n  did you mean "order"?\n'),
        (
            ["--since", "yesterday"],
            'error: --since: "yesterday" is neither a time nor how long ago\n'
            "  write 30m, 2h, 3d or a time such as 2026-11-30 or 2026-11-30T09:00:00+01:00\n",
        ),
        (
            ["--since", "1h", "--until", "2h"],
            "error: no run can be created since 1h and before 2h\n  --since is the earlier one\n",
        ),
        (["--label", "acme"], 'error: --label: "acme" has no name and value\n  write --label customer=acme\n'),
        (
            ["--cursor", "next"],
            'error: --cursor: "next" is not a cursor: give back what "next" of a page says\n',
        ),
    ],
)
def test_a_filter_that_cannot_be_understood_is_refused(cli: Cli, shop: Path, words: list[str], said: str) -> None:
    ran = cli("runs", *words)
    assert (ran.code, ran.out, ran.err) == (2, "", said)


def test_the_beginning_of_the_id_of_an_ended_run_is_enough(cli: Cli, shop: Path) -> None:
    assert cli("status", "bbbb").out.startswith("order  failure")


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120])
def test_the_table_fits_the_terminal(columns: int) -> None:
    row = {
        "id": "3f2a91c0-5c1e-4e0e-9d0c-6f1f0e8a2b11",
        "flow": "order",
        "status": "failure",
        "created": 1_800_000_000.0,
        "seconds": 700.0,
        "progress": {"started": 44, "done": 41},
        "labels": {"customer": "acme", "region": "eu-central-1"},
        "reason": "card declined\n" * 20,
    }
    for line in run_table([row, {**row, "reason": None, "progress": None}], columns).splitlines():
        assert len(line) <= max(columns, 58)
    assert "3f2a91c0" in run_table([row], columns)


def test_a_timeline_shows_waiting_and_the_critical_path() -> None:
    begin = 1_800_000_000.0

    def node(number: int, name: str, *times: float | None, sources: tuple[int, ...] = ()) -> dict[str, object]:
        queued, begun, ended = (None if at is None else begin + at for at in times)
        about = {"number": number, "id": f"id{number}", "name": name, "flow_attempt": 1, "sources": list(sources)}
        status = "success" if ended else "running"
        return {**about, "status": status, "queued": queued, "begun": begun, "ended": ended}

    run = {
        "id": "3f2a",
        "flow": "order",
        "status": "success",
        "created": begin,
        "ended": begin + 10,
        "nodes": [
            node(1, "Load", 0, 1, 3),
            node(2, "Short", 3, 3, 4, sources=(1,)),
            node(3, "Long", 3, 4, 9, sources=(1,)),
            node(4, "Ship", 9, 9, 10, sources=(2, 3)),
        ],
    }
    assert timeline(run, critical_path(run, begin + 99), begin + 99, color=False) == (
        "order  success  10.0 s  3f2a\n"
        "     node   status   queued   waited  ran     .\n"
        "  *  Load   success  +0.00 s  1.00 s  2.00 s  ...######\n"
        "     Short  success  +3.00 s  0.00 s  1.00 s           ###\n"
        "  *  Long   success  +3.00 s  1.00 s  5.00 s           ...###############\n"
        "  *  Ship   success  +9.00 s  0.00 s  1.00 s                             ###\n"
        "critical path (*): Load 30%, Long 60%, Ship 10%; 20% of it is waiting\n"
    )


def test_a_timeline_is_that_of_one_run(cli: Cli, shop: Path) -> None:
    ran = cli("status", "--timeline")
    assert (ran.code, ran.err) == (
        2,
        "error: a timeline is that of one flow run\n  name it: selinon status ID --timeline\n",
    )


def test_runs_of_a_query_are_cancelled_after_a_look(cli: Cli, shop: Path) -> None:
    ran = cli("cancel", "--flow", "bill", "--since", "2h", "--dry-run")
    assert (ran.code, ran.err) == (
        0,
        "1 flow run to cancel\n  cccc3333-3  bill\nwould ask for the end of cccc3333-3\n",
    )
    ran = cli("cancel", "--flow", "bill")
    assert (ran.code, ran.err) == (
        2,
        "1 flow run to cancel\n  cccc3333-3  bill\n"
        "error: these runs are not cancelled without a question, and there is no terminal to ask it\n"
        "  add --yes, or --dry-run to look\n",
    )
    ran = cli("cancel", "--flow", "bill", "--yes")
    assert (ran.code, ran.err) == (
        0,
        "1 flow run to cancel\n  cccc3333-3  bill\nasked for the end of cccc3333-3\n",
    )


def test_queued_runs_of_a_query_are_paused(cli: Cli, shop: Path) -> None:
    queued = """
header = {"flow": "bill", "queue": "celery", "status": "running", "limit": "all"}
row = IndexRow("eeee5555-5", "bill", "queued", 1_800_000_300.0, changed=1_800_000_300.0)
selinon.store.commit(Commit(row.id, 0, row.created, create=header, index_change=IndexChange(row)))
"""
    (shop / "runs_app.py").write_text(APP + queued)
    ran = cli("pause", "--flow", "bill", "--since", "2h", "--dry-run")
    assert (ran.code, ran.err) == (
        0,
        "2 flow runs to pause\n  eeee5555-5  bill\n  cccc3333-3  bill\n"
        "would ask to pause eeee5555-5\nwould ask to pause cccc3333-3\n2 to be paused, 0 refused\n",
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--flow", "order"], 0, "no flow run fits that can be cancelled\n"),
        (
            ["--status", "success"],
            2,
            "error: only runs with --status queued, running, paused can be cancelled\n",
        ),
        ([], 2, "error: name flow runs, or find them by --flow, --since and the like\n"),
        (
            ["cccc", "--since", "2h"],
            2,
            "error: name flow runs, or find them by --flow, --since and the like, not both\n",
        ),
        (
            ["--flow", "bill", "--rate", "fast"],
            2,
            'error: --rate: "fast" is not a rate\n  write 10/s, 90/m or 500/h\n',
        ),
    ],
)
def test_cancelling_says_which_runs_it_does_not_take(
    cli: Cli, shop: Path, words: list[str], code: int, said: str
) -> None:
    ran = cli("cancel", *words)
    assert (ran.code, ran.err) == (code, said)


def test_old_runs_are_removed_after_a_preview(cli: Cli, shop: Path) -> None:
    ran = cli("prune", "--older", "5m", "--dry-run")
    assert ran.code == 0
    assert "3 flow runs and what is below: the state, its row in the index, its result\n" in ran.err
    assert "  1 x order, failure\n" in ran.err
    assert len(ids(cli)) == 4
    assert cli("prune", "--older", "5m").code == 2  # there is no terminal to ask
    ran = cli("prune", "--older", "5m", "--status", "success,failure", "--flow", "order", "--yes")
    assert (ran.code, ran.err.splitlines()[-1]) == (0, "removed 2 flow runs and 0 flow runs of sub-flows")
    assert ids(cli) == ["cccc", "dddd"]
    assert "no flow run ended longer ago than 52w" in cli("prune", "--older", "52w", "--yes").err


def test_what_cannot_be_removed_is_said(cli: Cli, shop: Path) -> None:
    assert (
        "only runs with --status success, failure, cancelled"
        in cli("prune", "--older", "1d", "--status", "running").err
    )
    assert '--older: "soon" is not a time' in cli("prune", "--older", "soon").err
    assert cli("prune", "--older", "1d", "--flow", "ordr").code == 2
