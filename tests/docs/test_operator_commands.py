"""Every command line that the pages for operators show is run, in this process, on flow runs of simulated workers.

A command line is in a block of console lines, in a piece of code, or in a link with the rest behind it, as in
"[`selinon pause`](...) `--flow F`". A command's name alone has to be that of a command.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from celery import Celery

from selinon_cli.main import run_program
from selinon_cli.registry import SELINON
from selinon_core.celery import Selinon
from selinon_core.celery.stores.items import PARKED, Item
from selinon_core.simulating.world import World

PAGES = sorted((Path(__file__).parents[2] / "docs" / "production").glob("*.md"))
_LINE = re.compile(r"^ *(?:\$ )?selinon (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^ *```console\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`selinon\s([^`]+)`(?:\]\([^)]*\)\s`([^`]+)`)?")

#: What is added to a piece of code that leaves out what every reader knows.
COMPLETED = {
    "cancel --terminate": "ID",
    "run --local --mocks": "run.json --mock-tasks",
    "run --local": "--mock-tasks -a customer=acme -a declined=false --signal 'Approve={\"ok\": true}'",
    "graph --run": "run.json",
    "explain ID": "NODE",
    "inspect --dump": "-",
}
#: Commands that wait for the end of a flow run unless they are told not to; no worker is there.
WAITING = re.compile(r"run (?!--local)|rerun (?!.*--plan)")
#: Commands that do not end by themselves: their options are looked up in their help.
ENDLESS = {"worker", "web"}
#: Exit codes that are not 0: no worker is there, and a run that failed fails again.
CODES = {"doctor": 1, "run --local --mocks run.json --mock-tasks": 1, "run --local --mocks": 1}
#: The run that ``ID`` stands for, by command; else it is one that failed.
RUN_OF = {"signal": "waiting", "cancel": "waiting", "pause": "waiting", "resume": "paused"}

NODES = """\
tasks:
  - {name: Load, import: operated_tasks, classname: Task, storage: Memory}
  - {name: Charge, import: operated_tasks, classname: Task, storage: Memory}
  - name: Approve
    wait: {title: "Ship it?", timeout: 3600}
    storage: Memory
    output_schema: {type: object, required: [ok], properties: {ok: {type: boolean}}}
storages:
  - {name: Memory, import: selinon_core.storages.memory, classname: InMemoryStorage}
global:
  lanes:
    urgent: {priority: 9}
  schedules:
    - {name: nightly, flow: order, cron: "30 2 * * *", timezone: Europe/Berlin}
flow-definitions:
  - name: order
    propagate_node_args: true
    labels: {customer: "${args.customer}"}
    edges:
      - {from: null, to: Load}
      - {from: Load, to: Charge}
      - {from: Charge, to: Approve}
"""
TASKS = """\
class Task:
    def __init__(self, **names):
        self.names = names

    def run(self, node_args):
        if self.names["task_name"] == "Charge" and node_args["declined"]:
            raise ValueError("declined")
        return {"total": 12}
"""


class Shown(NamedTuple):
    """A command line, and the pages that show it."""

    words: str
    pages: str


def shown() -> Iterator[Shown]:
    """The command lines of all pages, each once."""
    found: dict[str, list[str]] = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = _BLOCK.findall(text)
        lines = [line for block in blocks for line in _LINE.findall(block)]
        prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
        lines += [" ".join(part) for part in _CODE.findall(prose)]
        for line in lines:
            words = " ".join(line.partition("#")[0].split())
            found.setdefault(words, []).append(page.name)
    for words, pages in found.items():
        yield Shown(words, ", ".join(sorted(set(pages))))


SHOWN = tuple(shown())


class Site:
    """A project in the working directory, its app, and flow runs: one that failed, one that waits, one paused."""

    def __init__(self, directory: Path) -> None:
        (directory / "nodes.yaml").write_text(NODES)
        (directory / "operated_tasks.py").write_text(TASKS)
        self.app = Celery("shop", broker="memory://", set_as_current=False)
        self.app.conf.selinon_state_url = "memory://"
        self.selinon = Selinon(self.app, paths=["nodes.yaml"])
        parts = {"storages": self.selinon.services.storages}
        self.world = World(self.selinon.plan, store=self.selinon.store, parts=parts)
        self.world.now = time.time()
        self.ids = {
            name: self.world.start("order", {"customer": "acme", "declined": name == "failed"})
            for name in ("failed", "waiting", "paused")
        }
        self.world.work(until=self.world.now + 60)
        self.world.pause("order", self.ids["paused"])
        self.world.work(until=self.world.now + 60)
        kept = {"flow": "order", "reason": "no worker knows it", "queue": "celery", "task": "selinon.Dispatcher"}
        kept |= {"shown_as": "order", "task_id": "p", "root_id": "p", "headers": {}}
        kept |= {"kwargs": {"action": "start", "flow": "order", "id": "p", "args": None}}
        item = Item(PARKED, "p", self.world.now, json.dumps(kept))
        self.selinon.store.items.put(item, self.world.now + 600)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "operated_tasks", raising=False)
    module = ModuleType("app")
    monkeypatch.setitem(sys.modules, "app", module)
    monkeypatch.setenv("SELINON_APP", "app:app")
    made = Site(tmp_path)
    module.app = made.app  # type: ignore[attr-defined]
    monkeypatch.setattr("sys.stdin", _Answers())
    yield made
    sys.modules.pop("operated_tasks", None)


class _Answers(io.StringIO):
    """A terminal at which all questions are answered with yes."""

    def isatty(self) -> bool:
        return True

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        return "y\n"


def run(words: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capfd.readouterr()
    code = run_program(SELINON, words)
    out, err = capfd.readouterr()
    return code, out, err


def given(words: str, site: Site) -> list[str]:
    """The words of a command line, with values for what stands for some."""
    line = f"{words} {COMPLETED.get(words, '')} {'--detach' if WAITING.match(words) else ''}"
    command = " ".join(SELINON.command_of(words.split()))
    id = site.ids[RUN_OF.get(command, "failed")]
    node = "Approve" if command == "signal" else "Charge"
    values = {"ID": id, "NODE": node, "JSON": '{"ok": true}'}
    found = [values.get(word, word) for word in shlex.split(line)]
    for option, value in (("--flow", "order"), ("--lane", "urgent")):  # pages have flows and lanes of their own
        if option in found:
            found[found.index(option) + 1] = value
    return found


@pytest.mark.parametrize("line", SHOWN, ids=lambda line: line.words)
def test_a_command_line_of_the_pages_works(line: Shown, site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    words = given(line.words, site)
    command = " ".join(SELINON.command_of(words))
    assert command, f"{line.pages}: there is no such command"
    options = words[len(command.split()) :]
    if command in ENDLESS:
        _, described, _ = run([*command.split(), "--help"], capfd)
        assert all(option in described for option in options if option.startswith("--")), line.pages
        return
    if not options and line.words not in ("runs", "status", "parked", "audit", "doctor"):
        return  # a name that is spoken of
    if "run.json" in words and command != "export":
        Path("run.json").write_text(run(["export", site.ids["failed"]], capfd)[1])
    if ">" in words:
        words = words[: words.index(">")]
    code, out, err = run(words, capfd)
    assert code == CODES.get(line.words, 0), f"{line.pages}: {out}\n{err}"
    assert "Traceback" not in err


def test_the_pages_show_commands() -> None:
    assert len(SHOWN) > 40
    assert "retry --flow order --since 2h --rate 10/s --yes" in {line.words for line in SHOWN}
