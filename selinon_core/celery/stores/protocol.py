"""The protocol of state stores: its methods are the atomic steps of a flow run.

A store decides nothing about flows.

Per flow run a store keeps

- a *header* of text fields: what the run is, and how far it is (``version``, ``status``, lease),
- the *log*: batches of events, appended only and counted by ``version``. The log is the truth; what a worker
  keeps in memory of a run is a cache of its replay,
- the *inbox*: events that arrived and that no worker has decided on,
- the *outbox*: keys of effects that were committed and are not performed yet (``t12``: publish the message of task
  run 12, ``f7``: of sub-flow 7, ``o3``: of node run 3 that was to run inline, ``c5``: cancel sub-flow 5, ``p``:
  the end goes to the parent, ``r``: the result goes to the result backend),
- *node records*: how often the message of a node run was delivered, and whether the node run is done,
- *payloads*: arguments and parents that are too large for a message,
- *timers*: names with the time when they are due.

For all runs together it keeps the *due index* (when to look at which run next), the throttling slots, the errors
of failed task runs, the *definitions* of flows that logs refer to, the leader of the sweep, the *index*
(``index.py``), by which runs are found, *schedules* (``schedules.py``), and the places of runs that are limited in
number (``limits.py``). The *audit* (``audit.py``) says who asked for what, and *items* (``items.py``) are texts
beside runs, such as notices that are to be sent.

One worker advances a run at a time. It holds a *lease* with a fencing token. Each commit names the token and the
version that the worker has seen; the store refuses an old one. A commit without a token is the short cut for a run
in which nothing else can happen: the store refuses it when another worker holds the lease, or an event arrived.

Times are seconds since the epoch by the store's clock (``Store.clock``), so the clocks of workers may be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from selinon_core.celery.stores.audit import Audit
from selinon_core.celery.stores.condition import StoreCondition
from selinon_core.celery.stores.index import Index, IndexChange
from selinon_core.celery.stores.items import Items
from selinon_core.celery.stores.limits import LimitPlace, Limits, LimitStep, TaskLimits
from selinon_core.celery.stores.schedules import Schedules
from selinon_core.celery.stores.waits import Waits

#: What ``Store.append_event`` found.
BUFFERED = "quiet"  # kept; a decision needs more events
NEEDS_ADVANCE = "wake"  # kept; a dispatcher has to advance the run
LEASE_HELD = "busy"  # kept; the holder of the lease will see it
LEASED = "leased"  # kept, and the caller holds the lease now
DUPLICATE = "duplicate"  # the node run is done already
ENDED = "ended"  # the run is over
GONE = "gone"  # no such run

#: What ``Store.claim_delivery`` found (beside DUPLICATE, ENDED, GONE and PAUSED).
RUN = "run"  # run it
STALE = "stale"  # a newer message of the node run is on its way, or another worker has this one
REDELIVERED_UNFINISHED = "orphan"  # done, but what depends on its receiver was left behind: advance the run

#: The run is paused: its node runs do not begin, and ends of node runs wait in the inbox.
PAUSED = "paused"

#: A time that never comes to pass; exact in every store.
FOREVER = 1e12
#: The ``inbox_threshold`` of a run that is paused: so many events never wait. This is how a store knows it.
OUT_OF_REACH = 1_000_000_000


class Opened(NamedTuple):
    """A run whose lease the caller got, with what its new holder needs."""

    #: The fencing token of this lease.
    token: int
    #: The number of batches in the log.
    version: int
    #: The version that the caller said it knows, if it is of use; else 0.
    known: int
    #: The batches of the log behind version ``known``.
    batches: Sequence[str]
    #: The events in the inbox, oldest first.
    entries: Sequence[str]
    #: All fields of the header.
    header: Mapping[str, str]
    #: The keys in the outbox.
    outbox: Sequence[str]
    #: The names of the timers that are due.
    due: Sequence[str]


class Delivered(NamedTuple):
    """What became of an event."""

    #: ``NEEDS_ADVANCE``, ``BUFFERED``, ``LEASE_HELD``, ``LEASED``, ``DUPLICATE``, ``ENDED`` or ``GONE``.
    kind: str
    #: The run, when the caller got its lease (``LEASED``).
    opened: Opened | None = None


class Begun(NamedTuple):
    """What to do with the message of a node run."""

    #: ``RUN``, ``STALE``, ``DUPLICATE``, ``REDELIVERED_UNFINISHED``, ``ENDED`` (cancelled), ``PAUSED``, ``GONE``.
    kind: str
    #: Attempts that ended before this delivery.
    attempts: int = 0
    #: Those of them that count against ``max_retry``.
    retries: int = 0
    #: Deliveries of this attempt, with this one: one that is high has killed its workers.
    deliveries: int = 1
    #: Arguments and parents that were too large for the message, as JSON text.
    payload: str | None = None


class NodeRecord(NamedTuple):
    """What a store knows of the deliveries of a node run."""

    #: The number of its newest message; each retry and each message sent again has the next number.
    delivery: int = 0
    #: When that message arrived, seconds since the epoch; 0: it has not.
    begun_at: float = 0.0
    #: Attempts that ended.
    attempts: int = 0
    #: Those of them that count against ``max_retry``.
    retries: int = 0
    #: How often messages of the present attempt arrived.
    deliveries: int = 0
    #: Whether the node run ended; nothing changes it any more.
    done: bool = False


class StoredResult(NamedTuple):
    """The result of a flow run as the result backend keeps it, in another database of the store's server."""

    #: The number of the database.
    database: int
    #: The key, which is also the channel that waiting callers listen to.
    key: str
    #: The result as the backend encodes it.
    text: str | bytes
    #: Seconds until the key expires; 0: never.
    expires: int


class Reopening(NamedTuple):
    """What a commit needs that lets a run go on which has failed.

    The run does not expire any more, and is among the running ones again (``fields`` has the status). The commit
    is refused when one of the ``awaited`` node runs is done: its end was not put into the inbox.
    """

    #: Node runs that run again, by number, and their task ids. Their records are reset behind the present
    #: delivery, so messages and ends of before do not count; their errors are removed.
    again: Mapping[int, str]
    #: Node runs that have not ended, and are waited for from now on.
    awaited: Sequence[int]


class Commit(NamedTuple):
    """A step of a flow run, all or nothing; see ``Store.commit``."""

    flow_id: str
    #: The version of the log that the worker has seen.
    version: int
    #: The time of the step, seconds since the epoch by the store's clock.
    now: float
    #: The fencing token of the worker's lease; None: the short cut, without a lease.
    token: int | None = None
    #: The header of a run that does not exist yet; the commit is refused when it exists.
    create: Mapping[str, str] | None = None
    #: Without a token: the node run that ended, 0: none. The commit is refused when it is done already.
    completes: int = 0
    #: Events for the log, as text; None: the version stays.
    batch: str | None = None
    #: How many entries leave the inbox, oldest first.
    consumed: int = 0
    #: Keys of effects to be performed.
    outbox: Sequence[str] = ()
    #: Keys of effects that were performed; others than those in the outbox are ignored.
    done: Sequence[str] = ()
    #: The message whose receiver runs a node run inline; None: nothing changes.
    carrier: int | None = None
    #: That node run, which begins now; 0: the receiver runs none any more.
    inlined: int = 0
    #: Payloads by number of node run, as JSON text.
    payloads: Mapping[int, str] | None = None
    #: Timers to be set, and when they are due.
    timers: Mapping[str, float] | None = None
    #: Timers to be removed, unless they are in ``timers``.
    cancelled_timers: Sequence[str] = ()
    #: Whether all timers are removed but those of messages of node runs (``n12``) and those in ``timers``.
    clear_timers: bool = False
    #: Node runs with throttling, as outbox key, name of the slot, and seconds between two starts in the slot.
    throttled: Sequence[tuple[str, str, float]] = ()
    #: Fields of the header to be set.
    fields: Mapping[str, str] | None = None
    #: Whether the worker keeps the lease, or takes it when it had none.
    keep: bool = False
    #: Seconds until a lease that is kept ends.
    lease: float = 5.0
    #: Seconds until a run that has ended expires; 0: what was said before stays.
    ttl: float = 0.0
    #: What the result backend is to hold, written in the same step. Only for a store on the backend's server; it
    #: puts ``r`` into the outbox where the server refuses to write the result.
    result: StoredResult | None = None
    #: What changes in the index of runs; None: nothing.
    index_change: IndexChange | None = None
    #: For a run that failed and goes on, with a token.
    reopens: Reopening | None = None
    #: The place that the run takes or gives back (``limits.py``); None: nothing changes. The commit is refused
    #: where the run does not get the place that it needs. A run that waits for one does not keep the lease.
    limit: LimitStep | None = None


class Committed(NamedTuple):
    """What became of a commit."""

    #: Whether it was kept.
    ok: bool
    #: The fencing token, while the worker holds the lease; None: the lease is released.
    token: int | None = None
    #: What the inbox holds, for the holder of the lease. Of a run that is paused it waits: it is there when the
    #: lease is released, so that the worker can look for what ends the run.
    entries: Sequence[str] = ()
    #: Seconds that each node run in ``Commit.throttled`` waits, in that order; those with 0 are in the outbox.
    delays: Sequence[float] = ()
    #: With ``Commit.limit``: whether the run has a place.
    holds: bool = False
    #: The places that other runs were granted by this step; they are due now.
    granted: Sequence[LimitPlace] = ()


class Due(NamedTuple):
    """A run that needs a wake-up."""

    flow_id: str
    flow: str
    #: The dispatcher queue of the run.
    queue: str
    #: ``lease`` (it ended and was not released), ``outbox``, ``inbox``, ``timer``, ``lost`` (a node run without a
    #: heartbeat) or ``silent`` (messages did not arrive).
    reason: str


class Store(Protocol):
    """Keeps the state of flow runs; every method is one atomic step.

    All methods raise ``StateStoreError`` when the store cannot be reached, and ``StateStoreRefused`` for values
    that it cannot hold.

    Implementations are safe under threads, and connect again after a fork. The class is long because each method
    says what it promises.
    """

    @property
    def clock(self) -> Callable[[], float]:
        """The time as the store has it, seconds since the epoch; callers read ``now`` from it."""
        ...

    @property
    def index(self) -> Index:
        """The index of runs, on the same connection."""
        ...

    @property
    def audit(self) -> Audit:
        """Who asked for what, on the same connection."""
        ...

    @property
    def waits(self) -> Waits:
        """The tasks that wait for signals, on the same connection."""
        ...

    @property
    def items(self) -> Items:
        """Texts that are kept beside flow runs, on the same connection."""
        ...

    @property
    def limits(self) -> Limits:
        """The places of runs that are limited in number, on the same connection."""
        ...

    @property
    def task_limits(self) -> TaskLimits:
        """The places of tasks that are limited in number, on the same connection."""
        ...

    @property
    def schedules(self) -> Schedules:
        """What leaders know of schedules, on the same connection."""
        ...

    def prepare(self) -> None:
        """Create what is missing (tables, functions); many workers may do it at once.

        Raises ``ConfigurationError`` when another version of selinon made the tables, or for wrong options.
        """
        ...

    def condition(self) -> StoreCondition:
        """Look at the server, and change nothing; also raises ``ConfigurationError`` as ``prepare`` does."""
        ...

    def claim_delivery(self, flow_id: str, number: int, delivery: int, redelivered: bool, now: float) -> Begun:
        """A message of a node run arrived: whether to run it.

        Each ``delivery`` number counts once. A message that the broker ``redelivered`` counts again, because its
        first receiver may be dead. ``number`` 0 is the message that started the run; it counts as done. When the
        message of a done node run arrives again, the node run that its receiver ran inline gets into the outbox as
        ``o<number>``. In a run that is paused a message that would be run does not count; one that the broker
        redelivered makes its node run count as not begun.
        """
        ...

    def claim_deliveries(self, flow_id: str, deliveries: Mapping[int, int], now: float) -> list[Begun]:
        """As ``claim_delivery`` for node runs (number -> delivery) whose one message came for the first time."""
        ...

    def retry(
        self,
        flow_id: str,
        number: int,
        delivery: int,
        counted: bool,
        countdown: float,
        grace: float,
        now: float,
        *,
        attempted: bool = True,
    ) -> int | None:
        """An attempt ended and another one follows: the delivery number of its message.

        None when the attempt was not that of the newest message, or the node run is done. ``counted``: the attempt
        counts against ``max_retry``. The timer ``n<number>`` is due after ``countdown`` seconds. Without a
        countdown the caller publishes the message, and the timer is due after ``grace`` seconds. ``attempted``
        False: there was no attempt, and the message that came does not count as delivered.
        """
        ...

    def append_event(
        self,
        flow_id: str,
        number: int,
        entry: str,
        now: float,
        *,
        delivery: int = -1,
        urgent: bool = False,
        known: int = 0,
        lease: float = 0.0,
        error: tuple[str, str] | None = None,
        ttl: float = 0.0,
    ) -> Delivered:
        """Put an event into the inbox.

        The end of node run ``number`` counts once, and with a ``delivery`` >= 0 only if that is the newest one;
        ``number`` 0: the event is not of a node run. ``urgent``: it does not wait for ``inbox_threshold`` events;
        in a run that is paused only an event that is not of a node run is urgent.
        ``known`` and ``lease`` (seconds) are those of ``acquire_lease``, when a decision is needed; 0: no lease.
        ``error`` is a task id and its error as text, kept for ``ttl`` seconds.
        """
        ...

    def append_successes(
        self, flow_id: str, entries: Mapping[int, str], now: float, *, known: int = 0, lease: float = 0.0
    ) -> Delivered:
        """As ``append_event`` for node runs (number -> event) that ended well; what counts is kept at once."""
        ...

    def acquire_lease(self, flow_id: str, known: int, lease: float, now: float) -> Opened | None:
        """Get the lease, None when another worker has it or there is no such run."""
        ...

    def renew_lease(self, flow_id: str, token: int, until: float) -> bool:
        """Hold the lease until then; False when it is lost."""
        ...

    def commit(self, step: Commit) -> Committed:
        """Keep a step, all or nothing; the fields of ``Commit`` say what it changes.

        Refused unless version and token are current. Without a token: unless the lease is free, the inbox empty,
        node run ``completes`` not done and the run not paused. The lease is released unless ``keep`` is set or the
        inbox of a run that is not paused holds entries.
        """
        ...

    def pause(self, flow_id: str, number: int, format: int, change: IndexChange | None, now: float) -> str:
        """Pause a run: ``PAUSED``, ``STALE``, ``ENDED`` or ``GONE``.

        The field ``paused`` gets ``number``, unless it has a larger one (``STALE``), ``format`` is at least the
        one that is given, and ``inbox_threshold`` is out of reach. A lease is lost, so its holder commits nothing
        more. A run that is paused needs a wake-up only at its time-out, for an event that is urgent, and where a
        lease was lost. ``change`` is that of the index.
        """
        ...

    def commit_all(self, steps: Sequence[Commit]) -> Sequence[Committed | Exception]:
        """``commit`` for steps of different runs, in one request: of each what it returns, or what it raises.

        Each is kept or refused by itself. After ``StateStoreError`` a step may have been kept.
        """
        ...

    def heartbeat(self, flow_id: str, numbers: Sequence[int], at: float) -> None:
        """A worker works on these node runs, and on those that run inline in their messages, at that time.

        Node runs that are not begun, or done, stay as they are. ``FOREVER``: no further heartbeat is needed.
        """
        ...

    def stalled_nodes(self, flow_id: str, before: float) -> list[int]:
        """Node runs that were begun, are not done and had no heartbeat since: their receivers are dead."""
        ...

    def claim_due_runs(
        self, now: float, limit: int, resend_after: float, idle_check_interval: float, heartbeat_timeout: float
    ) -> list[Due]:
        """Runs that need a wake-up, at most ``limit``; see ``delivery_rules.look_at``.

        Each wake-up of a run puts off the next one, twice as long each time, until a commit changes the run.
        """
        ...

    def next_due(self) -> float | None:
        """The time of the first entry in the due index, None when it is empty."""
        ...

    def acquire_leadership(self, owner: str, until: float, now: float) -> bool:
        """Become or stay the leader until then."""
        ...

    def header(self, flow_id: str) -> Mapping[str, str] | None:
        """The fields of a run, None when there is no such run."""
        ...

    def existing(self, flow_ids: Sequence[str]) -> set[str]:
        """Those of these runs that the store has, running or ended."""
        ...

    def begun(self, flow_ids: Sequence[str]) -> set[str]:
        """Those of ``existing`` that do not need their start message any more (``awaits_start``)."""
        ...

    def read(self, flow_id: str) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
        """Header, log and inbox of a run, without a lease; None when there is no such run."""
        ...

    def since(self, flow_id: str, version: int) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
        """As ``read``, but of the log only the batches behind ``version``.

        All of it, when the log is shorter than that: the run of that id is another one by now.
        """
        ...

    def records(self, flow_id: str, numbers: Sequence[int]) -> dict[int, NodeRecord]:
        """The records of node runs that have one."""
        ...

    def payload(self, flow_id: str, number: int) -> str | None:
        """The payload of a node run."""
        ...

    def timers(self, flow_id: str) -> dict[str, float]:
        """The timers of a run and when they are due."""
        ...

    def next_delivery(self, flow_id: str, number: int) -> int | None:
        """A new delivery for a node run whose message got lost; None when it is done."""
        ...

    def release_delivery(self, flow_id: str, number: int, delivery: int, deliveries: int) -> None:
        """The receiver of a message gives it back in good order: this delivery does not count.

        ``deliveries`` is what ``claim_delivery`` returned to this receiver. Nothing happens when the node run is
        done, or when its message was claimed again since then.
        """
        ...

    def inlined_node(self, flow_id: str, carrier: int) -> int | None:
        """The node run that the receiver of this message runs inline, None when there is none."""
        ...

    def error(self, task_id: str) -> str | None:
        """The error that ``append_event`` or ``put_errors`` kept for a node run."""
        ...

    def put_errors(self, errors: Mapping[str, str], now: float, ttl: float) -> None:
        """Keep the errors (by task id) of node runs that failed without being started, for ``ttl`` seconds; 0: a
        day. By the id of a flow run it is that of a start with its key and other arguments.
        """
        ...

    def put_definition(self, name: str, text: str) -> None:
        """Keep the text of a flow's definition for good; an existing one of that name stays."""
        ...

    def get_definition(self, name: str) -> str | None:
        """The text that ``put_definition`` kept."""
        ...

    def forget(self, flow_ids: Sequence[str], errors: Sequence[str] = ()) -> list[str]:
        """Remove runs that have ended, with their rows in the index; returns those that were there.

        A run that has not ended stays, as does one that goes on meanwhile. ``errors`` are task ids whose errors
        are removed too.
        """
        ...

    def runs(self, limit: int) -> list[str]:
        """Ids of running flow runs, newest first."""
        ...

    def clear(self) -> None:
        """Remove everything this store holds (for tests)."""
        ...

    def close(self) -> None:
        """Close the connections of this process."""
        ...
