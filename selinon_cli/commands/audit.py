"""``selinon audit``: who asked for what, of which flow run."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, Options, choice, integer, text
from selinon_cli.pages import CURSOR, note_next, page_at
from selinon_cli.run_ids import full_id
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon
    from selinon_core.celery.stores.audit import AuditEntry


class AuditOptions(Options):
    """What ``selinon audit`` takes."""

    id = text(help="The flow run; without it, all that were acted on.", metavar="ID", complete="run")
    app = APP_OPTION
    limit = integer("--limit", help="List so many entries, the newest.", metavar="N", default=50, minimum=1)
    cursor = CURSOR
    format = choice("--format", help="For people or for programs.", choices=("text", "json"), default="text")


def audit(terminal: Terminal, options: AuditOptions) -> int:
    """List who asked for what, the newest first."""
    selinon = flows_of(terminal, options.app, ())
    run = None if options.id is None else full_id(selinon, options.id)
    page = page_at(partial(selinon.store.audit.read, run), options.cursor, options.limit)
    if run is not None and not page.entries and not _is_known(selinon, run):
        raise UsageError(f"there is no flow run {run}", "entries are kept for selinon_index_ttl")
    if options.format == "json":
        from selinon_core.celery.reporting.audit_rows import audit_json

        terminal.data(json.dumps(audit_json(page), indent=2) + "\n")
        return EXIT_OK
    terminal.data("".join(_line(entry) for entry in page.entries) or "nothing was asked for\n")
    note_next(terminal, page.next)
    return EXIT_OK


def _is_known(selinon: Selinon, run: str) -> bool:
    return selinon.store.header(run) is not None or selinon.store.index.get(run) is not None


def _line(entry: AuditEntry) -> str:
    from datetime import datetime

    from selinon_cli.render.visible import visible

    moment = datetime.fromtimestamp(entry.at).strftime("%Y-%m-%d %H:%M:%S")
    details = json.dumps(dict(entry.details), ensure_ascii=False) if entry.details else ""
    parts = (moment, visible(entry.who), entry.what, entry.run or "", visible(details))
    return "  ".join(part for part in parts if part) + "\n"


COMMAND = Command(
    "audit",
    "List who asked for what: retries, cancellations and other actions of people.",
    audit,
    options=AuditOptions,
    examples=(
        "selinon audit                               # the newest 50",
        "selinon audit 3f2a                          # of one flow run; the beginning of its id is enough",
        "selinon audit --format json --limit 1000",
    ),
)
