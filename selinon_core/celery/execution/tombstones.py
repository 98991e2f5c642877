"""Tombstones: runs that are cancelled before they begin, so that a late start message cannot begin them.

A tombstone is created in one commit, which is refused where the run exists. Its outbox says that its result is not
written yet, and its caller not notified: a worker that dies before it has done that leaves it to the sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from selinon_core.celery.execution.index_changes import IndexChanges
from selinon_core.celery.execution.log_codec import encode_end
from selinon_core.celery.execution.retention import Retention
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.outbox_keys import NOTIFY_PARENT, WRITE_RESULT
from selinon_core.celery.stores.protocol import Commit, Opened
from selinon_core.celery.stores.run_header import Caller, RunHeader
from selinon_core.celery.transport.message_builder import MessageBuilder
from selinon_core.dispatch import FlowOutcome

CANCELLED_BEFORE = "the flow run was cancelled before it began"


class Tombstones:
    """``write_result(id, outcome)`` is that of the relay, ``tell(caller, outcome, lane)`` its ``deliver_end``."""

    def __init__(
        self,
        store: Store,
        messages: MessageBuilder,
        settings: AdapterSettings,
        now: Callable[[], float],
        index: IndexChanges,
        retention: Retention,
        write_result: Callable[[str, FlowOutcome], None],
        tell: Callable[[Caller, FlowOutcome, str], None],
    ) -> None:
        self._store = store
        self._messages = messages
        self._settings = settings
        self._now = now
        self._index = index
        self._retention = retention
        self._write_result = write_result
        self._tell = tell

    def create(
        self, flow_id: str, flow: str, caller: Caller | None = None, root: str = "", reason: str | None = None
    ) -> bool:
        """Cancel a run that does not exist; False: it does.

        With a ``reason`` a worker does not begin the run, and its caller is notified. Without one the caller
        itself, or a user, cancels it.
        """
        outbox = ends_of(None if reason is None else caller)
        reason = CANCELLED_BEFORE if reason is None else reason
        header = RunHeader(flow, self._messages.queue(flow), "cancelled", reason, caller=caller)
        now = self._now()
        committed = self._store.commit(
            Commit(
                flow_id,
                0,
                now,
                create=header.new_fields(),
                batch=encode_end(now, "cancelled"),
                outbox=outbox,
                fields={"status": "cancelled", "reason": reason},
                keep=True,
                lease=self._settings.selinon_lease,
                ttl=self._retention.of_end(flow, caller is not None, "cancelled"),
                index_change=self._index.cancelled_before_it_began(flow_id, flow, reason, now, caller, root),
            )
        )
        if committed.ok and committed.token is not None:
            self._perform(flow_id, header, 1, committed.token, outbox)
        return committed.ok

    def finish(self, flow_id: str, header: RunHeader, opened: Opened) -> None:
        """Perform what the worker that created a tombstone left behind; the lease is released."""
        self._perform(flow_id, header, opened.version, opened.token, opened.outbox)

    def forget(self, flow_id: str, opened: Opened) -> None:
        """The run begins after all: its end is not reported any more. The lease is kept."""
        step = Commit(flow_id, opened.version, self._now(), token=opened.token, done=opened.outbox, keep=True)
        self._store.commit(step._replace(lease=self._settings.selinon_lease))

    def _perform(self, flow_id: str, header: RunHeader, version: int, token: int, outbox: Sequence[str]) -> None:
        if NOTIFY_PARENT in outbox and header.caller is not None:
            self._tell(header.caller, cancelled_before(header.reason), header.lane)
        if WRITE_RESULT in outbox:
            self._write_result(flow_id, cancelled_before(header.reason))
        self._store.commit(Commit(flow_id, version, self._now(), token=token, done=outbox))


def ends_of(caller: Caller | None) -> Sequence[str]:
    """The outbox of a run that ends before it begins."""
    return (WRITE_RESULT,) if caller is None else (NOTIFY_PARENT, WRITE_RESULT)


def cancelled_before(reason: str) -> FlowOutcome:
    """The outcome of a run that was cancelled before it began."""
    return FlowOutcome(False, {}, {}, [], {}, reason, cancelled=True)
