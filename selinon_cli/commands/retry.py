"""``selinon retry``: failed flow runs go on; what failed of them runs again, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from selinon_cli.broker import asking_broker
from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, UsageError
from selinon_cli.options import Command, Options, flag, group, integer, text, texts
from selinon_cli.run_filters import RunFilterOptions, query_of
from selinon_cli.run_ids import full_id
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon
    from selinon_core.celery.steering import Retry, Steering
    from selinon_core.celery.stores.index import IndexRow

#: So many of the runs that a query finds are shown before it is asked.
_SAMPLE = 5
_PAGE = 100


class RetryOptions(Options):
    """What ``selinon retry`` takes."""

    ids = texts(help="The flow runs; without, those that the filters find.", metavar="ID", complete="run")
    app = APP_OPTION
    node = texts(
        "--node",
        help="Only this failed node, by name or id; the others stay failed. Repeatable.",
        metavar="NODE",
        complete="node",
    )
    filters = group(RunFilterOptions)
    limit = integer(
        "--limit", help="At most so many runs of a query, the newest.", metavar="N", default=100, minimum=1
    )
    rate = text("--rate", help="So many runs a second, minute or hour: 10/s, 90/m.", metavar="N/s")
    yes = flag("-y", "--yes", help="Do not ask before runs of a query are retried.")
    dry_run = flag("--dry-run", help="Say what would run again, and do nothing.")
    by = text("--by", help="Who asks, for the history of the runs; by default the login name.", metavar="NAME")


def retry(terminal: Terminal, options: RetryOptions) -> int:
    """Retry runs by their ids or by a query; 1 when one of them was refused."""
    selinon = flows_of(terminal, options.app, ())
    filters = options.filters
    by_query = any((filters.flow, filters.status, filters.since, filters.until, filters.label, filters.key))
    if bool(options.ids) == by_query:
        raise UsageError("name flow runs, or find them by --flow, --since and the like, not both")
    pause = _pause(options.rate)
    from selinon_core.celery.steering import Steering

    steering = Steering(selinon)
    if not by_query:
        ids = [full_id(selinon, typed) for typed in options.ids]
        return _Retries(terminal, selinon, steering, options, pause).all(ids)
    if options.node:
        raise UsageError("--node is about one flow run: name it")
    if any(status != "failure" for part in filters.status for status in part.split(",")):
        raise UsageError("only runs with --status failure can be retried")
    rows = _found(selinon, options)
    if not rows:
        terminal.note("no failed flow run fits")
        return EXIT_OK
    _show(terminal, rows)
    if not (options.yes or options.dry_run) and not _asked(terminal, len(rows)):
        terminal.note("nothing was retried")
        return EXIT_OK
    return _Retries(terminal, selinon, steering, options, pause).all([row.id for row in rows])


class _Retries:
    """Retries runs one after another, and reports how it went."""

    def __init__(
        self, terminal: Terminal, selinon: Selinon, steering: Steering, options: RetryOptions, pause: float
    ) -> None:
        self._terminal = terminal
        self._app = selinon.app
        self._steering = steering
        self._options = options
        self._pause = pause
        self._by = options.by if options.by is not None else _login()
        self._done = 0
        self._refused = 0

    def all(self, ids: Sequence[str]) -> int:
        """Retry these runs; what is left after Ctrl-C is said."""
        try:
            for id in ids:
                if self._pause and self._done:
                    time.sleep(self._pause)
                self._one(id)
        except KeyboardInterrupt:
            self._report(len(ids))
            raise
        if len(ids) > 1:
            self._report(len(ids))
        return EXIT_FINDINGS if self._refused else EXIT_OK

    def _one(self, id: str) -> None:
        from selinon_core.errors import RequestError

        options = self._options
        try:
            planned = self._steering.preview(id, options.node or None)
            if not options.dry_run:
                with asking_broker(self._terminal, self._app):
                    self._steering.send(planned, self._by)
        except RequestError as error:
            self._refused += 1
            self._terminal.error(str(error))
            return
        self._done += 1
        self._terminal.note(_said(planned, id, options.dry_run))

    def _report(self, number: int) -> None:
        left = number - self._done - self._refused
        word = "to be retried" if self._options.dry_run else "retried"
        self._terminal.note(f"{self._done} {word}, {self._refused} refused" + (f", {left} left" if left else ""))


def _said(planned: Retry, id: str, dry_run: bool) -> str:
    names: dict[str, int] = {}
    for node in planned.nodes:
        names[node.name] = names.get(node.name, 0) + 1
    what = [name if times == 1 else f"{times} x {name}" for name, times in names.items()]
    if planned.decisions:
        what.append("a decision" if planned.decisions == 1 else f"{planned.decisions} decisions")
    listed = ", ".join(what) or "it goes on with what still runs"
    below = "" if planned.id == id else f" (below {planned.id})"
    return f"{'would retry' if dry_run else 'asked for the retry of'} {id}{below}: {listed}"


def _found(selinon: Selinon, options: RetryOptions) -> list[IndexRow]:
    query = query_of(selinon, options.filters)._replace(statuses=("failure",))
    rows: list[IndexRow] = []
    cursor = None
    while len(rows) < options.limit:
        page = selinon.store.index.find(query, cursor, min(_PAGE, options.limit - len(rows)))
        rows += page.rows
        cursor = page.next
        if cursor is None:
            break
    return rows


def _show(terminal: Terminal, rows: Sequence[IndexRow]) -> None:
    terminal.note(f"{len(rows)} failed flow runs" if len(rows) > 1 else "1 failed flow run")
    for row in rows[:_SAMPLE]:
        terminal.note(f"  {row.id}  {row.flow}  {row.reason}")
    if len(rows) > _SAMPLE:
        terminal.note(f"  and {len(rows) - _SAMPLE} more")


def _asked(terminal: Terminal, number: int) -> bool:
    """Whether the user agrees; without a terminal there is nobody to ask."""
    import sys

    if not sys.stdin.isatty():
        raise UsageError("these runs are not retried without being asked for", "add --yes, or --dry-run to look")
    terminal.note(f"retry {'them' if number > 1 else 'it'}? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _pause(rate: str | None) -> float:
    """The seconds between two runs."""
    if rate is None:
        return 0.0
    number, _, unit = rate.partition("/")
    seconds: Any = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(unit)
    try:
        if seconds is not None and float(number) > 0:
            return float(seconds / float(number))
    except ValueError:
        pass
    raise UsageError(f'--rate: "{rate}" is not a rate', "write 10/s, 90/m or 500/h")


def _login() -> str | None:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return None


COMMAND = Command(
    "retry",
    "Let failed flow runs go on: what failed of them runs again, and nothing that succeeded.",
    retry,
    options=RetryOptions,
    examples=(
        "selinon retry 3f2a                          # the beginning of the id is enough",
        "selinon retry 3f2a --node Charge            # only this failed node",
        "selinon retry --flow order --since 1d --dry-run",
        "selinon retry --flow order --since 1d --rate 10/s --yes",
    ),
)
