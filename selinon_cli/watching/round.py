"""One round of watching, in a fresh process: a request as JSON on stdin, its result as JSON on stdout.

Request: ``paths``, ``run`` (keyword arguments of the run command, or null), ``graph`` (a target, or null),
``pictures`` (draw all flows for the page), ``color``. Result: ``ok`` (no errors), ``text`` (what lint says),
``diagnostics``, ``flows``, ``pythonpath``, ``also`` (other files the result depends on), ``run``
(``code``, ``text``, ``report``) and ``pictures`` (flow -> svg).
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from selinon_cli.exits import guarded
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.plan import Plan
    from selinon_core.project import Project


def play(request: Mapping[str, Any]) -> dict[str, Any]:
    """Do what is asked for and return the result."""
    result: dict[str, Any] = {"ok": False, "text": "", "diagnostics": [], "flows": [], "also": []}
    result |= {"pythonpath": [], "run": None, "pictures": {}}
    told = _terminal(request)
    guarded(told, sys.argv, lambda: _play(request, result))
    return result


def _play(request: Mapping[str, Any], result: dict[str, Any]) -> int:
    project = _lint(request, result)
    plan = project.plan
    if plan is None or not result["ok"]:
        return 1
    result["flows"] = list(plan.flows)
    result["also"] = _schemas(plan)
    if request["run"] is not None:
        result["run"] = _run(request)
    report = (result["run"] or {}).get("report")
    if request["pictures"]:
        result["pictures"] = _pictures(plan, project, report)
    if request["graph"] is not None and request["run"] is None:
        from selinon_cli.commands.graph import graph

        graph(_terminal(request), paths=request["paths"], output=request["graph"])
    return 0


def _terminal(request: Mapping[str, Any]) -> Terminal:
    terminal = Terminal(io.StringIO(), sys.stderr, verbosity=request.get("verbosity", 0))
    terminal.color_out = bool(request.get("color"))
    return terminal


def _lint(request: Mapping[str, Any], result: dict[str, Any]) -> Project:
    from selinon_cli.project import project_summary
    from selinon_cli.render.machine import to_json
    from selinon_cli.render.text import SourceLines, render_blocks
    from selinon_core.project import lint_project

    project = lint_project(request["paths"])
    found = project.diagnostics
    color = bool(request.get("color"))
    blocks = render_blocks(found, SourceLines(project.sources), color=color) if found else ""
    result["text"] = blocks + project_summary(project, found, len(project.suppressed)) + "\n"
    result["diagnostics"] = json.loads(to_json(found))
    result["ok"] = project.plan is not None and all(d.severity.value != "error" for d in found)
    result["pythonpath"] = list(project.pythonpath)
    return project


def _run(request: Mapping[str, Any]) -> dict[str, Any]:
    from selinon_cli.commands.run import run

    terminal = _terminal(request)
    options = dict(request["run"])
    wanted = options.pop("report", None)
    handle, path = tempfile.mkstemp(suffix=".json", prefix="selinon-watch-")
    os.close(handle)
    try:
        values = {**options, "paths": request["paths"], "local": True, "report": path}
        if request["graph"] is not None:
            values["graph"] = request["graph"]
        code = guarded(terminal, sys.argv, lambda: run(terminal, **values))
        with open(path, encoding="utf-8") as file:
            content = file.read()
    finally:
        os.unlink(path)
    if content and wanted is not None:
        from selinon_cli.output import write_text

        write_text(terminal, wanted, content)
    assert isinstance(terminal.out, io.StringIO)
    return {"code": code, "text": terminal.out.getvalue(), "report": json.loads(content) if content else None}


def _pictures(plan: Plan, project: Project, report: Mapping[str, Any] | None) -> dict[str, str]:
    from selinon_core.errors import MissingExtraError
    from selinon_core.graph import draw

    ran = {report["flow"], *(node["flow"] for node in report["nodes"])} if report else set()
    pictures = {}
    try:
        for flow in plan.flows:
            shown = report if flow in ran else None
            pictures[flow] = draw(plan, flow, format="svg", report=shown, link="").decode()
    except MissingExtraError as error:
        print(f"selinon: {error}", file=sys.stderr)
    return pictures


def _schemas(plan: Plan) -> list[str]:
    """Schema files of tasks that are files beside the YAML or in the working directory."""
    found = []
    for task in plan.tasks.values():
        for base in (os.path.dirname(task.place.file), "."):
            path = os.path.join(base, task.output_schema or "")
            if task.output_schema and os.path.isfile(path):
                found.append(os.path.abspath(path))
    return found


def main() -> int:
    """Read the request, play the round, write the result."""
    request = json.load(sys.stdin)
    # The real stdout is for the result alone: whatever user code prints goes to stderr.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        result = play(request)
        json.dump(result, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
