"""The index of runs in a SQL database; see ``Index``. What it asks is in ``index_questions``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from selinon_core.celery.stores.cursors import cut, read_cursor
from selinon_core.celery.stores.index import (
    CLOSED,
    OPEN,
    IndexChange,
    IndexRow,
    Page,
    Progress,
    RunQuery,
    Unindexed,
)
from selinon_core.celery.stores.sql.changes import Changes
from selinon_core.celery.stores.sql.database import Database
from selinon_core.celery.stores.sql.index_questions import Questions, begins
from selinon_core.celery.stores.sql.locked_run import header_of
from selinon_core.celery.stores.sql.tables import Tables
from selinon_core.errors import StateStoreError, StateStoreRefused

T = TypeVar("T")


def row_values(row: IndexRow) -> dict[str, Any]:
    """The columns of a row."""
    return {**row._asdict(), "labels": json.dumps(dict(row.labels)) if row.labels else None}


def apply(changes: Changes, tables: Tables, id: str, change: IndexChange, now: float) -> None:
    """Make the changes of a commit, together with its others."""
    columns: dict[str, Any] = {**change.columns, "changed": now}
    row = change.row
    if row is None:
        changes.update(tables.index, {"id": id}, **columns)
        if change.labelled and "status" in columns:
            changes.update(tables.labels, {"run": id}, status=columns["status"])
        return
    row = row._replace(**columns)
    values = row_values(row)
    changes.put(tables.index, {"id": values.pop("id")}, **values)
    if row.labels or row.key is not None:  # else no run had this id before
        changes.delete(tables.labels, run=id, name__not_in=list(row.labels))
    for name, value in row.labels.items():
        changes.put(tables.labels, {"run": id, "name": name}, value=value, status=row.status, created=row.created)


def index_text(change: IndexChange, now: float) -> str:
    """The changes of a commit for the function of PostgreSQL, as JSON."""
    columns: dict[str, Any] = {**change.columns, "changed": now}
    if change.row is None:
        return json.dumps({"columns": columns})
    return json.dumps({"row": row_values(change.row._replace(**columns))})


class SqlIndex:
    """See ``Index``."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database = database
        self._tables = tables
        self._questions = Questions(tables)

    def find(self, query: RunQuery, cursor: str | None = None, limit: int = 50) -> Page:
        """See ``Index.find``."""
        before = None if cursor is None else read_cursor(cursor)
        rows = self._rows(*self._questions.page(query, before, limit + 1))
        return Page(*cut(rows, limit))

    def count(self, query: RunQuery) -> int:
        """See ``Index.count``."""
        statement, values = self._questions.count(query)
        return int(self._read(lambda connection: connection.execute(statement, values).scalar()) or 0)

    def get(self, id: str) -> IndexRow | None:
        """See ``Index.get``."""
        index = self._tables.index
        return next(iter(self._rows(sa.select(index).where(index.c.id == id))), None)

    def by_prefix(self, text: str, limit: int) -> list[str]:
        """See ``Index.by_prefix``."""
        index = self._tables.index
        query = sa.select(index.c.id).where(*begins(index.c.id, text)).order_by(index.c.id).limit(limit)
        return self._read(lambda connection: list(connection.execute(query).scalars()))

    def changed_since(self, at: float, limit: int, after: str = "") -> list[IndexRow]:
        """See ``Index.changed_since``."""
        index = self._tables.index
        later = sa.or_(index.c.changed > at, index.c.id > after)
        query = sa.select(index).where(index.c.changed >= at, later).order_by(index.c.changed, index.c.id)
        return self._rows(query.limit(limit))

    def _read(self, step: Callable[[sa.Connection], T]) -> T:
        """Read; the tables of a store that no worker of this version has opened lack the index."""
        try:
            return self._database.read(step)
        except (StateStoreError, StateStoreRefused) as error:
            name = self._tables.index.name
            if self._database.read(lambda connection: sa.inspect(connection).has_table(name)):
                raise
            raise StateStoreRefused(
                f'the state store has no index of runs yet (the table "{name}"): a worker of this version makes '
                "it when it starts"
            ) from error

    def _rows(self, query: Any, values: Mapping[str, Any] = {}) -> list[IndexRow]:
        return self._read(lambda connection: [_row(row) for row in connection.execute(query, values).mappings()])

    def progress(self, ids: Sequence[str]) -> dict[str, Progress]:
        """See ``Index.progress``."""
        runs, nodes = self._tables.runs, self._tables.nodes
        done = sa.func.sum(sa.case((nodes.c.done.is_(sa.true()), 1), else_=0))
        counted = sa.select(runs.c.id, sa.func.count(nodes.c.number).label("started"), done.label("done"))
        counted = counted.select_from(runs.outerjoin(nodes, nodes.c.run == runs.c.id))
        counted = counted.where(runs.c.id.in_(ids)).group_by(runs.c.id)
        rows = self._read(lambda connection: connection.execute(counted).all())
        return {row.id: Progress(row.started, int(row.done or 0)) for row in rows}

    # -- what other workers left out --------------------------------------------------------------------------

    def unindexed(self, cursor: str | None, limit: int) -> tuple[list[Unindexed], str | None]:
        """See ``Index.unindexed``."""
        runs, index, log = self._tables.runs, self._tables.index, self._tables.log
        next_ids = sa.select(runs.c.id).order_by(runs.c.id).limit(limit)
        if cursor is not None:
            next_ids = next_ids.where(runs.c.id > cursor)
        wrong = sa.or_(
            index.c.id.is_(None),
            sa.and_(runs.c.status == "running", index.c.status.in_(CLOSED)),
            sa.and_(runs.c.status != "running", index.c.status != runs.c.status),
        )

        def step(connection: sa.Connection) -> tuple[list[Unindexed], str | None]:
            ids = list(connection.execute(next_ids).scalars())
            batch = sa.select(log.c.batch).where(log.c.run == runs.c.id, log.c.version == 1).scalar_subquery()
            both = runs.outerjoin(index, _same_id(connection, runs.c.id, index.c.id))
            query = sa.select(*runs.c, batch.label("first_batch")).select_from(both)
            # The key of a JSON text: a quotation mark within a value has a backslash before it.
            query = query.where(runs.c.id.in_(ids), wrong, runs.c.fields.not_like('%"caller": %'))
            found = [Unindexed(row.id, header_of(row), row.first_batch) for row in connection.execute(query)]
            return found, ids[-1] if len(ids) == limit else None

        return self._read(step)

    def fill_in(self, rows: Sequence[IndexRow]) -> None:
        """See ``Index.fill_in``."""
        for row in rows:
            self._database.do(lambda connection, row=row: self._fill_in(connection, row))  # type: ignore[misc]

    def _fill_in(self, connection: sa.Connection, row: IndexRow) -> None:
        index = self._tables.index
        there = connection.execute(sa.select(index.c.id).where(index.c.id == row.id)).first()
        change = IndexChange(row)
        if there is not None:
            columns = {"status": row.status, "ended": row.ended, "reason": row.reason}
            change = IndexChange(columns=columns, labelled=True)
        changes = Changes(connection)
        apply(changes, self._tables, row.id, change, row.changed)
        changes.send()

    def trim(self, before: float, now: float, limit: int) -> int:
        """See ``Index.trim``."""
        index, labels, runs = self._tables.index, self._tables.labels, self._tables.runs
        old = sa.select(index.c.id, index.c.status).where(index.c.changed < before)
        old = old.order_by(index.c.changed).limit(limit)

        def step(connection: sa.Connection) -> int:
            rows = connection.execute(old).all()
            kept: list[str] = []
            begun = [row.id for row in rows if row.status in OPEN]
            if begun:
                kept = list(connection.execute(sa.select(runs.c.id).where(runs.c.id.in_(begun))).scalars())
                connection.execute(index.update().where(index.c.id.in_(kept)).values(changed=now))
            gone = list({row.id for row in rows} - set(kept))
            if gone:
                connection.execute(labels.delete().where(labels.c.run.in_(gone)))
                connection.execute(index.delete().where(index.c.id.in_(gone)))
            return len(rows)

        return self._database.do(step)


def _row(row: Mapping[Any, Any]) -> IndexRow:
    values = dict(row)
    values["labels"] = json.loads(values["labels"] or "{}")
    return IndexRow(**values)


def _same_id(connection: sa.Connection, of_run: Any, of_index: Any) -> Any:
    """Tables of before the index have the collation of their database; PostgreSQL asks which one counts."""
    return (of_run.collate("C") if connection.dialect.name == "postgresql" else of_run) == of_index
