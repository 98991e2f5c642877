"""The audit: who asked for what, of which flow run. Kept apart from runs, which it outlives.

The process that asks for an action writes the entry, just before it sends the message. So an entry says that
an action was asked for; what came of it is in the history of the run. Workers write nothing here. The leader of
the sweep removes what is older than ``selinon_index_ttl``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from selinon_core.celery.stores.index import shortened

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

    @property
    def position(self) -> tuple[float, str]:
        """Its place in the order of the entries."""
        return self.at, self.id


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
