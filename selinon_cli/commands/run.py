"""``selinon run``: run a flow and print what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from selinon_cli.celery_app import is_named
from selinon_cli.exits import UsageError
from selinon_cli.options import Command
from selinon_cli.run_options import RunOptions
from selinon_cli.terminal import Terminal


def run(terminal: Terminal, options: RunOptions, received: Callable[[dict[str, Any]], None] | None = None) -> int:
    """Run a flow, in this process or on workers; 1 when it fails. ``received`` is called with a local report."""
    _check(options)
    from selinon_cli import run_inputs

    tasks = run_inputs.names(options.selection.select)
    if options.selection.select and not tasks:
        raise UsageError("--select names no task")
    _check_targets(options)
    arguments = run_inputs.node_args(options.input.node_args, options.input.node_args_file)
    if not options.local and options.record is not None:
        raise UsageError("--record is about local runs", "selinon record ID records a run on workers")
    if not options.local:
        from selinon_cli.remote_run import run_remotely

        return run_remotely(terminal, options, arguments, tasks)
    about_workers = (options.key, options.lane, options.expires)
    if is_named(options.app) or options.detach or any(each is not None for each in about_workers):
        raise UsageError(
            "--app, --detach, --key, --lane and --expires are about workers; with --local there are none"
        )
    return _run_here(terminal, options, arguments, tasks, received)


def _check(options: RunOptions) -> None:
    """Raise ``UsageError`` for options that do not go together."""
    selection = options.selection
    if (selection.follow_subflows or selection.run_subsequent) and not selection.select:
        raise UsageError("--follow-subflows and --run-subsequent are about the tasks named by --select")
    if selection.reuse is not None and not selection.select:
        raise UsageError("--reuse is about runs with --select: it names what selective run functions may reuse")
    if (options.report, options.trace, options.graph, options.record).count("-") > 1:
        raise UsageError("only one of --report, --trace, --graph and --record can be written to stdout")
    if options.record is not None and selection.select:
        raise UsageError("--record is about whole runs: leave --select out")


def _check_targets(options: RunOptions) -> None:
    """Before the run: a misspelt file name must not make the user repeat what the tasks have done."""
    from selinon_cli.output import check_run_targets

    check_run_targets(options.report, options.trace, options.graph)
    if options.record is not None:
        from selinon_cli.recording import check_case_file

        check_case_file(options.record)


def _run_here(
    terminal: Terminal,
    options: RunOptions,
    arguments: Any,
    tasks: Sequence[str],
    received: Callable[[dict[str, Any]], None] | None,
) -> int:
    from selinon_cli import run_inputs
    from selinon_cli.local_run import Outputs, Selection, run_locally
    from selinon_cli.project import chosen_flow, known_name, load_project

    plan, project = load_project(terminal, options.paths, options.pythonpath)
    again = run_inputs.run_of_mocks(options.mocking.mocks)
    name = options.input.flow
    if again is not None and name in (None, again.get("flow")):
        name = str(again.get("flow"))
        if arguments is None:
            arguments = again.get("node_args")
    flow = chosen_flow(plan, name)
    for task in tasks:
        known_name("task", task, plan.tasks)
    selection = options.selection
    earlier = run_inputs.report(selection.reuse)
    if earlier is not None:
        run_inputs.check_reuse(earlier, plan, flow)
    execution = run_inputs.local_options(plan, options.execution, options.mocking, project.pythonpath)
    return run_locally(
        terminal,
        plan,
        flow,
        arguments,
        execution._replace(max_steps=options.max_steps, reuse=earlier, pythonpath=project.pythonpath),
        selection=Selection(tasks, selection.follow_subflows, selection.run_subsequent) if tasks else None,
        outputs=Outputs(
            options.format,
            options.report,
            options.trace,
            options.graph,
            durations=options.durations,
            record=options.record,
        ),
        received=received,
    )


COMMAND = Command(
    "run",
    "Run a flow: on Celery workers, or with --local in this process, on virtual time and with mocked storages.",
    run,
    options=RunOptions,
    examples=(
        "selinon run --local",
        "selinon run --local --flow order -a id=7 -a gift=true",
        "selinon run --local --fail Charge:1 --mock Ship='{\"ok\": true}'",
        "selinon run --local --report report.json --graph run.svg",
        "selinon run --flow order -a @arguments.json --detach     # on workers",
        "selinon run --flow order -a id=7 --key order-7           # once, however often it is asked for",
    ),
)
