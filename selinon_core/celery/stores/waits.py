"""The tasks that wait for a signal, of all runs: one row each, by which people find what they are asked.

The rows follow from the logs. The holder of a run's lease says which waits the run has now (``put``), after it
has committed that: a row may be there a moment too late, and never too early.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from selinon_core.celery.stores import cursors


class WaitRow(NamedTuple):
    """A task that waits; times are seconds since the epoch."""

    #: The flow run.
    run: str
    #: The number of the node run in it.
    number: int
    flow: str
    #: The name of the task.
    node: str
    #: The id of the node run.
    id: str
    #: The run at the top; that of ``run`` itself for a root run.
    root: str
    title: str
    since: float
    #: When it fails without a signal; None: never.
    deadline: float | None = None

    @property
    def position(self) -> tuple[float, str, int]:
        """Its place in the order of the rows."""
        return self.since, self.run, self.number


class WaitQuery(NamedTuple):
    """Which waits are wanted: those to which everything that is given applies."""

    #: Any of these flows; empty: all.
    flows: Sequence[str] = ()
    run: str | None = None
    #: Of this run and of the sub-flows below it.
    root: str | None = None

    def matches(self, row: WaitRow) -> bool:
        """Whether a row is wanted."""
        return (
            (not self.flows or row.flow in self.flows)
            and (self.run is None or row.run == self.run)
            and (self.root is None or row.root == self.root)
        )


class WaitPage(NamedTuple):
    """Rows, the longest waiting first."""

    rows: Sequence[WaitRow]
    #: Where to go on; None: there are no more.
    next: str | None = None


class Waits(Protocol):
    """Finds what waits. Its methods raise ``StateStoreError`` and ``StateStoreRefused`` as those of ``Store``."""

    def put(self, run: str, rows: Sequence[WaitRow]) -> None:
        """These are the waits of a run now: others of it are removed, those that are there stay as they are."""
        ...

    def find(self, query: WaitQuery, cursor: str | None = None, limit: int = 50) -> WaitPage:
        """A page of at most ``limit`` waits, the longest waiting first.

        ``cursor`` is the ``next`` of the page before. Raises ``RequestError`` for another text.
        """
        ...

    def count_by_flow(self) -> dict[str, int]:
        """How many tasks wait, by flow."""
        ...


def read_cursor(text: str) -> tuple[float, str, int]:
    """The position that a cursor names; raises ``RequestError`` for another text."""
    since, rest = cursors.read_cursor(text)
    run, _, number = rest.rpartition(",")
    try:
        if run and 0 <= int(number) < 2**31:
            return since, run, int(number)
    except ValueError:
        pass
    raise cursors.wrong_cursor(text)


def rows_of(waits: Waits, run: str) -> list[WaitRow]:
    """All waits of one flow run."""
    query, cursor = WaitQuery(run=run), None
    rows: list[WaitRow] = []
    while True:
        page = waits.find(query, cursor, 500)
        rows += page.rows
        cursor = page.next
        if cursor is None:
            return rows
