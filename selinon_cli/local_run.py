"""Runs a flow in this process for a command, and prints the outcome."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TextIO

from selinon_cli.exits import EXIT_FINDINGS, EXIT_INTERRUPTED, EXIT_OK
from selinon_cli.output import graph_format, write_bytes, write_text
from selinon_cli.render.run_progress import progress
from selinon_cli.render.run_reasons import never_reached
from selinon_cli.render.run_summary import run_summary
from selinon_cli.run_ending import interruptible, reported_exits
from selinon_cli.run_inputs import starting
from selinon_cli.terminal import Terminal
from selinon_cli.trace_file import TraceFile
from selinon_core.explaining.reasons import not_started
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun, RunInterrupted
from selinon_core.plan import Plan


class Selection(NamedTuple):
    """What a selective run is about."""

    tasks: Sequence[str]
    follow_subflows: bool
    run_subsequent: bool


class Outputs(NamedTuple):
    """Where to write what (None: nowhere, ``-``: stdout), and what to print at the end: text or json.

    ``printing_tasks``: stdout is for what tasks print, and the summary goes to stderr.
    """

    format: str = "text"
    report: str | None = None
    trace: str | None = None
    graph: str | None = None
    printing_tasks: bool = False
    durations: int = 0
    record: str | None = None

    def absolute(self) -> Outputs:
        """The same with absolute targets: a task may change the working directory."""
        report, trace, graph, record = (
            target if target is None or target == "-" else os.path.abspath(target) for target in self.files
        )
        return self._replace(report=report, trace=trace, graph=graph, record=record)

    @property
    def files(self) -> tuple[str | None, ...]:
        """The targets."""
        return self.report, self.trace, self.graph, self.record


def run_locally(
    terminal: Terminal,
    plan: Plan,
    flow: str,
    arguments: Any,
    options: LocalOptions,
    *,
    selection: Selection | None = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - immutable
    received: Callable[[dict[str, Any]], None] | None = None,
) -> int:
    """Run the flow, showing how it goes, and write what was asked for; 1 when it failed.

    ``received`` is called with the report.
    """
    outputs = outputs.absolute()
    if not outputs.printing_tasks:
        terminal.set_user_output_apart()
    _log_to_stderr(terminal.verbosity)
    trace = TraceFile.of(terminal, outputs.trace)

    def finish(run: LocalRun) -> None:
        report = run.report()
        if outputs.report is not None or outputs.format == "json":
            report["definitions"] = _definitions(plan, report)
        if received is not None:
            received(report)
        _report(terminal, plan, run, report, outputs, selective=selection is not None)

    def finish_so_far() -> None:
        run = executor.so_far()
        if run is not None:
            finish(run)

    with contextlib.closing(trace), interruptible(terminal) as ending:
        try:
            with progress(terminal) as observer:
                executor = LocalExecutor(plan, options._replace(observer=observer, listener=trace.listener))
                with starting(), reported_exits(terminal, finish_so_far):
                    if selection is None:
                        run = executor.run(flow, arguments)
                    else:
                        run = executor.run_selective(flow, selection.tasks, arguments, *selection[1:])
        except RunInterrupted as interrupt:
            finish(interrupt.run)
            terminal.warn("interrupted" if ending.code == EXIT_INTERRUPTED else "ended by SIGTERM")
            return ending.code
    finish(run)
    terminal.flush()
    trace.check()
    is_recorded = outputs.record is None or _record(terminal, plan, run, options.pythonpath, outputs.record)
    return EXIT_OK if run.status == "success" and is_recorded else EXIT_FINDINGS


def _record(terminal: Terminal, plan: Plan, run: LocalRun, pythonpath: Sequence[str], target: str) -> bool:
    """Write the run as a flow test case; False when it cannot be."""
    from selinon_cli.recording import Target, record_runs
    from selinon_core.recording.recorder import RecordingOptions
    from selinon_core.recording.run_data import RecordedRun
    from selinon_core.testing.observation import Observation

    recorded = RecordedRun("the run", Observation(plan, run))
    return record_runs(terminal, plan, pythonpath, [recorded], Target(target), RecordingOptions()) == EXIT_OK


def _report(
    terminal: Terminal, plan: Plan, run: LocalRun, report: dict[str, Any], outputs: Outputs, *, selective: bool
) -> None:
    if outputs.report is not None:
        write_text(terminal, outputs.report, json.dumps(report, indent=2) + "\n")
    if outputs.graph is not None:
        _draw(terminal, plan, run.flow, report, outputs.graph)
    stdout_taken = outputs.printing_tasks or "-" in outputs.files
    if outputs.format == "json":
        if not stdout_taken:
            terminal.data(json.dumps(report, indent=2) + "\n")
        return
    events = [(event.event, event.details) for event in run.shared_events()]
    # What a selective run leaves out was not asked for, and an interrupted one has not come to all.
    whole = not selective and run.status != "interrupted"
    unreached = list(never_reached(not_started(run.facts))) if whole else []
    if not stdout_taken:
        terminal.data(
            run_summary(report, events, unreached, color=terminal.color_out, durations=outputs.durations)
        )
    elif terminal.verbosity >= 0 or run.status != "success":
        terminal.err.write(
            run_summary(report, events, unreached, color=terminal.color_err, durations=outputs.durations)
        )


def _definitions(plan: Plan, report: dict[str, Any]) -> dict[str, dict[str, str]]:
    """How what ran is defined, by digests: ``selinon rerun`` finds what has changed since."""
    from selinon_core.rerunning.definitions import definitions_of

    tasks = {node["name"] for node in report["nodes"] if node["kind"] == "task"}
    return definitions_of(plan, tasks, {report["flow"], *(node["flow"] for node in report["nodes"])})


def _draw(terminal: Terminal, plan: Plan, flow: str, report: dict[str, Any], target: str) -> None:
    from selinon_core.graph import draw_run

    write_bytes(terminal, target, draw_run(plan, flow, report, graph_format(target)))


class _CurrentStderr(logging.StreamHandler[TextIO]):
    """Writes to what ``sys.stderr`` is at the moment: a live display replaces it for a while."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def _log_to_stderr(verbosity: int) -> None:
    """Show what tasks log: warnings, with ``-v`` information, with ``-vv`` everything."""
    level = logging.WARNING if verbosity <= 0 else logging.INFO if verbosity == 1 else logging.DEBUG
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", handlers=[_CurrentStderr()])
