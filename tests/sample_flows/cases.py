"""The sample projects and what their ``expected.yaml`` says about each of their runs.

``expected.yaml`` holds a list of runs, made one after the other in one working directory::

    - name: what the run shows            (required)
      flow: NAME                          --flow
      node_args: JSON                     --node-args-file
      mocks: {...}                        --mocks
      fail: [TASK:N]                      --fail
      arguments: [...]                    more of the command line
      keep_report: FILE                   the report stays in the working directory for the next runs
      status: success | failure           (required)
      runs: {node: times}                 of every node that runs (required)
      attempts, statuses: {node: value}   of every run of a node
      node_args_of, started_at: {node: [value, ...]}
      results: {task: [value, ...]}       of each run, in order
      virtual_seconds: 0
      files: {pattern: count}             files below the working directory afterwards
      stderr: [line, ...]                 lines of stderr that begin so, in this order
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

SAMPLES = Path(__file__).parents[2] / "sample_flows"

KEYS = {
    "name",
    "flow",
    "node_args",
    "mocks",
    "fail",
    "arguments",
    "keep_report",
    "status",
    "runs",
    "attempts",
    "statuses",
    "node_args_of",
    "started_at",
    "results",
    "virtual_seconds",
    "files",
    "stderr",
}


class Sample(NamedTuple):
    """A sample project."""

    path: Path

    @property
    def name(self) -> str:
        """The name of its directory."""
        return self.path.name

    def cases(self) -> list[dict[str, Any]]:
        """What is expected of its runs."""
        cases: list[dict[str, Any]] = yaml.safe_load((self.path / "expected.yaml").read_text(encoding="utf-8"))
        return cases


def samples() -> Iterator[Sample]:
    """All sample projects."""
    for path in sorted(SAMPLES.iterdir()):
        if path.is_dir() and not path.name.startswith((".", "_")):
            yield Sample(path)
