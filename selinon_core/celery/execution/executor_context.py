"""The parts that flow executor, leased execution and commit loop share in a process; ``services`` builds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from selinon_core.celery.execution.commit_steps import StepRunner
from selinon_core.celery.execution.inbox_codec import Resumed, read_entry
from selinon_core.celery.execution.index_changes import IndexChanges
from selinon_core.celery.execution.inline_selection import InlineSelector
from selinon_core.celery.execution.lease_renewer import LeaseRenewer
from selinon_core.celery.execution.outbox_relay import OutboxRelay
from selinon_core.celery.execution.retention import Retention
from selinon_core.celery.execution.run_cache import CachedRun, RunCache
from selinon_core.celery.execution.run_loader import RunLoader
from selinon_core.celery.execution.transition import Problem, QuestionHandler, Transition
from selinon_core.celery.execution.transition_report import ExecutionReport
from selinon_core.celery.execution.wakeup_policy import WakeupPolicy
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.limits import END, LimitPlace, LimitStep
from selinon_core.celery.stores.protocol import StoredResult
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.surroundings import Surroundings
from selinon_core.celery.transport.message_builder import MessageBuilder
from selinon_core.dispatch import FlowOutcome
from selinon_core.dispatch import events as on
from selinon_core.plan import FlowPlan, Plan

#: Seconds until a run that is for another worker may be tried by the next one.
RELEASE_PAUSE = 1.0


class Silent(Protocol):
    """A tracer, as far as the executor has to do with it."""

    @property
    def silent(self) -> bool:
        """Whether it has no sink."""
        ...


class ExecutorParts(NamedTuple):
    """The parts, wired.

    ``serves(queue)`` says whether this worker consumes a queue, ``report`` is called with what was committed,
    while ``tracer`` is silent no report is wanted of a step in which nothing ended and nothing went wrong,
    ``own_trace(flow_id, parent)`` makes the traceparent of a new run (empty where spans are not wanted),
    ``result_in_commit(flow_id, outcome)`` is the result that the store writes itself (None: the relay writes it),
    ``forget_result(flow_id)`` removes the result of a run that goes on from the result backend,
    ``accept(flow, args)`` gives the arguments of a new run their defaults, or raises ``ArgumentError``;
    ``labels(run, args)`` are those of a run that begins, ``limit_key(run, args)`` is the key of its limit, or
    raises ``ArgumentError``.
    """

    plan: Plan
    settings: AdapterSettings
    surroundings: Surroundings
    store: Store
    cache: RunCache
    loader: RunLoader
    leases: LeaseRenewer
    wakeups: WakeupPolicy
    questions: QuestionHandler
    messages: MessageBuilder
    relay: OutboxRelay
    steps: StepRunner
    inline: InlineSelector
    serves: Callable[[str], bool]
    report: Callable[[ExecutionReport], None]
    tracer: Silent
    own_trace: Callable[[str, str], str]
    result_in_commit: Callable[[str, FlowOutcome], StoredResult | None]
    forget_result: Callable[[str], None]
    accept: Callable[[FlowPlan, Any], Any]
    index_changes: IndexChanges
    labels: Callable[[CachedRun, Any], dict[str, str]]
    retention: Retention
    limit_key: Callable[[CachedRun, Any], str]

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.surroundings.now()

    def transition(self, run: CachedRun) -> Transition:
        """A new transition of a run, as of now."""
        return Transition(self.plan, run, self.surroundings.now(), self.questions)

    def wake_granted(self, granted: Sequence[LimitPlace]) -> None:
        """Runs were granted the places that they waited for: have them begin. The sweep would, a little later."""
        if granted:
            self.relay.send_safely(
                [self.messages.wake(each.name, each.run, each.queue, limited=True) for each in granted]
            )

    def wake_paused(self, flow_id: str, flow: str, entries: Sequence[str]) -> None:
        """The lease of a run that is paused was released: have it advanced if a new entry ends the pause."""
        if any(isinstance(read_entry(entry).event, on.FlowCancelled | Resumed) for entry in entries):
            self.relay.send_safely([self.messages.wake(flow, flow_id)])

    def release_newer_run(self, flow_id: str, flow: str, token: int, why: str) -> None:
        """Give back the lease of a run that is for newer workers; the sweep wakes one a little later."""
        self.report(ExecutionReport(flow, flow_id, problems=[Problem("MIGRATION_SKEW", why)]))
        self.leases.untrack(flow_id)
        self.store.renew_lease(flow_id, token, self.now() + RELEASE_PAUSE)


def ends_limit(flow_id: str, header: RunHeader) -> LimitStep | None:
    """What the end of a run does about its place; None: it has none, and waits for none."""
    if not header.limit:
        return None
    return LimitStep(END, LimitPlace(header.limit, flow_id, header.flow, header.queue))
