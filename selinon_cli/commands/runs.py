"""``selinon runs``: find flow runs, running and ended ones."""

from __future__ import annotations

import json
from functools import partial

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK
from selinon_cli.options import Command, Options, choice, flag, group, integer
from selinon_cli.pages import CURSOR, note_next, page_at
from selinon_cli.run_filters import RunFilterOptions, query_of
from selinon_cli.terminal import Terminal


class RunsOptions(Options):
    """What ``selinon runs`` takes."""

    app = APP_OPTION
    filters = group(RunFilterOptions)
    limit = integer("--limit", help="List so many flow runs, the newest.", metavar="N", default=50, minimum=1)
    cursor = CURSOR
    count = flag("--count", help="Say how many there are, instead of listing them.")
    format = choice("--format", help="For people or for programs.", choices=("text", "json"), default="text")


def runs(terminal: Terminal, options: RunsOptions) -> int:
    """List the flow runs that the filters leave, or count them."""
    selinon = flows_of(terminal, options.app, ())
    from selinon_core.celery.reporting.run_rows import find_page, rows_json

    index = selinon.store.index
    query = query_of(selinon, options.filters)
    if options.count:
        count = index.count(query)
        as_json = json.dumps({"version": 1, "count": count})
        terminal.data(f"{as_json if options.format == 'json' else count}\n")
        return EXIT_OK
    page = page_at(partial(find_page, index, query), options.cursor, options.limit)
    rows = rows_json(index, page, selinon.store.clock())
    if options.format == "json":
        terminal.data(json.dumps({"version": 1, "runs": rows, "next": page.next}, indent=2) + "\n")
        return EXIT_OK
    from selinon_cli.render.run_table import run_table, width_of

    terminal.data(run_table(rows, width_of(terminal.out), color=terminal.color_out))
    note_next(terminal, page.next)
    return EXIT_OK


COMMAND = Command(
    "runs",
    "Find flow runs, also those that ended: by flow, status, time, label or key.",
    runs,
    options=RunsOptions,
    examples=(
        "selinon runs --status failure --since 2h    # what failed lately",
        "selinon runs --flow order --label customer=acme --limit 10",
        "selinon runs --status running --count       # how many run now",
    ),
)
