"""Collects the independent writes of a step and sends them pipelined where the database supports it.

What a step costs is how often it has to wait for the database's answer, not what the database does meanwhile.
PostgreSQL takes many changes as one statement (``WITH a AS (INSERT ...), b AS (UPDATE ...) SELECT 1``); all see
the rows as they were before, therefore no two may touch the same row.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

_CONDITIONS: dict[str, Callable[[Any, Any], Any]] = {
    "": operator.eq,
    "upto": operator.le,
    "in": lambda column, values: column.in_(values),
    "not_in": lambda column, values: column.not_in(values),
    "unlike": lambda column, pattern: column.not_like(pattern),
}


class _Shape(NamedTuple):
    """A statement without its values. ``where`` has names of columns, or ``column__condition``."""

    kind: str
    table: sa.Table
    where: tuple[str, ...]
    columns: tuple[str, ...]


class Changes:
    """Collects changes; nothing happens before ``send``."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._shapes: list[_Shape] = []
        self._values: dict[str, Any] = {}

    def insert(self, table: sa.Table, /, **values: Any) -> None:
        """A new row."""
        self._add("insert", table, {}, values)

    def put(self, table: sa.Table, key: Mapping[str, Any], /, **values: Any) -> None:
        """The row with that primary key gets these values, whether it is there or not; without any it stays."""
        self._add("put", table, key, values)

    def update(self, table: sa.Table, where: Mapping[str, Any], /, **values: Any) -> None:
        """Rows that are there get these values."""
        self._add("update", table, where, values)

    def delete(self, table: sa.Table, **where: Any) -> None:
        """Rows go: ``column=value``, ``column__in=values``, ``__not_in``, ``__upto`` (<=) or ``__unlike``."""
        self._add("delete", table, where, {})

    def put_all(self, table: sa.Table, keys: Sequence[Mapping[str, Any]]) -> None:
        """Rows with these primary keys are there; at once, when they are many."""
        if len(keys) == 1:
            self.put(table, keys[0])
        elif keys:
            statement = _statement(_Shape("put", table, tuple(keys[0]), ()), self._connection.dialect.name, 0)
            self._connection.execute(statement, [_named(0, key) for key in keys])

    def send(self, *, flushed: bool = True) -> None:
        """Make the changes; if not ``flushed``, a crash of the server may forget them (but nothing older)."""
        shapes, dialect = self._shapes, self._connection.dialect.name
        if dialect == "postgresql" and shapes:
            self._connection.execute(_together(tuple(shapes), flushed), self._values)
        else:
            for number, shape in enumerate(shapes):
                names = [_name(number, name) for name in (*shape.where, *shape.columns)]
                statement = _statement(shape, dialect, number)
                self._connection.execute(statement, {name: self._values[name] for name in names})
        self._shapes, self._values = [], {}

    def _add(self, kind: str, table: sa.Table, where: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        number = len(self._shapes)
        self._shapes.append(_Shape(kind, table, tuple(where), tuple(values)))
        self._values |= _named(number, where) | _named(number, values)


def _name(number: int, name: str) -> str:
    return f"w{number}_{name}"


def _named(number: int, values: Mapping[str, Any]) -> dict[str, Any]:
    return {_name(number, name): value for name, value in values.items()}


@functools.lru_cache(1024)
def _together(shapes: tuple[_Shape, ...], flushed: bool) -> sa.Select[Any]:
    parts = [_statement(shape, "postgresql", number) for number, shape in enumerate(shapes)]
    end = "1" if flushed else "set_config('synchronous_commit', 'off', true)"
    return sa.select(sa.literal_column(end)).add_cte(*(part.cte(f"w{n}") for n, part in enumerate(parts)))


@functools.lru_cache(1024)
def _statement(shape: _Shape, dialect: str, number: int) -> Any:
    kind, table, where, columns = shape
    values: dict[str, Any] = {name: sa.bindparam(_name(number, name)) for name in columns}
    if kind == "insert":
        return table.insert().values(values)
    if kind == "put":
        return _put(table, {name: sa.bindparam(_name(number, name)) for name in where}, values, dialect)
    conditions = [_condition(table, name, number) for name in where]
    if kind == "update":
        return table.update().where(*conditions).values(values)
    return table.delete().where(*conditions)


def _condition(table: sa.Table, name: str, number: int) -> Any:
    column, _, condition = name.partition("__")
    value: Any = sa.bindparam(_name(number, name), expanding=condition.endswith("in"))
    return _CONDITIONS[condition](table.c[column], value)


def _put(table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any], dialect: str) -> Any:
    row = {**key, **values}
    if dialect in ("mysql", "mariadb"):
        statement = mysql.insert(table).values(row)
        # A change to what is there already changes nothing.
        names = list(values) or list(key)[:1]
        return statement.on_duplicate_key_update({name: statement.inserted[name] for name in names})
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table).values(row)
    if not values:
        return insert.on_conflict_do_nothing(index_elements=list(key))
    return insert.on_conflict_do_update(
        index_elements=list(key), set_={name: insert.excluded[name] for name in values}
    )
