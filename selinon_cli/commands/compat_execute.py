"""``selinon-cli execute``: ``selinon run --local --storage real`` under its old name and options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selinon_cli.exits import UsageError
from selinon_cli.options import Command, Option
from selinon_cli.terminal import Terminal


def execute(
    terminal: Terminal,
    *,
    paths: Sequence[str] = (),
    flow_name: str,
    node_args: str | None = None,
    node_args_file: str | None = None,
    node_args_json: bool = False,
    concurrency: int = 1,
    sleep_time: float = 0.5,
    config_py: str | None = None,
    keep_config_py: bool = False,
    hide_progressbar: bool = False,
    selective_task_names: str | None = None,
    selective_follow_subflows: bool = False,
    selective_run_subsequent: bool = False,
) -> int:
    """Run a flow with its configured storages; 1 when it fails. What tasks print goes to stdout, as it did."""
    if node_args and node_args_file:
        raise UsageError("arguments come from --node-args or from --node-args-file, not from both")
    if not selective_task_names:
        for given, option in (
            (selective_follow_subflows, "--selective-follow-subflows"),
            (selective_run_subsequent, "--selective-run-subsequent"),
        ):
            if given:
                raise UsageError(f"{option} is about the tasks named by --selective-task-names")
    if hide_progressbar:
        terminal.verbosity = min(terminal.verbosity, -1)
    from selinon_cli import run_inputs
    from selinon_cli.local_run import Outputs, Selection, run_locally
    from selinon_cli.project import chosen_flow, known_name, load_project
    from selinon_core.local import LocalOptions

    arguments: Any = node_args
    if node_args_file is not None:
        arguments = run_inputs.read_text(node_args_file, "--node-args-file")
    if node_args_json and arguments is not None:
        try:
            arguments = run_inputs.parse_json(arguments)
        except ValueError as error:
            raise UsageError(f"the arguments are not JSON: {error}") from None
    plan, project = load_project(terminal, paths)
    tasks = run_inputs.names([selective_task_names or ""])
    for task in tasks:
        known_name("task", task, plan.tasks)
    return run_locally(
        terminal,
        plan,
        chosen_flow(plan, flow_name),
        arguments,
        LocalOptions(storage="real", concurrency=concurrency, pythonpath=project.pythonpath),
        outputs=Outputs(printing_tasks=True),
        selection=Selection(tasks, selective_follow_subflows, selective_run_subsequent) if tasks else None,
    )


_IGNORED = "Accepted and without effect: "

COMMAND = Command(
    "execute",
    "Execute a flow in this process, with the storages it is configured with.",
    execute,
    options=(
        Option("flow_name", ("--flow-name",), "The flow to run.", metavar="FLOW", required=True, complete="flow"),
        Option("node_args", ("-a", "--node-args"), "The flow's arguments, a text; see -j.", metavar="NODE_ARGS"),
        Option(
            "node_args_file",
            ("--node-args-file",),
            "A file with the flow's arguments.",
            kind="path",
            metavar="FILE",
        ),
        Option("node_args_json", ("-j", "--node-args-json"), "The arguments are JSON.", kind="flag"),
        Option(
            "concurrency",
            ("-c", "--concurrency"),
            "How many tasks run at once.",
            kind="int",
            metavar="COUNT",
            default=1,
            minimum=1,
        ),
        Option(
            "sleep_time",
            ("-s", "--sleep-time"),
            _IGNORED + "waits are skipped.",
            kind="float",
            metavar="SECONDS",
            default=0.5,
            minimum=0,
        ),
        Option(
            "config_py",
            ("--config-py",),
            _IGNORED + "no code is generated.",
            kind="path",
            metavar="FILE",
        ),
        Option("keep_config_py", ("--keep-config-py",), _IGNORED + "no code is generated.", kind="flag"),
        Option("hide_progressbar", ("--hide-progressbar",), "Show no progress.", kind="flag"),
        Option(
            "selective_task_names",
            ("--selective-task-names",),
            "Run only what leads to these tasks.",
            metavar="TASK1,TASK2,...",
            complete="task",
        ),
        Option(
            "selective_follow_subflows",
            ("--selective-follow-subflows",),
            "Look for the tasks in sub-flows too.",
            kind="flag",
        ),
        Option(
            "selective_run_subsequent",
            ("--selective-run-subsequent",),
            "Run what follows the tasks too.",
            kind="flag",
        ),
    ),
    positional=False,
)
