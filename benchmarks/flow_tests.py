"""How long ``selinon test`` takes for 1000 mocked cases, as a whole process, and pytest for the same cases.

    python benchmarks/flow_tests.py [--cases 1000] [--runs 7] [--quick] [--json FILE]

Generates a project of 10 flows with up to 10 node runs (a join with a condition, a fan-out of three, a sub-flow, a
fallback) and cases in 10 files: results, errors, parameters, expectations of every sort. Prints medians in seconds
of wall and of CPU time: lint of the project, reading the cases, running them (with coverage, with ``-j auto``),
and pytest with an empty directory (with a plug-in that does nothing, and with selinon's), with as many items that
do nothing in as many files, and with the cases. What a case costs over such an item is the plug-in's, with what it
loads once.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FLOWS = 10
SCRIPT = "import sys; from selinon_cli.main import main; sys.argv[0] = 'selinon'; sys.exit(main())"

NODES = """\
tasks:
  - {{name: Load{n}, import: work, storage: Memory, output_schema: order.json}}
  - {{name: Check{n}, import: work, storage: Memory}}
  - {{name: Charge{n}, import: work, storage: Memory, max_retry: 2, retry_countdown: 30}}
  - {{name: Pack{n}, import: work, storage: Memory}}
  - {{name: Ship{n}, import: work, storage: Memory}}
  - {{name: Undo{n}, import: work, storage: Memory}}
"""
FLOW = """\
flow-definitions:
  - name: order{n}
    propagate_finished: true
    edges:
      - {{from: , to: [Load{n}, Check{n}]}}
      - from: [Load{n}, Check{n}]
        to: Charge{n}
        condition: {{name: fieldGreater, node: Load{n}, args: {{key: total, value: 0}}}}
      - {{from: Load{n}, to: pack{n}}}
      - {{from: [Charge{n}, pack{n}], to: Ship{n}}}
    failures:
      - {{nodes: Charge{n}, fallback: Undo{n}, propagate_failure: true}}
  - name: pack{n}
    edges:
      - from:
        to: Pack{n}
        foreach: {{import: work, function: lines}}
"""
SCHEMA = {
    "type": "object",
    "properties": {"total": {"type": "number", "minimum": 0}, "lines": {"type": "array"}},
    "required": ["total"],
}
HEAD = """\
flow: order{n}
tags: [shop]
mocks:
  Load{n}: {{result: {{total: 81.0, lines: [1, 2, 3]}}}}
  Check{n}: {{result: true}}
  Charge{n}: {{result: {{receipt: R-7}}}}
  Pack{n}: {{result: {{shelf: T1}}}}
  Ship{n}: {{result: {{parcel: P-7}}}}
  functions: {{work.lines: [1, 2, 3]}}
tests:
"""
#: A plug-in of pytest whose items do nothing: so many in each file of that ending.
ITEMS = """\
\"\"\"A plug-in of pytest with items that do nothing.\"\"\"

import pytest


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".items":
        return ItemFile.from_parent(parent, path=file_path)


class ItemFile(pytest.File):
    def collect(self):
        for number in range(int(self.path.read_text())):
            yield NoItem.from_parent(self, name=f"a gift {number}")


class NoItem(pytest.Item):
    def runtest(self):
        pass

    def reportinfo(self):
        return self.path, 1, self.name
"""
#: Five cases each; the last two come from parameters.
CASES = """\
  - name: charged and shipped {k}
    args: {{number: {k}}}
    expect:
      runs: {{Load{n}: 1, Check{n}: 1, Charge{n}: 1, pack{n}: 1, pack{n}/Pack{n}: 3, Ship{n}: 1}}
      order: [Load{n}, Charge{n}, Ship{n}]
      results: {{Ship{n}: {{parcel: P-7}}}}
  - name: a gift {k}
    mocks: {{Load{n}: {{result: {{total: 0}}}}}}
    expect:
      not_ran: [Charge{n}, Ship{n}]
      edges: {{"[Load{n}, Check{n}] -> Charge{n}": {{considered: 1, fired: 0}}}}
  - name: stolen {k}
    mocks: {{Charge{n}: {{fatal: stolen}}}}
    expect:
      status: failure
      errors: {{Charge{n}: "FatalTaskError: stolen"}}
      fallbacks: Charge{n} -> Undo{n}
  - name: charged at attempt $attempt {k}
    parameters:
      - {{attempt: 2, errors: 1, seconds: 30}}
      - {{attempt: 3, errors: 2, seconds: 60}}
    mocks: {{Charge{n}: [{{error: "Busy: no", times: $errors}}, {{result: {{receipt: R-8}}}}]}}
    expect: {{attempts: {{Charge{n}: $attempt}}, virtual_seconds: $seconds}}
"""
_CASES_OF_BLOCK = 5


def write_project(directory: Path, cases: int) -> int:
    """Write the project; returns how many cases it has."""
    (directory / "nodes.yaml").write_text(
        "tasks:\n"
        + "".join(NODES.format(n=n).removeprefix("tasks:\n") for n in range(FLOWS))
        + "storages:\n  - {name: Memory, import: selinon_core.storages.memory, classname: InMemoryStorage}\n"
    )
    (directory / "flows").mkdir()
    (directory / "cases").mkdir()
    blocks = max(1, cases // FLOWS // _CASES_OF_BLOCK)
    for n in range(FLOWS):
        (directory / "flows" / f"flow{n}.yaml").write_text(FLOW.format(n=n))
        text = HEAD.format(n=n) + "".join(CASES.format(n=n, k=k) for k in range(blocks))
        (directory / "cases" / f"order{n}.flowtest.yaml").write_text(text)
    (directory / "order.json").write_text(json.dumps(SCHEMA))
    (directory / "work.py").write_text(_code())
    (directory / "pyproject.toml").write_text('[tool.selinon]\nnodes = ["nodes.yaml"]\nflows = ["flows"]\n')
    (directory / "empty").mkdir()
    (directory / "no_plugin.py").write_text('"""A plug-in of pytest that does nothing."""\n')
    (directory / "items_plugin.py").write_text(ITEMS)
    (directory / "items").mkdir()
    for n in range(FLOWS):
        (directory / "items" / f"order{n}.items").write_text(str(blocks * _CASES_OF_BLOCK))
    return FLOWS * blocks * _CASES_OF_BLOCK


def _code() -> str:
    steps = ("Load", "Check", "Charge", "Pack", "Ship", "Undo")
    names = [f"{step}{n}" for n in range(FLOWS) for step in steps]
    classes = "".join(
        f"class {name}(SelinonTask):\n    def run(self, node_args):\n        ...\n\n\n" for name in names
    )
    lines = "def lines(storage_pool, node_args):\n    return [1, 2, 3]\n"
    return f"from selinon_core import SelinonTask\n\n\n{classes}{lines}"


def commands() -> dict[str, list[str]]:
    """What is measured."""
    selinon = [sys.executable, "-c", SCRIPT]
    pytest = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "-p",
        "no:xdist",
    ]
    plugin = ["-p", "selinon_core.pytest_plugin"]
    return {
        "selinon lint": [*selinon, "lint", "-q"],
        "selinon test --list": [*selinon, "test", "--list"],
        "selinon test": [*selinon, "test", "-q"],
        "selinon test --cover": [*selinon, "test", "-q", "--cover"],
        "selinon test -j auto": [*selinon, "test", "-q", "-j", "auto"],
        # What any plug-in costs is pytest's.
        "pytest, no tests": [*pytest, "-p", "no_plugin", "empty"],
        "pytest, no tests, plugin": [*pytest, *plugin, "empty"],
        "pytest, items that do nothing": [*pytest, "-p", "items_plugin", "items"],
        "pytest": [*pytest, *plugin, "cases"],
    }


class Figures(NamedTuple):
    """Medians in seconds: of wall time, and of CPU time, which other work on the machine disturbs less."""

    wall: float
    cpu: float


def measure(directory: Path, runs: int) -> dict[str, Figures]:
    """The figures of each command, medians of ``runs``, taken in turns after a warm-up."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(directory))),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    # An installed package has bytecode; without it each start would compile 280 modules.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(directory / "bytecode")
    times: dict[str, list[Figures]] = {name: [] for name in commands()}
    for turn in range(runs + 1):
        for name, words in commands().items():
            began, cpu = time.perf_counter(), _cpu()
            ran = subprocess.run(words, cwd=directory, capture_output=True, text=True, env=environment)
            took = Figures(time.perf_counter() - began, _cpu() - cpu)
            wanted = 5 if "no tests" in name else 0  # pytest's code for no tests
            if ran.returncode != wanted:
                sys.exit(f"{name} ended with exit code {ran.returncode}:\n{ran.stdout}{ran.stderr}")
            if turn:
                times[name].append(took)
    return {name: Figures(*map(statistics.median, zip(*each, strict=True))) for name, each in times.items()}


def _cpu() -> float:
    """Seconds of CPU time that processes took which have ended; ``os.times`` counts hundredths."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", metavar="FILE")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        cases = write_project(Path(name), 50 if given.quick else given.cases)
        figures = measure(Path(name), 1 if given.quick else given.runs)
    print(f"{cases} cases, medians in seconds of wall time and of CPU time; load {os.getloadavg()[0]:.1f}")
    for label, each in figures.items():
        print(f"{label:30} {each.wall:8.3f} {each.cpu:8.3f}")
    empty, plugin, items, whole = (
        figures[f"pytest{kind}"].cpu
        for kind in (", no tests", ", no tests, plugin", ", items that do nothing", "")
    )
    print(f"{'an item of pytest':30} {(items - empty) / cases * 1000:8.3f} ms of CPU time")
    print(f"{'a case in pytest over that':30} {(whole - items) / cases * 1000:8.3f} ms of CPU time")
    print(f"{'the plugin at a start':30} {(plugin - empty) * 1000:8.3f} ms of CPU time")
    if given.json:
        seconds = {label: each._asdict() for label, each in figures.items()}
        Path(given.json).write_text(json.dumps({"cases": cases, "seconds": seconds}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
