"""``selinon parked``: lists the starts that workers could not handle."""

from __future__ import annotations

import json

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK
from selinon_cli.options import Command, Options, choice, integer
from selinon_cli.pages import CURSOR, note_next, page_at
from selinon_cli.terminal import Terminal


class ParkedOptions(Options):
    """What ``selinon parked`` takes."""

    app = APP_OPTION
    limit = integer("--limit", help="List so many, the newest.", metavar="N", default=50, minimum=1)
    cursor = CURSOR
    format = choice("--format", help="For people or for programs.", choices=("text", "json"), default="text")


def parked(terminal: Terminal, options: ParkedOptions) -> int:
    """List what is parked, the newest first."""
    selinon = flows_of(terminal, options.app, ())
    from selinon_core.celery.steering.parked import Parked

    page = page_at(Parked(selinon).list, options.cursor, options.limit)
    if options.format == "json":
        found = {"version": 1, "parked": list(page.rows), "next": page.next}
        terminal.data(json.dumps(found, indent=2) + "\n")
        return EXIT_OK
    from datetime import datetime

    from selinon_cli.render.visible import visible

    for row in page.rows:
        moment = datetime.fromtimestamp(row["at"]).strftime("%Y-%m-%d %H:%M:%S")
        terminal.data(f"{moment}  {visible(row['id'])}  {visible(row['flow'])}  {visible(row['reason'])}\n")
    if not page.rows:
        terminal.data("nothing is parked\n")
    note_next(terminal, page.next)
    return EXIT_OK


COMMAND = Command(
    "parked",
    "List the starts that workers could not handle, with the reasons.",
    parked,
    options=ParkedOptions,
    examples=("selinon parked", "selinon parked --format json --limit 1000"),
)
