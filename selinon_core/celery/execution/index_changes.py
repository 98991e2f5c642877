"""What the steps of a run change in the index of runs (``stores/index.py``): its row at the start, its end, a new
attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores.index import MAX_REASON, IndexChange, IndexRow, args_text, row_of_header, shortened
from selinon_core.celery.stores.run_header import Caller, RunHeader, Status
from selinon_core.celery.transport.publisher import priority_of
from selinon_core.dispatch.references import shown
from selinon_core.plan import LanePlan
from selinon_core.runtime.redaction import Redaction


class IndexChanges:
    """Builds ``Commit.index_change``; None where nothing is to be written."""

    def __init__(self, settings: AdapterSettings, hidden: Redaction, lanes: Mapping[str, LanePlan] = {}) -> None:
        self._lanes = lanes
        self._subflows = settings.selinon_index_subflows
        self._hidden = hidden

    def has_row(self, caller: Caller | None) -> bool:
        """Whether the index has a row of a run with that caller."""
        return caller is None or self._subflows

    def created(self, id: str, header: RunHeader, args: Any, now: float, created: float) -> IndexChange | None:
        """The row of a run that begins with the step of ``now``; ``args`` as the run has them.

        ``created`` is earlier for one that was paused before: lists are in the order of creation.
        """
        if not self.has_row(header.caller):
            return None
        row = self._row(id, header, args, created=created, begun=now, changed=now)
        return IndexChange(row, labelled=bool(header.labels))

    def queued(self, id: str, header: RunHeader, now: float, args: Any = None) -> IndexChange | None:
        """The row of a run that no worker has begun: it waits for its place, or was paused."""
        if not self.has_row(header.caller):
            return None
        row = self._row(id, header, args, created=now, begun=None, changed=now)
        return IndexChange(row, labelled=bool(header.labels))

    def _row(self, id: str, header: RunHeader, args: Any, **columns: float | None) -> IndexRow:
        """The row of a run that is created now, with these ``columns``."""
        if header.lane:
            columns["priority"] = priority_of(self._lanes.get(header.lane))
        return row_of_header(id, header, indexed_args(self._hidden, shown(args)))._replace(**columns)  # type: ignore[arg-type]

    def cancelled_before_it_began(
        self, id: str, flow: str, reason: str, now: float, caller: Caller | None, root: str
    ) -> IndexChange | None:
        """The row of a run that was cancelled before a worker began it."""
        if not self.has_row(caller):
            return None
        parent = None if caller is None else caller.flow_id
        row = IndexRow(
            id, flow, "cancelled", now, ended=now, reason=reason, root=root or None, parent=parent, changed=now
        )
        return IndexChange(row)

    def ended(self, header: RunHeader, status: Status, reason: str, now: float) -> IndexChange | None:
        """The end of a run."""
        if reason:
            reason = shortened(self._hidden.masked(reason), MAX_REASON)
            return self._change(header, status=status, ended=now, reason=reason)
        return self._change(header, status=status, ended=now)

    def reopened(self, header: RunHeader) -> IndexChange | None:
        """A run that failed goes on."""
        return self._change(header, status="running", ended=None, reason="")

    def begun(self, header: RunHeader, now: float) -> IndexChange | None:
        """A run that was queued begins."""
        return self._change(header, status=header.shown_status, begun=now)

    def requeued(self, header: RunHeader) -> IndexChange | None:
        """A run that was paused or cancelled before it began is queued."""
        return self._change(header, status=header.shown_status, ended=None, reason="")

    def status(self, header: RunHeader) -> IndexChange | None:
        """A run was paused, or goes on."""
        return self._change(header, status=header.shown_status)

    def attempt(self, header: RunHeader, number: int) -> IndexChange | None:
        """A new attempt of a flow began."""
        return self._change(header, attempt=number)

    def _change(self, header: RunHeader, **columns: str | float | None) -> IndexChange | None:
        """Columns of the row of a run, if it has one."""
        return IndexChange(columns=columns, labelled=bool(header.labels)) if self.has_row(header.caller) else None


def together(first: IndexChange | None, then: IndexChange | None) -> IndexChange | None:
    """Two changes of one row in one step."""
    if first is None or then is None:
        return first or then
    return first._replace(columns={**first.columns, **then.columns})


def indexed_args(hidden: Redaction, args: Any) -> str | None:
    """The arguments of a flow as the index keeps them, without what ``global.redact`` hides."""
    return args_text(hidden.masked(args))
