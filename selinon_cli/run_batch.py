"""Acting on several flow runs one by one: finds them by filters, asks first, keeps to a rate, and reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from selinon_cli.celery_app import APP_OPTION
from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, EXIT_USAGE, UsageError
from selinon_cli.options import Options, flag, group, integer, text, texts
from selinon_cli.run_filters import RunFilterOptions, query_of
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon
    from selinon_core.celery.stores.index import IndexRow

#: So many of the runs that a query finds are shown before it is asked.
_SAMPLE = 5
_PAGE = 100
_PAST = {"retry": "retried", "cancel": "cancelled", "pause": "paused", "resume": "resumed", "rerun": "run again"}


class BatchOptions(Options):
    """What a command takes that acts on the runs of a query."""

    limit = integer(
        "--limit", help="At most so many runs of a query, the newest.", metavar="N", default=100, minimum=1
    )
    rate = text("--rate", help="So many runs a second, minute or hour: 10/s, 90/m.", metavar="N/s")
    by = text("--by", help="Who asks, for the audit and the history; by default user@host.", metavar="NAME")
    yes = flag("-y", "--yes", help="Do not ask before anything is done to runs of a query.")
    dry_run = flag("--dry-run", help="Say what would be done, and do nothing.")


class RunsOptions(Options):
    """What a command takes that acts on runs by their ids or by a query."""

    ids = texts(
        help="The flow runs; without, those that the filters find. "
        "Beside ids, --flow names the flow of runs that no worker has begun yet.",
        metavar="ID",
        complete="run",
    )
    app = APP_OPTION
    filters = group(RunFilterOptions)
    batch = group(BatchOptions)


def has_filter(filters: RunFilterOptions, *, beside_flow: bool = False) -> bool:
    """Whether any filter is given, or any ``beside_flow``."""
    given = [filters.status, filters.since, filters.until, filters.label, filters.key]
    return any(given) or (bool(filters.flow) and not beside_flow)


def found(
    terminal: Terminal,
    selinon: Selinon,
    filters: RunFilterOptions,
    allowed: Sequence[str],
    options: BatchOptions,
    verb: str,
) -> list[str]:
    """The ids of the runs that the filters find, after the user agreed; empty: nothing is to be done.

    Only runs of the ``allowed`` statuses are looked for. Raises ``UsageError`` when the filters name another one.
    """
    query = query_of(selinon, filters)
    if not set(query.statuses) <= set(allowed):
        raise UsageError(f"only runs with --status {', '.join(allowed)} can be {_PAST[verb]}")
    if not query.statuses:
        query = query._replace(statuses=tuple(allowed))
    rows: list[IndexRow] = []
    cursor = None
    while len(rows) < options.limit:
        page = selinon.store.index.find(query, cursor, min(_PAGE, options.limit - len(rows)))
        rows += page.rows
        cursor = page.next
        if cursor is None:
            break
    if not rows:
        terminal.note(f"no flow run fits that can be {_PAST[verb]}")
        return []
    terminal.note(f"{len(rows)} flow runs to {verb}" if len(rows) > 1 else f"1 flow run to {verb}")
    for row in rows[:_SAMPLE]:
        terminal.note("  " + "  ".join(part for part in (row.id, row.flow, row.reason) if part))
    if len(rows) > _SAMPLE:
        terminal.note(f"  and {len(rows) - _SAMPLE} more")
    if not (options.yes or options.dry_run) and not agreed(terminal, len(rows), verb, _PAST[verb]):
        terminal.note(f"nothing was {_PAST[verb]}")
        return []
    return [row.id for row in rows]


def act(
    terminal: Terminal,
    verb: str,
    one: Callable[[str], str],
    ids: Sequence[str],
    options: BatchOptions,
    pause: float,
) -> int:
    """Call ``one`` for each id, with ``pause`` seconds between two; says what is left after Ctrl-C.

    ``one`` returns what it did, as a sentence, and raises ``RequestError`` for a run that is refused; 1 when one
    was, 2 when one is not known.
    """
    from selinon_core.errors import RequestError, UnknownRunError

    done = refused = 0
    code = EXIT_FINDINGS

    def report() -> None:
        left = len(ids) - done - refused
        word = f"to be {_PAST[verb]}" if options.dry_run else _PAST[verb]
        terminal.note(f"{done} {word}, {refused} refused" + (f", {left} left" if left else ""))

    try:
        for id in ids:
            if pause and done:
                time.sleep(pause)
            try:
                said = one(id)
            except RequestError as error:
                refused += 1
                if isinstance(error, UnknownRunError):  # as a name that is not known
                    code = EXIT_USAGE
                terminal.error(str(error))
            else:
                done += 1
                terminal.note(said)
    except KeyboardInterrupt:
        report()
        raise
    if len(ids) > 1:
        report()
    return code if refused else EXIT_OK


def agreed(terminal: Terminal, number: int, verb: str, past: str) -> bool:
    """Whether the user agrees; without a terminal the question cannot be asked."""
    import sys

    if not sys.stdin.isatty():
        raise UsageError(
            f"these runs are not {past} without a question, and there is no terminal to ask it",
            "add --yes, or --dry-run to look",
        )
    terminal.note(f"{verb} {'them' if number > 1 else 'it'}? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def pause_of(options: BatchOptions) -> float:
    """The seconds between two runs; raises ``UsageError`` for a rate that cannot be understood."""
    if options.rate is None:
        return 0.0
    from selinon_core.celery.steering.rates import EXAMPLES
    from selinon_core.celery.steering.rates import pause_of as read_rate
    from selinon_core.errors import RequestError

    try:
        return read_rate(options.rate)
    except RequestError:
        raise UsageError(f'--rate: "{options.rate}" is not a rate', EXAMPLES) from None
