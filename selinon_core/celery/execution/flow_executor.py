"""The advancer: turns what happened into events for the machine, commits, and carries out what was decided.

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

from selinon_core.celery.execution.lease_renewer import LeaseKeeper
from selinon_core.celery.execution.outbox_relay import Courier
from selinon_core.celery.execution.run_cache import CachedRun, RunCache, batch_text
from selinon_core.celery.execution.run_loader import Opener, event_in
from selinon_core.celery.execution.transition import Asker, Step
from selinon_core.celery.execution.wakeup_policy import Quiet
from selinon_core.celery.reporting.opentelemetry import Spans
from selinon_core.celery.reporting.run_tracer import Teller
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.protocol import DUPLICATE, FOREVER, GONE, LEASED, STALE, WAKE, Commit, Opened
from selinon_core.celery.transport.message_builder import LetterWriter
from selinon_core.celery.transport.message_schema import NodeMessage, StartMessage
from selinon_core.celery.transport.publisher import Letter
from selinon_core.dispatch import SelectiveRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event, encode_event
from selinon_core.errors import MigrationError, MigrationSkew
from selinon_core.migrations.versions import CurrentFlows
from selinon_core.plan import Plan
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.trace import entries as trace_entries

_log = logging.getLogger("selinon")
_loads = json.JSONDecoder().raw_decode

#: Seconds until a run that is for another worker may be tried by the next one.
SKEW_PAUSE = 1.0


class Budget:
    """How much may be run ahead of one message: ``anchor`` is its node run number (0: the start of the flow)."""

    __slots__ = ("anchor", "left", "until")

    def __init__(self, anchor: int, settings: AdapterSettings) -> None:
        self.anchor = anchor
        self.left = settings.selinon_run_ahead_count
        self.until = time.monotonic() + settings.selinon_run_ahead_seconds

    def allows(self) -> bool:
        """Whether one more may be run."""
        return self.left > 0 and time.monotonic() < self.until


class Ahead(NamedTuple):
    """A task to be run here and now."""

    message: NodeMessage
    task_id: str


class Advancer:
    """Advances flow runs of one plan in one process; safe under threads."""

    def __init__(
        self,
        plan: Plan,
        flows: CurrentFlows,
        imports: Imports,
        store: Store,
        courier: Courier,
        writer: LetterWriter,
        settings: AdapterSettings,
        teller: Teller,
        serves: Callable[[str], bool],
        answer: Callable[[CachedRun, do.Question], on.Event],
        clock: Callable[[], float] = time.time,
        spans: Spans | None = None,
    ) -> None:
        self._clock = clock
        self._spans = Spans(plan) if spans is None else spans
        self._plan = plan
        self._opener = Opener(plan, flows, store)
        self._quiet = Quiet(imports, settings, teller)
        self._store = store
        self._courier = courier
        self._writer = writer
        self._settings = settings
        self._teller = teller
        self._serves = serves
        self._cache = RunCache(settings.selinon_remembered_runs)
        self._keeper = LeaseKeeper(store, settings.selinon_lease, clock)
        self._asker = Asker(self._answered(answer), settings.selinon_max_deferrals)
        #: Results of tasks without storage, while the event that carried them is taken.
        self.results: dict[str, Any] = {}

    def _answered(
        self, answer: Callable[[CachedRun, do.Question], on.Event]
    ) -> Callable[[CachedRun, do.Question], on.Event]:
        def watched(run: CachedRun, question: do.Question) -> on.Event:
            self._keeper.watch()
            return answer(run, question)

        return watched

    # -- what can happen --------------------------------------------------------------------------------------

    def start(self, message: StartMessage, again: bool, budget: Budget | None) -> Ahead | None:
        """Begin a flow run; a run that exists already is looked after instead."""
        now = self._clock()
        if message.up is not None:
            parent_id, number, _ = message.up
            begun = self._store.begin(parent_id, number, message.serial, again, now)
            if begun.kind in (GONE, DUPLICATE, STALE):
                return None
            message = message.with_payload(begun.payload)
        flow = self._plan.flows[message.flow]
        header = {"flow": flow.name, "queue": self._writer.queue(flow.name), "status": "running"}
        header |= self._opener.fields_of_new(flow.name)
        if message.up is not None:
            header["up"] = json.dumps(message.up)
        if message.origins:
            header["origins"] = json.dumps(message.origins)
        if self._spans.enabled:
            header["trace"] = message.trace or self._spans.root(message.id)
        run = self._opener.new(message.id, header)
        run.created = now
        selective = None if message.selective is None else SelectiveRun.from_json(message.selective)
        step = Step(self._plan, run, now, self._asker)
        step.told.append((trace_entries.FLOW_STARTED,))
        step.feed(on.FlowStarted(message.args, message.parent, message.failures, selective))
        if flow.timeout is not None and not step.ended:
            step.timers["deadline"] = now + flow.timeout
        header["silence"] = self._quiet.silence(run, now)
        kept, ahead = self._settle(run, step, None, budget, create=header)
        if message.up is not None:
            self._store.touch(message.up[0], (message.up[1],), FOREVER)
        if kept:
            self._follow_up()
            return ahead
        self._store.begin(message.id, 0, 0, True, now)  # what was run ahead of the first copy is left behind
        self.look_after(message.id)
        return None

    def completed(
        self,
        message: NodeMessage,
        event: on.Event,
        budget: Budget,
        *,
        serial: int = -1,
        result: Any = None,
        with_result: bool = False,
        error: tuple[str, str] | None = None,
        running_ahead: bool = False,
    ) -> Ahead | None:
        """A task run ended: keep that, and advance its flow if this worker does such things."""
        number = message.number
        queue = self._writer.queue(message.flow)
        serves = self._serves(queue)
        run = self._cache.take(message.id) if serves else None
        if run is not None and error is None and not with_result and run.is_alone(number):
            step = Step(self._plan, run, self._clock(), self._asker)
            step.feed(event)
            kept, ahead = self._settle(run, step, None, budget, completes=number, running_ahead=running_ahead)
            if kept:
                self._follow_up()
                return ahead
            run = None  # it was advanced on a state that was not the newest
        entry = encode_event(event)
        if with_result:
            entry = f"[{entry},{json.dumps(result)}]"
        flow = self._plan.flows[message.flow]
        delivered = self._store.deliver(
            message.id,
            number,
            entry,
            self._clock(),
            serial=serial,
            urgent=isinstance(event, on.NodeFailed) and message.task in flow.eager_failures,
            known=0 if run is None else run.version,
            lease=self._settings.selinon_lease if serves else 0.0,
            error=error,
            ttl=self._settings.selinon_state_ttl,
        )
        if delivered.kind == LEASED:
            assert delivered.opened is not None
            ahead = self._work(message.id, run, delivered.opened, budget, running_ahead)
            self._follow_up()
            return ahead
        if run is not None:
            self._cache.put(run)
        if delivered.kind == WAKE:
            self._courier.send_safely([self._writer.wake(message.flow, message.id, queue)])
        return None

    def cancel(self, flow_id: str, flow: str) -> None:
        """Cancel a flow run; one that was not begun will not begin any more."""
        event = encode_event(on.FlowCancelled())
        lease = self._settings.selinon_lease
        delivered = self._store.deliver(flow_id, 0, event, self._clock(), urgent=True, lease=lease)
        if delivered.opened is not None:
            self._work(flow_id, self._cache.take(flow_id), delivered.opened, None, False)
            self._follow_up()
        elif delivered.kind == GONE:
            self._courier.bury(flow_id, flow)

    def look_after(self, flow_id: str) -> None:
        """Do whatever is due for a run; nothing when somebody else is at it."""
        run = self._cache.take(flow_id)
        known = 0 if run is None else run.version
        opened = self._store.open(flow_id, known, self._settings.selinon_lease, self._clock())
        if opened is not None:
            self._work(flow_id, run, opened, None, False)
            self._follow_up()
        elif run is not None:
            self._cache.put(run)

    # -- advancing --------------------------------------------------------------------------------------------

    def _work(
        self,
        flow_id: str,
        run: CachedRun | None,
        opened: Opened,
        budget: Budget | None,
        running_ahead: bool,
    ) -> Ahead | None:
        """Advance a run whose lease was taken."""
        if "began" not in opened.header:  # buried before it was begun
            self._store.commit(Commit(flow_id, opened.version, self._clock(), token=opened.token))
            return None
        self._keeper.hold(flow_id, opened.token)
        try:
            run = self._opener.caught_up(flow_id, run, opened)
            migrated = self._opener.migration(run, opened)
            return self._advance(run, opened, migrated, budget, running_ahead)
        except MigrationSkew as error:
            self._leave_to_others(flow_id, opened, str(error))
        except MigrationError as error:
            self._fail_unread(flow_id, opened, str(error))
        finally:
            self._keeper.drop(flow_id)
        return None

    def _follow_up(self) -> None:
        """Advance the parents of the sub-flows that ended here."""
        while True:
            parent = self._courier.next_parent()
            if parent is None:
                return
            self._work(parent.flow_id, self._cache.take(parent.flow_id), parent.opened, None, False)

    def _leave_to_others(self, flow_id: str, opened: Opened, why: str) -> None:
        name = opened.header["flow"]
        self._teller.issue("MIGRATION_SKEW", why, flow_name=name, dispatcher_id=flow_id)
        self._keeper.drop(flow_id)
        self._store.renew(flow_id, opened.token, self._clock() + SKEW_PAUSE)

    def _fail_unread(self, flow_id: str, opened: Opened, reason: str) -> None:
        """Fail a run whose log cannot be folded any more; who waits for it is told first, lest it never is."""
        self._courier.fail_unread(flow_id, opened.header, reason)
        fields = {"status": "failure", "reason": reason}
        step = Commit(
            flow_id,
            opened.version,
            self._clock(),
            token=opened.token,
            batch=batch_text(self._clock(), [json.dumps(["!", reason])]),
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
        budget: Budget | None,
        running_ahead: bool,
    ) -> Ahead | None:
        now = self._clock()
        step = Step(self._plan, run, now, self._asker)
        if migrated is not None:
            self._opener.migrate(run, step, migrated)
        silent = now - float(opened.header.get("updated") or now)
        for node in self._opener.given_up(run, opened, silent):
            step.wrong.append(f"{node.name} is gone from the files before it began: it counts as failed")
            step.feed(on.NodeFailed(node.number))
        letters: dict[str, Letter] = {}
        for name in opened.due:
            self._timer(run, step, name, letters)
        if budget is None:  # somebody was sent to look after the run
            again = self._courier.stale(run)
            if silent >= self._settings.selinon_republish_after:
                again += self._courier.lost(run)
            letters |= {f"again {number}": letter for number, letter in enumerate(again)}
        for entry in opened.entries:
            self._take(step, entry)
        _, ahead = self._settle(
            run,
            step,
            opened.token,
            budget,
            consumed=len(opened.entries),
            left=(*opened.outbox, *letters),
            letters=letters,
            running_ahead=running_ahead,
        )
        return ahead

    def _timer(self, run: CachedRun, step: Step, name: str, letters: dict[str, Letter]) -> None:
        step.no_timers.append(name)
        if name == "retry":
            step.feed(on.RetryDue())
        elif name == "deadline":
            step.feed(on.DeadlinePassed())
        elif name[0] == "q":
            step.ask_again(int(name[1:]))
        elif name[0] in "ns":
            letter = self._courier.again(run, int(name[1:]))
            if letter is not None:
                letters[f"timer {name}"] = letter

    def _take(self, step: Step, entry: str) -> None:
        """Feed an entry of the inbox: an event, or an event with the result of a task without storage."""
        parts, results = event_in(entry)
        event = decode_event(parts)
        if results:
            task_id = step.run.machine.make_id(parts[1])
            self.results[task_id] = results[0]
            step.feed(event)
            del self.results[task_id]
        else:
            if isinstance(event, on.FlowCancelled) and not step.ended:
                step.told.append((trace_entries.FLOW_CANCELLED,))
            step.feed(event)

    def _settle(
        self,
        run: CachedRun,
        step: Step,
        token: int | None,
        budget: Budget | None,
        *,
        create: Mapping[str, str] | None = None,
        completes: int = 0,
        consumed: int = 0,
        left: Sequence[str] = (),
        letters: dict[str, Letter] | None = None,
        running_ahead: bool = False,
    ) -> tuple[bool, Ahead | None]:
        """Commit and carry out, until nothing is left. False when the first commit was refused."""
        settings = self._settings
        ahead: Ahead | None = None
        done: list[str] = []
        first = True
        letters = letters or {}
        while True:
            ahead_key = None
            anchor = budget.anchor if running_ahead and first and budget is not None else None
            if ahead is None and budget is not None:
                chosen = self._choose(step, budget)
                if chosen is not None:
                    ahead_key, ahead = chosen
                    anchor = budget.anchor
            payloads: dict[int, str] = {}
            for key, launch in step.launches.items():
                letter, payload = self._writer.of_launch(run, launch)
                letters[key] = letter
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
                    batch=batch_text(now, step.events) if step.events else None,
                    consumed=consumed,
                    outbox=outbox,
                    done=done,
                    anchor=anchor,
                    ahead=ahead.message.number if ahead_key is not None and ahead is not None else 0,
                    payloads=payloads,
                    timers=step.timers,
                    no_timers=step.no_timers,
                    clear_timers=step.ended and bool(step.events),
                    throttled=step.throttled,
                    fields=self._fields(run, step),
                    keep=bool(outbox or left or step.throttled),
                    lease=settings.selinon_lease,
                    ttl=settings.selinon_state_ttl,
                )
            )
            if not committed.ok:
                self._keeper.drop(run.id)
                return not first, None if ahead_key is not None else ahead
            if step.events:
                run.version += 1
            self._tell(run, step, committed.delays)
            if "r" in step.outbox and run.machine.outcome is not None:
                reason = run.machine.outcome.reason
                self._spans.flow(run.trace, run.flow.name, run.id, run.created, step.now, reason)
            token = committed.token
            if token is None:
                break
            self._keeper.hold(run.id, token)
            to_do = [*left, *outbox]
            to_do.extend(
                key for (key, _, _), delay in zip(step.throttled, committed.delays, strict=True) if delay <= 0
            )
            done = self._courier.perform(run, token, to_do, letters)
            letters, left, first = {}, (), False
            step = Step(self._plan, run, self._clock(), self._asker)
            for entry in committed.entries:
                self._take(step, entry)
            consumed = len(committed.entries)
        self._keeper.drop(run.id)
        self._cache.put(run)
        return True, ahead

    def _choose(self, step: Step, budget: Budget) -> tuple[str, Ahead] | None:
        """A task to be run here instead of being published."""
        if not step.outbox or step.ended or not budget.allows():
            return None
        for key in step.outbox:
            launch = step.launches.get(key)
            if not isinstance(launch, do.StartTask):
                continue
            node = launch.run
            if self._plan.tasks[node.name].timeout is not None or not self._serves(self._writer.queue(node.name)):
                continue
            letter, payload = self._writer.of_launch(step.run, launch)
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
                kwargs.get("origins") or {},
                0,
                False,
                step.run.trace,
            )
            return key, Ahead(message.with_payload(payload), node.id)
        return None

    def _fields(self, run: CachedRun, step: Step) -> dict[str, str]:
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
        return fields | self._quiet.fields(run, step.now)

    def _tell(self, run: CachedRun, step: Step, delays: Sequence[float]) -> None:
        for what in step.wrong:
            self._teller.issue("DISPATCHER_FAILURE", what, flow_name=run.flow.name, dispatcher_id=run.id)
        if self._teller.silent:
            return
        record = self._teller.flow(run)
        put_off = {key: delay for (key, _, _), delay in zip(step.throttled, delays, strict=True)}
        for entry in step.told:
            self._teller.entry(entry[0], record, *entry[1:])
        for key, launch in step.launches.items():
            from selinon_core.runtime.trace.run_records import NodeRecord

            node = NodeRecord(launch.run, record, launch.parent)
            self._teller.entry(trace_entries.SCHEDULED, node, put_off.get(key, 0.0))
