"""The frequent steps of the store as functions inside PostgreSQL: one round trip each.

A step that asks, decides and writes needs five messages to the database, and the waiting for their answers costs
several times what the database does. The functions do what ``SqlStore`` does step by step, and the contract suite
of the stores runs on both. The letters of outbox keys and timers are those of ``outbox_keys``. Each statement in
such a function sees what was committed before it began, so what is read after the run's row was locked is current.

A function's name ends with a digest of all texts: workers of two versions side by side each call their own.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

from selinon_core.celery.stores.delivery_rules import MAX_WAKEUP_BACKOFF, WAKEUP_BACKOFF
from selinon_core.celery.stores.protocol import (
    BUFFERED,
    DUPLICATE,
    ENDED,
    GONE,
    LEASE_HELD,
    LEASED,
    NEEDS_ADVANCE,
    OUT_OF_REACH,
    PAUSED,
    REDELIVERED_UNFINISHED,
    RUN,
    STALE,
)
from selinon_core.celery.stores.sql.tables import Tables

#: In the order in which they are to be created; the texts are in ``functions/``.
_NAMES = ("claim", "open", "append", "commit")
_TEXTS = {name: (files(__package__) / "functions" / f"{name}.sql").read_text("utf-8") for name in _NAMES}
#: What a lease comes with.
_OPENED = """kind text, token int, known int, flow text, queue text, status text, version int, inbox_threshold int,
    idle_check_after float8, lease float8, created float8, updated float8, fields text,
    batches text[], entries text[], effects text[], timers text[]"""
_WORDS = {
    "opened": _OPENED,
    "GONE": GONE,
    "RUN": RUN,
    "STALE": STALE,
    "DUPLICATE": DUPLICATE,
    "UNFINISHED": REDELIVERED_UNFINISHED,
    "ENDED": ENDED,
    "HELD": LEASE_HELD,
    "BUFFERED": BUFFERED,
    "ADVANCE": NEEDS_ADVANCE,
    "LEASED": LEASED,
    "PAUSED": PAUSED,
    "OUT_OF_REACH": str(OUT_OF_REACH),
    "BACKOFF": str(WAKEUP_BACKOFF),
    "MAX_BACKOFF": str(MAX_WAKEUP_BACKOFF),
}
_DIGEST = hashlib.sha256("".join([*_TEXTS.values(), *_WORDS.values()]).encode()).hexdigest()[:8]


class Functions:
    """The functions for one set of tables: their names by ``claim``, ``open``, ``append`` and ``commit``."""

    def __init__(self, tables: Tables) -> None:
        self.names = {name: f'"{tables.prefix}{name}_{_DIGEST}"' for name in _TEXTS}
        quoted = {name.removeprefix(tables.prefix): f'"{name}"' for name in tables.metadata.tables}
        #: In the order in which they are to be created.
        self.texts = [text.format(**quoted, **self.names, **_WORDS) for text in _TEXTS.values()]
