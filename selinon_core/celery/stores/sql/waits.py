"""The tasks that wait for signals, in a SQL database; see ``Waits``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import sqlalchemy as sa

from selinon_core.celery.stores.cursors import cut
from selinon_core.celery.stores.sql.database import Database
from selinon_core.celery.stores.sql.tables import Tables
from selinon_core.celery.stores.waits import WaitPage, WaitQuery, WaitRow, read_cursor
from selinon_core.errors import StateStoreError, StateStoreRefused

T = TypeVar("T")


class SqlWaits:
    """See ``Waits``."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database = database
        self._table = tables.waits

    def put(self, run: str, rows: Sequence[WaitRow]) -> None:
        """See ``Waits.put``."""
        table = self._table

        def put(connection: sa.Connection) -> None:
            there = set(connection.execute(sa.select(table.c.number).where(table.c.run == run)).scalars())
            wanted = {row.number: row for row in rows}
            gone = sorted(there - wanted.keys())
            for begin in range(0, len(gone), 500):
                part = gone[begin : begin + 500]
                connection.execute(table.delete().where(table.c.run == run, table.c.number.in_(part)))
            new = [row._asdict() for number, row in wanted.items() if number not in there]
            if new:
                connection.execute(table.insert(), new)

        self._database.do(put)

    def _read(self, step: Callable[[sa.Connection], T]) -> T:
        """Read; the tables of a store that no worker of this version has opened lack this one."""
        try:
            return self._database.read(step)
        except (StateStoreError, StateStoreRefused) as error:
            name = self._table.name
            if self._database.read(lambda connection: sa.inspect(connection).has_table(name)):
                raise
            raise StateStoreRefused(
                f'the state store has no table "{name}" yet: a worker of this version makes it when it starts'
            ) from error

    def find(self, query: WaitQuery, cursor: str | None = None, limit: int = 50) -> WaitPage:
        """See ``Waits.find``."""
        column = self._table.c
        order = (column.since, column.run, column.number)
        asked = sa.select(self._table).order_by(*order).limit(limit + 1)
        if query.flows:
            asked = asked.where(column.flow.in_(list(query.flows)))
        if query.run is not None:
            asked = asked.where(column.run == query.run)
        if query.root is not None:
            asked = asked.where(column.root == query.root)
        if cursor is not None:
            since, run, number = read_cursor(cursor)
            same = sa.and_(column.since == since, column.run == run, column.number > number)
            asked = asked.where(
                sa.or_(column.since > since, sa.and_(column.since == since, column.run > run), same)
            )
        found = self._read(lambda connection: connection.execute(asked).all())
        return WaitPage(*cut([WaitRow(*row) for row in found], limit))

    def count_by_flow(self) -> dict[str, int]:
        """See ``Waits.count_by_flow``."""
        flow = self._table.c.flow
        asked = sa.select(flow, sa.func.count()).group_by(flow)
        found = self._read(lambda connection: connection.execute(asked).all())
        return {row[0]: row[1] for row in found}
