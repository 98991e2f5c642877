"""The index of flow runs: one row per run, by which runs are found, counted and listed.

The state of a run says everything about one run whose id is known. The index answers the other question: which
runs are there? A row is written in the same step as the creation, the end and each new attempt of its run
(``Commit.index_change``), never for a node run. Rows outlive the state (``selinon_index_ttl``). Only root runs
have one, unless ``selinon_index_subflows`` is set.

Workers of before the index write no rows. The leader of the sweep fills in what they left out: ``unindexed`` finds
runs whose row is missing or says something else than their header, ``fill_in`` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from selinon_core.celery.stores.run_header import RunHeader

RowStatus = Literal["queued", "running", "paused", "success", "failure", "cancelled"]

#: Statuses of runs that have not ended.
OPEN: tuple[RowStatus, ...] = ("queued", "running", "paused")
#: Statuses of runs that have ended.
CLOSED: tuple[RowStatus, ...] = ("success", "failure", "cancelled")
STATUSES: tuple[RowStatus, ...] = OPEN + CLOSED

#: The most characters of a reason, of a label's name or value, and the most bytes of arguments (UTF-8).
MAX_REASON = 255
MAX_LABEL = 128
MAX_ARGS = 1024


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class IndexRow(NamedTuple):
    """What the index knows of a run; times are seconds since the epoch."""

    id: str
    flow: str
    #: ``queued``, ``running``, ``paused``, ``success``, ``failure`` or ``cancelled``.
    status: str
    #: When a worker created the run.
    created: float
    #: When it began; None: it did not (it is queued, or was cancelled before).
    begun: float | None = None
    #: When it ended; None: it did not.
    ended: float | None = None
    #: The attempt of the flow, from 1.
    attempt: int = 1
    #: Why it failed, at most ``MAX_REASON`` characters; empty: no reason.
    reason: str = ""
    #: Its arguments as JSON text, redacted, at most ``MAX_ARGS`` bytes: text that was cut ends with ``…``. None:
    #: it has none, or they are not known.
    args: str | None = None
    #: The key by which it was started once.
    key: str | None = None
    lane: str | None = None
    priority: int | None = None
    #: The run that this one repeats.
    rerun_of: str | None = None
    #: Of a sub-flow's run: the run at the top, and the run that started it. None for a root run.
    root: str | None = None
    parent: str | None = None
    #: Labels by name.
    labels: Mapping[str, str] = {}
    #: When this row changed last.
    changed: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the run has not ended."""
        return self.status in OPEN

    @property
    def position(self) -> tuple[float, str]:
        """Its place in the order of the rows."""
        return self.created, self.id


#: The columns that ``IndexChange.columns`` may set.
CHANGEABLE = ("status", "begun", "ended", "attempt", "reason", "key", "lane", "priority", "rerun_of")


class IndexChange(NamedTuple):
    """What a commit changes in the index."""

    #: The row of a run that is created; one of an earlier run of that id is replaced.
    row: IndexRow | None = None
    #: Columns of the run's row to be set (names of ``CHANGEABLE``). A run without a row stays without.
    columns: Mapping[str, str | float | int | None] = {}
    #: Whether the run has labels: their status changes with that of the row.
    labelled: bool = False


class RunQuery(NamedTuple):
    """Which runs are wanted: those to which everything that is given applies."""

    #: Any of these flows; empty: all.
    flows: Sequence[str] = ()
    #: Any of these statuses; empty: all.
    statuses: Sequence[str] = ()
    #: Created at or after this time.
    since: float | None = None
    #: Created before this time.
    until: float | None = None
    #: All of these labels.
    labels: Mapping[str, str] = {}
    key: str | None = None
    #: Runs of sub-flows below this run.
    root: str | None = None
    #: How the id begins.
    id_prefix: str | None = None

    def without_repeats(self) -> RunQuery:
        """The same question, each flow and status once."""
        return self._replace(flows=tuple(dict.fromkeys(self.flows)), statuses=tuple(dict.fromkeys(self.statuses)))

    def matches(self, row: IndexRow) -> bool:
        """Whether a row is wanted."""
        return (
            (not self.flows or row.flow in self.flows)
            and (not self.statuses or row.status in self.statuses)
            and (self.since is None or row.created >= self.since)
            and (self.until is None or row.created < self.until)
            and all(row.labels.get(name) == value for name, value in self.labels.items())
            and (self.key is None or row.key == self.key)
            and (self.root is None or row.root == self.root)
            and (self.id_prefix is None or row.id.startswith(self.id_prefix))
        )


class Page(NamedTuple):
    """Rows, the newest first."""

    rows: Sequence[IndexRow]
    #: Where to go on; None: there are no more. A page may have fewer rows than asked for, even none, and go on.
    next: str | None = None


class Progress(NamedTuple):
    """How far a run is, by the records of its node runs; how many it will have is not known before its end."""

    #: Node runs that a worker got.
    started: int
    #: Those of them that ended, well or not.
    done: int


class Unindexed(NamedTuple):
    """A run whose row is missing, or says something else than its header."""

    id: str
    header: Mapping[str, str]
    #: The first batch of its log, None when it has none: it holds the arguments.
    first_batch: str | None = None


class Index(Protocol):
    """Finds flow runs. Its methods raise ``StateStoreError`` and ``StateStoreRefused`` as those of ``Store``."""

    def find(self, query: RunQuery, cursor: str | None = None, limit: int = 50) -> Page:
        """A page of at most ``limit`` runs, newest first by time of creation and id.

        ``cursor`` is the ``next`` of the page before. Raises ``RequestError`` for another text.
        """
        ...

    def count(self, query: RunQuery) -> int:
        """How many runs are wanted; may take long for several conditions at once."""
        ...

    def get(self, id: str) -> IndexRow | None:
        """The row of a run, None when there is none."""
        ...

    def by_prefix(self, text: str, limit: int) -> list[str]:
        """Ids that begin with a text, in their order, at most ``limit``."""
        ...

    def changed_since(self, at: float, limit: int, after: str = "") -> list[IndexRow]:
        """Rows that changed at that time, with an id behind ``after``, or later.

        In the order of (changed, id), at most ``limit``. A step that is kept later may have an earlier time, by
        seconds: ask again for a little of the past.
        """
        ...

    def progress(self, ids: Sequence[str]) -> dict[str, Progress]:
        """How far these runs are, in one question; those whose state is gone are left out."""
        ...

    def unindexed(self, cursor: str | None, limit: int) -> tuple[list[Unindexed], str | None]:
        """Looks at about ``limit`` runs of the store: those without a row, or with one that is wrong.

        The second value is the cursor with which to go on, None at the end. Runs of sub-flows are left out.
        """
        ...

    def fill_in(self, rows: Sequence[IndexRow]) -> None:
        """Write rows that are missing; of rows that are there only status, end and reason change."""
        ...

    def trim(self, before: float, now: float, limit: int) -> int:
        """Remove rows that did not change since ``before``, at most ``limit``; returns how many it looked at.

        The row of an open run whose state is there stays, and counts as changed ``now``.
        """
        ...


def row_of_header(id: str, header: RunHeader, args: str | None) -> IndexRow:
    """The row of a run as its header has it; how often the flow was tried is not in it."""
    ended = None if header.status == "running" else header.updated
    root, parent = (None, None) if header.caller is None else (header.root or None, header.caller.flow_id)
    return IndexRow(
        id,
        header.flow,
        header.shown_status,
        header.created,
        None if header.initial_definition is None else header.created,
        ended,
        reason=shortened(header.reason, MAX_REASON),
        args=args,
        key=header.key or None,
        rerun_of=header.rerun_of,
        lane=header.lane or None,
        root=root,
        parent=parent,
        labels=header.labels,
        changed=ended or header.created,
    )


def shortened(text: str, most: int) -> str:
    """At most so many characters of a text, in one that every store can hold; a cut is marked with ``…``."""
    text = text[: most + 1].replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= most else text[: most - 1] + "…"


def args_text(args: Any) -> str | None:
    """Arguments as the index keeps them, see ``IndexRow.args``."""
    if args is None:
        return None
    data = _encode(args).encode("utf-8", "replace")
    if len(data) <= MAX_ARGS:
        return data.decode()
    mark = "…"
    return data[: MAX_ARGS - len(mark.encode())].decode("utf-8", "ignore") + mark
