"""What a store keeps of schedules: up to when each was decided on, what waits, and which are paused.

A row is of a schedule's name and its *rule*: expression and time zone. With another rule a schedule begins again,
so that a change of the expression starts nothing that was due before it. Workers with old and new files may lead
in turns meanwhile; each goes on with the row of its rule.

Leaders write with ``put``, which refuses a row that another one has changed since it was read. So each due time is
decided on once, however many leaders there are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from selinon_core.plan import SchedulePlan


class WaitingStart(NamedTuple):
    """A start that was decided on and is not sent yet."""

    #: When it was due, seconds since the epoch; the key of the start is made of it.
    due: float
    flow: str


class ScheduleRow(NamedTuple):
    """A schedule as its leader knows it; times are seconds since the epoch."""

    name: str
    #: Expression and time zone.
    rule: str
    #: Every due time up to here was decided on: started, skipped, or put into ``waiting``.
    decided: float
    #: The starts to be sent, in their order.
    waiting: tuple[WaitingStart, ...] = ()
    #: The last start: when it was due, when it was sent, and its run. None: there was none.
    last_due: float | None = None
    last_at: float | None = None
    last_flow: str | None = None
    last_run: str | None = None
    #: Since when no leader had a schedule of this name and rule in its files; None: the last one had.
    absent: float | None = None
    #: How often the row was written; 0: it was not.
    version: int = 0


class Pause(NamedTuple):
    """Whether a schedule is paused, since when it is so, and who asked for that."""

    paused: bool
    at: float
    by: str | None = None


class Schedules(Protocol):
    """Keeps schedules. Its methods raise ``StateStoreError`` and ``StateStoreRefused`` as those of ``Store``."""

    def rows(self) -> list[ScheduleRow]:
        """All rows, by name and rule."""
        ...

    def put(self, row: ScheduleRow) -> bool:
        """Write a row whose stored version is that of ``row``, and count it up; False: it has another version."""
        ...

    def forget(self, before: float) -> None:
        """Remove the rows that are absent since before that time."""
        ...

    def pauses(self) -> dict[str, Pause]:
        """Of each name that was ever paused, the last pause or the end of it."""
        ...

    def set_pause(self, name: str, pause: Pause) -> None:
        """Pause a schedule, or end its pause."""
        ...


def rule_of(schedule: SchedulePlan) -> str:
    """Expression and time zone; with another rule a schedule begins again."""
    return f"{schedule.cron} {schedule.timezone}"


def waiting_text(waiting: Sequence[WaitingStart]) -> str:
    """Waiting starts as JSON text."""
    return json.dumps([list(start) for start in waiting])


def read_waiting(text: str) -> tuple[WaitingStart, ...]:
    """The inverse of ``waiting_text``."""
    return tuple(WaitingStart(due, flow) for due, flow in json.loads(text))


def row_text(row: ScheduleRow) -> str:
    """A row as JSON text."""
    return json.dumps({**row._asdict(), "waiting": [list(start) for start in row.waiting]})


def read_row(text: str) -> ScheduleRow:
    """The inverse of ``row_text``; what a newer version added is left out."""
    found: dict[str, Any] = json.loads(text)
    values = {name: found[name] for name in ScheduleRow._fields if name in found}
    return ScheduleRow(**{**values, "waiting": tuple(WaitingStart(*start) for start in found["waiting"])})
