"""``selinon-cli execute``: ``selinon run --local --storage real`` under its old name and options."""

from __future__ import annotations

from typing import Any

from selinon_cli.exits import UsageError
from selinon_cli.options import Command, ProjectOptions, flag, integer, number, text
from selinon_cli.terminal import Terminal

_IGNORED = "Accepted and without effect: "


class ExecuteOptions(ProjectOptions):
    """What ``selinon-cli execute`` takes."""

    flow_name = text("--flow-name", help="The flow to run.", metavar="FLOW", required=True, complete="flow")
    node_args = text("-a", "--node-args", help="The flow's arguments, a text; see -j.", metavar="NODE_ARGS")
    node_args_file = text(
        "--node-args-file", help="A file with the flow's arguments.", kind="path", metavar="FILE"
    )
    node_args_json = flag("-j", "--node-args-json", help="The arguments are JSON.")
    concurrency = integer(
        "-c", "--concurrency", help="How many tasks run at once.", metavar="COUNT", default=1, minimum=1
    )
    sleep_time = number(
        "-s", "--sleep-time", help=_IGNORED + "waits are skipped.", metavar="SECONDS", default=0.5, minimum=0
    )
    config_py = text("--config-py", help=_IGNORED + "no code is generated.", kind="path", metavar="FILE")
    keep_config_py = flag("--keep-config-py", help=_IGNORED + "no code is generated.")
    hide_progressbar = flag("--hide-progressbar", help="Show no progress.")
    selective_task_names = text(
        "--selective-task-names",
        help="Run only what leads to these tasks.",
        metavar="TASK1,TASK2,...",
        complete="task",
    )
    selective_follow_subflows = flag("--selective-follow-subflows", help="Look for the tasks in sub-flows too.")
    selective_run_subsequent = flag("--selective-run-subsequent", help="Run what follows the tasks too.")


def execute(terminal: Terminal, options: ExecuteOptions) -> int:
    """Run a flow with its configured storages; 1 when it fails. What tasks print goes to stdout, as it did."""
    if options.node_args and options.node_args_file:
        raise UsageError("arguments come from --node-args or from --node-args-file, not from both")
    if not options.selective_task_names:
        for given, option in (
            (options.selective_follow_subflows, "--selective-follow-subflows"),
            (options.selective_run_subsequent, "--selective-run-subsequent"),
        ):
            if given:
                raise UsageError(f"{option} is about the tasks named by --selective-task-names")
    if options.hide_progressbar:
        terminal.verbosity = min(terminal.verbosity, -1)
    from selinon_cli import run_inputs
    from selinon_cli.local_run import Outputs, Selection, run_locally
    from selinon_cli.project import chosen_flow, known_name, load_project
    from selinon_core.local import LocalOptions

    arguments: Any = options.node_args
    if options.node_args_file is not None:
        arguments = run_inputs.read_text(options.node_args_file, "--node-args-file")
    if options.node_args_json and arguments is not None:
        try:
            arguments = run_inputs.parse_json(arguments)
        except ValueError as error:
            raise UsageError(f"the arguments are not JSON: {error}") from None
    plan, project = load_project(terminal, options.paths)
    tasks = run_inputs.names([options.selective_task_names or ""])
    for task in tasks:
        known_name("task", task, plan.tasks)
    return run_locally(
        terminal,
        plan,
        chosen_flow(plan, options.flow_name),
        arguments,
        LocalOptions(storage="real", concurrency=options.concurrency, pythonpath=project.pythonpath),
        outputs=Outputs(printing_tasks=True),
        selection=Selection(tasks, options.selective_follow_subflows, options.selective_run_subsequent)
        if tasks
        else None,
    )


COMMAND = Command(
    "execute",
    "Execute a flow in this process, with the storages it is configured with.",
    execute,
    options=ExecuteOptions,
    positional=False,
)
