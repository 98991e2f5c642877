"""The verdict of a case depends neither on the processes nor, where order does not matter, on the seed."""

from __future__ import annotations

import os
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.testing.collection import collect
from selinon_core.testing.options import RunOptions
from selinon_core.testing.parallel import run_files

NODES = "storages: [{name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}]\ntasks:\n"


@st.composite
def layered(draw: st.DrawFn) -> tuple[str, str]:
    """A flow of layers, each of which waits for some of the one above, and a case for it.

    Mocks are one outcome a task, so that the order in which tasks end decides nothing.
    """
    layers = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    names = [[f"T{level}{place}" for place in range(size)] for level, size in enumerate(layers)]
    edges = [f"      - {{from: , to: [{', '.join(names[0])}]}}"]
    for above, below in pairwise(names):
        for name in below:
            sources = draw(st.lists(st.sampled_from(above), min_size=1, unique=True))
            edges.append(f"      - {{from: [{', '.join(sources)}], to: {name}}}")
    tasks = [name for level in names for name in level]
    failing = draw(st.sets(st.sampled_from(tasks), max_size=2))
    after = draw(st.lists(st.sampled_from([0, 0, 1, 2]), min_size=len(tasks), max_size=len(tasks)))
    flow = NODES + "".join(f"  - {{name: {name}, import: m, storage: S}}\n" for name in tasks)
    flow += "flow-definitions:\n  - name: f\n    edges:\n" + "\n".join(edges) + "\n"
    mocks = ", ".join(
        f"{name}: {{{'fatal: no' if name in failing else 'result: 1'}, after: {seconds}}}"
        for name, seconds in zip(tasks, after, strict=True)
    )
    expected = draw(st.sampled_from(["success", "failure"]))
    runs = draw(st.dictionaries(st.sampled_from(tasks), st.integers(0, 1), max_size=3))
    counts = "" if not runs else ", runs: {" + ", ".join(f"{name}: {count}" for name, count in runs.items()) + "}"
    case = f"flow: f\ntests:\n  - {{name: a, mocks: {{{mocks}}}, expect: {{status: {expected}{counts}}}}}\n"
    return flow, case


@settings(max_examples=25, deadline=None)
@given(st.lists(layered(), min_size=1, max_size=3))
def test_one_process_many_processes_and_every_seed_agree(projects: list[tuple[str, str]]) -> None:
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as name:
        try:
            os.chdir(name)
            for number, (flow, case) in enumerate(projects):
                directory = Path(str(number))
                directory.mkdir()
                (directory / "pyproject.toml").write_text("", encoding="utf-8")
                (directory / "flow.yaml").write_text(flow, encoding="utf-8")
                (directory / "f.flowtest.yaml").write_text(case, encoding="utf-8")
            files = collect(["."] if len(projects) > 1 else ["0"])
            assert len(files) == len(projects)
            assert not any(file.is_broken for file in files), files[0].diagnostics
            alone, together = (
                [
                    [(one.status, one.findings) for one in result.cases]
                    for result in run_files(files, RunOptions(), jobs)
                ]
                for jobs in (1, 3)
            )
            assert alone == together
            for result in run_files(files, RunOptions(seeds=5)):
                for one in result.cases:
                    assert one.failed_runs in (0, one.runs), one.findings
        finally:
            os.chdir(before)
