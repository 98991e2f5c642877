"""The state store in PostgreSQL: as in any SQL database, but the frequent steps are functions in the server."""

from __future__ import annotations

import itertools
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa

from selinon_core.celery.stores import delivery_rules as rules
from selinon_core.celery.stores.protocol import LEASED, Begun, Commit, Committed, Delivered, Opened
from selinon_core.celery.stores.sql.database import failed
from selinon_core.celery.stores.sql.index import index_text
from selinon_core.celery.stores.sql.locked_run import OWN, header_of
from selinon_core.celery.stores.sql.postgres_functions import Functions
from selinon_core.celery.stores.sql.store import SqlStore

T = TypeVar("T")
_log = logging.getLogger("selinon")

_CLAIM = "%(run)s::text, %(numbers)s::int[], %(serials)s::int[], %(again)s::bool, %(now)s::float8"
_OPEN = "%(run)s::text, %(known)s::int, %(lease)s::float8, %(now)s::float8"
_APPEND = """%(run)s::text, %(numbers)s::int[], %(serials)s::int[], %(entries)s::text[], %(urgent)s::bool,
    %(tasks)s::text[], %(errors)s::text[], %(expires)s::float8, %(known)s::int, %(lease)s::float8,
    %(now)s::float8"""
_COMMIT = """%(run)s::text, %(version)s::int, %(now)s::float8, %(token)s::int, %(create)s::text[],
    %(completes)s::int, %(batch)s::text, %(consumed)s::int, %(outbox)s::text[], %(done)s::text[],
    %(undelivered)s::int, %(carrier)s::int, %(inlined)s::int, %(payload_numbers)s::int[], %(payloads)s::text[],
    %(timers)s::text[], %(timer_dues)s::float8[], %(no_timers)s::text[], %(clear_timers)s::bool,
    %(slot_keys)s::text[], %(slot_names)s::text[], %(slot_distances)s::float8[],
    %(status)s::text, %(flow)s::text, %(queue)s::text, %(inbox_threshold)s::int,
    %(idle_check_after)s::float8, %(fields)s::text,
    %(keep)s::bool, %(lease)s::float8, %(ttl)s::float8, %(index)s::text"""


#: A place for a value in the text of a statement.
_NAMED = re.compile(r"%\((\w+)\)s")
#: The values of a commit in their order.
_ORDER = _NAMED.findall(_COMMIT)
#: The transaction that this is part of does not wait for the disk.
_UNFLUSHED = "set_config('synchronous_commit', 'off', true)"


class PostgresStore(SqlStore):
    """See ``Store``. What a function cannot do is done as in ``SqlStore``."""

    def __init__(self, url: str, prefix: str = "selinon_", options: Mapping[str, Any] | None = None) -> None:
        super().__init__(url, prefix, options)
        self._functions = Functions(self.tables)
        names = self._functions.names
        self._claim = _call(names["claim"], _CLAIM)
        self._open = _call(names["open"], _OPEN)
        self._append = _call(names["append"], _APPEND)
        self._commit = _call(names["commit"], _COMMIT)
        self._clear = _call(names["commit"], _COMMIT, f"{_UNFLUSHED}, ")
        self._texts: dict[tuple[int, bool], str] = {}
        self._without = False

    def prepare(self) -> None:
        """See ``Store.prepare``."""
        super().prepare()
        self._create()

    def _create(self) -> None:
        try:
            with self.database.engine.begin() as connection:
                self.tables.take_turn(connection)
                for text in self._functions.texts:
                    connection.exec_driver_sql(text.replace("%", "%%"))
        except sa.exc.SQLAlchemyError as error:
            self._without = True
            _log.warning("%s; without functions of its own in the database it works, more slowly", failed(error))

    def _called(
        self, text: str, values: dict[str, Any] | list[Any], instead: Callable[[], T], read: Callable[[Any], T]
    ) -> T:
        """Call a function and return its answer; ``instead`` is the same step without it."""
        if self._without:
            return instead()
        try:
            try:
                rows = self.database.call(text, values)
            except psycopg.errors.UndefinedFunction:
                self._create()
                if self._without:
                    return instead()
                rows = self.database.call(text, values)
        except (psycopg.DataError, UnicodeError):  # a text with a null character or half a character in it
            return instead()
        except psycopg.Error as error:
            raise failed(error) from error
        return read(rows)

    def claim_delivery(self, flow_id: str, number: int, delivery: int, redelivered: bool, now: float) -> Begun:
        """See ``Store.claim_delivery``."""
        values = {"run": flow_id, "numbers": [number], "serials": [delivery], "again": redelivered, "now": now}
        return self._called(
            self._claim,
            values,
            lambda: super(PostgresStore, self).claim_delivery(flow_id, number, delivery, redelivered, now),
            lambda rows: Begun(*rows[0]),
        )

    def claim_deliveries(self, flow_id: str, deliveries: Mapping[int, int], now: float) -> list[Begun]:
        """See ``Store.claim_deliveries``."""
        numbers, serials = list(deliveries), list(deliveries.values())
        return self._called(
            self._claim,
            {"run": flow_id, "numbers": numbers, "serials": serials, "again": False, "now": now},
            lambda: super(PostgresStore, self).claim_deliveries(flow_id, deliveries, now),
            lambda rows: [Begun(*row) for row in rows],
        )

    def acquire_lease(self, flow_id: str, known: int, lease: float, now: float) -> Opened | None:
        """See ``Store.acquire_lease``."""
        return self._called(
            self._open,
            {"run": flow_id, "known": known, "lease": lease, "now": now},
            lambda: super(PostgresStore, self).acquire_lease(flow_id, known, lease, now),
            lambda rows: _opened(rows[0]) if rows else None,
        )

    def append_event(
        self,
        flow_id: str,
        number: int,
        entry: str,
        now: float,
        *,
        delivery: int = -1,
        urgent: bool = False,
        known: int = 0,
        lease: float = 0.0,
        error: tuple[str, str] | None = None,
        ttl: float = 0.0,
    ) -> Delivered:
        """See ``Store.append_event``."""
        task, text = (None, None) if error is None else error
        values = {"run": flow_id, "numbers": [number], "serials": [delivery], "entries": [entry], "urgent": urgent}
        values |= {"tasks": [task], "errors": [text], "expires": now + (ttl or 86400)}
        values |= {"known": known, "lease": lease, "now": now}
        how: dict[str, Any] = {"delivery": delivery, "urgent": urgent, "known": known, "lease": lease}
        return self._called(
            self._append,
            values,
            lambda: super(PostgresStore, self).append_event(
                flow_id, number, entry, now, **how, error=error, ttl=ttl
            ),
            lambda rows: _delivered(rows[0]),
        )

    def append_successes(
        self, flow_id: str, entries: Mapping[int, str], now: float, *, known: int = 0, lease: float = 0.0
    ) -> Delivered:
        """See ``Store.append_successes``."""
        numbers, nothing = list(entries), [None] * len(entries)
        values = {"run": flow_id, "numbers": numbers, "serials": [-1] * len(numbers), "urgent": False}
        values |= {"entries": list(entries.values()), "tasks": nothing, "errors": nothing, "expires": now}
        values |= {"known": known, "lease": lease, "now": now}
        return self._called(
            self._append,
            values,
            lambda: super(PostgresStore, self).append_successes(flow_id, entries, now, known=known, lease=lease),
            lambda rows: _delivered(rows[0]),
        )

    def commit(self, step: Commit) -> Committed:
        """See ``Store.commit``."""
        if step.reopens is not None or step.limit is not None:  # rare enough for several round trips
            return super().commit(step)
        return self._called(
            self._clear if _is_clearing(step) else self._commit,
            _values(step),
            lambda: super(PostgresStore, self).commit(step),
            lambda rows: Committed(*rows[0]),
        )

    def _commit_shared(self, steps: Sequence[Commit]) -> Sequence[Committed]:
        """See ``SqlStore``: one statement, which calls the function for one step after the other."""
        if len(steps) < 2:
            return [self.commit(step) for step in steps]
        is_clearing = all(_is_clearing(step) for step in steps)
        values = [each[name] for each in map(_values, steps) for name in _ORDER]
        return self._called(
            self._commits(len(steps), is_clearing),
            values,
            lambda: super(PostgresStore, self)._commit_shared(steps),
            lambda rows: [Committed(*row[1:]) for row in sorted(rows, key=lambda row: row.step)],
        )

    def _commits(self, count: int, is_clearing: bool) -> str:
        """The statement for so many steps. Its values have numbers: psycopg would parse a long text each time."""
        text = self._texts.get((count, is_clearing))
        if text is None:
            call = self._clear if is_clearing else self._commit
            numbers = itertools.count(1)
            calls = (_NAMED.sub(lambda _: f"${next(numbers)}", call) for _ in range(count))
            text = self._texts[count, is_clearing] = " UNION ALL ".join(
                each.replace("SELECT ", f"SELECT {number} AS step, ", 1) for number, each in enumerate(calls)
            )
        return text

    def clear(self) -> None:
        """See ``Store.clear``."""
        super().clear()
        with self.database.engine.begin() as connection:
            for name in self._functions.names.values():
                connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {name}")


def _call(function: str, values: str, before: str = "") -> str:
    # The name is made of the prefix and quoted.
    return f"SELECT answer.* FROM {before}{function}({values}) AS answer"  # noqa: S608


def _is_clearing(step: Commit) -> bool:
    """Whether a step only clears what was performed, and gives the lease back.

    When a crash of the server loses it, the outbox is performed again, which is harmless.
    """
    changes = (
        step.create,
        step.batch,
        step.outbox,
        step.payloads,
        step.timers,
        step.cancelled_timers,
        step.fields,
    )
    return bool(step.done) and not (
        any(changes) or step.consumed or step.completes or step.throttled or step.clear_timers or step.inlined
    )


def _values(step: Commit) -> dict[str, Any]:
    """The arguments of the function ``commit``."""
    fields = step.fields or {}
    timers = step.timers or {}
    payloads = step.payloads or {}
    values: dict[str, Any] = {
        name: kind(fields[name] or 0) if name in fields else None for name, kind in OWN.items()
    }
    others = {name: value for name, value in fields.items() if name not in OWN}
    return values | {
        "run": step.flow_id,
        "version": step.version,
        "now": step.now,
        "token": step.token,
        "create": None if step.create is None else _created(step.create),
        "completes": step.completes,
        "batch": step.batch,
        "consumed": step.consumed,
        "outbox": [key for key in step.outbox if key not in step.done] if step.done else list(step.outbox),
        "done": list(step.done),
        "undelivered": rules.first_messages(step),
        "carrier": step.carrier,
        "inlined": step.inlined,
        "payload_numbers": list(payloads),
        "payloads": list(payloads.values()),
        "timers": list(timers),
        "timer_dues": list(timers.values()),
        "no_timers": list(step.cancelled_timers),
        "clear_timers": step.clear_timers,
        "slot_keys": [key for key, _, _ in step.throttled],
        "slot_names": [name for _, name, _ in step.throttled],
        "slot_distances": [distance for _, _, distance in step.throttled],
        "fields": json.dumps(others) if others else None,
        "keep": step.keep,
        "lease": step.lease,
        "ttl": step.ttl,
        "index": None if step.index_change is None else index_text(step.index_change, step.now),
    }


def _created(header: Any) -> list[str]:
    own = [str(header.get(name) or kind(0)) for name, kind in OWN.items()]
    return [*own, json.dumps({name: value for name, value in header.items() if name not in OWN})]


def _delivered(row: Any) -> Delivered:
    return Delivered(row.kind, _opened(row) if row.kind == LEASED else None)


def _opened(row: Any) -> Opened:
    header = header_of(row)
    return Opened(row.token, row.version, row.known, row.batches, row.entries, header, row.effects, row.timers)
