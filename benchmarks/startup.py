"""How long a whole process of ``selinon lint`` takes, beside yamllint on the same files.

    python benchmarks/startup.py [--runs 21] [--quick] [--json FILE]

Generates a project of 20 flows and 60 tasks in 21 files, starts every command once to warm up and then in turns,
and prints medians and ratios. Peers that are not installed are left out. Bytecode has to be cached for the
figures to mean anything, which the warm-up sees to.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLOWS = 20

#: What the console scripts of a virtual environment do.
SCRIPT = "import sys; from {module} import {name}; sys.argv[0] = '{program}'; sys.exit({call})"


def write_project(directory: Path) -> None:
    """Write 20 flows: a chain, a join with a condition, a fan-out, a sub-flow and a fallback each."""
    tasks, modules = [], []
    for number in range(FLOWS):
        tasks.extend(
            f"  - name: {step}{number}\n    import: work\n    classname: Work\n    storage: Memory\n"
            f"    max_retry: 2\n    retry_countdown: 10\n    queue: work_{number}\n"
            for step in ("Fetch", "Check", "Store")
        )
        modules.append(flow(number))
    (directory / "nodes.yaml").write_text(
        "tasks:\n"
        + "".join(tasks)
        + "storages:\n  - name: Memory\n    import: selinon_core.storages.memory\n"
        + "    classname: InMemoryStorage\n"
    )
    (directory / "flows").mkdir()
    for number, text in enumerate(modules):
        (directory / "flows" / f"flow{number}.yaml").write_text(text)
    (directory / "pyproject.toml").write_text("")
    (directory / "work.py").write_text(
        "class Work:\n    def __init__(self, **names):\n        pass\n\n"
        "    def run(self, node_args):\n        return 1\n\n\ndef items(storage_pool, node_args):\n    return []\n"
    )


def flow(number: int) -> str:
    """One flow as YAML."""
    sub_flow = f"      - from: Store{number}\n        to: flow{number + 1}\n" if number + 1 < FLOWS else ""
    return f"""---
flow-definitions:
  - name: flow{number}
    queue: dispatcher
    propagate_node_args: true
    edges:
      - from:
        to: Fetch{number}
      - from: Fetch{number}
        to: Check{number}
        condition:
          and:
            - name: fieldEqual
              args:
                key: [state, kind]
                value: new
            - not:
                name: fieldExist
                args:
                  key: archived
      - from: Fetch{number}
        to: Store{number}
        foreach:
          import: work
          function: items
{sub_flow}    failures:
      - nodes: Check{number}
        fallback: true
"""


def commands() -> dict[str, list[str]]:
    """What is compared; each lints the current directory."""

    def script(module: str, name: str, program: str, call: str) -> list[str]:
        return ["-c", SCRIPT.format(module=module, name=name, program=program, call=call)]

    found = {
        "python": ["-c", "pass"],
        "python + libyaml on every file": [
            "-c",
            "import glob, yaml\n"
            "for name in glob.glob('**/*.yaml', recursive=True):\n"
            "    yaml.load(open(name), yaml.CSafeLoader)",
        ],
        "selinon lint": [*script("selinon_cli.main", "main", "selinon", "main()"), "lint"],
        "selinon lint --format json": [
            *script("selinon_cli.main", "main", "selinon", "main()"),
            *("lint", "--format", "json"),
        ],
        "selinon --help": [*script("selinon_cli.main", "main", "selinon", "main()"), "--help"],
    }
    if find_spec("yamllint") is not None:
        found["yamllint"] = [*script("yamllint.cli", "run", "yamllint", "run()"), "-d", "relaxed", "."]
    return found


def measure(runs: int, directory: Path) -> dict[str, list[float]]:
    """Milliseconds of every run of every command, in turns so that noise meets them all."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    times: dict[str, list[float]] = {name: [] for name in commands()}
    for turn in range(runs + 1):
        for name, words in commands().items():
            began = time.perf_counter()
            process = subprocess.run(
                [sys.executable, *words], cwd=directory, env=environment, capture_output=True, text=True
            )
            took = (time.perf_counter() - began) * 1000
            if process.returncode != 0:
                sys.exit(f"{name} failed:\n{process.stdout}{process.stderr}")
            if turn:
                times[name].append(took)
    return times


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--quick", action="store_true", help="one run")
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_project(directory)
        times = measure(1 if arguments.quick else arguments.runs, directory)
    medians = {name: statistics.median(values) for name, values in times.items()}
    peer = medians.get("yamllint")
    print(f"{'':34}{'median ms':>10}{'min':>8}{'max':>8}{'x yamllint':>12}")
    for name, values in times.items():
        ratio = f"{medians[name] / peer:12.2f}" if peer else ""
        print(f"{name:34}{medians[name]:10.1f}{min(values):8.1f}{max(values):8.1f}{ratio}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(times, indent=2) + "\n")


if __name__ == "__main__":
    main()
