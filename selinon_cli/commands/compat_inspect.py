"""``selinon-cli inspect``: check a configuration, list its queues, write its plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.commands.inspect import LIST_OPTIONS
from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK
from selinon_cli.options import Command, Option
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.config.model import ProjectModel

#: Beginnings of the codes of mistakes that kept selinon 1.x from reading the files; for all others it had a check,
#: which --no-check left out, or did not look.
NOT_READABLE = (
    *("SEL0", "SEL1", "SEL201", "SEL202", "SEL203", "SEL204", "SEL205", "SEL207", "SEL208", "SEL210"),
    *("SEL211", "SEL212", "SEL214", "SEL502", "SEL504"),
)


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

    With ``no_check`` mistakes count only where they keep the files from being read.
    """
    from selinon_cli.project import print_diagnostics
    from selinon_core.diagnostics import Severity
    from selinon_core.project import compile_project

    project = compile_project(paths)
    errors = [found for found in project.diagnostics if found.severity is Severity.ERROR]
    if no_check and dump is None:  # a plan is made of files without mistakes only
        errors = [found for found in errors if found.code.startswith(NOT_READABLE)]
    if errors:
        print_diagnostics(terminal, project, errors)
        return EXIT_FINDINGS
    if list_task_queues or list_dispatcher_queues:
        _print_queues(terminal, project.model, list_task_queues, list_dispatcher_queues)
    if dump is not None:
        from selinon_cli.commands import inspect as present

        return present.inspect(terminal, paths=paths, dump=dump)
    if not list_task_queues and not list_dispatcher_queues:
        terminal.data("Your configuration looks OK.\n")
    return EXIT_OK


def _print_queues(terminal: Terminal, model: ProjectModel, tasks: bool, flows: bool) -> None:
    """Print the queues of tasks as they are defined, and those of flows in the order in which they are listed."""
    from selinon_cli.commands.inspect import expanded_queues
    from selinon_core.legacy.written import Written
    from selinon_core.project.compiler import DEFAULT_QUEUE

    settings = model.settings
    task_queue = settings.default_task_queue.name if settings.default_task_queue else DEFAULT_QUEUE
    flow_queue = settings.default_dispatcher_queue.name if settings.default_dispatcher_queue else DEFAULT_QUEUE
    listed = [(task.name.name, task.queue.name if task.queue else task_queue) for task in model.tasks if tasks]
    if flows:
        queues = {flow.name.name: flow.queue.name if flow.queue else flow_queue for flow in model.flows}
        listed += [(name, queues[name]) for name in Written.of(model).flows]
    for name, queue in expanded_queues(terminal, listed):
        terminal.data(f"{name}:{queue}\n")


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
    positional=False,
)
