"""``selinon runs``: find flow runs, running and ended ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, Options, choice, flag, group, integer, text
from selinon_cli.run_filters import RunFilterOptions, query_of
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.stores.index import Index, IndexRow, Page, RunQuery

#: Pages that are asked for at most to fill one: several filters at once may leave few rows of each.
_MOST_ASKED = 50


class RunsOptions(Options):
    """What ``selinon runs`` takes."""

    app = APP_OPTION
    filters = group(RunFilterOptions)
    limit = integer("--limit", help="List so many flow runs, the newest.", metavar="N", default=50, minimum=1)
    cursor = text("--cursor", help="Go on where another list ended: its next.", metavar="CURSOR")
    count = flag("--count", help="Say how many there are, instead of listing them.")
    format = choice("--format", help="For people or for programs.", choices=("text", "json"), default="text")


def runs(terminal: Terminal, options: RunsOptions) -> int:
    """List the flow runs that the filters leave, or count them."""
    selinon = flows_of(terminal, options.app, ())
    index = selinon.store.index
    query = query_of(selinon, options.filters)
    if options.count:
        count = index.count(query)
        as_json = json.dumps({"version": 1, "count": count})
        terminal.data(f"{as_json if options.format == 'json' else count}\n")
        return EXIT_OK
    page = _page(index, query, options.cursor, options.limit)
    progress = index.progress([row.id for row in page.rows])
    now = selinon.store.clock()
    rows = [_described(row, progress.get(row.id), now) for row in page.rows]
    if options.format == "json":
        terminal.data(json.dumps({"version": 1, "runs": rows, "next": page.next}, indent=2) + "\n")
        return EXIT_OK
    from selinon_cli.render.run_table import run_table, width_of

    terminal.data(run_table(rows, width_of(terminal.out), color=terminal.color_out))
    terminal.flush()
    if page.next is not None:
        terminal.note(f"there are more: --cursor {page.next}")
    return EXIT_OK


def _page(index: Index, query: RunQuery, cursor: str | None, limit: int) -> Page:
    """A page of ``limit`` rows, unless there are fewer."""
    from selinon_core.errors import RequestError

    rows: list[IndexRow] = []
    try:
        for _ in range(_MOST_ASKED):
            page = index.find(query, cursor, limit - len(rows))
            rows += page.rows
            cursor = page.next
            if cursor is None or len(rows) == limit:
                break
    except RequestError as error:
        raise UsageError(f"--cursor: {error}") from None
    return page._replace(rows=rows, next=cursor)


def _described(row: IndexRow, progress: Any, now: float) -> dict[str, Any]:
    """A row as JSON."""
    begun = row.created if row.begun is None else row.begun
    return {
        "id": row.id,
        "flow": row.flow,
        "status": row.status,
        "created": row.created,
        "begun": row.begun,
        "ended": row.ended,
        "seconds": round((row.ended or now) - begun, 3),
        "attempt": row.attempt,
        "reason": row.reason or None,
        "key": row.key,
        "lane": row.lane,
        "labels": dict(row.labels),
        "args": _args(row.args),
        "rerun_of": row.rerun_of,
        "progress": None if progress is None else progress._asdict(),
    }


def _args(text: str | None) -> Any:
    """The arguments; as text, that ends with ``…``, where the index has the beginning only."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


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
