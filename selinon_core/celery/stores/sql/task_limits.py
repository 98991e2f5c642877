"""The places of tasks in a SQL database; see ``TaskLimits``.

A transaction locks the row of a key first, and then the rows of the runs that it makes due. Steps of runs lock no
such key, so the two do not wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from selinon_core.celery.stores import delivery_rules as rules
from selinon_core.celery.stores.limits import LimitPlace, Placed, read_holder
from selinon_core.celery.stores.outbox_keys import SEND_TASK, TimerKey
from selinon_core.celery.stores.sql.database import Database
from selinon_core.celery.stores.sql.late_tables import with_table
from selinon_core.celery.stores.sql.limits import LimitTables, Places, SqlPlaces
from selinon_core.celery.stores.sql.tables import Tables

T = TypeVar("T")
_MOST_AT_ONCE = 500


class _TaskPlaces(Places):
    """What has a place is a node run (``read_holder``)."""

    @staticmethod
    def of_tables(tables: Tables) -> LimitTables:
        """The tables of such places."""
        return LimitTables(tables.task_limits, tables.task_holders, tables.task_waiting)

    def _admit(self, run: str, now: float) -> bool:
        """Whether a node run still wants its place; the message of one that does, but is paused, is due too."""
        flow_id, number = read_holder(run)
        runs, nodes = self._all.runs, self._all.nodes
        asked = sa.select(runs.c.status, runs.c.inbox_threshold).where(runs.c.id == flow_id)
        row = self._connection.execute(asked).first()
        ended = sa.select(nodes.c.done).where(nodes.c.run == flow_id, nodes.c.number == number)
        if row is None or row.status == "cancelled" or self._connection.execute(ended).scalar():
            return False
        if row.status == "running" and rules.is_paused(row.inbox_threshold):
            self._make_due(run, now)
            return False
        return True

    def _make_due(self, run: str, now: float) -> None:
        """The message of a node run is due, unless it is on its way already."""
        flow_id, number = read_holder(run)
        timers = self._all.timers
        own = (timers.c.run == flow_id, timers.c.name == str(TimerKey(SEND_TASK, number)))
        if self._connection.execute(timers.update().where(*own).values(due=now)).rowcount:
            self._look_by(flow_id, now + rules.WAKEUP_BACKOFF)

    def since(self, place: LimitPlace) -> None:
        """A node run has its place since then."""
        holders = self._tables.holders
        change = holders.update().where(*self._of(holders, place.run))
        self._connection.execute(change.values(at=place.at, priority=place.priority, queue=place.queue))

    def has(self, place: LimitPlace) -> bool:
        """Whether a place, held or waited for, is as it is given."""
        tables = (self._tables.holders, self._tables.waiting)
        found = [
            self._connection.execute(sa.select(table.c.at).where(*self._of(table, place.run))).scalar()
            for table in tables
        ]
        return place.at in found


class SqlTaskLimits(SqlPlaces):
    """See ``TaskLimits``."""

    def __init__(self, database: Database, tables: Tables) -> None:
        super().__init__(database, tables, _TaskPlaces.of_tables(tables))
        self._after = ("", "")

    def claim(self, place: LimitPlace, max: int, now: float) -> Placed:
        """See ``TaskLimits.claim``."""
        moved: list[LimitPlace] = []
        for other, _ in self._ensured(lambda: self.of([place.run])).values():
            if other.key != place.key:
                moved += self.give_back(other, now)

        def claim(connection: sa.Connection) -> Placed:
            places = _TaskPlaces(connection, self._tables, place.key, max)
            places.ask(place)
            granted = places.grant(now, place.run)
            holds = places.holds(place.run)
            if holds:
                places.since(place)
            places.clear()
            return Placed(holds, [each for each in granted if each.run != place.run])

        placed = self._ensured(lambda: self._database.do(claim))
        return placed._replace(granted=[*moved, *placed.granted]) if moved else placed

    def give_back(self, place: LimitPlace, now: float) -> Sequence[LimitPlace]:
        """See ``TaskLimits.give_back``."""

        def give_back(connection: sa.Connection) -> list[LimitPlace]:
            places = _TaskPlaces(connection, self._tables, place.key)
            if not places.has(place):
                return []
            places.leave(place.run)
            granted = places.grant(now)
            places.clear()
            return granted

        return self._ensured(lambda: self._database.do(give_back))

    def of(self, runs: Sequence[str]) -> Mapping[str, tuple[LimitPlace, bool]]:
        """See ``TaskLimits.of``."""
        found: list[tuple[LimitPlace, bool]] = []
        for begin in range(0, len(runs), _MOST_AT_ONCE):
            part = runs[begin : begin + _MOST_AT_ONCE]
            found += self._some(lambda table, part=part: sa.select(table).where(table.c.run.in_(part)))  # type: ignore[misc]
        return {place.run: (place, held) for place, held in found}

    def some(self, most: int) -> Sequence[tuple[LimitPlace, bool]]:
        """See ``TaskLimits.some``."""
        key, run = self._after
        found = self._some(
            lambda table: (
                sa.select(table)
                .where(sa.or_(table.c.key > key, sa.and_(table.c.key == key, table.c.run > run)))
                .order_by(table.c.key, table.c.run)
                .limit(most)
            )
        )
        cut = []
        for kind in (True, False):
            of_kind = [(place.key, place.run) for place, held in found if held is kind]
            if len(of_kind) == most:  # there may be more
                cut.append(of_kind[-1])
        self._after = min(cut, default=("", ""))
        return found

    def _some(self, question: Callable[[sa.Table], sa.Select[Any]]) -> list[tuple[LimitPlace, bool]]:
        def read(connection: sa.Connection) -> list[tuple[LimitPlace, bool]]:
            return [
                (LimitPlace(*row), held)
                for table, held in ((self._places.holders, True), (self._places.waiting, False))
                for row in connection.execute(question(table)).all()
            ]

        return self._database.read(read)

    def _ensured(self, step: Callable[[], T]) -> T:
        return with_table(self._database, self._tables, self._places.waiting, step)
