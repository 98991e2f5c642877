"""The audit in a SQL database; see ``Audit``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from selinon_core.celery.stores.audit import AuditEntry, AuditPage
from selinon_core.celery.stores.cursors import cut, read_cursor
from selinon_core.celery.stores.sql.database import Database
from selinon_core.celery.stores.sql.late_tables import with_table
from selinon_core.celery.stores.sql.tables import Tables

T = TypeVar("T")


class SqlAudit:
    """See ``Audit``."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database = database
        self._tables = tables
        self._table = tables.audit

    def write(self, entry: AuditEntry) -> None:
        """See ``Audit.write``."""
        table = self._table
        values = {**entry._asdict(), "details": json.dumps(dict(entry.details)) if entry.details else None}

        def step(connection: sa.Connection) -> None:
            if connection.execute(sa.select(table.c.id).where(table.c.id == entry.id)).first() is None:
                connection.execute(table.insert().values(values))

        self._with_table(lambda: self._database.do(step))

    def read(self, run: str | None = None, cursor: str | None = None, limit: int = 50) -> AuditPage:
        """See ``Audit.read``."""
        column = self._table.c
        query = sa.select(self._table).order_by(column.at.desc(), column.id.desc()).limit(limit + 1)
        if run is not None:
            query = query.where(column.run == run)
        if cursor is not None:
            at, id = read_cursor(cursor)
            query = query.where(sa.or_(column.at < at, sa.and_(column.at == at, column.id < id)))
        rows = self._with_table(
            lambda: self._database.read(lambda connection: connection.execute(query).mappings().all())
        )
        return AuditPage(*cut([_entry(dict(row)) for row in rows], limit))

    def trim(self, before: float, limit: int) -> int:
        """See ``Audit.trim``."""
        column = self._table.c
        old = sa.select(column.id).where(column.at < before).order_by(column.at).limit(limit)

        def step(connection: sa.Connection) -> int:
            ids = list(connection.execute(old).scalars())
            if ids:
                connection.execute(self._table.delete().where(column.id.in_(ids)))
            return len(ids)

        return self._with_table(lambda: self._database.do(step))

    def _with_table(self, step: Callable[[], T]) -> T:
        return with_table(self._database, self._tables, self._table, step)


def _entry(row: dict[str, Any]) -> AuditEntry:
    return AuditEntry(**{**row, "details": json.loads(row["details"] or "{}")})
