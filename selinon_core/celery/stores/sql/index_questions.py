"""The queries of the index of runs to a SQL database; each is built once: building takes longer than running.

A page has to be found by walking an index of the database in the order of the page, never by sorting what matches.
Therefore a question for several statuses (or flows) is one question for each of them, put together: every part
walks its own stretch of ``(flow, status, created)``, ``(status, created)`` or ``(name, value, status, created)``
and stops at the length of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from selinon_core.celery.stores.index import STATUSES, RunQuery
from selinon_core.celery.stores.sql.tables import Tables

#: Beginnings of ids that are shorter stand for many runs: they filter, and are not looked up.
_LONG_PREFIX = 4
#: The most parts that a question is split into, and the most questions that are kept.
_MOST_PARTS = 300
_MOST_KEPT = 256


class _Shape(NamedTuple):
    """A question without its values: how many parts it has, and which conditions."""

    flows: int
    statuses: int
    labels: int
    since: bool
    until: bool
    before: bool
    key: bool
    root: bool
    prefix: bool
    #: Rows are looked up (by key, root or beginning of the id): there is one part.
    looked_up: bool
    #: Flows are a condition of each part, because there would be too many parts.
    filtered_flows: bool


class Questions:
    """The questions about one set of tables; safe under threads."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._made: dict[tuple[_Shape, bool], Any] = {}

    def page(self, query: RunQuery, before: tuple[float, str] | None, limit: int) -> tuple[Any, dict[str, Any]]:
        """The statement for rows, newest first, and its values; ``before`` is the position of the cursor."""
        query = query.without_repeats()
        shape = _shape(query, before)
        return self._statement(shape, True), {**_values(query, shape, before), "limit": limit}

    def count(self, query: RunQuery) -> tuple[Any, dict[str, Any]]:
        """The statement for how many there are, and its values."""
        query = query.without_repeats()
        shape = _shape(query, None)
        return self._statement(shape, False), _values(query, shape, None)

    def _statement(self, shape: _Shape, page: bool) -> Any:
        made = self._made.get((shape, page))
        if made is None:
            if len(self._made) >= _MOST_KEPT:
                self._made.clear()
            parts = self._parts(shape)
            made = self._made[shape, page] = self._page(parts) if page else self._count(parts)
        return made

    def _page(self, parts: Sequence[Any]) -> Any:
        index, most = self._tables.index, sa.bindparam("limit", type_=sa.Integer)
        limited = [sa.select(part.limit(most).subquery()) for part in parts]
        found = (limited[0] if len(limited) == 1 else sa.union_all(*limited)).subquery()
        newest = sa.select(found).order_by(found.c.created.desc(), found.c.id.desc()).limit(most).subquery()
        joined = sa.select(*index.c).select_from(newest.join(index, index.c.id == newest.c.id))
        return joined.order_by(newest.c.created.desc(), newest.c.id.desc())

    def _count(self, parts: Sequence[Any]) -> Any:
        counts = [
            sa.select(sa.func.count().label("n")).select_from(part.order_by(None).subquery()) for part in parts
        ]
        return sa.select(sa.func.sum(sa.union_all(*counts).subquery().c.n))

    def _parts(self, shape: _Shape) -> list[Any]:
        index, label = self._tables.index, self._tables.labels
        conditions = self._conditions(shape)
        if shape.looked_up:
            return [self._part(shape, conditions, index.c.created, index.c.id)]
        walks_label = shape.labels > 0
        status_of = label.c.status if walks_label else index.c.status
        if walks_label:
            conditions = [*conditions, label.c.name == _p("name0"), label.c.value == _p("value0")]
            needs_row = len(conditions) > 2
            conditions += [label.c.run == index.c.id] if needs_row else []
            columns = (label.c.created, label.c.run)
        else:
            columns = (index.c.created, index.c.id)
        flows: list[list[Any]] = [[]]
        if shape.flows and not shape.filtered_flows:
            flows = [[index.c.flow == _p(f"flow{number}")] for number in range(shape.flows)]
        return [
            self._part(shape, [*conditions, *flow, status_of == _p(f"status{number}")], *columns)
            for flow in flows
            for number in range(shape.statuses)
        ]

    def _conditions(self, shape: _Shape) -> list[Any]:
        """Conditions of every part, beside the time."""
        index = self._tables.index
        found: list[Any] = []
        if shape.key:
            found.append(index.c.key == _p("key"))
        if shape.root:
            found.append(index.c.root == _p("root"))
        if shape.prefix:
            found.append(sa.func.substr(index.c.id, 1, _p("length", sa.Integer)) == _p("prefix"))
            if shape.looked_up:
                found += [index.c.id >= _p("prefix"), index.c.id < _p("behind")]
        if shape.filtered_flows:
            found.append(index.c.flow.in_(sa.bindparam("flows", expanding=True)))
        if shape.looked_up and shape.statuses:
            # Not the column itself: SQLite would walk all runs of a status to save the sorting of a few.
            status = sa.func.coalesce(index.c.status, "")
            found.append(status.in_(sa.bindparam("statuses", expanding=True)))
        others = range(0 if shape.looked_up else 1, shape.labels)
        return found + [self._has_label(number) for number in others]

    def _has_label(self, number: int) -> Any:
        other = self._tables.labels.alias()
        named = (other.c.name == _p(f"name{number}"), other.c.value == _p(f"value{number}"))
        return sa.select(other.c.run).where(other.c.run == self._tables.index.c.id, *named).exists()

    def _part(self, shape: _Shape, conditions: Sequence[Any], created: Any, id: Any) -> Any:
        conditions = list(conditions)
        if shape.since:
            conditions.append(created >= _p("since", sa.Double))
        if shape.until:
            conditions.append(created < _p("until", sa.Double))
        if shape.before:
            at = _p("before", sa.Double)
            conditions += [created <= at, sa.or_(created < at, id < _p("before_id"))]
        found = sa.select(created.label("created"), id.label("id")).where(*conditions)
        return found.order_by(created.desc(), id.desc())


def begins(id: Any, prefix: str) -> tuple[Any, ...]:
    """Conditions for the ids that begin with a text, by which a database can find them in the primary key."""
    return id >= prefix, id < behind(prefix), sa.func.substr(id, 1, len(prefix)) == prefix


def behind(prefix: str) -> str:
    """A text that is behind all that begin with ``prefix``."""
    return prefix + "\U0010ffff"


def _p(name: str, type_: Any = sa.String) -> Any:
    return sa.bindparam(name, type_=type_)


def _shape(query: RunQuery, before: tuple[float, str] | None) -> _Shape:
    prefix = query.id_prefix
    looked_up = query.key is not None or query.root is not None or len(prefix or "") >= _LONG_PREFIX
    flows, statuses = len(query.flows), len(query.statuses)
    filtered = flows > 0 and (looked_up or bool(query.labels) or flows * (statuses or len(STATUSES)) > _MOST_PARTS)
    return _Shape(
        0 if filtered else flows,
        statuses if looked_up or statuses else len(STATUSES),
        len(query.labels),
        query.since is not None,
        query.until is not None,
        before is not None,
        query.key is not None,
        query.root is not None,
        prefix is not None,
        looked_up,
        filtered,
    )


def _values(query: RunQuery, shape: _Shape, before: tuple[float, str] | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if shape.looked_up:
        values |= {"statuses": list(query.statuses)} if query.statuses else {}
    else:
        values |= {f"status{number}": status for number, status in enumerate(query.statuses or STATUSES)}
    if shape.filtered_flows:
        values["flows"] = list(query.flows)
    else:
        values |= {f"flow{number}": flow for number, flow in enumerate(query.flows)}
    for number, (name, value) in enumerate(query.labels.items()):
        values |= {f"name{number}": name, f"value{number}": value}
    if query.id_prefix is not None:
        values |= {"prefix": query.id_prefix, "length": len(query.id_prefix)}
        values |= {"behind": behind(query.id_prefix)} if shape.looked_up else {}
    if before is not None:
        values |= {"before": before[0], "before_id": before[1]}
    given: Mapping[str, Any] = query._asdict()
    return values | {name: given[name] for name in ("since", "until", "key", "root") if given[name] is not None}
