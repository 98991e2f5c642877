"""Items in a SQL database; see ``Items``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from selinon_core.celery.stores.cursors import cut, read_cursor
from selinon_core.celery.stores.items import Item, ItemPage
from selinon_core.celery.stores.sql.database import Database
from selinon_core.celery.stores.sql.late_tables import with_table
from selinon_core.celery.stores.sql.tables import Tables

T = TypeVar("T")
_MOST_AT_ONCE = 500


class SqlItems:
    """See ``Items``."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database = database
        self._tables = tables
        self._table = tables.items

    def put(self, item: Item, expires: float, *, if_absent: bool = False) -> bool:
        """See ``Items.put``."""
        table, key = self._table, self._key(item.kind, [item.id])
        values = {**item._asdict(), "expires": expires}

        def put(connection: sa.Connection) -> bool:
            there = connection.execute(sa.select(table.c.at).where(key)).first() is not None
            if not there:
                connection.execute(table.insert().values(values))
            elif not if_absent:
                connection.execute(table.update().where(key).values(values))
            return not (there and if_absent)

        return self._do(put)

    def get(self, kind: str, id: str) -> Item | None:
        """See ``Items.get``."""
        found = self._read(self._select().where(self._key(kind, [id])))
        return found[0] if found else None

    def find(self, kind: str, cursor: str | None = None, limit: int = 50) -> ItemPage:
        """See ``Items.find``."""
        column = self._table.c
        asked = self._select().where(column.kind == kind)
        if cursor is not None:
            at, id = read_cursor(cursor)
            asked = asked.where(sa.or_(column.at < at, sa.and_(column.at == at, column.id < id)))
        newest_first = asked.order_by(column.at.desc(), column.id.desc())
        return ItemPage(*cut(self._read(newest_first.limit(limit + 1)), limit))

    def of_run(self, kind: str, run: str) -> list[Item]:
        """See ``Items.of_run``."""
        column = self._table.c
        asked = self._select().where(column.run == run, column.kind == kind)
        return self._read(asked.order_by(column.at, column.id))

    def count(self, kind: str) -> int:
        """See ``Items.count``."""
        asked = sa.select(sa.func.count()).where(self._table.c.kind == kind)
        return self._ask(lambda connection: int(connection.execute(asked).scalar_one()))

    def claim(self, kind: str, now: float, until: float, limit: int) -> list[Item]:
        """See ``Items.claim``."""
        table, column = self._table, self._table.c
        due = self._select().where(column.kind == kind, column.at <= now)
        due = due.order_by(column.at, column.id).limit(limit).with_for_update()

        def claim(connection: sa.Connection) -> list[Item]:
            found = [_item(row) for row in connection.execute(due)]
            return [
                item
                for item in found
                if connection.execute(
                    table.update().where(self._key(kind, [item.id]), column.at == item.at).values(at=until)
                ).rowcount
            ]

        return self._do(claim)

    def remove(self, kind: str, ids: Sequence[str]) -> list[str]:
        """See ``Items.remove``."""

        def remove(connection: sa.Connection) -> list[str]:
            delete = self._table.delete()
            return [id for id in ids if connection.execute(delete.where(self._key(kind, [id]))).rowcount]

        return self._do(remove) if ids else []

    def forget(self, runs: Sequence[str]) -> None:
        """See ``Items.forget``."""
        for begin in range(0, len(runs), _MOST_AT_ONCE):
            gone = self._table.delete().where(self._table.c.run.in_(list(runs[begin : begin + _MOST_AT_ONCE])))
            self._do(partial(sa.Connection.execute, statement=gone))

    def expired(self, now: float, limit: int) -> list[Item]:
        """See ``Items.expired``."""
        expires = self._table.c.expires
        return self._read(self._select().where(expires <= now).order_by(expires).limit(limit))

    def postpone(self, items: Sequence[Item], expires: float) -> None:
        """See ``Items.postpone``."""

        def postpone(connection: sa.Connection) -> None:
            for item in items:
                key = self._key(item.kind, [item.id])
                connection.execute(self._table.update().where(key).values(expires=expires))

        if items:
            self._do(postpone)

    def _select(self) -> sa.Select[tuple[str, str, float, str, str]]:
        column = self._table.c
        return sa.select(column.kind, column.id, column.at, column.text, column.run)

    def _key(self, kind: str, ids: Sequence[str]) -> sa.ColumnElement[bool]:
        return sa.and_(self._table.c.kind == kind, self._table.c.id.in_(ids))

    def _read(self, asked: sa.Select[tuple[str, str, float, str, str]]) -> list[Item]:
        return self._ask(lambda connection: [_item(row) for row in connection.execute(asked)])

    def _ask(self, step: Callable[[sa.Connection], T]) -> T:
        return with_table(self._database, self._tables, self._table, lambda: self._database.read(step))

    def _do(self, step: Callable[[sa.Connection], T]) -> T:
        return with_table(self._database, self._tables, self._table, lambda: self._database.do(step))


def _item(row: Any) -> Item:
    return Item(*row)
