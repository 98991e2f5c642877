"""``selinon run`` without ``--local``: ask workers for a run and follow it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from selinon_cli.broker import asking_broker
from selinon_cli.celery_app import flows_of
from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK
from selinon_cli.render.run_tree import OPEN
from selinon_cli.run_inputs import starting
from selinon_cli.run_options import RunOptions
from selinon_cli.terminal import Terminal
from selinon_core.errors import StateStoreError


def run_remotely(terminal: Terminal, options: RunOptions, arguments: Any, tasks: Sequence[str]) -> int:
    """Submit a run and follow it to its end, or with ``--detach`` print its id and leave.

    ``arguments`` are those of the flow, ``tasks`` the names that a selective run is about.
    """
    from selinon_cli.project import chosen_flow
    from selinon_cli.render.run_tree import run_tree

    selinon = flows_of(terminal, options.app, options.paths)
    name = chosen_flow(selinon.plan, options.input.flow)
    selection = options.selection
    with asking_broker(terminal, selinon.app), starting():
        if tasks:
            run = selinon.run_flow_selective(
                name,
                tasks,
                arguments,
                selection.follow_subflows,
                selection.run_subsequent,
                key=options.key,
                lane=options.lane,
                expires=options.expires,
            )
        else:
            run = selinon.run_flow(name, arguments, key=options.key, lane=options.lane, expires=options.expires)
    if options.detach:
        terminal.data(f"{run.id}\n")
        return EXIT_OK
    terminal.note(f"flow run {run.id}")
    try:
        status = followed(terminal, run)
    except KeyboardInterrupt:
        terminal.note(f"the flow goes on; see: selinon status {run.id}, selinon cancel {run.id}")
        raise
    found = selinon.status(run.id)
    terminal.data(
        json.dumps(found, indent=2) + "\n"
        if options.format == "json"
        else run_tree(found, color=terminal.color_out)
    )
    return EXIT_OK if status == "success" else EXIT_FINDINGS


def followed(terminal: Terminal, run: Any) -> str:
    """Wait for the end; after a while without a worker, say what is missing."""
    began, hinted = time.monotonic(), False
    pause, asked, away = 0.02, False, False
    while True:
        status = "running"
        try:
            status = run.status()
            asked, away = True, False
        except StateStoreError as error:
            if not asked:  # not away, but wrong
                raise
            if not away:
                terminal.note(f"{error}; the flow goes on when it is back")
            away = True
        if status not in OPEN:
            return status
        if status == "pending" and not hinted and time.monotonic() - began > 3:
            terminal.note("no worker has begun it yet; start one with: selinon worker")
            hinted = True
        time.sleep(pause)
        pause = min(pause * 1.2, 0.5)
