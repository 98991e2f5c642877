"""The places of limits in a SQL database; see ``Limits``. Those of tasks are in ``task_limits``.

A transaction that changes the places under a key locks the row of the key first, so they take turns.
A step has locked the row of its run before; what waits and is granted a place is locked last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from selinon_core.celery.stores import delivery_rules as rules
from selinon_core.celery.stores.limits import BEGIN, END, TAKE, LimitPlace, LimitState, LimitStep
from selinon_core.celery.stores.outbox_keys import BEGIN_FLOW
from selinon_core.celery.stores.sql.changes import Changes
from selinon_core.celery.stores.sql.database import Database
from selinon_core.celery.stores.sql.tables import Tables
from selinon_core.errors import StateStoreError, StateStoreRefused


class LimitTables(NamedTuple):
    """Keys, what has a place, and what waits for one."""

    limits: sa.Table
    holders: sa.Table
    waiting: sa.Table


class Places:
    """The places under one key, in a transaction; others wait until it ends."""

    def __init__(self, connection: sa.Connection, tables: Tables, key: str, most: int | None = None) -> None:
        """``most`` is the new maximum of the key; None: it stays as it is."""
        self._connection = connection
        self._all = tables
        self._tables = self.of_tables(tables)
        self.key = key
        self.max = self._lock(most)

    @staticmethod
    def of_tables(tables: Tables) -> LimitTables:
        """The tables of such places."""
        return LimitTables(tables.limits, tables.holders, tables.waiting)

    def _lock(self, most: int | None) -> int:
        limits = self._tables.limits
        if most is not None:
            changes = Changes(self._connection)
            changes.put(limits, {"key": self.key}, max=most)
            changes.send()
            return most
        asked = sa.select(limits.c.max).where(limits.c.key == self.key).with_for_update()
        return int(self._connection.execute(asked).scalar() or 0)

    def holds(self, run: str) -> bool:
        """Whether a run has a place."""
        return self._has(self._tables.holders, run)

    def is_free(self) -> bool:
        """Whether there is a place that nothing waits for."""
        waiting = self._tables.waiting.c
        first = sa.select(waiting.run).where(waiting.key == self.key).limit(1)
        return self._connection.execute(first).first() is None and self._held() < self.max

    def ask(self, place: LimitPlace) -> None:
        """Put a run into the waiting list, unless it has a place, or waits."""
        if not self.holds(place.run) and not self._has(self._tables.waiting, place.run):
            self._connection.execute(self._tables.waiting.insert(), place._asdict())

    def leave(self, run: str) -> None:
        """Give back the place of a run, or take it out of the waiting list."""
        for table in (self._tables.holders, self._tables.waiting):
            self._connection.execute(table.delete().where(*self._of(table, run)))

    def grant(self, now: float, own: str = "") -> list[LimitPlace]:
        """Give places that are free to runs that wait; makes these runs due, but ``own``, whose row is locked."""
        granted: list[LimitPlace] = []
        holders, waiting = self._tables.holders, self._tables.waiting
        order = (waiting.c.priority.desc(), waiting.c.at, waiting.c.run)
        asked = sa.select(waiting).where(waiting.c.key == self.key).order_by(*order)
        free = self.max - self._held()
        while free > 0 and (rows := self._connection.execute(asked.limit(free)).all()):
            for row in rows:
                place = LimitPlace(*row)
                self._connection.execute(waiting.delete().where(*self._of(waiting, place.run)))
                if place.run == own or self._admit(place.run, now):
                    self._connection.execute(holders.insert(), place._asdict())
                    granted.append(place)
                    free -= 1
        for run in sorted(place.run for place in granted if place.run != own):
            self._make_due(run, now)
        return granted

    def _admit(self, run: str, now: float) -> bool:
        """Whether a run that waited still wants its place: one that ended gives it back in its last step."""
        return True

    def clear(self) -> None:
        """Forget the key when there are no places under it."""
        if not self._held() and not self._count(self._tables.waiting):
            limits = self._tables.limits
            self._connection.execute(limits.delete().where(limits.c.key == self.key))

    def _make_due(self, run: str, now: float) -> None:
        changes = Changes(self._connection)
        changes.put(self._all.timers, {"run": run, "name": BEGIN_FLOW}, due=now)
        changes.send()
        self._look_by(run, now + rules.WAKEUP_BACKOFF)

    def _look_by(self, run: str, due: float) -> None:
        runs = self._all.runs
        sooner = sa.case((runs.c.due < due, runs.c.due), else_=due)
        self._connection.execute(runs.update().where(runs.c.id == run).values(due=sooner))

    def _has(self, table: sa.Table, run: str) -> bool:
        return self._connection.execute(sa.select(table.c.run).where(*self._of(table, run))).first() is not None

    def _of(self, table: sa.Table, run: str) -> tuple[Any, ...]:
        return table.c.key == self.key, table.c.run == run

    def _held(self) -> int:
        return self._count(self._tables.holders)

    def _count(self, table: sa.Table) -> int:
        counted = sa.select(sa.func.count()).select_from(table).where(table.c.key == self.key)
        return int(self._connection.execute(counted).scalar() or 0)


def refused(connection: sa.Connection, tables: Tables, step: LimitStep) -> Places | None:
    """The places under the key of a step, locked; None when a commit with this step is refused."""
    place = step.place
    places = Places(connection, tables, place.key, None if step.action == END else step.max)
    if (step.action == BEGIN and not places.holds(place.run)) or (
        step.action == TAKE and not (places.holds(place.run) or places.is_free())
    ):
        places.clear()
        return None
    return places


class Placed(NamedTuple):
    """What became of a step: whether its run has a place, whether by this step, and who else was granted one."""

    holds: bool
    is_new: bool
    granted: Sequence[LimitPlace]


def apply(places: Places, step: LimitStep, now: float) -> Placed:
    """Make the changes of a step that is not refused."""
    run = step.place.run
    if step.action == END:
        places.leave(run)
        granted = places.grant(now)
        places.clear()
        return Placed(False, False, granted)
    places.ask(step.place)
    granted = places.grant(now, run)
    others = [place for place in granted if place.run != run]
    return Placed(places.holds(run), len(others) < len(granted), others)


class SqlPlaces:
    """Looks at places."""

    def __init__(self, database: Database, tables: Tables, places: LimitTables) -> None:
        self._database = database
        self._tables = tables
        self._places = places

    def holds(self, key: str, run: str) -> bool:
        """See ``Limits.holds``."""
        holders = self._places.holders
        asked = sa.select(holders.c.run).where(holders.c.key == key, holders.c.run == run)
        return self._database.read(lambda connection: connection.execute(asked).first() is not None)

    def state(self, key: str) -> LimitState:
        """See ``Limits.state``."""
        limits, holders, waiting = self._places
        oldest = sa.select(holders).where(holders.c.key == key).order_by(holders.c.at, holders.c.run)
        order = (waiting.c.priority.desc(), waiting.c.at, waiting.c.run)
        next_ones = sa.select(waiting).where(waiting.c.key == key).order_by(*order)

        def read(connection: sa.Connection) -> LimitState:
            most = connection.execute(sa.select(limits.c.max).where(limits.c.key == key)).scalar() or 0
            found = [
                [LimitPlace(*row) for row in connection.execute(asked).all()] for asked in (oldest, next_ones)
            ]
            return LimitState(most, *found)

        return self._database.read(read)

    def waiting_by_name(self) -> Mapping[str, int]:
        """See ``Limits.waiting_by_name``."""
        name = self._places.waiting.c.name
        asked = sa.select(name, sa.func.count()).group_by(name)
        try:
            found = self._database.read(lambda connection: connection.execute(asked).all())
        except (StateStoreError, StateStoreRefused):
            table = self._places.waiting.name
            if self._database.read(lambda connection: sa.inspect(connection).has_table(table)):
                raise
            return {}  # no worker of this version has opened the store
        return {row[0]: row[1] for row in found}


class SqlLimits(SqlPlaces):
    """See ``Limits``."""

    def __init__(self, database: Database, tables: Tables) -> None:
        super().__init__(database, tables, Places.of_tables(tables))

    def allow(self, key: str, max: int, now: float) -> list[LimitPlace]:
        """See ``Limits.allow``."""

        def change(connection: sa.Connection) -> list[LimitPlace]:
            places = Places(connection, self._tables, key, max)
            granted = places.grant(now)
            places.clear()
            return granted

        return self._database.do(change)

    def tend(self, now: float, most: int) -> list[LimitPlace]:
        """See ``Limits.tend``."""
        runs, waiting = self._tables.runs, self._tables.waiting
        ended = sa.or_(runs.c.id.is_(None), runs.c.status != "running")

        def look(connection: sa.Connection) -> tuple[list[tuple[str, str]], list[str]]:
            gone = []
            for table in (self._tables.holders, waiting):
                joined = table.outerjoin(runs, runs.c.id == table.c.run)
                asked = sa.select(table.c.key, table.c.run).select_from(joined).where(ended).limit(most)
                gone += [(row.key, row.run) for row in connection.execute(asked)]
            with_waiting = sa.select(waiting.c.key).distinct().limit(most)
            return gone, list(connection.execute(with_waiting).scalars())

        gone, keys = self._database.read(look)
        granted: list[LimitPlace] = []
        for key in dict.fromkeys([*(key for key, _ in gone), *keys]):
            ended_runs = [run for of, run in gone if of == key]

            def tend(connection: sa.Connection, key: str = key, runs: list[str] = ended_runs) -> list[LimitPlace]:
                places = Places(connection, self._tables, key)
                for run in runs:
                    places.leave(run)
                found = places.grant(now)
                places.clear()
                return found

            granted += self._database.do(tend)
        return granted
