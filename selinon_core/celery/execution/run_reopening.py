"""Lets a flow run that failed go on (``selinon retry``): what failed runs again, and nothing else of it.

A run is reopened in one commit under its lease (``reopening_step``). One whose flow has a limit needs its place
again, and is queued where there is none (``queued_retries``). The parent of a sub-flow is reopened first; its
start message then reopens the sub-flow (``serial``), and so on down to the tasks that failed.
"""

from __future__ import annotations

from collections.abc import Mapping

from selinon_core.celery.execution.executor_context import ExecutorParts
from selinon_core.celery.execution.leased_execution import LeasedExecution
from selinon_core.celery.execution.queued_retries import QueuedRetries
from selinon_core.celery.execution.reopening_step import RunBusy, Wanted
from selinon_core.celery.stores.protocol import Opened
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.message_schema import RetryMessage, StartMessage
from selinon_core.errors import MigrationError, MigrationSkew


class RunReopening:
    """Reopens runs of one plan in one process."""

    def __init__(self, parts: ExecutorParts, leased: LeasedExecution, retries: QueuedRetries) -> None:
        self._parts = parts
        self._leased = leased
        self._retries = retries

    def retry(self, message: RetryMessage) -> None:
        """Let a failed run go on; nothing happens when it has gone on already. Raises ``RunBusy``."""
        self._reopen(message.id, Wanted(message.numbers, message.by), message.version)

    def retry_subflow(self, message: StartMessage, header: RunHeader) -> None:
        """The caller of a sub-flow that failed waits for it again: reopen it, or let it say its end once more."""
        parts = self._parts
        if header.status in ("failure", "cancelled") and header.serial < message.serial:
            self._reopen(message.id, Wanted(serial=message.serial))
        outcome = parts.loader.outcome(message.id)
        if outcome is not None and header.caller is not None:
            parts.relay.deliver_end(header.caller, outcome, header.lane)

    def cancelled_before_it_began(self, flow_id: str, fields: Mapping[str, str]) -> Opened | None:
        """The lease of a sub-flow that its parent's time-out cancelled before it began; None for others."""
        if RunHeader.read(fields).initial_definition is not None:
            return None
        opened = self._parts.store.acquire_lease(flow_id, 0, self._parts.settings.selinon_lease, self._parts.now())
        if opened is None:
            raise RunBusy(f"another worker holds the lease of flow run {flow_id}")
        if RunHeader.read(opened.header).initial_definition is None:
            if opened.outbox:
                self._parts.relay.tombstones.forget(flow_id, opened)
            return opened
        self._leased.advance(flow_id, None, opened)  # another worker has begun it
        return None

    def _reopen(self, flow_id: str, wanted: Wanted, version: int | None = None) -> None:
        parts = self._parts
        cached = parts.cache.take(flow_id)
        known = 0 if cached is None else cached.version
        opened = parts.store.acquire_lease(flow_id, known, parts.settings.selinon_lease, parts.now())
        if opened is None:
            fields = parts.store.header(flow_id)
            if fields is not None and fields["status"] != "running":
                raise RunBusy(f"another worker holds the lease of flow run {flow_id}")
            return
        header = RunHeader.read(opened.header)
        if header.status == "running" or opened.outbox or opened.entries:
            self._leased.advance(flow_id, cached, opened)
            if header.status != "running":
                raise RunBusy(f"flow run {flow_id} has ended, and its end is being reported")
            return
        if version is not None and opened.version != version:
            self._retries.release(flow_id, opened)
            return
        parts.leases.track(flow_id, opened.token)
        try:
            run = parts.loader.replayed(flow_id, cached, opened, header)
            self._retries.reopen(run, header, opened, wanted)
        except MigrationSkew as error:
            parts.release_newer_run(flow_id, header.flow, opened.token, str(error))
            raise RunBusy(str(error)) from error
        except MigrationError as error:
            self._retries.refuse(header.flow, flow_id, opened, str(error))
        finally:
            parts.leases.untrack(flow_id)
