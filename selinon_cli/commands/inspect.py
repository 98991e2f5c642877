"""``selinon inspect``: what a project consists of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, Options, ProjectOptions, choice, flag, group, text, texts
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.plan import Plan
    from selinon_core.project import Project


class QueueOptions(Options):
    """Which queues are listed."""

    list_task_queues = flag("--list-task-queues", help="Print name:queue of each task.")
    list_dispatcher_queues = flag("--list-dispatcher-queues", help="Print name:queue of each flow's dispatcher.")


class InspectOptions(ProjectOptions):
    """What ``selinon inspect`` takes."""

    queues = group(QueueOptions)
    list_nodes = flag("--list-nodes", help="Print the names of all tasks and flows.")
    list_flows = flag("--list-flows", help="Print the names of all flows.")
    types = flag(
        "--types",
        help="Print the types of what moves: what flows take and give, what edges read and give their nodes.",
    )
    pythonpath = texts(
        "--pythonpath",
        help="With --types, a directory to look for the project's modules in.",
        kind="path",
        metavar="DIR",
    )
    dump = text(
        "--dump", help="Write the compiled plan as JSON to a file, - for stdout.", kind="path", metavar="FILE"
    )
    format = choice("--format", help="How to print.", choices=("text", "json"), default="text")


def inspect(terminal: Terminal, options: InspectOptions) -> int:
    """Print the lists asked for, else a summary of every flow."""
    queues = options.queues
    lists_wanted = (
        queues.list_task_queues or queues.list_dispatcher_queues or options.list_nodes or options.list_flows
    )
    if options.dump == "-" and (lists_wanted or options.types):
        what = "lists" if lists_wanted else "types"
        raise UsageError(f"--dump - and {what} cannot both be written to stdout", "give --dump a file")
    if options.types and lists_wanted:
        raise UsageError("--types and lists are printed one at a time", "give one of them")
    from selinon_cli.project import load_project

    plan, project = load_project(terminal, options.paths, options.pythonpath)
    if options.dump is not None:
        write_plan(terminal, plan, options.dump)
        if not (lists_wanted or options.types):
            return EXIT_OK
    if options.types:
        _print_types(terminal, project, options.format)
        return EXIT_OK
    lists: dict[str, Any] = {}
    if queues.list_task_queues:
        lists["task_queues"] = task_queues(terminal, plan)
    if queues.list_dispatcher_queues:
        lists["dispatcher_queues"] = dispatcher_queues(terminal, plan)
    if options.list_nodes:
        lists["nodes"] = {**dict.fromkeys(plan.tasks, "task"), **dict.fromkeys(plan.flows, "flow")}
    if options.list_flows:
        lists["flows"] = list(plan.flows)
    if options.format == "json":
        import json

        terminal.data(json.dumps(lists or {"flows": flow_summaries(terminal, plan)}, indent=2) + "\n")
    elif lists:
        _print_lists(terminal, lists)
    else:
        _print_summary(terminal, plan)
    return EXIT_OK


def _print_types(terminal: Terminal, project: Project, format: str) -> None:
    from selinon_cli.render.types import types_as_data, types_as_text
    from selinon_core.lint.analysis.dataflow.overview import types_of_flows
    from selinon_core.lint.rule import LintContext

    context = LintContext(project.model, pythonpath=project.pythonpath)
    flows = types_of_flows(project.model, context.dataflow)
    if format == "json":
        import json

        terminal.data(json.dumps({"flows": types_as_data(flows)}, indent=2, ensure_ascii=False) + "\n")
    else:
        terminal.data(types_as_text(flows, color=terminal.color_out))


def write_plan(terminal: Terminal, plan: Plan, target: str) -> None:
    """Write the plan as JSON to a file, or to stdout for ``-``."""
    import json

    from selinon_cli.output import write_text
    from selinon_core.plan.json_form import plan_to_json

    write_text(terminal, target, json.dumps(plan_to_json(plan), indent=2) + "\n")


def _print_lists(terminal: Terminal, lists: Mapping[str, Any]) -> None:
    """Print lists, of several each below its name: one list alone is for scripts."""
    for name, content in lists.items():
        lines = [f"{key}:{content[key]}" if name.endswith("_queues") else key for key in content]
        if len(lists) > 1:
            terminal.data(f"{name.replace('_', ' ')}:\n")
            lines = [f"  {line}" for line in lines]
        terminal.data("".join(f"{line}\n" for line in lines))


def task_queues(terminal: Terminal, plan: Plan) -> dict[str, str]:
    """The queue of each task, environment variables filled in where they are set."""
    return dict(expanded_queues(terminal, [(name, task.queue) for name, task in plan.tasks.items()]))


def dispatcher_queues(terminal: Terminal, plan: Plan) -> dict[str, str]:
    """The queue of each flow's dispatcher, environment variables filled in where they are set."""
    return dict(expanded_queues(terminal, [(name, flow.queue) for name, flow in plan.flows.items()]))


def expanded_queues(terminal: Terminal, queues: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Names and their queues, environment variables filled in; one that is not set stays, with one warning."""
    from selinon_core.runtime.environment import expand, missing_variables

    listed = list(queues)
    uses_of = Counter(variable for _, queue in listed for variable in missing_variables(queue))
    for variable, used in uses_of.items():
        uses = "the name of a queue" if used == 1 else f"the names of {used} queues"
        terminal.warn(f"the environment variable {variable} is not set; it stays as it is in {uses}")
    return [(name, str(expand(queue, keep_missing=True))) for name, queue in listed]


def flow_summaries(terminal: Terminal, plan: Plan) -> list[dict[str, Any]]:
    """Per flow: its nodes, the number of its edges and failures, its sub-flows, storages and queues."""
    summaries = []
    for flow in plan.flows.values():
        names = dict.fromkeys(
            name
            for group in (
                *((*edge.sources, *edge.destinations) for edge in flow.edges),
                *((*failure.nodes, *failure.fallback) for failure in flow.failures),
            )
            for name in group
        )
        tasks = [plan.tasks[name] for name in names if name in plan.tasks]
        summaries.append(
            {
                "name": flow.name,
                "nodes": list(names),
                "edges": len(flow.edges),
                "failures": len(flow.failures),
                "subflows": [name for name in names if plan.is_flow(name)],
                "storages": list(dict.fromkeys(task.storage for task in tasks if task.storage is not None)),
                "queue": flow.queue,
                "task_queues": list(dict.fromkeys(task.queue for task in tasks)),
                "where": str(flow.place),
            }
        )
    return summaries


def _print_summary(terminal: Terminal, plan: Plan) -> None:
    from selinon_cli.render.columns import table
    from selinon_cli.render.visible import counted

    rows = [
        (
            summary["name"],
            len(summary["nodes"]),
            summary["edges"],
            ", ".join(summary["subflows"]) or "-",
            ", ".join(summary["storages"]) or "-",
            ", ".join(dict.fromkeys((summary["queue"], *summary["task_queues"]))),
        )
        for summary in flow_summaries(terminal, plan)
    ]
    if rows:
        header = ("flow", "nodes", "edges", "sub-flows", "storages", "queues")
        terminal.data(table(header, rows, color=terminal.color_out))
    if terminal.verbosity >= 0:
        kinds = ((plan.flows, "flow"), (plan.tasks, "task"), (plan.storages, "storage"))
        terminal.data(", ".join(counted(len(group), noun) for group, noun in kinds) + "\n")


COMMAND = Command(
    "inspect",
    "Show what a project consists of: flows, nodes, queues, or the whole compiled plan.",
    inspect,
    options=InspectOptions,
    examples=(
        "selinon inspect",
        "selinon inspect --list-flows --format json",
        "selinon inspect --types",
        "selinon inspect --dump plan.json",
    ),
)
