"""When a delivery may be claimed, and which end of a node run counts: pure functions that every store follows.

The memory and the SQL store call them. The scripts of the Redis store state the same rules in Lua; a property test
compares the two. Times are seconds since the epoch, spans of time are seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from selinon_core.celery.stores.limits import ASK
from selinon_core.celery.stores.outbox_keys import known_timers, read_outbox_key
from selinon_core.celery.stores.protocol import (
    BUFFERED,
    DUPLICATE,
    ENDED,
    LEASE_HELD,
    LEASED,
    NEEDS_ADVANCE,
    OUT_OF_REACH,
    REDELIVERED_UNFINISHED,
    RUN,
    STALE,
    Commit,
    NodeRecord,
)

#: After a wake-up the next one for the same run is sent after this many seconds, doubled by each wake-up ...
WAKEUP_BACKOFF = 2.0
#: ... up to this.
MAX_WAKEUP_BACKOFF = 300.0


# -- deliveries of a node run -------------------------------------------------------------------------------------


class Claim(NamedTuple):
    """The verdict on a message of a node run that is not done."""

    #: ``RUN`` or ``STALE``.
    kind: str
    #: The new record, None when it stays as it was.
    record: NodeRecord | None = None
    #: Whether this delivery was awaited: then one message fewer is on its way.
    awaited: bool = False


def claim(record: NodeRecord, delivery: int, redelivered: bool, now: float) -> Claim:
    """A message of a node run arrived. Each delivery number counts once; a redelivered message counts again."""
    awaited = delivery > record.delivery or not record.begun_at
    if delivery < record.delivery or not (awaited or redelivered):
        return Claim(STALE)
    started = record._replace(delivery=delivery, begun_at=now, deliveries=record.deliveries + 1)
    return Claim(RUN, started, awaited)


def held(record: NodeRecord, delivery: int, redelivered: bool) -> NodeRecord | None:
    """A message that is to be run arrived in a run that is paused, and is dropped; None when its record stays.

    The first receiver of one that was redelivered is dead: the node run counts as not begun.
    """
    if redelivered and record.begun_at and record.delivery == delivery:
        return record._replace(begun_at=0.0)
    return None


def claim_of_done(left_behind: bool) -> str:
    """A message of a done node run arrived: whether a node run that its receiver ran inline was left behind."""
    return REDELIVERED_UNFINISHED if left_behind else DUPLICATE


def retried(record: NodeRecord, delivery: int, counted: bool, attempted: bool = True) -> NodeRecord | None:
    """An attempt ended and another one follows; None when the attempt does not count any more.

    ``attempted`` False: there was none, because its task's limit is reached, so this delivery does not count.
    """
    if record.done or record.delivery != delivery:
        return None
    deliveries = 0 if attempted else max(record.deliveries - 1, 0)
    return NodeRecord(delivery + 1, 0.0, record.attempts + attempted, record.retries + counted, deliveries)


def resent(record: NodeRecord) -> NodeRecord | None:
    """The message of a node run got lost and another one follows; None when the node run is done."""
    return None if record.done else record._replace(delivery=record.delivery + 1, begun_at=0.0)


def completed(record: NodeRecord, delivery: int = -1) -> NodeRecord | None:
    """A node run ended; None when that does not count. ``delivery`` is the one that ended, -1: any."""
    if record.done or (delivery >= 0 and record.delivery != delivery):
        return None
    return record._replace(done=True)


def reopened(record: NodeRecord) -> NodeRecord:
    """A failed node run runs again in a run that goes on: its counts start again."""
    return NodeRecord(record.delivery + 1)


def inlined(now: float) -> NodeRecord:
    """A node run that the receiver of another message begins at once."""
    return NodeRecord(0, now, 0, 0, 1)


# -- events and commits of a flow run -----------------------------------------------------------------------------


def is_paused(inbox_threshold: int) -> bool:
    """Whether a run with that ``inbox_threshold`` is paused."""
    return inbox_threshold >= OUT_OF_REACH


def may_keep(step: Commit, holds: bool) -> bool:
    """Whether the lease may be kept: not by a run that waits for its place."""
    return step.limit is None or step.limit.action != ASK or holds


def is_urgent(urgent: bool, inbox_threshold: int, numbers: Iterable[int]) -> bool:
    """Whether events do not wait for others: in a run that is paused ends of node runs (``numbers``) do."""
    return urgent and not (is_paused(inbox_threshold) and all(numbers))


def event_verdict(
    running: bool, lease_held: bool, urgent: bool, waiting: int, threshold: int, wants_lease: bool
) -> str:
    """What follows from an event; ``waiting`` is the length of the inbox with it."""
    if not running:
        return ENDED
    if lease_held:
        return LEASE_HELD
    if not urgent and waiting < threshold:
        return BUFFERED
    return LEASED if wants_lease else NEEDS_ADVANCE


def accepts(step: Commit, version: int, token: int, lease: float) -> bool:
    """Whether a commit fits the run as it is now; without a token also see ``accepts_shortcut``."""
    if version != step.version:
        return False
    if step.token is None:
        return lease <= step.now
    return token == step.token and lease > 0


def accepts_shortcut(step: Commit, inbox: int, record: NodeRecord, inbox_threshold: int) -> bool:
    """Whether a commit without a token may be kept: nothing else happened to the run."""
    paused = step.create is None and is_paused(inbox_threshold)
    return not (inbox or (step.completes and record.done) or paused)


def first_messages(step: Commit) -> int:
    """How many node runs of a commit are to be sent their first message, now or when a throttle lets them."""
    return len(step.throttled) + sum(read_outbox_key(key).is_first_start for key in step.outbox)


def is_progress(step: Commit, running: bool) -> bool:
    """Whether a commit changes its run; the commit of a wake-up that found nothing to do does not."""
    if not running:
        return step.batch is not None
    return any((step.batch, step.consumed, step.outbox, step.timers, step.cancelled_timers, step.throttled))


# -- the due index ------------------------------------------------------------------------------------------------


class Limits(NamedTuple):
    """The limits of ``Store.claim_due_runs``."""

    now: float
    resend_after: float
    idle_check_interval: float
    heartbeat_timeout: float


class RunFacts(NamedTuple):
    """What the rules need to know about a flow run."""

    running: bool
    #: When the lease ends, 0 when it was released.
    lease: float
    #: Entries of the inbox, and how many of them need a decision.
    waiting: int
    inbox_threshold: int
    #: Whether effects are still to be performed.
    outbox: bool
    #: When the first timer is due.
    timer: float | None
    #: Seconds without progress before the sweep looks at the run; 0: it never does.
    idle_check_after: float
    #: When the run made progress last.
    updated: float
    #: Seconds without progress before missing messages are sent again; 0: ``Limits.resend_after``.
    silent_after: float
    #: Wake-ups since something was done for the run.
    wakeups_sent: int
    #: When the least recently seen of the node runs that are begun and not done was seen; asked when needed.
    seen: Callable[[], float | None]
    #: How many node runs have a message on its way; asked when needed.
    missing: Callable[[], int]


def while_paused(run: RunFacts, deadline: float | None) -> RunFacts:
    """The facts of a run that is paused: it has nothing due but its time-out and urgent events."""
    return run._replace(outbox=False, inbox_threshold=0, idle_check_after=0.0, timer=deadline)


class Look(NamedTuple):
    """What a look of the sweep at a run found, and what it changes."""

    #: Why the run needs a wake-up, None when it does not.
    reason: str | None
    #: When to look at the run next, None: not before something happens.
    due: float | None
    wakeups_sent: int
    updated: float
    silent_after: float


def look_at(run: RunFacts, limits: Limits) -> Look:
    """Whether a run needs a wake-up, and its next time in the due index."""
    unchanged = Look(None, None, run.wakeups_sent, run.updated, run.silent_after)
    now = limits.now
    if run.lease > now:
        return unchanged._replace(due=run.lease)
    reason = _reason(run, limits)
    if reason is None:
        return unchanged._replace(due=_next_look(run, limits))
    found = unchanged._replace(
        reason=reason,
        due=now + wakeup_backoff(run.wakeups_sent),
        wakeups_sent=run.wakeups_sent + 1,
    )
    if reason == "silent":  # the messages are probably waiting in a long queue: miss them more and more rarely
        return found._replace(silent_after=2 * (now - run.updated))
    if reason == "lost":  # the node run gets a new message, which is missed from now on
        return found._replace(updated=now, silent_after=0.0)
    return found


def _reason(run: RunFacts, limits: Limits) -> str | None:
    if run.lease:
        return "lease"
    if run.outbox:
        return "outbox"
    if run.running and run.waiting and run.waiting >= run.inbox_threshold:
        return "inbox"
    if run.timer is not None and run.timer <= limits.now:
        return "timer"
    if not (run.running and run.idle_check_after):
        return None
    seen = run.seen()
    if seen is not None and seen <= limits.now - limits.heartbeat_timeout:
        return "lost"
    if limits.now - run.updated >= max(run.silent_after, limits.resend_after):
        return "silent" if run.waiting or run.missing() > 0 else None
    return None


def _next_look(run: RunFacts, limits: Limits) -> float | None:
    """When to look again at a run that needs nothing now."""
    if not (run.running and run.idle_check_after):
        return run.timer
    now = limits.now
    look = run.updated + run.idle_check_after
    if look <= now:
        look = now + max(run.idle_check_after, limits.idle_check_interval)
        missing_at = run.updated + max(run.silent_after, limits.resend_after)
        if now < missing_at < look and run.missing() > 0:
            look = missing_at
        seen = run.seen()
        if seen is not None:
            look = min(look, max(seen + limits.heartbeat_timeout, now))
    return earliest((run.timer, look))


def due_after_release(run: RunFacts, now: float) -> float | None:
    """When to look at a run next whose lease was released."""
    left = now + wakeup_backoff(run.wakeups_sent) if run.outbox else None
    quiet = run.updated + run.idle_check_after if run.running and run.idle_check_after else None
    return earliest((run.timer, left, quiet))


def due_after_pause(run: RunFacts, now: float) -> float | None:
    """When to look at a run next that was just paused: what waits in its inbox may be its end."""
    return earliest((run.timer, now + WAKEUP_BACKOFF if run.waiting else None))


def wakeup_backoff(wakeups_sent: int) -> float:
    """The seconds before a run may be woken once more."""
    return min(WAKEUP_BACKOFF * 2.0 ** min(wakeups_sent, 30), MAX_WAKEUP_BACKOFF)


def earliest(times: Iterable[float | None]) -> float | None:
    """The earliest of some times, None when there is none."""
    return min((time for time in times if time is not None), default=None)


def awaited_messages(undelivered: int, timers: Iterable[str]) -> int:
    """How many node runs have a message on its way: not those whose message is to be sent at its time."""
    return undelivered - sum(timer.is_send for timer in known_timers(timers))
