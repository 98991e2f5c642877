"""Pauses flow runs (``selinon pause``, ``selinon resume``).

The header of a run has a number, which each pause and each resumption makes larger by one: odd while the run is
paused. A request names the number that it makes, so it counts once, whenever and however often its message
arrives.

A pause is one step of the store that needs no lease: from then on the store lets no message begin, and keeps ends
in the inbox. The runs of sub-flows are paused too, and get the number of their parent (``subflow_pausing``). An
entry of the inbox (``Pausing``) says that before, so the sweep has it done when the worker dies meanwhile and the
message is lost with it.

That a run is to go on is an entry of its inbox (``Resumed``). The step that takes it in also decides on what
waited there, and puts into the outbox what follows: node runs whose messages may have been dropped are started
again, and sub-flows go on.
"""

from __future__ import annotations

from selinon_core.celery.execution.commit_steps import Advanced
from selinon_core.celery.execution.executor_context import ExecutorParts
from selinon_core.celery.execution.inbox_codec import InboxEntry, Pausing, encode_entry
from selinon_core.celery.execution.leased_execution import LeasedExecution
from selinon_core.celery.execution.reopening_step import RunBusy
from selinon_core.celery.execution.subflow_pausing import PausedRun, SubflowPausing
from selinon_core.celery.execution.transition_report import ExecutionReport, TracedEvent
from selinon_core.celery.stores.protocol import LEASE_HELD, Opened
from selinon_core.celery.stores.run_header import RunHeader, awaits_start
from selinon_core.celery.transport.message_schema import PauseMessage
from selinon_core.plan.started import nodes_of


class RunPausing:
    """Pauses runs of one plan in one process, and begins those that were paused before."""

    def __init__(self, parts: ExecutorParts, leased: LeasedExecution) -> None:
        self._parts = parts
        self._leased = leased
        self._below = SubflowPausing(parts)

    def pause(self, message: PauseMessage) -> None:
        """Pause a run and all below it; nothing happens when it was resumed since, or has ended."""
        parts = self._parts
        is_taken = self._note_below(message)
        found, is_new = self._below.pause(PausedRun(message.id, message.flow), message.number)
        if is_taken:
            self._note_below(message)
        if is_new:
            event = TracedEvent("RUN_PAUSED", {"by": message.by})
            parts.report(ExecutionReport(message.flow, message.id, events=(event,)))
        self._below.pause_below(message.id, message.number, found)

    def _note_below(self, message: PauseMessage) -> bool:
        """Put into the inbox that the runs of sub-flows are to be paused: the worker may die before it did that.

        Returns whether another worker holds the lease: it takes the entry out if the run is not paused yet.
        """
        parts = self._parts
        flow = parts.plan.flows.get(message.flow)
        if flow is not None and not any(parts.plan.is_flow(name) for name in nodes_of(flow)):
            return False
        fields = parts.store.header(message.id)
        header = None if fields is None else RunHeader.read(fields)
        if header is None or header.initial_definition is None or header.paused > message.number:
            return False
        if header.awaits_retry:  # it has ended, and waits for its place: nothing below it goes on
            return False
        entry = encode_entry(InboxEntry(Pausing(message.number)))
        return parts.store.append_event(message.id, 0, entry, parts.now()).kind == LEASE_HELD

    def begin_held(self, flow_id: str) -> Opened | None:
        """The lease of a run that was paused before it began, and begins now; None for others."""
        parts = self._parts
        fields = parts.store.header(flow_id)
        if fields is None or not awaits_start(fields):
            return None
        opened = parts.store.acquire_lease(flow_id, 0, parts.settings.selinon_lease, parts.now())
        if opened is None:
            raise RunBusy(f"another worker holds the lease of flow run {flow_id}")
        if RunHeader.read(opened.header).has_not_begun:
            return opened
        self._leased.advance(flow_id, None, opened)  # another worker has begun it
        return None

    def begun(self, flow_id: str, advanced: Advanced) -> None:
        """After the first commit of such a run; raises ``RunBusy`` when it was refused."""
        if not advanced.kept:
            raise RunBusy(f"flow run {flow_id} was paused or resumed at this moment")
