"""The audit: who asked for what, of which flow run. Kept apart from runs, which it outlives.

The process that asks for an action writes the entry, just before it sends the message. So an entry says that
somebody asked; what came of it is in the history of the run. Workers write nothing here. The leader of the sweep
removes what is older than ``selinon_index_ttl``.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from selinon_core.celery.stores.index import shortened
from selinon_core.errors import RequestError

#: The most characters of a name, and of the details as JSON.
MAX_WHO = 255
MAX_DETAILS = 2000
#: Entries that a store of bounded size (Redis, memory) keeps: the newest.
MOST_ENTRIES = 50_000


class AuditEntry(NamedTuple):
    """One thing that was asked for."""

    #: When, seconds since the epoch.
    at: float
    #: Who asked: the name of a user, or user@host.
    who: str
    #: What for: the name of the action, such as ``retry``.
    what: str
    #: The flow run; None: it is about none, or several.
    run: str | None = None
    #: What else was said: a JSON object without arguments and results.
    details: Mapping[str, Any] = {}
    #: Tells entries of one time apart. An entry that is written twice is kept once.
    id: str = ""


class AuditPage(NamedTuple):
    """Entries, the newest first."""

    entries: Sequence[AuditEntry]
    #: Where to go on; None: there are no more.
    next: str | None = None


class Audit(Protocol):
    """Keeps the entries. Its methods raise ``StateStoreError`` and ``StateStoreRefused`` as those of ``Store``."""

    def write(self, entry: AuditEntry) -> None:
        """Keep an entry that ``audit_entry`` made."""
        ...

    def read(self, run: str | None = None, cursor: str | None = None, limit: int = 50) -> AuditPage:
        """A page of the entries of a run, or of all, newest first by time and id.

        ``cursor`` is the ``next`` of the page before. Raises ``RequestError`` for another text.
        """
        ...

    def trim(self, before: float, limit: int) -> int:
        """Remove entries of before that time, at most ``limit``, the oldest first; returns how many."""
        ...


def audit_entry(at: float, who: str, what: str, run: str | None, details: Mapping[str, Any]) -> AuditEntry:
    """An entry of a bounded size; details that are too long are kept as the beginning of their text."""
    text = json.dumps(dict(details), ensure_ascii=False, default=str)
    kept = dict(details) if len(text) <= MAX_DETAILS else {"text": shortened(text, MAX_DETAILS)}
    return AuditEntry(at, shortened(who, MAX_WHO), what, run, kept, secrets.token_hex(8))


def cursor_of(entry: AuditEntry) -> str:
    """The cursor of what follows an entry."""
    return f"{entry.at!r},{entry.id}"


def read_cursor(text: str) -> tuple[float, str]:
    """The position that a cursor names; raises ``RequestError`` for another text."""
    at, comma, id = text.partition(",")
    try:
        if comma and id and math.isfinite(float(at)):
            return float(at), id
    except ValueError:
        pass
    raise RequestError(f'"{text[:80]}" is not a cursor: give back what "next" of a page says')


def page_of(entries: Sequence[AuditEntry], limit: int) -> AuditPage:
    """A page of at most ``limit`` entries, of which one more than that was asked for."""
    return AuditPage(entries[:limit], cursor_of(entries[limit - 1]) if len(entries) > limit else None)
