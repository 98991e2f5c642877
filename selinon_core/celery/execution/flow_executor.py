"""Advancing flow runs: events for the machine, a commit of what it decided, then the relay of the outbox.

The order is always: decide (in memory), commit (one atomic step of the store, which holds the events and the
keys of what is to be done), carry out, clear. A crash anywhere leaves either nothing or something the sweep finds.

Two ways lead to a commit. Usually the run's lease is taken first, together with everything that waits in its
inbox. When nothing but the end of one node run can happen next, the *short cut* decides on the remembered state
and commits without a lease; the store refuses it if anything else happened after all, and then the long way is
taken.

*Running ahead*: of the tasks that become ready, one may be run right here instead of being published. The message
that is being handled (the anchor) stays unacknowledged meanwhile, and the store knows what depends on it: when it
comes again, what was run ahead is published (key ``o<number>``).

Before anything else is decided for a run whose flow is another one than this worker's, the run is brought to it
(``selinon_core.migrations.versions``), in the same commit as what follows. A run that is newer than this
worker's files is let go of at once; the sweep wakes somebody else.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.execution.lease_renewer import LeaseRenewer
from selinon_core.celery.execution.outbox_relay import OutboxRelay
from selinon_core.celery.execution.run_cache import CachedRun, RunCache, encode_batch
from selinon_core.celery.execution.run_loader import InboxEntry, RunLoader, read_entry
from selinon_core.celery.execution.transition import QuestionHandler, Transition
from selinon_core.celery.execution.wakeup_policy import WakeupPolicy
from selinon_core.celery.reporting.opentelemetry import Spans
from selinon_core.celery.reporting.run_tracer import RunTracer
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.protocol import (
    DUPLICATE,
    ENDED,
    FOREVER,
    GONE,
    LEASED,
    NEEDS_ADVANCE,
    STALE,
    Commit,
    Delivered,
    Opened,
)
from selinon_core.celery.transport.message_builder import MessageBuilder
from selinon_core.celery.transport.message_schema import NodeMessage, StartMessage
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.dispatch import SelectiveRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import encode_event
from selinon_core.errors import MigrationError, MigrationSkew
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.trace import entries as trace_entries

_log = logging.getLogger("selinon")
_loads = json.JSONDecoder().raw_decode

#: Seconds until a run that is for another worker may be tried by the next one.
RELEASE_PAUSE = 1.0


class InlineBudget:
    """How much may be run ahead of one message: ``anchor`` is its node run number (0: the start of the flow)."""

    __slots__ = ("carrier", "left", "until")

    def __init__(self, anchor: int, settings: AdapterSettings) -> None:
        self.carrier = anchor
        self.left = settings.selinon_inline_count
        self.until = time.monotonic() + settings.selinon_inline_seconds

    def allows(self) -> bool:
        """Whether one more may be run."""
        return self.left > 0 and time.monotonic() < self.until


class InlineTask(NamedTuple):
    """A task to be run here and now."""

    message: NodeMessage
    task_id: str


class FlowExecutor:
    """Advances flow runs of one plan in one process; safe under threads."""

    def __init__(
        self,
        plan: Plan,
        flows: FlowVersions,
        imports: Imports,
        store: Store,
        relay: OutboxRelay,
        messages: MessageBuilder,
        settings: AdapterSettings,
        tracer: RunTracer,
        serves: Callable[[str], bool],
        answer: Callable[[CachedRun, do.Question], on.Event],
        clock: Callable[[], float] = time.time,
        spans: Spans | None = None,
    ) -> None:
        self._clock = clock
        self._spans = Spans(plan) if spans is None else spans
        self._plan = plan
        self._loader = RunLoader(plan, flows, store)
        self._wakeups = WakeupPolicy(imports, settings, tracer)
        self._store = store
        self._relay = relay
        self._messages = messages
        self._settings = settings
        self._tracer = tracer
        self._serves = serves
        self._cache = RunCache(settings.selinon_run_cache_size)
        self._leases = LeaseRenewer(store, settings.selinon_lease, clock)
        self._questions = QuestionHandler(self._answered(answer), settings.selinon_max_deferrals)
        #: Results of tasks without storage, while the event that carried them is taken.
        self.results: dict[str, Any] = {}

    def _answered(
        self, answer: Callable[[CachedRun, do.Question], on.Event]
    ) -> Callable[[CachedRun, do.Question], on.Event]:
        def watched(run: CachedRun, question: do.Question) -> on.Event:
            self._leases.start()
            return answer(run, question)

        return watched

    # -- what can happen --------------------------------------------------------------------------------------

    def start(self, message: StartMessage, redelivered: bool, budget: InlineBudget | None) -> InlineTask | None:
        """Begin a flow run; a run that exists already is looked after instead."""
        now = self._clock()
        if message.caller is not None:
            parent_id, number, _ = message.caller
            begun = self._store.claim_delivery(parent_id, number, message.delivery, redelivered, now)
            if begun.kind in (GONE, ENDED, DUPLICATE, STALE):
                return None
            message = message.with_payload(begun.payload)
        flow = self._plan.flows[message.flow]
        header = {"flow": flow.name, "queue": self._messages.queue(flow.name), "status": "running"}
        header |= self._loader.fields_of_new(flow.name)
        if message.caller is not None:
            header["caller"] = json.dumps(message.caller)
        if message.result_locations:
            header["result_locations"] = json.dumps(message.result_locations)
        if self._spans.enabled:
            header["trace"] = message.trace or self._spans.root(message.id)
        run = self._loader.new(message.id, header)
        run.created = now
        selective = None if message.selective is None else SelectiveRun.from_json(message.selective)
        step = Transition(self._plan, run, now, self._questions)
        step.trace.append((trace_entries.FLOW_STARTED,))
        step.feed(on.FlowStarted(message.args, message.parent, message.failures, selective))
        if flow.timeout is not None and not step.ended:
            step.timers["deadline"] = now + flow.timeout
        header["idle_check_after"] = self._wakeups.idle_check_after(run, now)
        kept, ahead = self._commit_and_relay(run, step, None, budget, create=header)
        if message.caller is not None:
            self._store.heartbeat(message.caller[0], (message.caller[1],), FOREVER)
        if kept:
            self._advance_parents()
            return ahead
        self._store.claim_delivery(
            message.id, 0, 0, True, now
        )  # what was run ahead of the first copy is left behind
        self.process_due_work(message.id)
        return None

    def complete(
        self,
        message: NodeMessage,
        event: on.Event,
        budget: InlineBudget,
        *,
        serial: int = -1,
        result: Any = None,
        with_result: bool = False,
        error: tuple[str, str] | None = None,
        inline: bool = False,
    ) -> InlineTask | None:
        """A task run ended: keep that, and advance its flow if this worker does such things."""
        number = message.number
        serves = self._serves(self._messages.queue(message.flow))
        run = self._cache.take(message.id) if serves else None
        if run is not None and error is None and not with_result and run.is_last_open_node(number):
            step = Transition(self._plan, run, self._clock(), self._questions)
            step.feed(event)
            kept, ahead = self._commit_and_relay(run, step, None, budget, completes=number, inline=inline)
            if kept:
                self._advance_parents()
                return ahead
            run = None  # it was advanced on a state that was not the newest
        entry = encode_event(event)
        if with_result:
            entry = f"[{entry},{json.dumps(result)}]"
        flow = self._plan.flows[message.flow]
        delivered = self._store.append_event(
            message.id,
            number,
            entry,
            self._clock(),
            delivery=serial,
            urgent=isinstance(event, on.NodeFailed) and message.task in flow.eager_failures,
            known=0 if run is None else run.version,
            lease=self._settings.selinon_lease if serves else 0.0,
            error=error,
            ttl=self._settings.selinon_state_ttl,
        )
        return self._appended(message, run, delivered, budget, inline)

    def complete_together(self, messages: Sequence[NodeMessage], budget: InlineBudget | None) -> InlineTask | None:
        """Node runs of one flow run ended well: as ``complete`` for each, in one step of the store."""
        message = messages[0]
        if len(messages) == 1 and budget is not None:
            return self.complete(message, on.NodeSucceeded(message.number), budget)
        serves = self._serves(self._messages.queue(message.flow))
        run = self._cache.take(message.id) if serves else None
        delivered = self._store.append_successes(
            message.id,
            {each.number: encode_event(on.NodeSucceeded(each.number)) for each in messages},
            self._clock(),
            known=0 if run is None else run.version,
            lease=self._settings.selinon_lease if serves else 0.0,
        )
        return self._appended(message, run, delivered, budget, False)

    def _appended(
        self,
        message: NodeMessage,
        run: CachedRun | None,
        delivered: Delivered,
        budget: InlineBudget | None,
        inline: bool,
    ) -> InlineTask | None:
        if delivered.kind == LEASED:
            assert delivered.opened is not None
            ahead = self._advance_leased(message.id, run, delivered.opened, budget, inline)
            self._advance_parents()
            return ahead
        if run is not None:
            self._cache.put(run)
        if delivered.kind == NEEDS_ADVANCE:
            queue = self._messages.queue(message.flow)
            self._relay.send_safely([self._messages.wake(message.flow, message.id, queue)])
        return None

    def cancel(self, flow_id: str, flow: str) -> None:
        """Cancel a flow run; one that was not begun will not begin any more."""
        event = encode_event(on.FlowCancelled())
        lease = self._settings.selinon_lease
        delivered = self._store.append_event(flow_id, 0, event, self._clock(), urgent=True, lease=lease)
        if delivered.opened is not None:
            self._advance_leased(flow_id, self._cache.take(flow_id), delivered.opened, None, False)
            self._advance_parents()
        elif delivered.kind == GONE:
            self._relay.create_cancelled(flow_id, flow)

    def process_due_work(self, flow_id: str) -> None:
        """Do whatever is due for a run; nothing when somebody else is at it."""
        run = self._cache.take(flow_id)
        known = 0 if run is None else run.version
        opened = self._store.acquire_lease(flow_id, known, self._settings.selinon_lease, self._clock())
        if opened is not None:
            self._advance_leased(flow_id, run, opened, None, False)
            self._advance_parents()
        elif run is not None:
            self._cache.put(run)

    # -- advancing --------------------------------------------------------------------------------------------

    def _advance_leased(
        self,
        flow_id: str,
        run: CachedRun | None,
        opened: Opened,
        budget: InlineBudget | None,
        inline: bool,
    ) -> InlineTask | None:
        """Advance a run whose lease was taken."""
        if "initial_definition" not in opened.header:  # buried before it was begun
            self._store.commit(Commit(flow_id, opened.version, self._clock(), token=opened.token))
            return None
        self._leases.track(flow_id, opened.token)
        try:
            run = self._loader.replayed(flow_id, run, opened)
            migrated = self._loader.migration(run, opened)
            return self._advance(run, opened, migrated, budget, inline)
        except MigrationSkew as error:
            self._release_newer_run(flow_id, opened.header["flow"], opened.token, str(error))
        except MigrationError as error:
            self._fail_unreplayable(flow_id, opened, str(error))
        finally:
            self._leases.untrack(flow_id)
        return None

    def _advance_parents(self) -> None:
        """Advance the parents of the sub-flows that ended here."""
        while True:
            parent = self._relay.next_parent()
            if parent is None:
                return
            self._advance_leased(parent.flow_id, self._cache.take(parent.flow_id), parent.opened, None, False)

    def _release_newer_run(self, flow_id: str, flow: str, token: int, why: str) -> None:
        self._tracer.warn("MIGRATION_SKEW", why, flow_name=flow, dispatcher_id=flow_id)
        self._leases.untrack(flow_id)
        self._store.renew_lease(flow_id, token, self._clock() + RELEASE_PAUSE)

    def _fail_unreplayable(self, flow_id: str, opened: Opened, reason: str) -> None:
        """Fail a run whose log cannot be folded any more; who waits for it is told first, lest it never is."""
        self._relay.fail_unreplayable(flow_id, opened.header, reason)
        fields = {"status": "failure", "reason": reason}
        step = Commit(
            flow_id,
            opened.version,
            self._clock(),
            token=opened.token,
            batch=encode_batch(self._clock(), [json.dumps(["!", reason])]),
            fields=fields,
            clear_timers=True,
            ttl=self._settings.selinon_state_ttl,
        )
        self._store.commit(step)

    def _advance(
        self,
        run: CachedRun,
        opened: Opened,
        migrated: on.Migrated | None,
        budget: InlineBudget | None,
        inline: bool,
    ) -> InlineTask | None:
        now = self._clock()
        # Before anything is decided: a run with an event that is not known here is for newer workers.
        entries = [read_entry(entry) for entry in opened.entries]
        step = Transition(self._plan, run, now, self._questions)
        if migrated is not None:
            self._loader.migrate(run, step, migrated)
        idle_for = now - float(opened.header.get("updated") or now)
        for node in self._loader.nodes_without_definition(run, opened, idle_for):
            step.problems.append(f"{node.name} is gone from the files before it began: it counts as failed")
            step.feed(on.NodeFailed(node.number))
        messages: dict[str, OutgoingMessage] = {}
        for name in opened.due:
            self._timer(run, step, name, messages)
        if budget is None:  # somebody was sent to look after the run
            resent = self._relay.stalled_messages(run)
            if idle_for >= self._settings.selinon_resend_after:
                resent += self._relay.undelivered(run)
            messages |= {f"again {number}": letter for number, letter in enumerate(resent)}
        for entry in entries:
            self._apply_inbox_entry(step, entry)
        _, ahead = self._commit_and_relay(
            run,
            step,
            opened.token,
            budget,
            consumed=len(opened.entries),
            leftover=(*opened.outbox, *messages),
            messages=messages,
            inline=inline,
        )
        return ahead

    def _timer(self, run: CachedRun, step: Transition, name: str, messages: dict[str, OutgoingMessage]) -> None:
        step.cancelled_timers.append(name)
        if name == "retry":
            step.feed(on.RetryDue())
        elif name == "deadline":
            step.feed(on.DeadlinePassed())
        elif name[0] == "q":
            step.ask_again(int(name[1:]))
        elif name[0] in "ns":
            letter = self._relay.resend(run, int(name[1:]))
            if letter is not None:
                messages[f"timer {name}"] = letter

    def _apply_inbox_entry(self, step: Transition, entry: InboxEntry) -> None:
        """Feed an entry of the inbox: an event, or an event with the result of a task without storage."""
        event, results = entry
        if results and isinstance(event, on.NodeSucceeded):
            task_id = step.run.machine.make_id(event.number)
            self.results[task_id] = results[0]
            step.feed(event)
            del self.results[task_id]
        else:
            if isinstance(event, on.FlowCancelled) and not step.ended:
                step.trace.append((trace_entries.FLOW_CANCELLED,))
            step.feed(event)

    def _commit_and_relay(
        self,
        run: CachedRun,
        step: Transition,
        token: int | None,
        budget: InlineBudget | None,
        *,
        create: Mapping[str, str] | None = None,
        completes: int = 0,
        consumed: int = 0,
        leftover: Sequence[str] = (),
        messages: dict[str, OutgoingMessage] | None = None,
        inline: bool = False,
    ) -> tuple[bool, InlineTask | None]:
        """Commit and carry out, until nothing is left. False when the first commit was refused."""
        settings = self._settings
        ahead: InlineTask | None = None
        done: list[str] = []
        first = True
        messages = messages or {}
        while True:
            ahead_key = None
            anchor = budget.carrier if inline and first and budget is not None else None
            if ahead is None and budget is not None:
                chosen = self._choose_inline(step, budget)
                if chosen is not None:
                    ahead_key, ahead = chosen
                    anchor = budget.carrier
            payloads: dict[int, str] = {}
            for key, launch in step.start_effects.items():
                letter, payload = self._messages.of_start(run, launch)
                messages[key] = letter
                if payload is not None:
                    payloads[launch.run.number] = payload
            outbox = [key for key in step.outbox if key != ahead_key] if ahead_key else step.outbox
            now = step.now
            committed = self._store.commit(
                Commit(
                    run.id,
                    run.version,
                    now,
                    token=token,
                    create=create if first else None,
                    completes=completes if first else 0,
                    batch=encode_batch(now, step.events) if step.events else None,
                    consumed=consumed,
                    outbox=outbox,
                    done=done,
                    carrier=anchor,
                    inlined=ahead.message.number if ahead_key is not None and ahead is not None else 0,
                    payloads=payloads,
                    timers=step.timers,
                    cancelled_timers=step.cancelled_timers,
                    clear_timers=step.ended and bool(step.events),
                    throttled=step.throttled,
                    fields=self._fields(run, step),
                    keep=bool(outbox or leftover or step.throttled),
                    lease=settings.selinon_lease,
                    ttl=settings.selinon_state_ttl,
                )
            )
            if not committed.ok:
                self._leases.untrack(run.id)
                return not first, None if ahead_key is not None else ahead
            if step.events:
                run.version += 1
            self._trace(run, step, committed.delays)
            if "r" in step.outbox and run.machine.outcome is not None:
                reason = run.machine.outcome.reason
                self._spans.flow(run.trace, run.flow.name, run.id, run.created, step.now, reason)
            token = committed.token
            if token is None:
                break
            self._leases.track(run.id, token)
            to_do = [*leftover, *outbox]
            to_do.extend(
                key for (key, _, _), delay in zip(step.throttled, committed.delays, strict=True) if delay <= 0
            )
            done = self._relay.perform(run, token, to_do, messages)
            messages, leftover, first = {}, (), False
            try:
                entries = [read_entry(entry) for entry in committed.entries]
            except MigrationSkew as error:
                self._release_newer_run(run.id, run.flow.name, token, str(error))
                return True, ahead
            step = Transition(self._plan, run, self._clock(), self._questions)
            for entry in entries:
                self._apply_inbox_entry(step, entry)
            consumed = len(committed.entries)
        self._leases.untrack(run.id)
        self._cache.put(run)
        return True, ahead

    def _choose_inline(self, step: Transition, budget: InlineBudget) -> tuple[str, InlineTask] | None:
        """A task to be run here instead of being published."""
        if not step.outbox or step.ended or not budget.allows():
            return None
        for key in step.outbox:
            launch = step.start_effects.get(key)
            if not isinstance(launch, do.StartTask):
                continue
            node = launch.run
            if self._plan.tasks[node.name].timeout is not None or not self._serves(
                self._messages.queue(node.name)
            ):
                continue
            letter, payload = self._messages.of_start(step.run, launch)
            budget.left -= 1
            kwargs = letter.kwargs
            message = NodeMessage(
                step.run.flow.name,
                step.run.id,
                node.number,
                node.name,
                node.args,
                launch.parent,
                node.failures or {},
                kwargs.get("result_locations") or {},
                0,
                False,
                step.run.trace,
            )
            return key, InlineTask(message.with_payload(payload), node.id)
        return None

    def _fields(self, run: CachedRun, step: Transition) -> dict[str, str]:
        fields = dict(step.fields)
        machine = run.machine
        if not step.events:
            return fields
        if machine.ended:
            outcome = machine.outcome
            if outcome is not None and "r" in step.outbox:
                status = "success" if outcome.succeeded else "cancelled" if outcome.cancelled else "failure"
                fields |= {"status": status, "reason": outcome.reason or ""}
            return fields
        return fields | self._wakeups.fields(run, step.now)

    def _trace(self, run: CachedRun, step: Transition, delays: Sequence[float]) -> None:
        for what in step.problems:
            self._tracer.warn("DISPATCHER_FAILURE", what, flow_name=run.flow.name, dispatcher_id=run.id)
        if self._tracer.silent:
            return
        record = self._tracer.flow(run)
        put_off = {key: delay for (key, _, _), delay in zip(step.throttled, delays, strict=True)}
        for entry in step.trace:
            self._tracer.emit_entry(entry[0], record, *entry[1:])
        for key, launch in step.start_effects.items():
            from selinon_core.runtime.trace.run_records import NodeRecord

            node = NodeRecord(launch.run, record, launch.parent)
            self._tracer.emit_entry(trace_entries.SCHEDULED, node, put_off.get(key, 0.0))
