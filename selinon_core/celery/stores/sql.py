"""The state store in a SQL database: PostgreSQL, MySQL or MariaDB, SQLite.

Every step is one transaction that begins by locking the row of its run, so steps of one run take turns and steps
of different runs do not meet. SQLite locks the whole database instead.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from selinon_core.celery.stores.base import (
    BUSY,
    DUPLICATE,
    ENDED,
    GONE,
    LEASED,
    ORPHAN,
    QUIET,
    RUN,
    STALE,
    WAKE,
    Begun,
    Commit,
    Committed,
    Delivered,
    Due,
    NodeRecord,
    Opened,
)
from selinon_core.celery.stores.memory import MOST_PUT_OFF, PUT_OFF
from selinon_core.errors import MissingExtraError, StateStoreError

if TYPE_CHECKING:
    import sqlalchemy as sa

T = TypeVar("T")
_OWN = ("status", "flow", "queue", "wake_at", "silence")
_MOST_TRIES = 8


class SqlStore:
    """See ``Store``. ``url`` is one SQLAlchemy takes; names of tables begin with ``prefix``."""

    def __init__(self, url: str, prefix: str = "selinon_") -> None:
        try:
            import sqlalchemy
        except ImportError:
            raise MissingExtraError("a state store in a SQL database needs: pip install 'selinon[sql]'") from None
        from selinon_core.celery.stores.sql_tables import Tables

        self._sa: Any = sqlalchemy
        self._url = url.removeprefix("db+")
        self.tables = Tables(prefix)
        self._engine: sa.Engine | None = None
        self._process = 0

    # -- transactions -----------------------------------------------------------------------------------------

    def engine(self) -> sa.Engine:
        """The engine of this process; one inherited across a fork is given up without touching its connections."""
        if self._engine is None or self._process != os.getpid():
            if self._engine is not None:
                self._engine.dispose(close=False)
            self._engine = self._connect()
            self._process = os.getpid()
        return self._engine

    def _connect(self) -> sa.Engine:
        sql = self._sa
        if not self._url.startswith("sqlite"):
            made: sa.Engine = sql.create_engine(self._url, pool_pre_ping=True, isolation_level="READ COMMITTED")
            return made
        engine: sa.Engine = sql.create_engine(self._url, connect_args={"timeout": 30})

        def connected(connection: Any, _: Any) -> None:
            connection.isolation_level = None  # the driver must not begin transactions of its own
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")

        def begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        sql.event.listen(engine, "connect", connected)
        sql.event.listen(engine, "begin", begin)

        return engine

    def _do(self, step: Callable[[sa.Connection], T]) -> T:
        """Run one step in a transaction, again when it lost against another (deadlock, busy, unique row)."""
        exc = self._sa.exc
        for attempt in range(_MOST_TRIES):
            try:
                with self.engine().begin() as connection:
                    return step(connection)
            except (exc.IntegrityError, exc.OperationalError) as error:
                if attempt == _MOST_TRIES - 1 or error.connection_invalidated:
                    raise self._failed(error) from error
                time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311  (spreads load, hides nothing)
            except exc.SQLAlchemyError as error:
                raise self._failed(error) from error
        raise AssertionError("unreachable")

    def _failed(self, error: Exception) -> StateStoreError:
        text = str(error).partition("\n")[0]
        return StateStoreError(f"the state store in the SQL database: {type(error).__name__}: {text}")

    def prepare(self) -> None:
        """See ``Store.prepare``."""
        try:
            self.tables.create(self.engine())
        except self._sa.exc.SQLAlchemyError as error:
            raise self._failed(error) from error

    def _locked(self, connection: sa.Connection, flow_id: str) -> Any:
        """The row of a run, locked until the transaction ends; None when there is none."""
        runs = self.tables.runs
        return connection.execute(self._sa.select(runs).where(runs.c.id == flow_id).with_for_update()).first()

    def _change(self, connection: sa.Connection, flow_id: str, **values: Any) -> None:
        runs = self.tables.runs
        connection.execute(runs.update().where(runs.c.id == flow_id).values(**values))

    def _column(
        self, connection: sa.Connection, table: Any, column: str, flow_id: str, order: str = ""
    ) -> list[Any]:
        query = self._sa.select(table.c[column]).where(table.c.run == flow_id)
        if order:
            query = query.order_by(table.c[order])
        return list(connection.execute(query).scalars())

    def _count(self, connection: sa.Connection, table: Any, flow_id: str) -> int:
        query = self._sa.select(self._sa.func.count()).select_from(table).where(table.c.run == flow_id)
        return int(connection.execute(query).scalar_one())

    # -- node runs --------------------------------------------------------------------------------------------

    def _record(self, connection: sa.Connection, flow_id: str, number: int) -> NodeRecord | None:
        return self._records(connection, flow_id, [number]).get(number)

    def _records(self, connection: sa.Connection, flow_id: str, numbers: Sequence[int]) -> dict[int, NodeRecord]:
        nodes = self.tables.nodes
        query = self._sa.select(nodes).where(nodes.c.run == flow_id, nodes.c.number.in_(numbers))
        return {
            row.number: NodeRecord(
                row.serial, row.begun_at, row.attempts, row.retries, row.deliveries, bool(row.done)
            )
            for row in connection.execute(query)
        }

    def _keep(
        self, connection: sa.Connection, flow_id: str, number: int, known: NodeRecord | None, new: NodeRecord
    ) -> None:
        nodes = self.tables.nodes
        values: dict[str, Any] = {**new._asdict(), "seen_at": new.begun_at}
        if known is None:
            connection.execute(nodes.insert().values(run=flow_id, number=number, **values))
        else:
            connection.execute(
                nodes.update().where(nodes.c.run == flow_id, nodes.c.number == number).values(**values)
            )

    def begin(self, flow_id: str, number: int, serial: int, again: bool, now: float) -> Begun:
        """See ``Store.begin``."""
        tables = self.tables

        def step(connection: sa.Connection) -> Begun:
            run = self._locked(connection, flow_id)
            if run is None or run.status == "cancelled":
                return Begun(GONE)
            known = self._record(connection, flow_id, number)
            record = known or NodeRecord()
            if record.done or not number:
                self._leave_ahead(connection, run, number, now)
                left = self._count(connection, tables.outbox, flow_id)
                return Begun(ORPHAN if left or self._count(connection, tables.inbox, flow_id) else DUPLICATE)
            fresh = serial > record.serial or not record.begun_at
            if serial < record.serial or (not fresh and not again):
                return Begun(STALE)
            if fresh:
                self._change(connection, flow_id, unbegun=tables.runs.c.unbegun - 1)
            record = record._replace(serial=serial, begun_at=now, deliveries=record.deliveries + 1)
            self._keep(connection, flow_id, number, known, record)
            payload = self._payload(connection, flow_id, number)
            return Begun(RUN, record.attempts, record.retries, record.deliveries, payload)

        return self._do(step)

    def _leave_ahead(self, connection: sa.Connection, run: Any, anchor: int, now: float) -> None:
        ahead = self.tables.ahead
        where = (ahead.c.run == run.id, ahead.c.anchor == anchor)
        number = connection.execute(self._sa.select(ahead.c.number).where(*where)).scalar()
        if number is not None:
            connection.execute(ahead.delete().where(*where))
            self._add_outbox(connection, run.id, [f"o{number}"])
            self._change(connection, run.id, due=_earlier(run.due, now + PUT_OFF))

    def retry(
        self, flow_id: str, number: int, serial: int, counted: bool, countdown: float, grace: float, now: float
    ) -> int | None:
        """See ``Store.retry``."""

        def step(connection: sa.Connection) -> int | None:
            run = self._locked(connection, flow_id)
            known = self._record(connection, flow_id, number)
            record = known or NodeRecord()
            if run is None or record.done or record.serial != serial:
                return None
            new = NodeRecord(serial + 1, 0.0, record.attempts + 1, record.retries + counted, 0)
            self._keep(connection, flow_id, number, known, new)
            due = now + (countdown or grace)
            self._set_timers(connection, flow_id, {f"n{number}": due})
            self._change(connection, flow_id, unbegun=run.unbegun + 1, due=_earlier(run.due, due))
            return serial + 1

        return self._do(step)

    def touch(self, flow_id: str, numbers: Sequence[int], at: float) -> None:
        """See ``Store.touch``."""
        nodes, ahead = self.tables.nodes, self.tables.ahead
        behind = self._sa.select(ahead.c.number).where(ahead.c.run == flow_id, ahead.c.anchor.in_(numbers))

        def step(connection: sa.Connection) -> None:
            touched = [*numbers, *connection.execute(behind).scalars()]
            where = (nodes.c.run == flow_id, nodes.c.number.in_(touched), nodes.c.seen_at > 0, ~nodes.c.done)
            connection.execute(nodes.update().where(*where).values(seen_at=at))

        self._do(step)

    def _begun(self, flow_id: str) -> tuple[Any, ...]:
        nodes = self.tables.nodes
        return nodes.c.run == flow_id, nodes.c.seen_at > 0, ~nodes.c.done

    def stale(self, flow_id: str, before: float) -> list[int]:
        """See ``Store.stale``."""
        nodes = self.tables.nodes
        query = self._sa.select(nodes.c.number).where(*self._begun(flow_id), nodes.c.seen_at <= before)
        return self._do(lambda connection: sorted(connection.execute(query).scalars()))

    def _seen(self, connection: sa.Connection, flow_id: str) -> float | None:
        """When that node run was seen that was seen least recently of those that are begun and not done."""
        query = self._sa.select(self._sa.func.min(self.tables.nodes.c.seen_at)).where(*self._begun(flow_id))
        return connection.execute(query).scalar()

    def timers(self, flow_id: str) -> dict[str, float]:
        """See ``Store.timers``."""
        timers = self.tables.timers
        query = self._sa.select(timers.c.name, timers.c.due).where(timers.c.run == flow_id)
        return self._do(lambda connection: {row.name: row.due for row in connection.execute(query)})

    def republish(self, flow_id: str, number: int) -> int | None:
        """See ``Store.republish``."""

        def step(connection: sa.Connection) -> int | None:
            run = self._locked(connection, flow_id)
            known = self._record(connection, flow_id, number)
            record = known or NodeRecord()
            if run is None or record.done:
                return None
            if record.begun_at:
                self._change(connection, flow_id, unbegun=run.unbegun + 1)
            new = record._replace(serial=record.serial + 1, begun_at=0.0)
            self._keep(connection, flow_id, number, known, new)
            return new.serial

        return self._do(step)

    def records(self, flow_id: str, numbers: Sequence[int]) -> dict[int, NodeRecord]:
        """See ``Store.records``."""

        def step(connection: sa.Connection) -> dict[int, NodeRecord]:
            found: dict[int, NodeRecord] = {}
            for begin in range(0, len(numbers), 500):
                found.update(self._records(connection, flow_id, list(numbers[begin : begin + 500])))
            return found

        return self._do(step)

    def _payload(self, connection: sa.Connection, flow_id: str, number: int) -> str | None:
        payloads = self.tables.payloads
        query = self._sa.select(payloads.c.body).where(payloads.c.run == flow_id, payloads.c.number == number)
        return connection.execute(query).scalar()

    def payload(self, flow_id: str, number: int) -> str | None:
        """See ``Store.payload``."""
        return self._do(lambda connection: self._payload(connection, flow_id, number))

    def error(self, task_id: str) -> str | None:
        """See ``Store.error``."""
        errors = self.tables.errors
        query = self._sa.select(errors.c.body).where(errors.c.task == task_id)
        return self._do(lambda connection: connection.execute(query).scalar())

    def keep_shape(self, name: str, text: str) -> None:
        """See ``Store.keep_shape``."""
        shapes = self.tables.shapes

        def step(connection: sa.Connection) -> None:
            known = connection.execute(self._sa.select(shapes.c.name).where(shapes.c.name == name)).first()
            if known is None:
                connection.execute(shapes.insert().values(name=name, body=text))

        self._do(step)

    def shape(self, name: str) -> str | None:
        """See ``Store.shape``."""
        shapes = self.tables.shapes
        query = self._sa.select(shapes.c.body).where(shapes.c.name == name)
        return self._do(lambda connection: connection.execute(query).scalar())

    def _set_timers(self, connection: sa.Connection, flow_id: str, timers: Mapping[str, float]) -> None:
        table = self.tables.timers
        for name, due in timers.items():
            where = (table.c.run == flow_id, table.c.name == name)
            if not connection.execute(table.update().where(*where).values(due=due)).rowcount:
                connection.execute(table.insert().values(run=flow_id, name=name, due=due))

    # -- flow runs --------------------------------------------------------------------------------------------

    def deliver(
        self,
        flow_id: str,
        number: int,
        entry: str,
        now: float,
        *,
        serial: int = -1,
        urgent: bool = False,
        known: int = 0,
        lease: float = 0.0,
        error: tuple[str, str] | None = None,
        ttl: float = 0.0,
    ) -> Delivered:
        """See ``Store.deliver``."""
        tables = self.tables

        def step(connection: sa.Connection) -> Delivered:
            run = self._locked(connection, flow_id)
            if run is None:
                return Delivered(GONE)
            if number:
                record = self._record(connection, flow_id, number)
                if record is not None and record.done:
                    return Delivered(DUPLICATE)
                if serial >= 0 and (record or NodeRecord()).serial != serial:
                    return Delivered(DUPLICATE)
                self._keep(connection, flow_id, number, record, (record or NodeRecord())._replace(done=True))
            if error is not None:
                connection.execute(tables.errors.delete().where(tables.errors.c.task == error[0]))
                values = {"task": error[0], "body": error[1], "expires": now + (ttl or 86400)}
                connection.execute(tables.errors.insert().values(**values))
            if run.status != "running":
                return Delivered(ENDED)
            connection.execute(tables.inbox.insert().values(run=flow_id, entry=entry))
            if run.lease > now:
                return Delivered(BUSY)
            if not urgent and run.wake_at > 1 and self._count(connection, tables.inbox, flow_id) < run.wake_at:
                return Delivered(QUIET)
            if lease:
                return Delivered(LEASED, self._open(connection, run, known, lease, now))
            self._change(connection, flow_id, due=_earlier(run.due, now + PUT_OFF))
            return Delivered(WAKE)

        return self._do(step)

    def open(self, flow_id: str, known: int, lease: float, now: float) -> Opened | None:
        """See ``Store.open``."""

        def step(connection: sa.Connection) -> Opened | None:
            run = self._locked(connection, flow_id)
            if run is None or run.lease > now:
                return None
            return self._open(connection, run, known, lease, now)

        return self._do(step)

    def _open(self, connection: sa.Connection, run: Any, known: int, lease: float, now: float) -> Opened:
        sql, tables = self._sa, self.tables
        until = now + lease
        self._change(connection, run.id, token=run.token + 1, lease=until, due=until)
        known = known if known <= run.version else 0
        batches: list[str] = []
        if known < run.version:
            log = tables.log
            query = sql.select(log.c.batch).where(log.c.run == run.id, log.c.version > known)
            batches = list(connection.execute(query.order_by(log.c.version)).scalars())
        timers = tables.timers
        due = connection.execute(sql.select(timers.c.name).where(timers.c.run == run.id, timers.c.due <= now))
        return Opened(
            run.token + 1,
            run.version,
            known,
            batches,
            self._column(connection, tables.inbox, "entry", run.id, "id"),
            _header(run),
            self._column(connection, tables.outbox, "name", run.id),
            list(due.scalars()),
        )

    def renew(self, flow_id: str, token: int, until: float) -> bool:
        """See ``Store.renew``."""
        runs = self.tables.runs
        where = (runs.c.id == flow_id, runs.c.token == token, runs.c.lease != 0)
        query = runs.update().where(*where).values(lease=until, due=until)
        return bool(self._do(lambda connection: connection.execute(query).rowcount))

    def commit(self, step: Commit) -> Committed:
        """See ``Store.commit``."""
        return self._do(lambda connection: self._commit(connection, step))

    def _commit(self, connection: sa.Connection, step: Commit) -> Committed:
        flow_id, now = step.flow_id, step.now
        run = self._locked(connection, flow_id)
        if run is None and step.create is not None:
            self._create(connection, flow_id, step.create, now)
            run = self._locked(connection, flow_id)
        if run is None or run.version != step.version:
            return Committed(False)
        if step.token is None:
            if run.lease > now or self._count(connection, self.tables.inbox, flow_id):
                return Committed(False)
            if step.completes:
                record = self._record(connection, flow_id, step.completes)
                if record is not None and record.done:
                    return Committed(False)
                new = (record or NodeRecord())._replace(done=True)
                self._keep(connection, flow_id, step.completes, record, new)
        elif run.token != step.token or not run.lease:
            return Committed(False)
        values = self._apply(connection, run, step)
        delays, published = self._throttle(connection, flow_id, step)
        unbegun = published + sum(key[0] in "tf" for key in step.outbox)
        if unbegun:
            values["unbegun"] = run.unbegun + unbegun
        running = values.get("status", run.status) == "running"
        entries: list[str] = []
        inbox = self.tables.inbox
        if running and step.token is not None:
            entries = self._column(connection, inbox, "entry", flow_id, "id")
        elif not running:
            connection.execute(inbox.delete().where(inbox.c.run == flow_id))
            values["expires"] = now + step.ttl if step.ttl else None
        token = None
        if step.keep or entries:
            token = run.token + 1 if step.token is None else step.token
            values |= {"token": token, "lease": now + step.lease, "due": now + step.lease}
        else:
            silence = values.get("silence", run.silence)
            updated = values.get("updated", run.updated)
            values |= {"lease": 0.0, "due": self._next(connection, flow_id, running, silence, updated, now)}
        self._change(connection, flow_id, **values)
        return Committed(True, token, entries, delays)

    def _create(self, connection: sa.Connection, flow_id: str, header: Mapping[str, str], now: float) -> None:
        fields = {name: value for name, value in header.items() if name not in _OWN}
        connection.execute(
            self.tables.runs.insert().values(
                id=flow_id,
                status=header["status"],
                flow=header["flow"],
                queue=header["queue"],
                wake_at=int(header.get("wake_at") or 0),
                silence=float(header.get("silence") or 0),
                version=0,
                token=0,
                lease=0.0,
                unbegun=0,
                wakes=0,
                created=now,
                updated=now,
                fields=json.dumps(fields),
            )
        )

    def _apply(self, connection: sa.Connection, run: Any, step: Commit) -> dict[str, Any]:
        sql, tables, flow_id = self._sa, self.tables, step.flow_id
        values: dict[str, Any] = {"wakes": 0}
        if step.batch is not None:
            values["updated"] = step.now
            values["version"] = run.version + 1
            row = {"run": flow_id, "version": run.version + 1, "batch": step.batch}
            connection.execute(tables.log.insert().values(**row))
        inbox = tables.inbox
        if step.consumed:
            oldest = sql.select(inbox.c.id).where(inbox.c.run == flow_id).order_by(inbox.c.id).limit(step.consumed)
            last = max(connection.execute(oldest).scalars())
            connection.execute(inbox.delete().where(inbox.c.run == flow_id, inbox.c.id <= last))
        self._add_outbox(connection, flow_id, step.outbox)
        outbox = tables.outbox
        for begin in range(0, len(step.done), 500):
            keys = step.done[begin : begin + 500]
            connection.execute(outbox.delete().where(outbox.c.run == flow_id, outbox.c.name.in_(keys)))
        if step.anchor is not None:
            ahead = tables.ahead
            connection.execute(ahead.delete().where(ahead.c.run == flow_id, ahead.c.anchor == step.anchor))
            if step.ahead:
                connection.execute(ahead.insert().values(run=flow_id, anchor=step.anchor, number=step.ahead))
                known = self._record(connection, flow_id, step.ahead)
                self._keep(connection, flow_id, step.ahead, known, NodeRecord(0, step.now, 0, 0, 1))
        if step.payloads:
            rows = [{"run": flow_id, "number": n, "body": body} for n, body in step.payloads.items()]
            connection.execute(tables.payloads.insert(), rows)
        timers = tables.timers
        if step.clear_timers:
            connection.execute(timers.delete().where(timers.c.run == flow_id, timers.c.name.notlike("n%")))
        if step.no_timers:
            gone = (timers.c.run == flow_id, timers.c.name.in_(step.no_timers))
            connection.execute(timers.delete().where(*gone))
        self._set_timers(connection, flow_id, step.timers or {})
        if step.fields:
            others = {name: value for name, value in step.fields.items() if name not in _OWN}
            if others:
                values["fields"] = json.dumps(json.loads(run.fields) | others)
            for name in _OWN:
                if name in step.fields:
                    values[name] = _OWN_TYPES.get(name, str)(step.fields[name] or 0)
        return values

    def _add_outbox(self, connection: sa.Connection, flow_id: str, keys: Sequence[str]) -> None:
        if keys:
            known = set(self._column(connection, self.tables.outbox, "name", flow_id))
            rows = [{"run": flow_id, "name": key} for key in dict.fromkeys(keys) if key not in known]
            if rows:
                connection.execute(self.tables.outbox.insert(), rows)

    def _throttle(self, connection: sa.Connection, flow_id: str, step: Commit) -> tuple[list[float], int]:
        slots, delays, published = self.tables.slots, [], 0
        for key, name, distance in step.throttled:
            query = self._sa.select(slots.c.next).where(slots.c.name == name).with_for_update()
            known = connection.execute(query).scalar()
            start = max(step.now, step.now if known is None else known)
            if known is None:
                connection.execute(slots.insert().values(name=name, next=start + distance))
            else:
                connection.execute(slots.update().where(slots.c.name == name).values(next=start + distance))
            delays.append(start - step.now)
            published += 1
            if start <= step.now:
                self._add_outbox(connection, flow_id, [key])
            else:
                self._set_timers(connection, flow_id, {("n" if key[0] == "t" else "s") + key[1:]: start})
        return delays, published

    def _next(
        self, connection: sa.Connection, flow_id: str, running: bool, silence: float, updated: float, now: float
    ) -> float | None:
        sql, timers = self._sa, self.tables.timers
        first = connection.execute(sql.select(sql.func.min(timers.c.due)).where(timers.c.run == flow_id)).scalar()
        due: float | None = first
        if self._count(connection, self.tables.outbox, flow_id):
            due = _earlier(due, now + PUT_OFF)
        if silence and running:
            due = _earlier(due, updated + silence)
        return due

    # -- looking ----------------------------------------------------------------------------------------------

    def header(self, flow_id: str) -> Mapping[str, str] | None:
        """See ``Store.header``."""
        runs = self.tables.runs
        query = self._sa.select(runs).where(runs.c.id == flow_id)
        row = self._do(lambda connection: connection.execute(query).first())
        return None if row is None else _header(row)

    def read(self, flow_id: str) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
        """See ``Store.read``."""
        tables = self.tables

        def step(connection: sa.Connection) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
            run = self._locked(connection, flow_id)
            if run is None:
                return None
            log = self._column(connection, tables.log, "batch", flow_id, "version")
            return _header(run), log, self._column(connection, tables.inbox, "entry", flow_id, "id")

        return self._do(step)

    def runs(self, limit: int) -> list[str]:
        """See ``Store.runs``."""
        runs = self.tables.runs
        query = self._sa.select(runs.c.id).where(runs.c.status == "running").order_by(runs.c.created.desc())
        return self._do(lambda connection: list(connection.execute(query.limit(limit)).scalars()))

    # -- sweeping ---------------------------------------------------------------------------------------------

    def sweep(
        self, now: float, limit: int, republish_after: float, least_silence: float, lost_after: float
    ) -> list[Due]:
        """See ``Store.sweep``."""
        sql, runs, errors = self._sa, self.tables.runs, self.tables.errors
        due = sql.select(runs.c.id).where(runs.c.due <= now).order_by(runs.c.due).limit(limit)
        old = sql.select(runs.c.id).where(runs.c.expires <= now).limit(limit)

        def ready(connection: sa.Connection) -> tuple[list[str], list[str]]:
            return list(connection.execute(due).scalars()), list(connection.execute(old).scalars())

        ids, expired = self._do(ready)
        found = []
        for flow_id in ids:
            told = self._do(
                lambda c, id=flow_id: self._look(c, id, now, republish_after, least_silence, lost_after)  # type: ignore[misc]
            )
            if told is not None:
                found.append(told)
        for flow_id in expired:
            self._do(lambda c, flow_id=flow_id: self._forget(c, flow_id))  # type: ignore[misc]
        if expired:
            self._do(lambda connection: connection.execute(errors.delete().where(errors.c.expires <= now)))
        return found

    def _missing(self, connection: sa.Connection, run: Any) -> int:
        """How many node runs have a message on its way: not those that wait for their time."""
        if run.unbegun <= 0:
            return 0
        names = self._column(connection, self.tables.timers, "name", run.id)
        return int(run.unbegun) - sum(name[0] in "ns" for name in names)

    def _look(
        self,
        connection: sa.Connection,
        flow_id: str,
        now: float,
        republish_after: float,
        least_silence: float,
        lost_after: float,
    ) -> Due | None:
        run = self._locked(connection, flow_id)
        if run is None or run.due is None or run.due > now:
            return None
        if run.lease > now:
            self._change(connection, flow_id, due=run.lease)
            return None
        running = run.status == "running"
        waiting = self._count(connection, self.tables.inbox, flow_id)
        due = self._next(connection, flow_id, running, 0.0, now, now)
        seen = self._seen(connection, flow_id) if running and run.silence else None
        reason = None
        if run.lease:
            reason = "lease"
        elif self._count(connection, self.tables.outbox, flow_id):
            reason = "outbox"
        elif running and waiting and waiting >= run.wake_at:
            reason = "inbox"
        elif due is not None and due <= now:
            reason = "timer"
        elif seen is not None and seen <= now - lost_after:
            reason = "lost"
        elif running and run.silence and now - run.updated >= republish_after:
            reason = "silent" if waiting or self._missing(connection, run) > 0 else None
        if reason is not None:
            put_off = min(PUT_OFF * 2**run.wakes, MOST_PUT_OFF)
            if reason == "silent":
                put_off = max(put_off, now - run.updated)
            self._change(connection, flow_id, wakes=run.wakes + 1, due=now + put_off)
            return Due(flow_id, run.flow, run.queue, reason)
        if running and run.silence:
            look = run.updated + run.silence
            if look <= now:
                look = now + max(run.silence, least_silence)
                missing_at = run.updated + republish_after
                if now < missing_at < look and self._missing(connection, run) > 0:
                    look = missing_at
                if seen is not None:
                    look = min(look, max(seen + lost_after, now))
            due = _earlier(due, look)
        self._change(connection, flow_id, due=due)
        return None

    def _forget(self, connection: sa.Connection, flow_id: str) -> None:
        for table in self.tables.of_runs:
            connection.execute(table.delete().where(table.c.run == flow_id))
        connection.execute(self.tables.runs.delete().where(self.tables.runs.c.id == flow_id))

    def next_due(self) -> float | None:
        """See ``Store.next_due``."""
        query = self._sa.select(self._sa.func.min(self.tables.runs.c.due))
        return self._do(lambda connection: connection.execute(query).scalar())

    def lead(self, owner: str, until: float, now: float) -> bool:
        """See ``Store.lead``."""
        leader = self.tables.leader

        def step(connection: sa.Connection) -> bool:
            row = connection.execute(self._sa.select(leader).with_for_update()).first()
            if row is None:
                connection.execute(leader.insert().values(name="sweep", owner=owner, until=until))
                return True
            if row.owner != owner and row.until > now:
                return False
            connection.execute(leader.update().values(owner=owner, until=until))
            return True

        return self._do(step)

    def drop(self) -> None:
        """See ``Store.drop``."""
        self.tables.metadata.drop_all(self.engine())

    def close(self) -> None:
        """See ``Store.close``."""
        if self._engine is not None:
            self._engine.dispose(close=self._process == os.getpid())
        self._engine = None


_OWN_TYPES: dict[str, Callable[[Any], Any]] = {"wake_at": int, "silence": float}


def _earlier(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)


def _header(run: Any) -> dict[str, str]:
    fields: dict[str, str] = json.loads(run.fields)
    fields |= {"flow": run.flow, "queue": run.queue, "status": run.status, "version": str(run.version)}
    fields |= {"wake_at": str(run.wake_at), "silence": repr(run.silence), "lease": repr(run.lease)}
    return fields | {"created": repr(run.created), "updated": repr(run.updated)}
