"""Begins flow runs: the header, the first transition and the first commit."""

from __future__ import annotations

from selinon_core.celery.execution.commit_loop import CommitExtras, CommitLoop
from selinon_core.celery.execution.commit_steps import Steps
from selinon_core.celery.execution.executor_context import ExecutorParts
from selinon_core.celery.execution.inline_selection import InlineBudget
from selinon_core.celery.stores.limits import BEGIN, LimitPlace, LimitStep
from selinon_core.celery.stores.outbox_keys import BEGIN_FLOW, DEADLINE, EXPIRE, TimerKey
from selinon_core.celery.stores.protocol import Opened, Reopening
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.message_schema import StartMessage
from selinon_core.dispatch import SelectiveRun
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import REOPENED_FORMAT, RERUN_FORMAT
from selinon_core.errors import ArgumentError
from selinon_core.runtime.trace import entries as trace_entries


class RunBeginning:
    """Begins runs of one plan in one process."""

    def __init__(self, parts: ExecutorParts) -> None:
        self._parts = parts

    def header(self, message: StartMessage, now: float) -> RunHeader:
        """The header of a run that begins."""
        parts = self._parts
        lane = message.lane
        if message.caller is None and not lane:
            lane = parts.messages.lane_of(message.flow)
        new = parts.loader.new_header(message.flow, parts.messages.queue(message.flow, lane))
        return new._replace(
            format=new.format if message.rerun is None else max(new.format, RERUN_FORMAT),
            rerun=message.rerun or {},
            lane=lane,
            caller=message.caller,
            result_locations=message.result_locations,
            trace=parts.own_trace(message.id, message.trace),
            trace_parent=message.trace,
            created=now,
            root=message.root if message.caller is not None else "",
            key=message.key,
            request=message.request,
            serial=message.serial,
        )

    def steps(
        self,
        message: StartMessage,
        now: float,
        budget: InlineBudget | None,
        stub: Opened | None = None,
        refused: str | None = None,
    ) -> Steps:
        """Begin a run.

        ``stub``: the lease of one that was queued, paused or cancelled before it began, and begins now.
        ``refused``: why its arguments do not fit; None: this is looked at here.
        """
        parts = self._parts
        header = self.header(message, now)
        there = None if stub is None else RunHeader.read(stub.header)
        if there is not None:
            header = header._replace(paused=there.paused, limit=there.limit, created=there.created)
        run = parts.loader.new(message.id, header)
        run.version = 0 if stub is None else stub.version
        transition = parts.transition(run)
        transition.trace.append((trace_entries.FLOW_STARTED,))
        selective = None if message.selective is None else SelectiveRun.from_json(message.selective)
        args = message.given
        if refused is None:
            try:
                args = parts.accept(run.flow, args)
            except ArgumentError as error:
                refused = str(error)
        started = (args, message.parent, message.failures, selective, refused, header.rerun_of)
        transition.feed(on.FlowStarted(*started))
        header = run.header  # a task that waits has raised its format
        timeout = run.flow.timeout
        if timeout is not None and not transition.ended:
            transition.timers[TimerKey(DEADLINE)] = transition.now + timeout
        seconds, problems = parts.wakeups.idle_check_after(run, transition.now)
        transition.problems += problems
        if parts.index_changes.has_row(header.caller):
            header = run.header = header._replace(labels=parts.labels(run, args))
        fields = header._replace(idle_check_after=seconds).new_fields()
        if header.limit:
            row = parts.index_changes.begun(header, transition.now)
        else:
            # The store takes the time of the step for that of a creation.
            created = transition.now if there is None else there.created
            row = parts.index_changes.created(message.id, header, args, transition.now, created)
        extras = CommitExtras(header=fields, index_change=row)
        if stub is not None and there is not None:
            reopens = None if there.has_not_begun else Reopening({}, ())
            transition.fields |= fields | {
                "reason": "",
                "format": str(max(header.format, there.format, REOPENED_FORMAT)),
            }
            extras = extras._replace(token=stub.token, header=None, reopens=reopens)
            if there.limit:
                transition.cancelled_timers += [TimerKey(BEGIN_FLOW), TimerKey(EXPIRE)]
                extras = extras._replace(limit=self._place_of(message, header))
        return (yield from CommitLoop(parts, run, transition, budget, extras).steps())

    def _place_of(self, message: StartMessage, header: RunHeader) -> LimitStep:
        limit = self._parts.plan.flows[message.flow].limit
        place = LimitPlace(header.limit, message.id, message.flow, header.queue, 0, header.created)
        return LimitStep(BEGIN, place, limit.max if limit is not None else MOST_WITHOUT)


#: How many may run under a key whose flow has no limit any more.
MOST_WITHOUT = 1_000_000
