"""Limits: how many runs there may be at once under a key, which runs have a place, and which wait for one.

A place is taken and given back inside the commit of its run (``Commit.limit``), so a worker that dies leaves
neither a place that belongs to a run that ended nor a run that holds none. A run that waits is granted a place
by the step that gives one back: by priority, then by age. The run that was granted one has the timer ``begin``
from then on, so it is due until it begins.

Keys are shared by all that names them. The ``max`` of a key is the one that was asked with last.

Tasks have places too, apart from those of runs (``TaskLimits``). What has such a place, or waits for one, is a
node run. A worker takes the place for an attempt, and gives it back when that ends; each is a step of its own. A
node run that waits has the timer of its message (``n12``), which is due when it is granted a place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

#: Priorities are from 0 to this.
MOST_PRIORITY = 9

#: What a commit does about a place: ask for one, and wait when there is none;
ASK = "ask"
#: take one that is free, else the commit is refused;
TAKE = "take"
#: begin what has one: the commit is refused where it has none;
BEGIN = "begin"
#: give it back, or leave the waiting list.
END = "end"


#: The beginning of the key under which starts of a flow wait while they are paused (``execution.held_starts``).
_HELD = "paused starts of "


def hold_key(flow: str) -> str:
    """The key under which starts of a flow wait while they are paused."""
    return _HELD + flow


def is_hold(key: str) -> bool:
    """Whether a key is one of ``hold_key``."""
    return key.startswith(_HELD)


def holder_of(flow_id: str, number: int) -> str:
    """What has the place of a task's limit, as a text: a node run."""
    return f"{number}:{flow_id}"


def read_holder(holder: str) -> tuple[str, int]:
    """The inverse of ``holder_of``: the flow run, and the number of the node run."""
    number, _, flow_id = holder.partition(":")
    return flow_id, int(number)


class LimitPlace(NamedTuple):
    """A place under a key, held or waited for."""

    key: str
    #: The flow run; of a task's limit the ``holder_of`` a node run.
    run: str
    #: The flow, or the task, whose limit it is.
    name: str
    #: The dispatcher queue of the run.
    queue: str
    #: From 0 to ``MOST_PRIORITY``; the larger, the earlier.
    priority: int = 0
    #: Since when, seconds since the epoch: when the run was asked for. Of a task: since when it has waited, and
    #: when the attempt began that has the place.
    at: float = 0.0

    @property
    def order(self) -> tuple[int, float, str]:
        """Who waits is sorted by this."""
        return -self.priority, self.at, self.run


class LimitStep(NamedTuple):
    """What a commit does about the place of its run."""

    #: ``ASK``, ``TAKE``, ``BEGIN`` or ``END``.
    action: str
    place: LimitPlace
    #: How many may hold a place at once; of no use for ``END``.
    max: int = 0


class LimitState(NamedTuple):
    """The places under a key."""

    #: How many may hold one; 0: not known, nothing has asked for one.
    max: int
    #: Who holds one, the oldest first.
    holders: Sequence[LimitPlace]
    #: Who waits for one, the next one first.
    waiting: Sequence[LimitPlace]


class Placed(NamedTuple):
    """What became of a step: whether its run has a place, and what else was granted one."""

    holds: bool
    granted: Sequence[LimitPlace]


class Limits(Protocol):
    """Looks at places. Its methods raise ``StateStoreError`` and ``StateStoreRefused`` as those of ``Store``."""

    def holds(self, key: str, run: str) -> bool:
        """Whether a run has a place under a key."""
        ...

    def state(self, key: str) -> LimitState:
        """All places under a key."""
        ...

    def waiting_by_name(self) -> Mapping[str, int]:
        """How many runs wait, by the flow whose limit it is; those for which none waits may be left out."""
        ...

    def allow(self, key: str, max: int, now: float) -> list[LimitPlace]:
        """Set how many may hold a place under a key; returns the places that were granted."""
        ...

    def tend(self, now: float, most: int) -> list[LimitPlace]:
        """Give back places of runs that have ended or are gone, and grant places that are free.

        Looks at about ``most`` places, at others each time. Returns the places that were granted. There is
        something to do only after a worker of before ended such a run, or a store lost runs.
        """
        ...


class TaskLimits(Protocol):
    """The places of tasks. Its methods raise as those of ``Limits``."""

    def claim(self, place: LimitPlace, max: int, now: float) -> Placed:
        """Take a place for an attempt that begins at ``place.at``, or wait for one.

        A node run that has a place already has it since ``place.at`` from now on; one that waits goes on waiting.
        A node run has one place: one under another key is given back.
        """
        ...

    def give_back(self, place: LimitPlace, now: float) -> Sequence[LimitPlace]:
        """Give back a place, or leave the waiting list; returns the places that were granted.

        Nothing happens unless the place is as it is given, so an attempt gives back none that a later one took.
        What waits is granted a place only if its node run is not done and its run neither cancelled nor paused.
        A paused one leaves the waiting list: its message is sent when the run goes on.
        """
        ...

    def holds(self, key: str, run: str) -> bool:
        """As ``Limits.holds``."""
        ...

    def state(self, key: str) -> LimitState:
        """As ``Limits.state``."""
        ...

    def waiting_by_name(self) -> Mapping[str, int]:
        """As ``Limits.waiting_by_name``, by task."""
        ...

    def of(self, runs: Sequence[str]) -> Mapping[str, tuple[LimitPlace, bool]]:
        """The places of node runs (``holder_of``) that have one (True), or wait for one (False)."""
        ...

    def some(self, most: int) -> Sequence[tuple[LimitPlace, bool]]:
        """About so many places as ``of`` gives them; others each time, until all were looked at."""
        ...


def is_left(held: bool, status: str, paused: bool, done: bool, begun: bool, stalled: bool) -> bool:
    """Whether a place of a task is of no use to its node run, or its attempt is dead and no other one follows.

    ``status`` is that of the flow run. ``stalled``: the attempt had no heartbeat for too long. In a run that goes
    on it gets another one, which takes the place over.
    """
    if done:
        return True
    if not held:
        return status == "cancelled"
    if status == "running" and not paused:
        return False
    return stalled or not begun
