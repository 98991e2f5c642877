"""The state store in a SQL database: PostgreSQL, MySQL or MariaDB, SQLite.

Every step is one transaction that begins by locking the row of its run, so steps of one run take turns and steps
of different runs do not meet. SQLite locks the whole database instead. What a step asks and what it changes goes
to the database in as few messages as possible (``locked_run``, ``changes``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from selinon_core.celery.stores import delivery_rules as rules
from selinon_core.celery.stores.clock import StoreClock
from selinon_core.celery.stores.condition import StoreCondition
from selinon_core.celery.stores.index import IndexChange
from selinon_core.celery.stores.protocol import (
    Begun,
    Commit,
    Committed,
    Delivered,
    Due,
    NodeRecord,
    Opened,
)
from selinon_core.celery.stores.run_header import awaits_start
from selinon_core.celery.stores.sql.audit import SqlAudit
from selinon_core.celery.stores.sql.changes import Changes
from selinon_core.celery.stores.sql.commit import commit
from selinon_core.celery.stores.sql.database import Database, failed
from selinon_core.celery.stores.sql.deliveries import Asked, Event, appended, claimed
from selinon_core.celery.stores.sql.due_runs import due_runs, forget, forget_ended, look_at
from selinon_core.celery.stores.sql.index import SqlIndex
from selinon_core.celery.stores.sql.items import SqlItems
from selinon_core.celery.stores.sql.limits import SqlLimits
from selinon_core.celery.stores.sql.locked_run import RunTransaction, header_of, record_of, unfinished
from selinon_core.celery.stores.sql.pausing import pause
from selinon_core.celery.stores.sql.schedules import SqlSchedules
from selinon_core.celery.stores.sql.tables import Tables
from selinon_core.celery.stores.sql.task_limits import SqlTaskLimits
from selinon_core.celery.stores.sql.waits import SqlWaits
from selinon_core.celery.surroundings import REAL
from selinon_core.errors import StateStoreError, StateStoreRefused

T = TypeVar("T")
_MOST_AT_ONCE = 500
#: Rows put by one statement: SQLAlchemy compiles it once a size, in time that grows with the square of it.
_MOST_PUT = 100
#: The expression for the server's time, by database.
_CLOCKS = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
    "mysql": "SELECT UNIX_TIMESTAMP(NOW(6))",
    "mariadb": "SELECT UNIX_TIMESTAMP(NOW(6))",
}


class SqlStore:
    """See ``Store``. ``url`` is one SQLAlchemy takes; names of tables begin with ``prefix``.

    The class is as long as that protocol: each method is one transaction, and the long ones are in modules of
    their own (``commit``, ``deliveries``, ``due_runs``).
    """

    def __init__(self, url: str, prefix: str = "selinon_", options: Mapping[str, Any] | None = None) -> None:
        self.database = Database(url, options)
        self.tables = Tables(prefix)
        self.index = SqlIndex(self.database, self.tables)
        self.audit = SqlAudit(self.database, self.tables)
        self.waits = SqlWaits(self.database, self.tables)
        self.items = SqlItems(self.database, self.tables)
        self.schedules = SqlSchedules(self.database, self.tables)
        self.limits = SqlLimits(self.database, self.tables)
        self.task_limits = SqlTaskLimits(self.database, self.tables)
        self.clock = StoreClock(self._time)

    def prepare(self) -> None:
        """See ``Store.prepare``."""
        try:
            self.tables.create(self.database.engine)
        except sa.exc.SQLAlchemyError as error:
            raise failed(error) from error
        self.clock.measure()

    def condition(self) -> StoreCondition:
        """See ``Store.condition``."""
        missing, server = self.database.read(self.tables.condition)
        return StoreCondition(server, self._time(), missing=missing, has_tables=True)

    def _time(self) -> float:
        question = _CLOCKS.get(sa.make_url(self.database.url).get_backend_name())
        if question is None:  # a file: the clock of the machine is that of the database
            return REAL.now()
        return float(self._first(sa.text(question)))

    def _step(self, flow_id: str, step: Callable[[RunTransaction], T]) -> T:
        """Run a step of a run in a transaction."""

        def whole(connection: sa.Connection) -> T:
            run = RunTransaction(connection, self.tables, flow_id)
            result = step(run)
            run.send()
            return result

        return self.database.do(whole)

    def _first(self, query: Any) -> Any:
        """The first column of the first row; None when there is none."""
        return self.database.do(lambda connection: connection.execute(query).scalar())

    # -- node runs --------------------------------------------------------------------------------------------

    def claim_delivery(self, flow_id: str, number: int, delivery: int, redelivered: bool, now: float) -> Begun:
        """See ``Store.claim_delivery``."""
        return self._step(flow_id, lambda run: claimed(run, {number: delivery}, redelivered, now))[0]

    def claim_deliveries(self, flow_id: str, deliveries: Mapping[int, int], now: float) -> list[Begun]:
        """See ``Store.claim_deliveries``."""
        return self._step(flow_id, lambda run: claimed(run, deliveries, False, now))

    def retry(
        self,
        flow_id: str,
        number: int,
        delivery: int,
        counted: bool,
        countdown: float,
        grace: float,
        now: float,
        *,
        attempted: bool = True,
    ) -> int | None:
        """See ``Store.retry``."""

        def step(run: RunTransaction) -> int | None:
            if run.row is None:
                return None
            record = rules.retried(
                run.look([number]).records.get(number, NodeRecord()), delivery, counted, attempted
            )
            if record is None:
                return None
            run.put_record(number, record)
            due = now + (countdown or grace)
            run.put_timers({f"n{number}": due})
            run.change(undelivered=run.row.undelivered + 1)
            run.due_by(due)
            return record.delivery

        return self._step(flow_id, step)

    def next_delivery(self, flow_id: str, number: int) -> int | None:
        """See ``Store.next_delivery``."""

        def step(run: RunTransaction) -> int | None:
            if run.row is None:
                return None
            known = run.look([number]).records.get(number, NodeRecord())
            record = rules.resent(known)
            if record is None:
                return None
            if known.begun_at:
                run.change(undelivered=run.row.undelivered + 1)
            run.put_record(number, record)
            return record.delivery

        return self._step(flow_id, step)

    def release_delivery(self, flow_id: str, number: int, delivery: int, deliveries: int) -> None:
        """See ``Store.release_delivery``."""
        nodes = self.tables.nodes
        same = (nodes.c.delivery == delivery, nodes.c.deliveries == deliveries, nodes.c.done.is_(False))
        change = nodes.update().where(nodes.c.run == flow_id, nodes.c.number == number, *same)
        self.database.do(lambda connection: connection.execute(change.values(deliveries=deliveries - 1)))

    def inlined_node(self, flow_id: str, carrier: int) -> int | None:
        """See ``Store.inlined_node``."""
        inlined = self.tables.inlined
        query = sa.select(inlined.c.number).where(inlined.c.run == flow_id, inlined.c.carrier == carrier)
        return self.database.do(lambda connection: connection.execute(query).scalar())

    def heartbeat(self, flow_id: str, numbers: Sequence[int], at: float) -> None:
        """See ``Store.heartbeat``."""
        nodes, inlined = self.tables.nodes, self.tables.inlined
        behind = sa.select(inlined.c.number).where(inlined.c.run == flow_id, inlined.c.carrier.in_(numbers))
        conditions = unfinished(self.tables, flow_id)

        def step(connection: sa.Connection) -> None:
            touched = [*numbers, *connection.execute(behind).scalars()]
            connection.execute(nodes.update().where(*conditions, nodes.c.number.in_(touched)).values(seen_at=at))

        self.database.do(step)

    def stalled_nodes(self, flow_id: str, before: float) -> list[int]:
        """See ``Store.stalled_nodes``."""
        nodes = self.tables.nodes
        query = sa.select(nodes.c.number).where(*unfinished(self.tables, flow_id), nodes.c.seen_at <= before)
        return self.database.do(lambda connection: sorted(connection.execute(query).scalars()))

    def records(self, flow_id: str, numbers: Sequence[int]) -> dict[int, NodeRecord]:
        """See ``Store.records``."""
        nodes = self.tables.nodes

        def step(connection: sa.Connection) -> dict[int, NodeRecord]:
            found: dict[int, NodeRecord] = {}
            for begin in range(0, len(numbers), _MOST_AT_ONCE):
                some = list(numbers[begin : begin + _MOST_AT_ONCE])
                query = sa.select(nodes).where(nodes.c.run == flow_id, nodes.c.number.in_(some))
                found |= {row.number: record_of(row) for row in connection.execute(query)}
            return found

        return self.database.do(step)

    def payload(self, flow_id: str, number: int) -> str | None:
        """See ``Store.payload``."""
        table = self.tables.payloads
        text: str | None = self._first(
            sa.select(table.c.body).where(table.c.run == flow_id, table.c.number == number)
        )
        return text

    def timers(self, flow_id: str) -> dict[str, float]:
        """See ``Store.timers``."""
        timers = self.tables.timers
        query = sa.select(timers.c.name, timers.c.due).where(timers.c.run == flow_id)
        return self.database.do(lambda connection: {row.name: row.due for row in connection.execute(query)})

    def error(self, task_id: str) -> str | None:
        """See ``Store.error``."""
        table = self.tables.errors
        text: str | None = self._first(sa.select(table.c.body).where(table.c.task == task_id))
        return text

    def put_errors(self, errors: Mapping[str, str], now: float, ttl: float) -> None:
        """See ``Store.put_errors``."""
        rows = sorted(errors.items())  # transactions that put the same errors lock them in the same order

        def step(connection: sa.Connection) -> None:
            changes = Changes(connection)
            for begin in range(0, len(rows), _MOST_PUT):
                for task_id, body in rows[begin : begin + _MOST_PUT]:
                    changes.put(self.tables.errors, {"task": task_id}, body=body, expires=now + (ttl or 86400))
                changes.send()

        self.database.do(step)

    # -- flow runs --------------------------------------------------------------------------------------------

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

        event = Event(number, entry, delivery, error)
        asked = Asked(now, urgent, known, lease, ttl)
        return self._step(flow_id, lambda run: appended(run, [event], asked))

    def append_successes(
        self, flow_id: str, entries: Mapping[int, str], now: float, *, known: int = 0, lease: float = 0.0
    ) -> Delivered:
        """See ``Store.append_successes``."""
        events = [Event(*each) for each in entries.items()]
        return self._step(flow_id, lambda run: appended(run, events, Asked(now, False, known, lease)))

    def acquire_lease(self, flow_id: str, known: int, lease: float, now: float) -> Opened | None:
        """See ``Store.acquire_lease``."""

        def step(run: RunTransaction) -> Opened | None:
            return None if run.row is None or run.row.lease > now else run.open(known, lease, now)

        return self._step(flow_id, step)

    def renew_lease(self, flow_id: str, token: int, until: float) -> bool:
        """See ``Store.renew_lease``."""
        runs = self.tables.runs
        held = runs.update().where(runs.c.id == flow_id, runs.c.token == token, runs.c.lease != 0)
        query = held.values(lease=until, due=until)
        return bool(self.database.do(lambda connection: connection.execute(query).rowcount))

    def commit(self, step: Commit) -> Committed:
        """See ``Store.commit``."""
        return self._step(step.flow_id, lambda run: commit(run, step))

    def pause(self, flow_id: str, number: int, format: int, change: IndexChange | None, now: float) -> str:
        """See ``Store.pause``."""
        return self._step(flow_id, lambda run: pause(run, number, format, change, now))

    def commit_all(self, steps: Sequence[Commit]) -> Sequence[Committed | Exception]:
        """See ``Store.commit_all``: one transaction, and one for each step that shares rows with other runs or
        reopens one.
        """
        shared = [
            number
            for number, step in enumerate(steps)
            if not step.throttled and step.reopens is None and step.limit is None
        ]
        # Every transaction locks its runs in the same order, so no two wait for each other.
        shared.sort(key=lambda number: steps[number].flow_id)
        answers: dict[int, Committed | Exception] = {}
        try:
            answers |= zip(shared, self._commit_shared([steps[number] for number in shared]), strict=True)
        except StateStoreRefused:  # one of them cannot be stored, and nothing was: each by itself
            pass
        except StateStoreError as error:
            answers |= dict.fromkeys(shared, error)
        return [answers[number] if number in answers else self._tried(step) for number, step in enumerate(steps)]

    def _commit_shared(self, steps: Sequence[Commit]) -> Sequence[Committed]:
        """Steps of different runs in one transaction."""

        def whole(connection: sa.Connection) -> list[Committed]:
            answers = []
            for step in steps:
                run = RunTransaction(connection, self.tables, step.flow_id)
                answers.append(commit(run, step))
                run.send()
            return answers

        return self.database.do(whole) if steps else []

    def _tried(self, step: Commit) -> Committed | Exception:
        try:
            return self.commit(step)
        except (StateStoreError, StateStoreRefused) as error:
            return error

    # -- looking ----------------------------------------------------------------------------------------------

    def header(self, flow_id: str) -> Mapping[str, str] | None:
        """See ``Store.header``."""
        runs = self.tables.runs
        query = sa.select(runs).where(runs.c.id == flow_id)
        row = self.database.do(lambda connection: connection.execute(query).first())
        return None if row is None else header_of(row)

    def existing(self, flow_ids: Sequence[str]) -> set[str]:
        """See ``Store.existing``."""
        return {row.id for row in self._rows(sa.select(self.tables.runs.c.id), flow_ids)}

    def begun(self, flow_ids: Sequence[str]) -> set[str]:
        """See ``Store.begun``."""
        return {
            row.id for row in self._rows(sa.select(self.tables.runs), flow_ids) if not awaits_start(header_of(row))
        }

    def _rows(self, query: sa.Select[Any], flow_ids: Sequence[str]) -> list[sa.Row[Any]]:
        """The rows of these runs."""

        def step(connection: sa.Connection) -> list[sa.Row[Any]]:
            found: list[sa.Row[Any]] = []
            for begin in range(0, len(flow_ids), _MOST_AT_ONCE):
                part = flow_ids[begin : begin + _MOST_AT_ONCE]
                found += connection.execute(query.where(self.tables.runs.c.id.in_(part)))
            return found

        return self.database.do(step)

    def read(self, flow_id: str) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
        """See ``Store.read``."""
        return self.since(flow_id, 0)

    def since(self, flow_id: str, version: int) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
        """See ``Store.since``."""
        log = self.tables.log

        def step(run: RunTransaction) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
            if run.row is None:
                return None
            known = version if version <= run.row.version else 0
            query = sa.select(log.c.batch).where(log.c.run == flow_id, log.c.version > known)
            batches = list(run.connection.execute(query.order_by(log.c.version)).scalars())
            return header_of(run.row), batches, [row.entry for row in run.entries()]

        return self._step(flow_id, step)

    def runs(self, limit: int) -> list[str]:
        """See ``Store.runs``."""
        runs = self.tables.runs
        query = sa.select(runs.c.id).where(runs.c.status == "running").order_by(runs.c.created.desc())
        return self.database.do(lambda connection: list(connection.execute(query.limit(limit)).scalars()))

    def forget(self, flow_ids: Sequence[str], errors: Sequence[str] = ()) -> list[str]:
        """See ``Store.forget``."""
        gone = [
            flow_id
            for flow_id in flow_ids
            if self.database.do(lambda connection, id=flow_id: forget_ended(connection, self.tables, id))  # type: ignore[misc]
        ]
        table = self.tables.errors
        for begin in range(0, len(errors), _MOST_AT_ONCE):
            some = table.delete().where(table.c.task.in_(errors[begin : begin + _MOST_AT_ONCE]))
            self.database.do(lambda connection, some=some: connection.execute(some))  # type: ignore[misc]
        return gone

    # -- over all runs ----------------------------------------------------------------------------------------

    def claim_due_runs(
        self, now: float, limit: int, resend_after: float, idle_check_interval: float, heartbeat_timeout: float
    ) -> list[Due]:
        """See ``Store.claim_due_runs``."""
        errors, do = self.tables.errors, self.database.do
        limits = rules.Limits(now, resend_after, idle_check_interval, heartbeat_timeout)
        ids, expired = do(lambda connection: due_runs(connection, self.tables, now, limit))
        found = [self._step(flow_id, lambda run: look_at(run, limits)) for flow_id in ids]
        for flow_id in expired:
            do(lambda connection, gone=flow_id: forget(connection, self.tables, gone))  # type: ignore[misc]
        if expired:
            do(lambda connection: connection.execute(errors.delete().where(errors.c.expires <= now)))
        return [due for due in found if due is not None]

    def next_due(self) -> float | None:
        """See ``Store.next_due``."""
        runs = self.tables.runs
        due: float | None = self._first(
            sa.select(runs.c.due).where(runs.c.due.is_not(None)).order_by(runs.c.due).limit(1)
        )
        return due

    def acquire_leadership(self, owner: str, until: float, now: float) -> bool:
        """See ``Store.acquire_leadership``."""
        leader = self.tables.leader

        def step(connection: sa.Connection) -> bool:
            row = connection.execute(sa.select(leader).with_for_update()).first()
            if row is None:
                connection.execute(leader.insert().values(name="sweep", owner=owner, until=until))
                return True
            if row.owner != owner and row.until > now:
                return False
            connection.execute(leader.update().values(owner=owner, until=until))
            return True

        return self.database.do(step)

    def put_definition(self, name: str, text: str) -> None:
        """See ``Store.put_definition``."""
        definitions = self.tables.definitions

        def step(connection: sa.Connection) -> None:
            if connection.execute(sa.select(definitions.c.name).where(definitions.c.name == name)).first() is None:
                connection.execute(definitions.insert().values(name=name, body=text))

        self.database.do(step)

    def get_definition(self, name: str) -> str | None:
        """See ``Store.get_definition``."""
        table = self.tables.definitions
        text: str | None = self._first(sa.select(table.c.body).where(table.c.name == name))
        return text

    def clear(self) -> None:
        """See ``Store.clear``."""
        self.tables.metadata.drop_all(self.database.engine)

    def close(self) -> None:
        """See ``Store.close``."""
        self.database.close()
