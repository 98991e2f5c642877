"""What a state store is: where flow runs live between two events. It keeps texts and decides nothing.

Per flow run it holds

- a *header* of text fields: what the run is, and how far it is (``version``, ``status``, lease),
- the *log*: batches of events, appended only, counted by ``version``. The log is the truth, everything a worker
  remembers of a run is a cache of its fold,
- the *inbox*: events that arrived and were not decided on yet,
- the *outbox*: keys of effects that were decided on and not carried out yet (what a key means can be told from
  the log: ``t12`` is "publish the message of node run 12"),
- *node records*: per node run how often it was delivered and tried, whether it is done, and when it was last seen
  being worked on,
- *payloads*: arguments and parents too large for a message,
- *timers*: names with a due time.

Over all runs there is the *due_index* (when to look at which run next), the throttling slots, the errors of
failed runs, the *definitions* of flows that logs refer to, and a leader for the sweep.

One worker at a time advances a run: it holds a *lease* with a fencing token. Every change names the token and the
version it has seen, and is refused when either is not current any more. A commit without a token is the short
cut for a run in which nothing else can happen: it is refused when somebody holds the lease or left anything in
the inbox.

Times are seconds since the epoch by the store's clock (``Store.clock``), so the clocks of workers may be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

#: What ``Store.append_event`` found.
BUFFERED = "quiet"  # kept; nothing can be decided before more arrives
NEEDS_ADVANCE = "wake"  # kept; somebody has to advance the run
LEASE_HELD = "busy"  # kept; who holds the lease will see it
LEASED = "leased"  # kept, and the caller holds the lease now
DUPLICATE = "duplicate"  # the node run is done already
ENDED = "ended"  # the run is over
GONE = "gone"  # no such run

#: What ``Store.claim_delivery`` found (beside DUPLICATE and GONE).
RUN = "run"  # go on
STALE = "stale"  # a newer message of the node run is on its way
REDELIVERED_UNFINISHED = (
    "orphan"  # done, but something that depended on this message was left behind: advance the run
)

#: A time that never comes to pass; exact in every store.
FOREVER = 1e12


class Opened(NamedTuple):
    """A run somebody got the lease of. ``batches`` follow the version the caller said it knows.

    ``known`` is that version if it was of use, else 0 and ``batches`` is the whole log. ``header`` is complete.
    """

    token: int
    version: int
    known: int
    batches: Sequence[str]
    entries: Sequence[str]
    header: Mapping[str, str]
    outbox: Sequence[str]
    due: Sequence[str]


class Delivered(NamedTuple):
    """What became of an event; ``opened`` under LEASED."""

    kind: str
    opened: Opened | None = None


class Begun(NamedTuple):
    """What to do with the message of a node run. Counts are those before this delivery, but ``deliveries``."""

    kind: str
    attempts: int = 0
    retries: int = 0
    deliveries: int = 1
    payload: str | None = None


class NodeRecord(NamedTuple):
    """What is known of the deliveries of a node run; ``begun_at`` is 0 until its newest message arrived."""

    delivery: int = 0
    begun_at: float = 0.0
    attempts: int = 0
    retries: int = 0
    deliveries: int = 0
    done: bool = False


class Commit(NamedTuple):
    """A step of a flow run to be kept; see ``Store.commit``."""

    flow_id: str
    version: int
    now: float
    token: int | None = None
    create: Mapping[str, str] | None = None
    completes: int = 0
    batch: str | None = None
    consumed: int = 0
    outbox: Sequence[str] = ()
    done: Sequence[str] = ()
    carrier: int | None = None
    inlined: int = 0
    payloads: Mapping[int, str] | None = None
    timers: Mapping[str, float] | None = None
    cancelled_timers: Sequence[str] = ()
    clear_timers: bool = False
    throttled: Sequence[tuple[str, str, float]] = ()
    fields: Mapping[str, str] | None = None
    keep: bool = False
    lease: float = 5.0
    ttl: float = 0.0


class Committed(NamedTuple):
    """Whether a commit was kept, the token if the lease is (still) held, and what is in the inbox then.

    ``delays`` are the seconds each throttled node has to wait, in the order of ``Commit.throttled``; those
    with 0 are in the outbox.
    """

    ok: bool
    token: int | None = None
    entries: Sequence[str] = ()
    delays: Sequence[float] = ()


class Due(NamedTuple):
    """A run the sweep found something to do for; ``reason`` is lease, outbox, inbox, timer, lost or silent."""

    flow_id: str
    flow: str
    queue: str
    reason: str


class Store(Protocol):
    """Keeps the state of flow runs. Every method is one atomic step; all raise ``StateStoreError`` when it cannot.

    Implementations are safe under threads, and connect again after a fork.
    """

    @property
    def clock(self) -> Callable[[], float]:
        """The time as the store has it, seconds since the epoch; callers read ``now`` from it."""
        ...

    def prepare(self) -> None:
        """Create what is missing (tables, scripts); harmless when many do it at once."""
        ...

    def claim_delivery(self, flow_id: str, number: int, delivery: int, redelivered: bool, now: float) -> Begun:
        """A message of a node run arrived: is it to be run? ``again``: the broker delivered it before.

        A message counts once per ``delivery``; one delivered again counts again (its first receiver may be gone).
        ``number`` 0 is the message that started the run; it counts as done. When the message of a done node run
        comes again, what its receiver ran inlined is put into the outbox as ``o<number>``.
        """
        ...

    def claim_deliveries(self, flow_id: str, deliveries: Mapping[int, int], now: float) -> list[Begun]:
        """As ``claim_delivery`` for node runs (number -> delivery) whose one message came for the first time."""
        ...

    def retry(
        self, flow_id: str, number: int, delivery: int, counted: bool, countdown: float, grace: float, now: float
    ) -> int | None:
        """An attempt ended and there will be another: the delivery of its message, None when it is stale or done.

        The timer ``n<number>`` is set for when it is due, ``grace`` later if that is now: then it reminds of a
        message that was not published after all.
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
        """Put an event into the inbox, once per node run ``number`` (0: no node run, no such check).

        Under ``delivery`` >= 0 it only counts when that is the newest one. ``lease`` seconds are asked for when
        there is something to decide; 0: not at all. ``error`` is a task id and its error, kept ``ttl`` seconds.
        """
        ...

    def append_successes(
        self, flow_id: str, entries: Mapping[int, str], now: float, *, known: int = 0, lease: float = 0.0
    ) -> Delivered:
        """As ``append_event`` for node runs (number -> event) that ended well; what counts is kept at once."""
        ...

    def acquire_lease(self, flow_id: str, known: int, lease: float, now: float) -> Opened | None:
        """Get the lease, None when somebody has it or there is no such run."""
        ...

    def renew_lease(self, flow_id: str, token: int, until: float) -> bool:
        """Keep the lease; False when it is lost."""
        ...

    def commit(self, step: Commit) -> Committed:
        """Keep a step, all or nothing.

        Refused unless version and token are current (without a token: unless the lease is free, the inbox empty
        and node run ``completes`` not done). Appends ``batch``, drops ``consumed`` entries of the inbox, adds
        ``outbox`` and removes ``done``, notes that the receiver of message ``carrier`` runs node run ``inlined``
        itself (0: no more), sets timers and fields. The lease is released, unless ``keep`` or the inbox holds
        entries.
        """
        ...

    def heartbeat(self, flow_id: str, numbers: Sequence[int], at: float) -> None:
        """These node runs, and what is run inlined of their messages, are seen being worked on at that time.

        Those that are not begun, or done, are left alone. ``FOREVER``: nobody has to say so again.
        """
        ...

    def stalled_nodes(self, flow_id: str, before: float) -> list[int]:
        """Node runs that were begun, are not done and were not seen since then: their receivers are gone."""
        ...

    def claim_due_runs(
        self, now: float, limit: int, resend_after: float, idle_check_interval: float, heartbeat_timeout: float
    ) -> list[Due]:
        """What is due, each put off for a while so that it is not told at every sweep."""
        ...

    def next_due(self) -> float | None:
        """When something is due next."""
        ...

    def acquire_leadership(self, owner: str, until: float, now: float) -> bool:
        """Become or stay the leader until then."""
        ...

    def header(self, flow_id: str) -> Mapping[str, str] | None:
        """The fields of a run, None when there is no such run."""
        ...

    def read(self, flow_id: str) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
        """Header, log and inbox of a run, without a lease; None when there is no such run."""
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
        """What ``append_event`` kept of a failed task run."""
        ...

    def put_definition(self, name: str, text: str) -> None:
        """Keep the text of a flow's definition for good; one of that name that is there already stays."""
        ...

    def get_definition(self, name: str) -> str | None:
        """What ``put_definition`` kept."""
        ...

    def runs(self, limit: int) -> list[str]:
        """Ids of running flow runs, newest first."""
        ...

    def clear(self) -> None:
        """Remove everything this store holds (for tests)."""
        ...

    def close(self) -> None:
        """Give up connections."""
        ...
