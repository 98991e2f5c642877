"""``selinon status``: running flow runs, or one run's tree."""

from __future__ import annotations

import json
import time
from typing import Any

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, Options, choice, flag, integer, text
from selinon_cli.render.run_tree import OPEN, run_list, run_tree
from selinon_cli.run_ids import full_id
from selinon_cli.terminal import Terminal

#: Node runs whose values are shown at once.
MOST_NODES = 100


class StatusOptions(Options):
    """What ``selinon status`` takes."""

    id = text(help="The flow run; without it, all that are running.", metavar="ID", complete="run")
    app = APP_OPTION
    watch = flag("-w", "--watch", help="Show it again every second until it ends.")
    history = flag(
        "--history",
        help="What happened to the run and its sub-flows, and why: a JSON object a line, as of run --trace.",
    )
    data = text(
        "--data",
        help="What a node was given, what it gave and why it failed: its name, the id of its run, or NAME#2.",
        metavar="NODE",
        complete="node",
    )
    timeline = flag("--timeline", help="When its nodes were queued, waited and ran, and the critical path.")
    limit = integer("--limit", help="List so many flow runs, the newest.", metavar="N", default=100, minimum=1)
    format = choice("--format", help="For people or for programs.", choices=("text", "json"), default="text")


def status(terminal: Terminal, options: StatusOptions) -> int:
    """Print the state of flow runs; with ``watch`` again and again, with ``history`` what happened to one."""
    selinon = flows_of(terminal, options.app, ())
    id = None if options.id is None else full_id(selinon, options.id)
    if options.history:
        return _print_history(terminal, selinon, id)
    if options.data:
        return _print_data(terminal, selinon, id, options)
    while True:
        found = _described(selinon, id) if id else _listed(terminal, selinon, options.limit)
        if options.timeline:
            found = _with_path(selinon, found)
        if options.format == "json":
            found = {"version": 1, **found} if isinstance(found, dict) else found
            terminal.data(json.dumps(found, indent=None if options.watch else 2) + "\n")
        else:
            if options.watch and terminal.interactive:
                terminal.data("\x1b[H\x1b[2J")
            color = terminal.color_out
            terminal.data(_text(found, options.timeline, selinon, color))
        terminal.flush()
        if not options.watch or (isinstance(found, dict) and found["status"] not in OPEN):
            return EXIT_OK
        time.sleep(1)


def _with_path(selinon: Any, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise UsageError("a timeline is that of one flow run", "name it: selinon status ID --timeline")
    from selinon_core.celery.reporting.timeline import critical_path

    return {**found, "critical_path": critical_path(found, selinon.store.clock())}


def _text(found: Any, timeline: bool, selinon: Any, color: bool) -> str:
    if not isinstance(found, dict):
        return run_list(found)
    if not timeline or found["status"] == "pending":
        return run_tree(found, color=color)
    from selinon_cli.render.timeline import timeline as drawn

    return drawn(found, found["critical_path"], selinon.store.clock(), color=color)


def _described(selinon: Any, id: str) -> dict[str, Any]:
    from selinon_core.errors import RequestError

    try:
        found: dict[str, Any] = selinon.status(id)
    except RequestError as error:
        raise UsageError(
            str(error),
            "its start was refused or parked (see the workers' log), or it is forgotten (selinon_state_ttl)",
        ) from None
    return found


def _print_history(terminal: Terminal, selinon: Any, id: str | None) -> int:
    if id is None:
        raise UsageError("a history is that of one flow run", "name it: selinon status ID --history")
    from selinon_core.celery.reporting.run_history import history

    services = selinon.services
    events = history(services.plan, services.store, services.flow_versions, id)
    terminal.data("".join(json.dumps(event) + "\n" for event in events))
    return EXIT_OK


def _print_data(terminal: Terminal, selinon: Any, id: str | None, options: StatusOptions) -> int:
    if id is None:
        raise UsageError("a node is one of a flow run", "name the run: selinon status ID --data NODE")
    from selinon_cli.node_runs import all_nodes, named_nodes
    from selinon_cli.render.node_values import node_values
    from selinon_core.celery.reporting.stored_values import node_data

    nodes = named_nodes(list(all_nodes(_described(selinon, id))), options.data or "")
    if len(nodes) > MOST_NODES:
        terminal.note(f"these are the first {MOST_NODES} of {len(nodes)}: name one by its id, or as NAME#2")
    found = node_data(selinon.reader, selinon.services.storages, nodes[:MOST_NODES])
    if options.format == "json":
        terminal.data(json.dumps({"version": 1, "nodes": found}, indent=2) + "\n")
    else:
        terminal.data("\n".join(node_values(node) for node in found))
    return EXIT_OK


def _listed(terminal: Terminal, selinon: Any, limit: int) -> list[dict[str, Any]]:
    from selinon_core.celery.reporting.run_status import list_runs

    rows = list_runs(selinon.store, limit + 1)
    if len(rows) > limit:
        terminal.note(f"these are the newest {limit}, there are more: see --limit")
    return rows[:limit]


COMMAND = Command(
    "status",
    "List the running flow runs, or show one with its nodes.",
    status,
    options=StatusOptions,
    examples=(
        "selinon status                              # what is running",
        "selinon status 3f2a --watch                 # one run; the beginning of its id is enough",
        "selinon status 3f2a --timeline              # where its time went",
        "selinon status 3f2a --history               # what happened to it, and why",
        "selinon status 3f2a --data Charge           # its arguments, its result or its error",
    ),
)
