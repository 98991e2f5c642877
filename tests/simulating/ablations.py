"""Safeguards of the driver for production, each of which can be taken away: what a campaign has to find.

Where one safeguard stands in for another, both are taken away: the token and the version each keep a worker that
lost its lease from committing, and what a redelivery does not run again the search for silent workers finds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from selinon_core.celery.execution.outbox_relay import OutboxRelay
from selinon_core.celery.execution.tombstones import CANCELLED_BEFORE, Tombstones, cancelled_before
from selinon_core.celery.stores import delivery_rules as rules
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.celery.stores.memory_run import MemoryRun
from selinon_core.celery.stores.protocol import DUPLICATE, Commit, Committed
from selinon_core.celery.stores.run_header import Caller
from selinon_core.simulating.campaign import SimulationOptions

Patch = pytest.MonkeyPatch
#: More faults than by default, so that few seeds see them.
STORM = SimulationOptions(
    seeds=1000, faults={"crash": 0.02, "twice": 0.05, "late": 0.05, "lost": 0.1, "pause": 0.02}, stop_after=1
)
HANGING = STORM._replace(faults={"pause": 0.05}, shrink_budget=120)
#: Starts and cancellations overtake each other.
LATE = SimulationOptions(seeds=1000, faults={"late": 0.3, "pause": 0.1}, stop_after=1)


def _without_reason(patch: Patch, reason: str) -> None:
    known = rules._reason

    def found(run: rules.RunFacts, limits: rules.Limits) -> str | None:
        why = known(run, limits)
        return None if why == reason else why

    patch.setattr(rules, "_reason", found)


def _in_commit(patch: Patch, change: Callable[[Commit], Commit]) -> None:
    known = MemoryStore.commit

    def commit(self: MemoryStore, step: Commit) -> Committed:
        return known(self, change(step))

    patch.setattr(MemoryStore, "commit", commit)


def no_fencing_token(patch: Patch) -> None:
    """A worker that lost its lease may commit. Token and version each keep it from that, so both are gone."""
    known = rules.accepts

    def accepts(step: Commit, version: int, token: int, lease: float) -> bool:
        return step.token is not None or known(step, version, token, lease)

    patch.setattr(rules, "accepts", accepts)


def no_lease(patch: Patch) -> None:
    """Two workers may have the lease of a run, and neither version nor token is looked at."""
    known = MemoryStore._acquire_lease

    def acquire(self: MemoryStore, flow_id: str, known_version: int, lease: float, now: float) -> Any:
        run = self._runs.get(flow_id)
        return None if run is None else known(self, flow_id, run, known_version, lease, now)

    patch.setattr(MemoryStore, "acquire_lease", acquire)
    patch.setattr(rules, "accepts", lambda step, version, token, lease: True)


def no_lease_expiry(patch: Patch) -> None:
    """The lease of a dead worker is never free again."""
    known = MemoryStore._acquire_lease
    patch.setattr(
        MemoryStore,
        "_acquire_lease",
        lambda self, flow_id, run, version, lease, now: known(self, flow_id, run, version, 1e9, now),
    )


def no_done_once(patch: Patch) -> None:
    """The end of a node run counts as often as it comes."""

    def completed(record: Any, delivery: int = -1) -> Any:
        return record._replace(done=True)

    patch.setattr(rules, "completed", completed)


def no_short_cut_check(patch: Patch) -> None:
    """The short cut does not look whether anything else happened, nor at the version."""
    patch.setattr(rules, "accepts_shortcut", lambda *about: True)
    known = rules.accepts

    def accepts(step: Commit, version: int, token: int, lease: float) -> bool:
        is_short_cut = step.token is None and step.create is None
        return lease <= step.now if is_short_cut else known(step, version, token, lease)

    patch.setattr(rules, "accepts", accepts)


def no_outbox(patch: Patch) -> None:
    """Effects are performed behind the commit, and nothing says so in the commit."""
    _in_commit(patch, lambda step: step._replace(outbox=()))


def no_parent_in_outbox(patch: Patch) -> None:
    """The parent of a sub-flow is informed at once or never."""
    _in_commit(patch, lambda step: step._replace(outbox=[key for key in step.outbox if key != "p"]))


def no_result_in_outbox(patch: Patch) -> None:
    """The result of a flow run is written at once or never."""
    _in_commit(patch, lambda step: step._replace(outbox=[key for key in step.outbox if key != "r"]))


def no_outbox_sweep(patch: Patch) -> None:
    """Nothing looks after an outbox that was left behind, or a lease."""
    _without_reason(patch, "outbox")
    _without_reason(patch, "lease")


def no_timer_sweep(patch: Patch) -> None:
    """Nothing looks after timers."""
    _without_reason(patch, "timer")


def no_lost_sweep(patch: Patch) -> None:
    """Nothing looks after node runs whose worker is silent."""
    _without_reason(patch, "lost")


def no_silent_sweep(patch: Patch) -> None:
    """Nothing looks after messages that did not arrive."""
    _without_reason(patch, "silent")


def no_inbox_sweep(patch: Patch) -> None:
    """Nothing looks after events that wait in an inbox, or a lease, or a run that is silent."""
    for reason in ("inbox", "lease", "silent"):
        _without_reason(patch, reason)


def no_redelivery(patch: Patch) -> None:
    """What the broker delivers again counts as a copy, and nothing looks after silent workers."""
    known = rules.claim
    patch.setattr(rules, "claim", lambda record, delivery, again, now: known(record, delivery, False, now))
    _without_reason(patch, "lost")


def no_orphans(patch: Patch) -> None:
    """A node run that ran inline in a dead worker is left to itself, and nothing looks after silent workers."""
    patch.setattr(MemoryRun, "leave_inlined", lambda self, carrier, now: False)
    _without_reason(patch, "lost")


def no_claim(patch: Patch) -> None:
    """Every copy of a message runs its task, and each end counts."""

    def claim(record: Any, delivery: int, redelivered: bool, now: float) -> rules.Claim:
        return rules.Claim("run", record._replace(delivery=delivery, begun_at=now, deliveries=1), False)

    patch.setattr(rules, "claim", claim)
    patch.setattr(rules, "claim_of_done", lambda left_behind: DUPLICATE)
    no_done_once(patch)


def no_serial(patch: Patch) -> None:
    """The number of a delivery is not looked at: an old copy of a message counts as the one that is awaited."""
    claim, retried, completed = rules.claim, rules.retried, rules.completed

    def claimed(record: Any, delivery: int, redelivered: bool, now: float) -> rules.Claim:
        return claim(record._replace(begun_at=0.0), record.delivery, redelivered, now)

    patch.setattr(rules, "claim", claimed)
    patch.setattr(rules, "retried", lambda record, delivery, counted: retried(record, record.delivery, counted))
    patch.setattr(rules, "completed", lambda record, delivery=-1: completed(record))


def no_parent_told(patch: Patch) -> None:
    """The end of a sub-flow that the sweep finds is not passed on."""
    known = OutboxRelay.deliver_end

    def deliver(self: OutboxRelay, caller: Any, outcome: Any) -> None:
        if self._store._stage.sweeps == 0:  # type: ignore[attr-defined]
            known(self, caller, outcome)

    patch.setattr(OutboxRelay, "deliver_end", deliver)


def no_tombstone(patch: Patch) -> None:
    """A run that is cancelled before it began leaves nothing that keeps a late start from beginning it."""

    def create(self: Tombstones, flow_id: str, *about: Any) -> bool:
        self._write_result(flow_id, cancelled_before(CANCELLED_BEFORE))
        return True

    patch.setattr(Tombstones, "create", create)


def no_tombstone_of_subflow(patch: Patch) -> None:
    """The same of a sub-flow, which its parent cancels: a start that was claimed before that begins it."""
    known = Tombstones.create

    def create(self: Tombstones, flow_id: str, flow: str, caller: Caller | None = None, *about: Any) -> bool:
        return caller is not None or known(self, flow_id, flow, caller, *about)

    patch.setattr(Tombstones, "create", create)


def no_second_look(patch: Patch) -> None:
    """A run that begins while it is cancelled as one that did not begin is not cancelled."""
    known = Tombstones.create

    def create(self: Tombstones, *about: Any) -> bool:
        known(self, *about)
        return True

    patch.setattr(Tombstones, "create", create)


#: What only the cancellation of a run shows.
AFTER_CANCELLING = frozenset({no_tombstone, no_tombstone_of_subflow, no_second_look})
#: What only a worker that hangs shows: the others go on without it, and it comes back.
AFTER_HANGING = frozenset({no_fencing_token, no_lease, no_short_cut_check, no_done_once, no_claim})
ABLATIONS = (
    no_fencing_token,
    no_lease,
    no_lease_expiry,
    no_done_once,
    no_short_cut_check,
    no_outbox,
    no_parent_in_outbox,
    no_result_in_outbox,
    no_outbox_sweep,
    no_timer_sweep,
    no_lost_sweep,
    no_silent_sweep,
    no_inbox_sweep,
    no_redelivery,
    no_orphans,
    no_claim,
    no_serial,
    no_parent_told,
    no_tombstone,
    no_tombstone_of_subflow,
    no_second_look,
)
