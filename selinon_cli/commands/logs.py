"""``selinon logs``: what tasks of a flow run logged and printed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK
from selinon_cli.options import Command, Options, choice, text
from selinon_cli.run_ids import full_id
from selinon_cli.terminal import Terminal

_OFF = "lines are kept where workers have the setting selinon_log_lines, see docs/production/settings.md"


class LogsOptions(Options):
    """What ``selinon logs`` takes."""

    id = text(help="The flow run.", metavar="ID", required=True, complete="run")
    node = text(
        help="One node, by its name, the id of its run, or NAME#2 for the second run of that name.",
        metavar="NODE",
        complete="node",
    )
    app = APP_OPTION
    format = choice("--format", help="For people or for programs.", choices=("text", "json"), default="text")


def logs(terminal: Terminal, options: LogsOptions) -> int:
    """Print what was kept of a run and its sub-flows, in the order of its nodes."""
    selinon = flows_of(terminal, options.app, ())
    from selinon_cli.node_runs import all_nodes, named_nodes
    from selinon_core.celery.reporting.node_output import logs_of

    nodes = list(all_nodes(selinon.status(full_id(selinon, options.id))))
    if options.node is not None:
        nodes = named_nodes(nodes, options.node)
    order = {node["id"]: position for position, (_, node) in enumerate(nodes)}
    found = [
        entry
        for run in dict.fromkeys(run for run, _ in nodes)
        for entry in logs_of(selinon.store, run)
        if entry["id"] in order
    ]
    found.sort(key=lambda entry: (order[entry["id"]], entry["attempt"]))
    if options.format == "json":
        terminal.data(json.dumps({"version": 1, "logs": found}, indent=2) + "\n")
        return EXIT_OK
    several = len({(entry["id"], entry["attempt"]) for entry in found}) > 1
    terminal.data("".join(line for entry in found for line in _lines(entry, several)))
    if not found:
        terminal.note("nothing is kept of what was logged")
        terminal.note(_OFF)
    return EXIT_OK


def _lines(entry: Mapping[str, Any], several: bool) -> Iterator[str]:
    from datetime import datetime

    from selinon_cli.render.visible import visible

    if several:
        yield f"{visible(entry['node'])} ({entry['id']}), attempt {entry['attempt']}\n"
    if entry["dropped"]:
        yield f"  ... {entry['dropped']} older lines were not kept\n"
    for line in entry["lines"]:
        moment = datetime.fromtimestamp(line["at"]).strftime("%H:%M:%S.%f")[:-3]
        yield f"{'  ' if several else ''}{moment} {line['level']:<8} {visible(line['text'])}\n"


COMMAND = Command(
    "logs",
    "Show what the tasks of a flow run logged and printed.",
    logs,
    options=LogsOptions,
    examples=(
        "selinon logs 3f2a                           # of all its nodes",
        "selinon logs 3f2a Charge                    # of one node, all its attempts",
        "selinon logs 3f2a 'Fetch#3'                 # of the third run of that node",
    ),
)
