"""Runs that need a place of a limit before they begin (``stores/limits.py``).

The first commit of such a run asks for its place. A run that gets none is *queued*: the store keeps its header
without a log, and its start message. The step that gives a place back grants it to a run that waits, and makes
that due. The worker that looks at the run then begins it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from selinon_core.celery.execution.commit_steps import Advanced
from selinon_core.celery.execution.executor_context import ExecutorParts
from selinon_core.celery.execution.held_starts import AT_ONCE, HeldStarts
from selinon_core.celery.execution.run_beginning import RunBeginning
from selinon_core.celery.execution.transition_report import ExecutionReport, TracedEvent
from selinon_core.celery.stores.items import HELD
from selinon_core.celery.stores.limits import (
    ASK,
    END,
    TAKE,
    LimitPlace,
    LimitState,
    LimitStep,
    hold_key,
    is_hold,
)
from selinon_core.celery.stores.outbox_keys import BEGIN_FLOW, EXPIRE
from selinon_core.celery.stores.protocol import Commit, Committed, Opened, Reopening
from selinon_core.celery.stores.run_header import Caller, RunHeader
from selinon_core.celery.transport.message_schema import StartMessage
from selinon_core.celery.transport.publisher import waiting_priority
from selinon_core.dispatch.codec import LIMITED_FORMAT
from selinon_core.errors import ArgumentError

#: The number under which the start message of a queued run is among its payloads.
START_PAYLOAD = 0


class RunQueueing:
    """Asks for places of runs of one plan, and begins the runs that have one."""

    def __init__(self, parts: ExecutorParts, beginning: RunBeginning) -> None:
        self._parts = parts
        self._beginning = beginning
        self._held = HeldStarts(parts.store, parts.now)

    def begins_now(self, message: StartMessage, now: float) -> bool:
        """Whether a start counts, and starts of its flow are not paused; those of sub-flows never are."""
        return not message.has_expired(now) and not self._is_held(message)

    def put_off(self, message: StartMessage) -> bool:
        """Cancel a start that has expired, queue one that is paused; False: it is neither, or there is a run."""
        if message.has_expired(self._parts.now()):
            return self._expire(message)
        return self._is_held(message) and self._hold(message)

    def _is_held(self, message: StartMessage) -> bool:
        return message.caller is None and self._held.is_held(message.flow)

    def _hold(self, message: StartMessage) -> bool:
        """Queue the run of a start whose flow starts nothing new; False: there is a run."""
        parts, now = self._parts, self._parts.now()
        if parts.store.header(message.id) is not None:
            self._go_on(message.flow)  # it came again: its first receiver may have died before it did that
            return False
        run = parts.loader.new(message.id, self._beginning.header(message, now))
        args, key = message.given, hold_key(message.flow)
        labels = {}
        try:
            args = parts.accept(run.flow, args)
            labels = parts.labels(run, args)
        except ArgumentError:
            pass  # the run fails when it begins
        header = run.header._replace(
            initial_definition=None, limit=key, labels=labels, format=max(run.header.format, LIMITED_FORMAT)
        )
        place = LimitPlace(key, message.id, message.flow, header.queue, self._priority(header.lane), now)
        committed = self._first_commit(message, header, args, LimitStep(ASK, place, 0), None, now)
        if committed.ok:
            details = {"key": key, "max": 0, "when_full": "queue"}
            parts.report(ExecutionReport(message.flow, message.id, events=(TracedEvent("RUN_QUEUED", details),)))
            self._go_on(message.flow)
        return committed.ok

    def _go_on(self, flow: str) -> None:
        """Let queued starts of a flow begin if the pause has ended meanwhile: this process knows that late."""
        parts = self._parts
        if parts.store.items.get(HELD, flow) is None:
            parts.wake_granted(parts.store.limits.allow(hold_key(flow), AT_ONCE, parts.now()))

    def is_limited(self, flow: str) -> bool:
        """Whether runs of a flow need a place."""
        found = self._parts.plan.flows.get(flow)
        return found is not None and found.limit is not None

    def _priority(self, lane: str) -> int:
        return waiting_priority(self._parts.plan.settings.lanes, lane)

    def ask(self, message: StartMessage, stub: Opened | None = None) -> Advanced | None:
        """Ask for the place of a run that does not exist, or of which there is a ``stub`` whose lease is held.

        The run begins, is queued, or ends because its limit is reached. None: another worker was faster.
        """
        parts, now = self._parts, self._parts.now()
        run = parts.loader.new(message.id, self._beginning.header(message, now))
        try:
            args = parts.accept(run.flow, message.given)
            key = parts.limit_key(run, args)
        except ArgumentError as error:
            return parts.steps.alone(self._beginning.steps(message, now, None, stub, str(error)))
        if self._is_held_above(message.caller, key):
            return parts.steps.alone(self._beginning.steps(message, now, None, stub))
        limit = parts.plan.flows[message.flow].limit
        assert limit is not None
        header = run.header._replace(
            initial_definition=None,
            limit=key,
            labels=parts.labels(run, args) if parts.index_changes.has_row(message.caller) else {},
            format=max(run.header.format, LIMITED_FORMAT),
        )
        place = LimitPlace(key, message.id, message.flow, header.queue, self._priority(header.lane), now)
        action = TAKE if limit.when_full == "skip" and stub is None else ASK
        committed = self._first_commit(message, header, args, LimitStep(action, place, limit.max), stub, now)
        parts.wake_granted(committed.granted)
        if not committed.ok:
            skipped = action == TAKE and self._skip(message, place, limit.max)
            return Advanced(True) if skipped else None
        if committed.token is not None:
            fields = {**header.new_fields(), "created": repr(now)}
            version = 0 if stub is None else stub.version
            return self.begin(message, Opened(committed.token, version, 0, (), committed.entries, fields, (), ()))
        details = {"key": key, "max": limit.max, "when_full": limit.when_full}
        parts.report(ExecutionReport(message.flow, message.id, events=(TracedEvent("RUN_QUEUED", details),)))
        if limit.when_full == "skip":
            parts.relay.send_safely([parts.messages.wake(message.flow, message.id, header.queue, cancel=True)])
        self.make_room(message.id, header)
        return Advanced(True)

    def _first_commit(
        self,
        message: StartMessage,
        header: RunHeader,
        args: Any,
        limit: LimitStep,
        stub: Opened | None,
        now: float,
    ) -> Committed:
        parts = self._parts
        step = Commit(
            message.id,
            0,
            now,
            create=header.new_fields(),
            payloads={START_PAYLOAD: encode_start(message)},
            keep=True,
            timers={EXPIRE: message.expires} if message.expires else None,
            lease=parts.settings.selinon_lease,
            index_change=parts.index_changes.queued(message.id, header, now, args),
            limit=limit,
        )
        if stub is not None:
            there = RunHeader.read(stub.header)
            header = header._replace(paused=there.paused, format=max(header.format, there.format))
            step = step._replace(
                version=stub.version,
                create=None,
                fields=header.new_fields() | {"reason": ""},
                token=stub.token,
                index_change=parts.index_changes.requeued(header),
                reopens=None if there.has_not_begun else Reopening({}, ()),
            )
        return parts.store.commit(step)

    def _is_held_above(self, caller: Caller | None, key: str) -> bool:
        """Whether a run above has a place under that key: what is below it needs no other one."""
        while caller is not None:
            fields = self._parts.store.header(caller.flow_id)
            if fields is None:
                return False
            header = RunHeader.read(fields)
            if header.limit == key:
                return True
            caller = header.caller
        return False

    def _skip(self, message: StartMessage, place: LimitPlace, most: int) -> bool:
        """The limit is reached, and the flow is not to wait: cancel the run; False: there is one."""
        reason = f'the limit is reached: {most} {"run has" if most == 1 else "runs have"} the key "{place.key}"'
        details = {"key": place.key, "max": most, "for": None}
        return self._end(message, reason, TracedEvent("LIMIT_CANCEL", details))

    def _expire(self, message: StartMessage) -> bool:
        """Cancel the run of a start that has expired; False: there is a run, which may have begun in time."""
        return self._end(message, message.expiry, _expired(message))

    def _end(self, message: StartMessage, reason: str, event: TracedEvent) -> bool:
        """Cancel a run before it begins; False: there is one, and nothing is reported."""
        parts = self._parts
        is_new = parts.relay.tombstones.create(message.id, message.flow, message.caller, message.root, reason)
        if is_new:
            parts.report(ExecutionReport(message.flow, message.id, events=(event,)))
        return is_new

    def begin(self, message: StartMessage, opened: Opened) -> Advanced:
        """Begin a run that has its place, and whose lease is held."""
        return self._parts.steps.alone(self._beginning.steps(message, self._parts.now(), None, opened))

    def expired(self, flow_id: str) -> str | None:
        """Why the start of a queued run does not count any more; None: it does."""
        text = self._parts.store.payload(flow_id, START_PAYLOAD)
        message = None if text is None else decode_start(text)
        if message is None or not message.has_expired(self._parts.now()):
            return None
        self._parts.report(ExecutionReport(message.flow, message.id, events=(_expired(message),)))
        return message.expiry

    def begin_queued(self, flow_id: str, header: RunHeader, opened: Opened) -> bool:
        """Begin a queued run whose lease is held, if it has its place; False: it has none."""
        parts = self._parts
        if header.limit and not parts.store.limits.holds(header.limit, flow_id):
            return False
        text = parts.store.payload(flow_id, START_PAYLOAD)
        if text is None:
            return False
        if not header.limit or is_hold(header.limit):
            self._begin_held(decode_start(text), header, opened)
        else:
            self.begin(decode_start(text), opened)
        return True

    def _begin_held(self, message: StartMessage, header: RunHeader, opened: Opened) -> None:
        """Begin a run whose start was held, or have it ask for the place that it needs."""
        parts, now = self._parts, self._parts.now()
        if header.limit:  # given back first: a step is about one place
            place = LimitPlace(header.limit, message.id, message.flow, header.queue)
            step = Commit(message.id, opened.version, now, token=opened.token, keep=True, fields={"limit": ""})
            step = step._replace(
                lease=parts.settings.selinon_lease,
                cancelled_timers=[BEGIN_FLOW, EXPIRE],
                limit=LimitStep(END, place),
            )
            committed = parts.store.commit(step)
            parts.wake_granted(committed.granted)
            if not committed.ok or committed.token is None:
                return
            fields = {**opened.header, "limit": ""}
            opened = opened._replace(token=committed.token, entries=committed.entries, header=fields)
        if self.is_limited(message.flow):
            self.ask(message, opened)
        else:
            self.begin(message, opened)

    def make_room(self, flow_id: str, header: RunHeader) -> None:
        """For a queued run of a flow with ``cancel_running``: cancel the runs that it takes the place of.

        Those are the runs that were asked for before it, but the newest of them for which there is a place beside
        this one. So it does not matter how often this is done.
        """
        parts = self._parts
        flow = parts.plan.flows.get(header.flow)
        if is_hold(header.limit) or flow is None or flow.limit is None or flow.limit.when_full != "cancel_running":
            return
        for place in older_than_allowed(parts.store.limits.state(header.limit), flow_id, flow.limit.max):
            event = TracedEvent("LIMIT_CANCEL", {"key": place.key, "max": flow.limit.max, "for": flow_id})
            parts.report(ExecutionReport(place.name, place.run, events=(event,)))
            parts.relay.send_safely([parts.messages.wake(place.name, place.run, place.queue, cancel=True)])


def older_than_allowed(state: LimitState, run: str, most: int) -> list[LimitPlace]:
    """The places of the runs that ``run`` takes the place of, the oldest first."""
    places = sorted((*state.holders, *state.waiting), key=lambda place: (place.at, place.run))
    own = next((number for number, place in enumerate(places) if place.run == run), 0)
    return places[: max(own - (most - 1), 0)]


def _expired(message: StartMessage) -> TracedEvent:
    return TracedEvent("START_EXPIRED", {"expires": message.expires})


def encode_start(message: StartMessage) -> str:
    """A start message as JSON text."""
    return json.dumps(message._asdict(), separators=(",", ":"))


def decode_start(text: str) -> StartMessage:
    """The inverse of ``encode_start``; fields that are not known are ignored."""
    data: Mapping[str, Any] = json.loads(text)
    known = {name: value for name, value in data.items() if name in StartMessage._fields}
    caller = data.get("caller")
    return StartMessage(**{**known, "caller": None if caller is None else Caller(*caller)})
