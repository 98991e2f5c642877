"""``selinon status``: running flow runs, or one run's tree."""

from __future__ import annotations

import json
import time
from typing import Any

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import FINE, WrongUse
from selinon_cli.options import Command, Option
from selinon_cli.render.run_tree import run_list, run_tree
from selinon_cli.terminal import Terminal


def status(
    terminal: Terminal,
    *,
    id: str | None = None,
    app: str | None = None,
    watch: bool = False,
    history: bool = False,
    format: str = "text",
) -> int:
    """Tell how flow runs fare; with ``watch`` again and again, with ``history`` what happened to one."""
    selinon = flows_of(app, ())
    if history:
        return _tell_history(terminal, selinon, id)
    while True:
        told = _told(selinon, id)
        if format == "json":
            terminal.data(json.dumps(told, indent=None if watch else 2) + "\n")
        else:
            if watch and terminal.interactive:
                terminal.data("\x1b[H\x1b[2J")
            is_one = isinstance(told, dict)
            terminal.data(run_tree(told, color=terminal.color_out) if is_one else run_list(told))
        terminal.flush()
        if not watch or (isinstance(told, dict) and told["status"] != "running"):
            return FINE
        time.sleep(1)


def _tell_history(terminal: Terminal, selinon: Any, id: str | None) -> int:
    if id is None:
        raise WrongUse("a history is that of one flow run", "name it: selinon status ID --history")
    from selinon_core.celery.history import history

    terminal.data("".join(json.dumps(event) + "\n" for event in history(selinon.engine, id)))
    return FINE


def _told(selinon: Any, id: str | None) -> Any:
    from selinon_core.celery.status import list_runs

    return selinon.status(id) if id else list_runs(selinon.engine)


COMMAND = Command(
    "status",
    "List the running flow runs, or show one with its nodes.",
    status,
    options=(
        Option("id", (), "The flow run; without it, all that are running.", metavar="ID"),
        APP_OPTION,
        Option("watch", ("-w", "--watch"), "Show it again every second until it ends.", kind="flag"),
        Option(
            "history",
            ("--history",),
            "What happened to the run and its sub-flows, and why: a JSON object a line, as of run --trace.",
            kind="flag",
        ),
        Option(
            "format",
            ("--format",),
            "For people or for programs.",
            kind="choice",
            choices=("text", "json"),
            default="text",
        ),
    ),
    project=False,
)
