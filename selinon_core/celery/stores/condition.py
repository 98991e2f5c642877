"""What a state store says about the server that it is on, for ``selinon doctor``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class StoreCondition(NamedTuple):
    """``now`` is the server's time, seconds since the epoch, which was asked for this answer."""

    #: The kind of the server and its version: ``Redis 7.2.4``.
    server: str
    now: float
    #: Sentences about settings of the server that lose flow runs.
    dangers: Sequence[str] = ()
    #: Tables that a worker makes at its start, and that are not there yet.
    missing: Sequence[str] = ()
    #: Whether the store looked for tables: it is in a SQL database.
    has_tables: bool = False
