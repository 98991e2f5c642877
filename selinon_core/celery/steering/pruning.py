"""Removes flow runs that ended long ago from the store, before their time, with the runs of their sub-flows."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from selinon_core.celery.steering.auditing import record
from selinon_core.celery.stores.index import CLOSED, IndexRow, RunQuery

if TYPE_CHECKING:
    from selinon_core.celery.reporting.run_reader import RunReader
    from selinon_core.celery.selinon_protocol import Owner

_log = logging.getLogger("selinon")
#: Rows of the index that are read at once, and flow runs that are removed at once.
_PAGE = 500
_TOGETHER = 100


class Pruned(NamedTuple):
    """How many flow runs were removed: those that were asked for, and runs of their sub-flows."""

    runs: int
    below: int


def old_runs(
    owner: Owner, older: float, statuses: Sequence[str] = (), flows: Sequence[str] = ()
) -> Iterator[IndexRow]:
    """The rows of root runs that ended more than ``older`` seconds ago, the newest first.

    ``statuses`` are of ``CLOSED``; empty: all of them. ``flows`` empty: all.
    """
    index, before = owner.store.index, owner.store.clock() - older
    query = RunQuery(flows=tuple(flows), statuses=tuple(statuses) or CLOSED, until=before)
    cursor: str | None = None
    while True:
        page = index.find(query, cursor, _PAGE)
        for row in page.rows:
            if (row.ended or row.changed) < before and row.parent is None:
                yield row
        cursor = page.next
        if cursor is None:
            return


def prune(owner: Owner, reader: RunReader, ids: Sequence[str], by: str | None = None) -> Iterator[Pruned]:
    """Remove runs and what is below them; yields what was removed after each round.

    Results in the result backend go too, results in storages stay. A run that is retried meanwhile stays. The
    audit gets an entry for each round; ``by`` says who asks, None: this user. Raises ``StateStoreError``.
    """
    for begin in range(0, len(ids), _TOGETHER):
        # Collected while they are there: the log of a run says what is below it.
        parts = {id: _below(reader, id) for id in ids[begin : begin + _TOGETHER]}
        record(owner.store, "prune", None, by, runs=len(parts), first=ids[begin])
        gone = owner.store.forget(list(parts))
        below = [run for id in gone for run in parts[id].runs]
        owner.store.items.forget([*gone, *below])
        removed = owner.store.forget(below, [node for id in gone for node in parts[id].nodes])
        for id in gone:
            _forget_result(owner, id)
        yield Pruned(len(gone), len(removed))


class _Below(NamedTuple):
    """The ids of the runs below a run, and of all node runs, whose errors may be kept."""

    runs: list[str]
    nodes: list[str]


def _below(reader: RunReader, id: str) -> _Below:
    found = _Below([], [id])
    todo = [id]
    while todo:
        with reader.reading(todo.pop()) as folded:
            nodes = [] if folded is None else [(node.id, node.is_flow) for node in folded.nodes]
        found.nodes.extend(node for node, _ in nodes)
        inner = [node for node, is_flow in nodes if is_flow]
        found.runs.extend(inner)
        todo += inner
    return found


def _forget_result(owner: Owner, id: str) -> None:
    try:
        owner.app.AsyncResult(id).forget()
    except Exception as error:  # the backend forgets it by itself (result_expires)
        _log.debug("cannot remove the result of %s: %s: %s", id, type(error).__name__, error)
