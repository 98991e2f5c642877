"""``selinon cancel``: end a flow run."""

from __future__ import annotations

from collections.abc import Sequence

from selinon_cli.broker import asking_broker
from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import FINE
from selinon_cli.options import Command, Option
from selinon_cli.terminal import Terminal


def cancel(terminal: Terminal, *, ids: Sequence[str] = (), app: str | None = None) -> int:
    """Ask for the end of flow runs."""
    selinon = flows_of(app, ())
    for id in ids:
        status = selinon.handle(id).status()
        if status != "running":
            terminal.note(f"{id} has ended already: {status}")
            continue
        with asking_broker(terminal, selinon.app):
            selinon.cancel(id)
        terminal.note(f"asked for the end of {id}")
    return FINE


COMMAND = Command(
    "cancel",
    "End a flow run: nothing more of it is started, its sub-flows end too; running tasks finish.",
    cancel,
    options=(
        Option("ids", (), "The flow runs.", metavar="ID", many=True, required=True),
        APP_OPTION,
    ),
    project=False,
)
