"""Write ``docs/gallery.md`` and its pictures: ``python docs/generate_gallery.py``.

A test compares what is committed with what this writes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from selinon_cli.main import main as selinon
from selinon_core.covering import CoverageData, judge
from selinon_core.covering.histories import read_history
from selinon_core.covering.outputs.drawing import coverage_drawing
from selinon_core.graph import draw, drawing_of
from selinon_core.graph import write as draw_as
from selinon_core.plan import Plan
from selinon_core.project import compile_project

DOCS = Path(__file__).parent
FLOWS = DOCS / "gallery"


class Picture(NamedTuple):
    """A picture: its file's name, its heading, a few sentences, the command, and the arguments of ``draw``.

    ``content`` is there where ``draw`` does not make it.
    """

    name: str
    heading: str
    text: str
    command: str
    arguments: dict[str, Any]
    content: bytes | None = None


def plan_of(file: str) -> Plan:
    """Compile a file of the gallery; its places are relative to the gallery."""
    with contextlib.chdir(FLOWS):
        plan = compile_project([file]).plan
    assert plan is not None, file
    return plan


def run_order(option: str) -> str:
    """Run the flow ``order`` with mocked tasks; return what it writes to the file of an option."""
    with tempfile.TemporaryDirectory() as directory, contextlib.chdir(FLOWS):
        file = os.path.join(directory, "written.json")
        words = ["run", "shop.yaml", "--local", "--flow", "order", "--mock-tasks", "--mocks", "mocks.yaml"]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = selinon([*words, option, file])
        assert code == 0, code
        return Path(file).read_text(encoding="utf-8")


def run_report() -> dict[str, Any]:
    """The report of that run."""
    content: dict[str, Any] = json.loads(run_order("--report"))
    return content


def covered_picture(plan: Plan) -> bytes:
    """The flow ``order`` with what that run covers of it."""
    data = CoverageData()
    with tempfile.TemporaryDirectory() as directory:
        trace = Path(directory, "trace.jsonl")
        trace.write_text(run_order("--trace"), encoding="utf-8")
        read_history(plan, str(trace), data)
    (flow,) = judge(plan, data, flows=["order"]).flows
    return draw_as(coverage_drawing(plan, flow), "svg")


def failure_table() -> str:
    """What ``selinon check`` prints about the flow ``order``."""
    printed = io.StringIO()
    with contextlib.chdir(FLOWS), contextlib.redirect_stdout(printed):
        code = selinon(["check", "shop.yaml", "--flow", "order"])
    assert code == 0, code
    return printed.getvalue()


#: How a schedule is drawn.
REPLAY = (
    "simulate",
    "shop.yaml",
    "--replay",
    "crash.flowtest.yaml::a worker dies after printing",
    "--format",
    "mermaid",
)


def schedule_diagram() -> str:
    """What happens when a worker dies after a task, as a sequence diagram."""
    printed = io.StringIO()
    with contextlib.chdir(FLOWS), contextlib.redirect_stdout(printed):
        code = selinon([*REPLAY])
    assert code == 0, code
    return printed.getvalue()


def pictures() -> list[Picture]:
    """Everything the gallery shows."""
    shop, before = plan_of("shop.yaml"), plan_of("before.yaml")
    return [
        Picture(
            "order",
            "A flow",
            "Tasks are green, sub-flows blue with a double border, conditions yellow. A bar waits for all of its "
            "sources. Red boxes name the set of nodes that has to fail together for a fallback.",
            "selinon graph shop.yaml --flow order",
            {"plan": shop, "flow": "order"},
        ),
        Picture(
            "deliver-expanded",
            "Fan-out, and a sub-flow with what is in it",
            "A violet box starts what follows once per item. With `--expand` a sub-flow is drawn with its nodes; "
            "recursion is drawn once. A dashed border: started, but not waited for.",
            "selinon graph shop.yaml --flow deliver --expand",
            {"plan": shop, "flow": "deliver", "expand": True},
        ),
        Picture(
            "track",
            "A cycle, a join, an edge that never fires",
            "What lies behind a condition that is always false is grey.",
            "selinon graph shop.yaml --flow track",
            {"plan": shop, "flow": "track"},
        ),
        Picture(
            "order-data",
            "What moves between nodes",
            "With `--data` dashed arrows lead from a node to those that read its result: in a condition, "
            "a `foreach` or an argument.",
            "selinon graph shop.yaml --flow order --data --no-storages",
            {},
            draw_as(drawing_of(shop, "order", storages=False, data=True), "svg"),
        ),
        Picture(
            "order-run",
            "A run laid over the graph",
            "States, attempts, virtual durations and errors of a run report, how often each edge fired "
            "and each fallback was used of the times it was considered.",
            "selinon graph shop.yaml --run report.json --flow order",
            {"plan": shop, "flow": "order", "report": run_report()},
        ),
        Picture(
            "order-changed",
            "What a change changes",
            "Added, removed and changed things against a git revision or other files; `+`, `\u2212` and `~` say "
            "it without colours.",
            "selinon graph shop.yaml --flow order --diff before.yaml",
            {"plan": shop, "flow": "order", "other": before},
        ),
        Picture(
            "order-covered",
            "What runs cover",
            "The page of [`selinon cover`](reference/cli/cover.md) has such a picture of every flow: what was "
            "covered, partly covered and never met. A fallback that was never used is red.",
            "selinon cover shop.yaml --histories traces --format html",
            {},
            covered_picture(shop),
        ),
    ]


def write() -> dict[Path, bytes]:
    """Return every file of the gallery."""
    files: dict[Path, bytes] = {}
    lines = [
        "# Gallery",
        "",
        "What [`selinon graph`](reference/graph.md) draws. The flows are in `docs/gallery/shop.yaml`; "
        "`python docs/generate_gallery.py` makes this page.",
    ]
    for picture in pictures():
        files[FLOWS / f"{picture.name}.svg"] = picture.content or draw(**picture.arguments, format="svg")
        lines += ["", f"## {picture.heading}", "", picture.text, "", "```console", f"$ {picture.command}", "```"]
        lines += ["", f"![{picture.heading}](gallery/{picture.name}.svg)"]
    shop = plan_of("shop.yaml")
    lines += ["", "## Mermaid, as GitHub draws it", "", "```console"]
    lines += ["$ selinon graph shop.yaml --flow deliver --format mermaid -o -", "```", "", "```mermaid"]
    lines += [draw(shop, "deliver", format="mermaid").decode().rstrip(), "```"]
    lines += ["", "## What a flow does when nodes fail", ""]
    lines += [
        "[`selinon check`](reference/cli/check.md) plays every possibility of a flow. Its table has a row for "
        "each set of failing nodes that does not follow from smaller ones."
    ]
    lines += ["", "```console", "$ selinon check shop.yaml --flow order", failure_table().rstrip(), "```"]
    lines += ["", "## A schedule in which a worker dies", ""]
    lines += [
        "[`selinon simulate`](reference/cli/simulate.md) lets simulated workers die. It draws the schedule of a "
        "test case, or of what it has found: here a label is printed twice."
    ]
    lines += ["", "```console", f"$ selinon {shlex.join(REPLAY)}", "```", "", "```mermaid"]
    lines += [schedule_diagram().rstrip(), "```", "", "## In a terminal", "", "```console"]
    lines += ["$ selinon graph shop.yaml --flow track --format ascii -o -"]
    lines += [draw(shop, "track", format="ascii").decode().rstrip(), "```", ""]
    files[DOCS / "gallery.md"] = "\n".join(lines).encode()
    return files


if __name__ == "__main__":
    for file, content in write().items():
        file.write_bytes(content)
        print(f"wrote {file}")
