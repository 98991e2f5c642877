"""``selinon-cli inspect``: check a configuration, list its queues, write its plan."""

from __future__ import annotations

from collections.abc import Sequence

from selinon_cli.commands.inspect import LIST_OPTIONS
from selinon_cli.exits import EXIT_OK
from selinon_cli.options import Command, Option
from selinon_cli.terminal import Terminal


def inspect(
    terminal: Terminal,
    *,
    paths: Sequence[str] = (),
    dump: str | None = None,
    no_check: bool = False,
    list_task_queues: bool = False,
    list_dispatcher_queues: bool = False,
) -> int:
    """Print what was asked for, or that the configuration is fine; 1 when it is not.

    With ``no_check`` queues are listed whatever mistakes there are.
    """
    from selinon_cli.commands import inspect as present

    if no_check and dump is None:
        return _without_check(terminal, paths, list_task_queues, list_dispatcher_queues)
    if dump is None and not list_task_queues and not list_dispatcher_queues:
        from selinon_cli.project import load_project

        load_project(terminal, paths)
        terminal.data("Your configuration looks OK.\n")
        return EXIT_OK
    return present.inspect(
        terminal,
        paths=paths,
        dump=dump,
        list_task_queues=list_task_queues,
        list_dispatcher_queues=list_dispatcher_queues,
    )


def _without_check(terminal: Terminal, paths: Sequence[str], tasks: bool, flows: bool) -> int:
    from selinon_cli.commands.inspect import expanded_queues
    from selinon_core.project import compile_project
    from selinon_core.project.compiler import DEFAULT_QUEUE

    model = compile_project(paths).model
    settings = model.settings
    task_queue = settings.default_task_queue.name if settings.default_task_queue else DEFAULT_QUEUE
    flow_queue = settings.default_dispatcher_queue.name if settings.default_dispatcher_queue else DEFAULT_QUEUE
    listed = [(task.name.name, task.queue.name if task.queue else task_queue) for task in model.tasks if tasks]
    listed += [(flow.name.name, flow.queue.name if flow.queue else flow_queue) for flow in model.flows if flows]
    for name, queue in expanded_queues(terminal, listed):
        terminal.data(f"{name}:{queue}\n")
    if not tasks and not flows:
        terminal.data("Your configuration looks OK.\n")
    return EXIT_OK


COMMAND = Command(
    "inspect",
    "Inspect a configuration.",
    inspect,
    options=(
        Option(
            "dump",
            ("-d", "--dump"),
            "Write the compiled plan (JSON).",
            kind="path",
            metavar="FILE",
        ),
        Option("no_check", ("--no-check",), "Do not check the configuration for errors.", kind="flag"),
        *LIST_OPTIONS,
    ),
)
