"""One rebuild, in a fresh process: a request as a line on stdin, the answer as lines on stdout.

All lines are JSON. Request: ``paths``, ``pythonpath``, ``run`` (values of the run command's options, or null),
``test`` (values of the test command's options, or null), ``tested`` (digests of flows as they were when cases last
ran), ``graph`` (a target, or null), ``flow`` (for ``graph`` without a run), ``drawings`` (draw all flows for the
page), ``known`` (digests of drawings that need not be sent again), ``color`` and ``verbosity``.

Parts of the answer, each with its ``part``:

``check``     ``ok`` (no errors), ``text`` (what lint prints), ``diagnostics``, ``flows``, ``files`` (those read),
              ``problem`` (why there could be no check at all, or null). Then the rebuild waits for an empty line,
              because the following parts write to the same terminal as the watcher
``run``       ``code``, ``text``, ``report`` (or null), ``problem`` (why there is none), ``files``, and
              ``why``: with ``drawings``, why nodes did not run (see ``not_run_reasons``)
``tests``     ``code``, ``text``, ``problem`` (why no case ran), ``files`` (case files), ``flows`` (digests)
``drawings``  ``flows`` (see ``draw_flows``) and ``problem``
``end``       the last part
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from selinon_cli.exits import EXIT_FINDINGS, EXIT_INTERRUPTED, EXIT_OK, run_guarded
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.project import Project

Emit = Callable[[dict[str, Any]], None]


def rebuild(request: Mapping[str, Any], emit: Emit, wait: Callable[[], object]) -> None:
    """Do what is asked for; ``wait`` returns when it may go on behind the check."""
    check: dict[str, Any] = {"part": "check", "ok": False, "text": "", "diagnostics": [], "flows": [], "files": []}
    found: list[Project] = []
    check["problem"] = _problem(lambda: found.append(_lint(request, check)))
    emit(check)
    wait()
    if not found or not check["ok"]:
        return
    # Until here there is nothing to clean up, and SIGTERM ends the process at once.
    signal.signal(signal.SIGTERM, _stopped)
    project = found[0]
    report = printed = None
    if request["run"] is not None:
        run = _run(request)
        report, printed = run["report"], run["problem"]
        if report is not None and request["drawings"]:
            run["why"] = _why(project, report)
        emit(run)
    if request["test"] is not None:
        emit(_test(request, project))
    if request["graph"] is not None:
        problem = _problem(lambda: _draw_files(request, project, report))
        if problem not in (None, printed):  # which flow is meant is asked for a run and for a drawing
            sys.stderr.write(problem)
    if request["drawings"]:
        from selinon_cli.watching.drawings import draw_flows

        drawn: dict[str, Any] = {"part": "drawings", "flows": {}}
        drawn["problem"] = _problem(lambda: drawn["flows"].update(draw_flows(project, report, request["known"])))
        emit(drawn)


def _problem(action: Callable[[], None]) -> str | None:
    """Do it; returns the message for the user when it did not work."""

    def done() -> int:
        action()
        return 0

    terminal = Terminal(io.StringIO(), io.StringIO())
    if run_guarded(terminal, sys.argv, done) == EXIT_INTERRUPTED:
        raise KeyboardInterrupt
    assert isinstance(terminal.err, io.StringIO)
    return terminal.err.getvalue() or None


def _terminal(request: Mapping[str, Any]) -> Terminal:
    terminal = Terminal(io.StringIO(), sys.stderr, verbosity=request["verbosity"])
    terminal.color_out = bool(request["color"])
    return terminal


def _lint(request: Mapping[str, Any], check: dict[str, Any]) -> Project:
    from selinon_cli.project import project_summary
    from selinon_cli.render.machine import to_json
    from selinon_cli.render.text import SourceLines, render_blocks
    from selinon_cli.watching.watch_roots import files_of
    from selinon_core.project import lint_project

    project = lint_project(request["paths"], pythonpath=request["pythonpath"])
    found = project.diagnostics
    blocks = render_blocks(found, SourceLines(project.sources), color=bool(request["color"])) if found else ""
    check["text"] = blocks + project_summary(project, found, len(project.suppressed)) + "\n"
    check["diagnostics"] = json.loads(to_json(found))
    check["ok"] = project.plan is not None and all(d.severity.value != "error" for d in found)
    check["flows"] = list(project.plan.flows) if project.plan is not None else []
    check["files"] = files_of(project)
    return project


def _run(request: Mapping[str, Any]) -> dict[str, Any]:
    from selinon_cli.commands.run import run
    from selinon_cli.run_options import RunOptions
    from selinon_cli.watching.watch_roots import files_imported

    terminal = _terminal(request)
    reports: list[Mapping[str, Any]] = []
    codes: list[int] = []
    given = {**request["run"], "paths": request["paths"], "pythonpath": request["pythonpath"], "local": True}
    # Only what keeps the run from beginning is a problem; the run itself prints its progress.
    problem = _problem(lambda: codes.append(run(terminal, RunOptions(**given), reports.append)))
    if problem is not None:
        sys.stderr.write(problem)
    assert isinstance(terminal.out, io.StringIO)
    return {
        "part": "run",
        "code": codes[0] if codes else None,
        "text": terminal.out.getvalue(),
        "report": reports[0] if reports else None,
        "problem": problem,
        "files": files_imported([*request["pythonpath"], os.getcwd()]),
        "why": {},
    }


def _why(project: Project, report: Mapping[str, Any]) -> dict[str, Any]:
    """Why nodes did not run, for the page."""
    from selinon_cli.watching.reasons import not_run_reasons

    assert project.plan is not None
    return not_run_reasons(project.plan, report)


def _test(request: Mapping[str, Any], project: Project) -> dict[str, Any]:
    from selinon_cli.test_options import TestOptions
    from selinon_cli.test_run import TestRun
    from selinon_cli.watching.watch_roots import files_imported
    from selinon_core.plan.digests import flow_digests

    terminal = _terminal(request)
    given = {**request["test"], "paths": request["paths"], "pythonpath": request["pythonpath"]}
    assert project.plan is not None
    digests = flow_digests(project.plan)
    changed = {flow for flow, digest in digests.items() if request["tested"].get(flow) != digest}
    run = TestRun(terminal, TestOptions(**given))
    codes: list[int] = []

    def test() -> None:
        files = run.collect(changed)
        codes.append(EXIT_OK if not any(f.numbers for f in files) or run.run(files, 1) else EXIT_FINDINGS)

    problem = _problem(test)
    if problem is not None:
        sys.stderr.write(problem)
    assert isinstance(terminal.out, io.StringIO)
    return {
        "part": "tests",
        "code": codes[0] if codes else None,
        "text": terminal.out.getvalue(),
        "problem": problem,
        "files": [*run.case_files, *files_imported([*request["pythonpath"], os.getcwd()])],
        "flows": digests,
    }


def _draw_files(request: Mapping[str, Any], project: Project, report: Mapping[str, Any] | None) -> None:
    """Draw what ``--graph`` asks for: into a file the flow, or into a directory all of them, with the run."""
    from selinon_cli.output import graph_format, write_bytes
    from selinon_core.graph import draw, locator

    plan, target = project.plan, request["graph"]
    assert plan is not None
    into_directory = os.path.isdir(target) or target.endswith(("/", os.sep))
    form = "svg" if into_directory else graph_format(target)
    ran = {report["flow"], *(node["flow"] for node in report["nodes"])} if report else set()
    if into_directory:
        os.makedirs(target, exist_ok=True)
        flows = list(plan.flows)
    elif report is not None:
        flows = [report["flow"]]
    else:
        from selinon_cli.project import chosen_flow

        flows = [chosen_flow(plan, request["flow"])]
    for flow in flows:
        shown = report if flow in ran else None
        picture = draw(plan, flow, format=form, report=shown, locate=locator(project.pythonpath))
        write_bytes(_terminal(request), os.path.join(target, f"{flow}.svg") if into_directory else target, picture)


def main() -> int:
    """Read the request, do it, write the answer."""
    request = json.loads(sys.stdin.buffer.readline())
    go_on = _end_with_the_watcher()
    with _answers_apart() as out:

        def emit(part: dict[str, Any]) -> None:
            out.write(json.dumps(part) + "\n")
            out.flush()

        try:
            rebuild(request, emit, go_on.wait)
            emit({"part": "end"})
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
    return 0


def _end_with_the_watcher() -> threading.Event:
    """End with the watcher however it ends: then its end of our stdin closes. User code gets an empty stdin.

    The event is set when the watcher lets the rebuild go on.
    """
    go_on = threading.Event()
    line = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def wait() -> None:
        while os.read(line, 1024):
            go_on.set()
        if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=wait, name="selinon-watch-line", daemon=True).start()
    return go_on


def _stopped(number: int, frame: object) -> None:
    """The watcher has newer content: end as after Ctrl-C, which takes a live display off the screen."""
    # Where an exception cannot be raised (in the import system's callbacks) Python would print it instead.
    sys.unraisablehook = lambda unraisable: None
    raise KeyboardInterrupt


def _answers_apart() -> TextIO:
    """The real stdout is for answers alone: whatever user code and its children print goes to stderr."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return out


if __name__ == "__main__":
    sys.exit(main())
