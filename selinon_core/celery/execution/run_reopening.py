"""Lets a flow run that failed go on (``selinon retry``): what failed runs again, and nothing else of it.

A run is reopened in one commit under its lease: its log gets the event, its records are reset, its header says
``running``, and it does not expire. What ended while the run was over is not in its log. The state store knows
it, and it is taken in by the same commit. The parent of a sub-flow is reopened first; its start message then
reopens the sub-flow (``serial``), and so on down to the tasks that failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from selinon_core.celery.execution.commit_loop import CommitExtras, CommitLoop
from selinon_core.celery.execution.executor_context import ExecutorParts
from selinon_core.celery.execution.leased_execution import LeasedExecution
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.transition import Problem, Transition
from selinon_core.celery.execution.transition_report import ExecutionReport
from selinon_core.celery.execution.wait_endings import is_wait
from selinon_core.celery.stores.limits import TAKE, LimitPlace, LimitStep
from selinon_core.celery.stores.outbox_keys import DEADLINE, TimerKey
from selinon_core.celery.stores.protocol import Commit, NodeRecord, Opened, Reopening
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.message_schema import RetryMessage, StartMessage
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import REOPENED_FORMAT
from selinon_core.dispatch.rules.reopening import retried_by_default, retryable, why_not_reopened
from selinon_core.errors import MigrationError, MigrationSkew, SelinonException


class RunBusy(SelinonException):
    """Raised for a run that cannot be reopened at this moment: its message is to be handled again later."""


class Wanted(NamedTuple):
    """How a run is to be reopened: as ``RetryMessage``, or for its caller (``serial``)."""

    numbers: Sequence[int] | None = None
    by: str | None = None
    serial: int = 0


class EndedMeanwhile(NamedTuple):
    """Node runs that ended while the run was over: the events that say so, and those that failed."""

    events: dict[int, on.NodeSucceeded | on.NodeFailed]
    failed: list[NodeRun]


class RunReopening:
    """Reopens runs of one plan in one process."""

    def __init__(self, parts: ExecutorParts, leased: LeasedExecution) -> None:
        self._parts = parts
        self._leased = leased

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
            self._release(flow_id, opened)
            return
        parts.leases.track(flow_id, opened.token)
        try:
            run = parts.loader.replayed(flow_id, cached, opened, header)
            refused = self._reopened(run, header, opened, wanted)
            if refused is not None:
                self._refuse(run.flow.name, flow_id, opened, refused)
        except MigrationSkew as error:
            parts.release_newer_run(flow_id, header.flow, opened.token, str(error))
            raise RunBusy(str(error)) from error
        except MigrationError as error:
            self._refuse(header.flow, flow_id, opened, str(error))
        finally:
            parts.leases.untrack(flow_id)

    def _reopened(self, run: CachedRun, header: RunHeader, opened: Opened, wanted: Wanted) -> str | None:
        """Reopen a run whose lease is held; returns why it is refused."""
        parts, machine = self._parts, run.machine
        why = why_not_reopened(machine)
        if why is None and header.status == "cancelled" and not wanted.serial:
            why = "it was cancelled"
        migrated = parts.loader.migration_of_ended(run)
        if why is None and migrated is not None and migrated.forgotten is not None:
            why = "its flow changed without a migration"
        if why is not None:
            return why
        full = self._limit_reached(header)
        if full is not None and wanted.serial:
            self._release(run.id, opened)
            raise RunBusy(full)
        if full is not None:
            return full
        left = [node for node in machine.left_at_end if node.status == "active"]
        records = parts.store.records(run.id, [node.number for node in left])
        meanwhile = self._ended_meanwhile(run, left, records)
        may_run = {node.number: node for node in (*retryable(machine), *meanwhile.failed)}
        numbers = wanted.numbers
        if numbers is None:
            numbers = [node.number for node in (*retried_by_default(machine), *meanwhile.failed)]
        for number in numbers:
            if number not in may_run:
                return f"node run {number} did not fail, or a fallback has handled it"
            meanwhile.events.pop(number, None)
        transition = parts.transition(run)
        transition.queue(on.Reopened(numbers, wanted.by))
        if migrated is not None:
            parts.loader.migrate(run, transition, migrated)
        for event in meanwhile.events.values():
            transition.feed(event)
        transition.feed_queued()
        again = {number: may_run[number].id for number in numbers}
        waits = [node for node in left if node.number not in again and node.number not in meanwhile.events]
        for node in waits:
            if not node.is_flow and is_wait(parts.plan.tasks.get(node.name)):
                transition.wait_for(node)  # its time-out went with the end of the run
        self._finish(transition, wanted.serial)
        parts.forget_result(run.id)  # a crash from here on leaves a failed run, which the store still knows
        extras = CommitExtras(
            opened.token,
            resent=self._dropped_messages(run, header, waits, records),
            index_change=parts.index_changes.reopened(header),
            reopens=Reopening(again, [node.number for node in waits]),
            limit=self._place(run.id, header),
        )
        if not parts.steps.alone(CommitLoop(parts, run, transition, None, extras).steps()).kept:
            self._release(run.id, opened)
            raise RunBusy(f"a node run of flow run {run.id} ended at this moment")
        return None

    def _place(self, flow_id: str, header: RunHeader) -> LimitStep | None:
        """The place that a run takes again."""
        flow = self._parts.plan.flows[header.flow]
        if not header.limit or flow.limit is None:
            return None
        place = LimitPlace(header.limit, flow_id, header.flow, header.queue, 0, self._parts.now())
        return LimitStep(TAKE, place, flow.limit.max)

    def _limit_reached(self, header: RunHeader) -> str | None:
        """Why there is no place for a run that has given its own back; None: there is one, or it needs none."""
        limit = self._parts.plan.flows[header.flow].limit
        if not header.limit or limit is None:
            return None
        state = self._parts.store.limits.state(header.limit)
        if not state.waiting and len(state.holders) < limit.max:
            return None
        return (
            f'the limit is reached: {len(state.holders)} of {limit.max} run under the key "{header.limit}", and '
            f"{len(state.waiting)} wait; retry it when one has ended"
        )

    def _finish(self, transition: Transition, serial: int) -> None:
        """Set the fields and timers of a run that goes on."""
        fields, timeout = transition.fields, transition.run.flow.timeout
        fields |= {
            "status": "running",
            "reason": "",
            "format": str(max(REOPENED_FORMAT, transition.run.header.format)),
        }
        if serial:
            fields["serial"] = str(serial)
        if timeout is not None and not transition.ended:
            transition.timers[TimerKey(DEADLINE)] = transition.now + timeout

    def _ended_meanwhile(
        self, run: CachedRun, left: Sequence[NodeRun], records: dict[int, NodeRecord]
    ) -> EndedMeanwhile:
        found = EndedMeanwhile({}, [])
        for node in left:
            outcome = self._parts.loader.outcome(node.id) if node.is_flow else None
            if outcome is None and (node.number not in records or not records[node.number].done):
                continue
            if (
                outcome is not None
            ):  # also of one that was cancelled before it began: its parent does not know of it
                failed = not outcome.succeeded
            else:
                failed = node.is_flow or self._parts.store.error(node.id) is not None
            found.events[node.number] = (on.NodeFailed if failed else on.NodeSucceeded)(node.number, outcome)
            if failed:
                found.failed.append(node)
        return found

    def _dropped_messages(
        self, run: CachedRun, header: RunHeader, waits: Sequence[NodeRun], records: dict[int, NodeRecord]
    ) -> list[OutgoingMessage]:
        """New messages for node runs that did not begin, and whose messages an ended run drops."""
        parts, messages = self._parts, []
        for node in waits:
            record = records.get(node.number)
            if (node.is_flow or header.status == "cancelled") and (record is None or not record.begun_at):
                message = parts.relay.resend(run, node.number)
                messages += [] if message is None else [message]
        return messages

    def _refuse(self, flow: str, flow_id: str, opened: Opened, why: str) -> None:
        what = f"the flow run is not retried: {why}"
        self._parts.report(ExecutionReport(flow, flow_id, problems=[Problem("RETRY_REFUSED", what)]))
        self._release(flow_id, opened)

    def _release(self, flow_id: str, opened: Opened) -> None:
        """Give the lease back; the run expires when it would have."""
        self._parts.store.commit(Commit(flow_id, opened.version, self._parts.now(), token=opened.token))
