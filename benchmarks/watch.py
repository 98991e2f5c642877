"""How long it takes from saving a file to the printed result of ``selinon watch``, its process included.

    python benchmarks/watch.py [--saves 21] [--quick] [--json FILE]

Watches a copy of a sample project, saves the YAML file of its flow and its task module in turns, as editors do (by
renaming), and waits for the last line of what it prints. Each save is made some time after the result before, so
that nothing is under way. Prints medians; the targets are 0.3 s for lint alone and 0.7 s with a run. Also measures
how long Ctrl-C takes while a task sleeps; the target is 0.5 s.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample_flows" / "order_pipeline"
#: Seconds between a result and the next save.
PAUSE = 0.3


class Watcher:
    """A running watcher, and the moments at which it printed what."""

    def __init__(self, directory: Path, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "selinon_cli", "watch", *words],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._lines: queue.SimpleQueue[tuple[float, str]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put((time.perf_counter(), line))

    def printed(self, beginning: str) -> float:
        """Wait for a line that begins so; returns when it came."""
        while True:
            moment, line = self._lines.get(timeout=60)
            if line.startswith(beginning):
                return moment

    def end(self) -> float:
        """Press Ctrl-C; returns how many seconds it took."""
        began = time.perf_counter()
        self._process.send_signal(signal.SIGINT)
        self._process.wait()
        return time.perf_counter() - began


def save(path: Path, content: str) -> float:
    """Save a file by renaming; returns when that was done."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(content)
    os.replace(temporary, path)
    return time.perf_counter()


def from_saving_to_result(
    directory: Path, path: Path, words: tuple[str, ...], last: str, saves: int
) -> list[float]:
    """Seconds from each of the saves of ``path`` to the line that begins with ``last``."""
    watcher = Watcher(directory, *words)
    watcher.printed(last)
    content = path.read_text()
    taken = []
    for number in range(saves):
        time.sleep(PAUSE)
        saved = save(path, f"{content}# {number}\n")
        taken.append(watcher.printed(last) - saved)
    watcher.end()
    save(path, content)
    return taken


def ctrl_c(directory: Path, times: int) -> list[float]:
    """Seconds that Ctrl-C takes while a task sleeps and ignores what it can ignore."""
    tasks = directory / "tasks.py"
    content = tasks.read_text()
    save(
        tasks, f"{content}\nimport signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(1000)\n"
    )
    taken = []
    for _ in range(times):
        watcher = Watcher(directory, "--run")
        watcher.printed("no problems")
        time.sleep(1)
        taken.append(watcher.end())
    save(tasks, content)
    return taken


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--saves", type=int, default=21)
    parser.add_argument("--quick", action="store_true", help="one save of each file, one Ctrl-C")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    # A shell lets what it starts in the background ignore Ctrl-C, and the watcher would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    saves, interrupts = (1, 1) if options.quick else (options.saves, 5)
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        directory = Path(home) / SAMPLE.name
        shutil.copytree(SAMPLE, directory, ignore=shutil.ignore_patterns("__pycache__"))
        flow, tasks = directory / "flows" / "order.yaml", directory / "tasks.py"
        measures = {
            "lint, YAML file": (flow, (), "no problems"),
            "lint, task module": (tasks, (), "no problems"),
            "run, YAML file": (flow, ("--run",), "order: "),
            "run, task module": (tasks, ("--run",), "order: "),
        }
        for name, (path, words, last) in measures.items():
            found[name] = statistics.median(from_saving_to_result(directory, path, words, last, saves))
            print(f"{name:20} {found[name]:6.3f} s")
        found["Ctrl-C"] = max(ctrl_c(directory, interrupts))
        print(f"{'Ctrl-C, the longest':20} {found['Ctrl-C']:6.3f} s")
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
