"""What ``selinon parked requeue`` and ``drop`` have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Options, flag, text, texts
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon
    from selinon_core.celery.steering.parked import Parked


class ParkedIdOptions(Options):
    """Which messages, and who asks."""

    ids = texts(help="The flow runs that were asked for.", metavar="ID")
    app = APP_OPTION
    all = flag("--all", help="All that are parked.")
    by = text("--by", help="Who asks, for the audit; by default user@host.", metavar="WHO")


def each(
    terminal: Terminal, options: ParkedIdOptions, act: Callable[[Selinon, Parked, str], None], past: str
) -> int:
    """Call ``act`` for each message that is named, and say so."""
    if bool(options.ids) == options.all:
        raise UsageError("name what is parked, or --all", "selinon parked lists it")
    selinon = flows_of(terminal, options.app, ())
    from selinon_core.celery.steering.parked import Parked

    parked = Parked(selinon)
    for id in options.ids or every(parked):
        act(selinon, parked, id)
        terminal.data(f"{past} {id}\n")
        terminal.flush()
    return EXIT_OK


def every(parked: Parked) -> list[str]:
    """The ids of all that is parked."""
    found: list[str] = []
    cursor = None
    while True:
        page = parked.list(cursor, 500)
        found += [row["id"] for row in page.rows]
        cursor = page.next
        if cursor is None:
            return found
