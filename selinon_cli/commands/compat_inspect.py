"""``selinon-cli inspect``: check a configuration, list its queues, write its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selinon_cli.commands.inspect import QueueOptions
from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK
from selinon_cli.options import Command, ProjectOptions, flag, group, text
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.config.model import ProjectModel

#: Beginnings of the codes of mistakes that kept selinon 1.x from reading the files; for all others it had a check,
#: which --no-check left out, or did not look.
NOT_READABLE = (
    *("SEL0", "SEL1", "SEL201", "SEL202", "SEL203", "SEL204", "SEL205", "SEL207", "SEL208", "SEL210"),
    *("SEL211", "SEL212", "SEL214", "SEL502", "SEL504"),
)


class CompatInspectOptions(ProjectOptions):
    """What ``selinon-cli inspect`` takes."""

    dump = text("-d", "--dump", help="Write the compiled plan (JSON).", kind="path", metavar="FILE")
    no_check = flag("--no-check", help="Do not check the configuration for errors.")
    queues = group(QueueOptions)


def inspect(terminal: Terminal, options: CompatInspectOptions) -> int:
    """Print what was asked for, or that the configuration is fine; 1 when it is not.

    With ``no_check`` mistakes count only where they keep the files from being read.
    """
    from selinon_cli.project import print_diagnostics
    from selinon_core.diagnostics import Severity
    from selinon_core.project import compile_project

    project = compile_project(options.paths)
    errors = [found for found in project.diagnostics if found.severity is Severity.ERROR]
    if options.no_check and options.dump is None:  # a plan is made of files without mistakes only
        errors = [found for found in errors if found.code.startswith(NOT_READABLE)]
    if errors:
        print_diagnostics(terminal, project, errors)
        return EXIT_FINDINGS
    tasks, flows = options.queues.list_task_queues, options.queues.list_dispatcher_queues
    if tasks or flows:
        _print_queues(terminal, project.model, tasks, flows)
    if options.dump is not None:
        from selinon_cli.commands.inspect import write_plan
        from selinon_cli.project import load_project

        write_plan(terminal, load_project(terminal, options.paths)[0], options.dump)
    elif not tasks and not flows:
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
    options=CompatInspectOptions,
    positional=False,
)
