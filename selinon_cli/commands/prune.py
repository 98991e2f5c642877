"""``selinon prune``: remove flow runs that ended long ago from the state store."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, Options, flag, integer, text, texts
from selinon_cli.run_batch import agreed
from selinon_cli.run_filters import flows_named, seconds_of, statuses_of
from selinon_cli.terminal import Terminal

#: So many of the runs are shown before it is asked.
_SAMPLE = 5


class PruneOptions(Options):
    """What ``selinon prune`` takes."""

    older = text(
        "--older", help="Runs that ended longer ago than this: 12h, 30d, 8w.", metavar="TIME", required=True
    )
    app = APP_OPTION
    status = texts(
        "--status",
        help="Runs that ended so (success, failure, cancelled); repeat it for several; default: all of them.",
        metavar="STATUS",
    )
    flow = texts("--flow", help="Runs of that flow; repeat it for several.", metavar="NAME", complete="flow")
    limit = integer("--limit", help="At most so many runs, the newest of them.", metavar="N", minimum=1)
    by = text("--by", help="Who asks, for the audit; by default user@host.", metavar="NAME")
    yes = flag("-y", "--yes", help="Do not ask before anything is removed.")
    dry_run = flag("--dry-run", help="Say what would be removed, and remove nothing.")


def prune(terminal: Terminal, options: PruneOptions) -> int:
    """Show what would be removed, ask, and remove it."""
    older = seconds_of("--older", options.older)
    selinon = flows_of(terminal, options.app, ())
    from selinon_core.celery.steering.pruning import old_runs
    from selinon_core.celery.steering.pruning import prune as removed
    from selinon_core.celery.stores.index import CLOSED

    statuses = statuses_of(options.status)
    if not set(statuses) <= set(CLOSED):
        raise UsageError(f"only runs with --status {', '.join(CLOSED)} can be removed")
    rows = list(islice(old_runs(selinon, older, statuses, flows_named(selinon, options.flow)), options.limit))
    if not rows:
        terminal.note(f"no flow run ended longer ago than {options.older}")
        return EXIT_OK
    counts = Counter((row.flow, row.status) for row in rows)
    terminal.note(f"{_runs(len(rows))} and what is below: the state, its row in the index, its result")
    for (flow, status), count in sorted(counts.items()):
        terminal.note(f"  {count} x {flow}, {status}")
    terminal.note(f"  for instance {', '.join(row.id for row in rows[:_SAMPLE])}")
    if options.dry_run:
        return EXIT_OK
    if not options.yes and not agreed(terminal, len(rows), "remove", "removed"):
        terminal.note("nothing was removed")
        return EXIT_OK
    runs = below = 0
    try:
        for part in removed(selinon, selinon.reader, [row.id for row in rows], options.by):
            runs, below = runs + part.runs, below + part.below
    finally:
        kept = len(rows) - runs
        rest = f", {kept} left" if kept else ""
        terminal.note(f"removed {_runs(runs)} and {_runs(below)} of sub-flows{rest}")
    return EXIT_OK


def _runs(number: int) -> str:
    return "1 flow run" if number == 1 else f"{number} flow runs"


COMMAND = Command(
    "prune",
    "Remove flow runs that ended long ago from the state store, with their sub-flows.",
    prune,
    options=PruneOptions,
    examples=(
        "selinon prune --older 30d --status success --dry-run",
        "selinon prune --older 30d --status success --flow order --yes",
    ),
)
