"""``selinon rerun`` of a flow run on workers: shows what a new run would do, asks for it and follows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from selinon_cli.broker import asking_broker
from selinon_cli.celery_app import flows_of
from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, UsageError
from selinon_cli.options import default_of
from selinon_cli.remote_run import followed
from selinon_cli.rerun_inputs import request_of
from selinon_cli.rerun_options import RerunOptions
from selinon_cli.rerun_preview import settled
from selinon_cli.run_ids import full_id
from selinon_cli.run_options import ExecutionOptions, MockOptions
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon

#: Options that are about runs in this process, besides those of storages, time and mocks.
_LOCAL = frozenset(("max_steps", "report", "trace", "graph", "pythonpath"))


def rerun_remotely(terminal: Terminal, options: RerunOptions) -> int:
    """Print the preview, or ask for the new run; 1 when it fails or results are missing for it."""
    assert options.run is not None
    refuse_local_options(options)
    selinon = flows_of(terminal, options.app, options.project)
    from selinon_core.celery.steering import Reruns
    from selinon_core.celery.steering.auditing import this_user

    steering = Reruns(selinon)
    planned = steering.preview(full_id(selinon, options.run), request_of(selinon.plan, options))
    code = settled(terminal, planned.preview, options)
    if code is not None:
        return code
    with asking_broker(terminal, selinon.app):
        id = steering.send(planned, options.by or this_user())
    if options.detach:
        terminal.data(f"{id}\n")
        return EXIT_OK
    terminal.note(f"flow run {id} runs {planned.id} again")
    return _follow(terminal, selinon, id, planned.flow, options)


def _follow(terminal: Terminal, selinon: Selinon, id: str, flow: str, options: RerunOptions) -> int:
    from selinon_cli.render.run_tree import run_tree
    from selinon_core.celery.handle import FlowHandle

    try:
        status = followed(terminal, FlowHandle(selinon, id, flow))
    except KeyboardInterrupt:
        terminal.note(f"the flow goes on; see: selinon status {id}, selinon cancel {id}")
        raise
    found = selinon.status(id)
    as_json = options.format == "json"
    terminal.data(json.dumps(found, indent=2) + "\n" if as_json else run_tree(found, color=terminal.color_out))
    return EXIT_OK if status == "success" else EXIT_FINDINGS


def refuse_local_options(options: RerunOptions) -> None:
    """Raise ``UsageError`` for an option that says how tasks run in this process."""
    local = _LOCAL | {option.name for option in (*ExecutionOptions.declared, *MockOptions.declared)}
    values = options.values()
    for option in options.declared:
        if option.name in local and values[option.name] != default_of(option):
            about = "these are" if options.run is None else f"{options.run} is one"
            raise UsageError(
                f"{option.flags[0]} is about runs in this process, and {about} on workers",
                "selinon export RUN > run.json writes it as a report, which is run again in this process",
            )
