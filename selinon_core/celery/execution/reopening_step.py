"""The step that lets a flow run go on which failed; its lease is held.

Its log gets the event, its records are reset, its header says ``running``, and it does not expire. What ended
while the run was over, or while it waited for its place, is not in its log. The state store knows it, and it is
taken in by the same commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from selinon_core.celery.execution.commit_loop import CommitExtras, CommitLoop
from selinon_core.celery.execution.executor_context import ExecutorParts
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.transition import Transition
from selinon_core.celery.execution.wait_endings import is_wait
from selinon_core.celery.stores.limits import LimitStep
from selinon_core.celery.stores.outbox_keys import BEGIN_FLOW, DEADLINE, TimerKey
from selinon_core.celery.stores.protocol import NodeRecord, Opened, Reopening
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import REOPENED_FORMAT
from selinon_core.dispatch.rules.reopening import retried_by_default, retryable, why_not_reopened
from selinon_core.errors import SelinonException


class RunBusy(SelinonException):
    """Raised for a run that cannot be reopened at this moment: its message is to be handled again later."""


class Wanted(NamedTuple):
    """How a run is to be reopened: as ``RetryMessage``, or for its caller (``serial``)."""

    numbers: Sequence[int] | None = None
    by: str | None = None
    serial: int = 0

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Wanted:
        """From fields that were read from JSON; those that are not known are ignored."""
        return cls(**{name: value for name, value in data.items() if name in cls._fields})  # type: ignore[arg-type]


class EndedMeanwhile(NamedTuple):
    """Node runs that ended while the run was over: the events that say so, and those that failed."""

    events: dict[int, on.NodeSucceeded | on.NodeFailed]
    failed: list[NodeRun]


class Awaited(NamedTuple):
    """What the step does about the node runs of a run."""

    #: The node runs that run again: their numbers, and their ids by number.
    numbers: Sequence[int]
    again: Mapping[int, str]
    #: The ends of others that ended meanwhile.
    events: Mapping[int, on.NodeSucceeded | on.NodeFailed]
    #: Those that have not ended, and are waited for again; what the store knows of them.
    waits: Sequence[NodeRun]
    records: Mapping[int, NodeRecord]
    migrated: on.Migrated | None


class Place(NamedTuple):
    """Of a run that needs a place of a limit, and has it: the status of its end, and what the step does."""

    status: str
    step: LimitStep
    #: How many entries of the inbox leave it: the state store knows what they say.
    consumed: int = 0


class ReopeningStep:
    """Makes that step for runs of one plan."""

    def __init__(self, parts: ExecutorParts) -> None:
        self._parts = parts

    def awaited(self, run: CachedRun, status: str, wanted: Wanted) -> Awaited | str:
        """What the step does, or why the run is not retried; ``status`` is that of the run's end.

        Raises as ``RunLoader.migration_of_ended``.
        """
        parts, machine = self._parts, run.machine
        why = why_not_reopened(machine)
        if why is None and status == "cancelled" and not wanted.serial:
            why = "it was cancelled"
        migrated = parts.loader.migration_of_ended(run)
        if why is None and migrated is not None and migrated.forgotten is not None:
            why = "its flow changed without a migration"
        if why is not None:
            return why
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
        again = {number: may_run[number].id for number in numbers}
        waits = [node for node in left if node.number not in again and node.number not in meanwhile.events]
        return Awaited(numbers, again, meanwhile.events, waits, records, migrated)

    def take(
        self,
        run: CachedRun,
        opened: Opened,
        wanted: Wanted,
        awaited: Awaited,
        place: Place | None = None,
        changed: Mapping[str, str] | None = None,
    ) -> bool:
        """Let the run go on; False: a node run ended at this moment, and the lease is still held.

        ``changed`` are fields of the header that change beside.
        """
        parts = self._parts
        header = RunHeader.read(opened.header)
        transition = parts.transition(run)
        transition.fields |= changed or {}
        transition.queue(on.Reopened(awaited.numbers, wanted.by))
        if awaited.migrated is not None:
            parts.loader.migrate(run, transition, awaited.migrated)
        for event in awaited.events.values():
            transition.feed(event)
        transition.feed_queued()
        for node in awaited.waits:
            if not node.is_flow and is_wait(parts.plan.tasks.get(node.name)):
                transition.wait_for(node)  # its time-out went with the end of the run
        self._finish(transition, wanted.serial, header)
        parts.forget_result(run.id)  # a crash from here on leaves a failed run, which the store still knows
        status = header.status if place is None else place.status
        resends = status == "cancelled" or header.paused > 0
        extras = CommitExtras(
            opened.token,
            consumed=0 if place is None else place.consumed,
            resent=self._dropped_messages(run, resends, awaited),
            index_change=parts.index_changes.reopened(header),
            reopens=Reopening(awaited.again, [node.number for node in awaited.waits]),
            limit=None if place is None else place.step,
        )
        return parts.steps.alone(CommitLoop(parts, run, transition, None, extras).steps()).kept

    def _finish(self, transition: Transition, serial: int, header: RunHeader) -> None:
        """Set the fields and timers of a run that goes on."""
        fields, timeout = transition.fields, transition.run.flow.timeout
        fields |= {
            "status": "running",
            "reason": "",
            "format": str(max(REOPENED_FORMAT, transition.run.header.format)),
        }
        if serial:
            fields["serial"] = str(serial)
        if header.retry:
            fields["retry"] = ""
            transition.cancelled_timers.append(TimerKey(BEGIN_FLOW))
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

    def _dropped_messages(self, run: CachedRun, resends: bool, awaited: Awaited) -> list[OutgoingMessage]:
        """New messages for node runs that did not begin, and whose messages an ended run drops.

        ``resends``: it has dropped those of tasks, too, since it was cancelled or paused.
        """
        parts, messages = self._parts, []
        for node in awaited.waits:
            record = awaited.records.get(node.number)
            if (node.is_flow or resends) and (record is None or not record.begun_at):
                message = parts.relay.resend(run, node.number)
                messages += [] if message is None else [message]
        return messages
