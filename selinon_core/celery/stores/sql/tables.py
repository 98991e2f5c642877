"""The tables of the SQL state store, and their creation by many workers at once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from selinon_core.errors import ConfigurationError

#: Raised when the tables change. ``create`` refuses tables of another version.
SCHEMA_VERSION = 2

_LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
_ID = sa.String(64)
_SECONDS: sa.Double[float] = sa.Double()


def _exact(length: int) -> Any:
    """A text that is compared byte by byte."""
    text = sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")
    return text.with_variant(sa.String(length, collation="C"), "postgresql")


_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Tables:
    """The tables, with names that begin with ``prefix``. The class is long as a list is: one column a line."""

    def __init__(self, prefix: str) -> None:
        self.metadata = sa.MetaData()
        self.prefix = prefix
        self.schema = self._table("schema", sa.Column("version", sa.Integer, primary_key=True))
        self._define_runs()
        self._define_parts_of_runs()
        self._define_shared()
        self._define_index()
        self._define_audit()
        self._define_waits()
        self._define_items()
        self._define_schedules()
        self._define_limits()
        self._prepare_questions()

    def _table(self, name: str, *columns: Any) -> sa.Table:
        return sa.Table(
            self.prefix + name, self.metadata, *columns, mysql_engine="InnoDB", mysql_charset="utf8mb4"
        )

    def _define_runs(self) -> None:
        self.runs = self._table(
            "runs",
            sa.Column("id", _ID, primary_key=True),
            sa.Column("status", sa.String(16), nullable=False),
            sa.Column("flow", sa.String(255), nullable=False),
            sa.Column("queue", sa.String(255), nullable=False),
            sa.Column("version", sa.Integer, nullable=False),
            sa.Column("token", sa.Integer, nullable=False),
            sa.Column("lease", _SECONDS, nullable=False),
            sa.Column("undelivered", sa.Integer, nullable=False),
            sa.Column("wakeups_sent", sa.Integer, nullable=False),
            sa.Column("inbox_threshold", sa.Integer, nullable=False),
            sa.Column("idle_check_after", _SECONDS, nullable=False),
            sa.Column("created", _SECONDS, nullable=False),
            sa.Column("updated", _SECONDS, nullable=False),
            sa.Column("silent_after", _SECONDS, nullable=False),
            sa.Column("due", _SECONDS, index=True),
            sa.Column("expires", _SECONDS, index=True),
            sa.Column("fields", _LONG, nullable=False),
        )

    def _define_parts_of_runs(self) -> None:
        """The tables of which every row belongs to a run: see ``of_runs``."""
        self.log = self._table(
            "log",
            sa.Column("run", _ID, primary_key=True),
            sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("batch", _LONG, nullable=False),
        )
        self.inbox = self._table(
            "inbox",
            sa.Column("id", _SERIAL, primary_key=True, autoincrement=True),
            sa.Column("run", _ID, nullable=False, index=True),
            sa.Column("entry", _LONG, nullable=False),
        )
        self.outbox = self._table(
            "outbox",
            sa.Column("run", _ID, primary_key=True),
            sa.Column("name", sa.String(64), primary_key=True),
        )
        self.nodes = self._table(
            "nodes",
            sa.Column("run", _ID, primary_key=True),
            sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("delivery", sa.Integer, nullable=False),
            sa.Column("begun_at", _SECONDS, nullable=False),
            sa.Column("attempts", sa.Integer, nullable=False),
            sa.Column("retries", sa.Integer, nullable=False),
            sa.Column("deliveries", sa.Integer, nullable=False),
            sa.Column("done", sa.Boolean, nullable=False),
            sa.Column("seen_at", _SECONDS, nullable=False),
        )
        self.inlined = self._table(
            "inlined",
            sa.Column("run", _ID, primary_key=True),
            sa.Column("carrier", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("number", sa.Integer, nullable=False),
        )
        self.payloads = self._table(
            "payloads",
            sa.Column("run", _ID, primary_key=True),
            sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("body", _LONG, nullable=False),
        )
        self.timers = self._table(
            "timers",
            sa.Column("run", _ID, primary_key=True),
            sa.Column("name", sa.String(64), primary_key=True),
            sa.Column("due", _SECONDS, nullable=False),
        )

    def _define_shared(self) -> None:
        """What outlives a run, or belongs to no single one."""
        self.errors = self._table(
            "errors",
            sa.Column("task", _ID, primary_key=True),
            sa.Column("body", _LONG, nullable=False),
            sa.Column("expires", _SECONDS, nullable=False, index=True),
        )
        self.definitions = self._table(
            "definitions",
            sa.Column("name", _ID, primary_key=True),
            sa.Column("body", _LONG, nullable=False),
        )
        self.slots = self._table(
            "slots",
            sa.Column("name", sa.String(255), primary_key=True),
            sa.Column("next", _SECONDS, nullable=False),
        )
        self.leader = self._table(
            "leader",
            sa.Column("name", sa.String(16), primary_key=True),
            sa.Column("owner", sa.String(255), nullable=False),
            sa.Column("until", _SECONDS, nullable=False),
        )

    def _define_index(self) -> None:
        """The index of runs: tables that older workers do not know, so that ``SCHEMA_VERSION`` stays.

        Every column is written and found as it is (no case folding), and ids are in the order of their bytes.
        """
        self.index = self._table(
            "index",
            sa.Column("id", _exact(64), primary_key=True),
            sa.Column("flow", _exact(255), nullable=False),
            sa.Column("status", _exact(16), nullable=False),
            sa.Column("created", _SECONDS, nullable=False),
            sa.Column("begun", _SECONDS),
            sa.Column("ended", _SECONDS),
            sa.Column("attempt", sa.Integer, nullable=False),
            sa.Column("reason", _exact(255), nullable=False),
            sa.Column("args", sa.Text()),
            sa.Column("key", _exact(255)),
            sa.Column("lane", _exact(64)),
            sa.Column("priority", sa.Integer),
            sa.Column("rerun_of", _exact(64)),
            sa.Column("root", _exact(64)),
            sa.Column("parent", _exact(64)),
            sa.Column("labels", sa.Text()),
            sa.Column("changed", _SECONDS, nullable=False),
        )
        index, name = self.index.c, f"{self.prefix}index"
        # With the id, so that a walk needs no rows, and no sorting of those of one time.
        sa.Index(f"{name}_flow", index.flow, index.status, index.created, index.id)
        sa.Index(f"{name}_status", index.status, index.created, index.id)
        sa.Index(f"{name}_changed", index.changed)
        for column in (index.key, index.root):  # most rows have neither
            there = column.is_not(None)
            sa.Index(f"{name}_{column.name}", column, postgresql_where=there, sqlite_where=there)
        self.labels = self._table(
            "labels",
            sa.Column("run", _exact(64), primary_key=True),
            sa.Column("name", _exact(128), primary_key=True),
            sa.Column("value", _exact(128), nullable=False),
            sa.Column("status", _exact(16), nullable=False),
            sa.Column("created", _SECONDS, nullable=False),
        )
        label = self.labels.c
        sa.Index(f"{self.prefix}labels_value", label.name, label.value, label.status, label.created, label.run)

    def _define_audit(self) -> None:
        """Who asked for what: a table that older workers do not know."""
        self.audit = self._table(
            "audit",
            sa.Column("id", _exact(32), primary_key=True),
            sa.Column("at", _SECONDS, nullable=False),
            sa.Column("who", sa.String(255), nullable=False),
            sa.Column("what", sa.String(64), nullable=False),
            sa.Column("run", _exact(64)),
            sa.Column("details", _LONG),
        )
        audit, name = self.audit.c, f"{self.prefix}audit"
        sa.Index(f"{name}_at", audit.at, audit.id)
        sa.Index(f"{name}_run", audit.run, audit.at)

    def _define_waits(self) -> None:
        """The tasks that wait for signals; see ``stores.waits``. Older workers do not know the table either."""
        self.waits = self._table(
            "waits",
            sa.Column("run", _exact(64), primary_key=True),
            sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("flow", _exact(255), nullable=False),
            sa.Column("node", _exact(255), nullable=False),
            sa.Column("id", _exact(64), nullable=False),
            sa.Column("root", _exact(64), nullable=False),
            sa.Column("title", sa.Text(), nullable=False),
            sa.Column("since", _SECONDS, nullable=False),
            sa.Column("deadline", _SECONDS),
        )
        waits, name = self.waits.c, f"{self.prefix}waits"
        sa.Index(f"{name}_since", waits.since, waits.run, waits.number)
        sa.Index(f"{name}_flow", waits.flow, waits.since)
        sa.Index(f"{name}_root", waits.root)

    def _define_items(self) -> None:
        """Texts beside runs; see ``stores.items``. Older workers do not know the table."""
        self.items = self._table(
            "items",
            sa.Column("kind", _exact(16), primary_key=True),
            sa.Column("id", _exact(160), primary_key=True),
            sa.Column("at", _SECONDS, nullable=False),
            sa.Column("run", _exact(64), nullable=False),
            sa.Column("expires", _SECONDS, nullable=False),
            sa.Column("text", _LONG, nullable=False),
        )
        items, name = self.items.c, f"{self.prefix}items"
        sa.Index(f"{name}_at", items.kind, items.at, items.id)
        sa.Index(f"{name}_run", items.run, items.kind)
        sa.Index(f"{name}_expires", items.expires)

    def _define_schedules(self) -> None:
        """Schedules: a row per name and rule, and one per name that was ever paused."""
        self.schedules = self._table(
            "schedules",
            sa.Column("name", _exact(128), primary_key=True),
            sa.Column("rule", _exact(400), primary_key=True),
            sa.Column("decided", _SECONDS, nullable=False),
            sa.Column("waiting", _LONG, nullable=False),
            sa.Column("last_due", _SECONDS),
            sa.Column("last_at", _SECONDS),
            sa.Column("last_flow", _exact(255)),
            sa.Column("last_run", _exact(64)),
            sa.Column("absent", _SECONDS),
            sa.Column("version", sa.Integer, nullable=False),
        )
        self.schedule_pauses = self._table(
            "schedule_pauses",
            sa.Column("name", _exact(128), primary_key=True),
            sa.Column("paused", sa.Boolean, nullable=False),
            sa.Column("at", _SECONDS, nullable=False),
            sa.Column("who", _exact(255)),
        )

    def _define_limits(self) -> None:
        """The places of limits; see ``stores.limits``. A key has its row while there are places under it."""
        self.limits = self._limits_table("limits")
        self.holders, self.waiting = (self._places_table(name, 64) for name in ("holders", "waiting"))
        self._order_of(self.waiting)
        # The places of tasks: what has one is a node run, a text that is longer than the id of a flow run.
        self.task_limits = self._limits_table("task_limits")
        self.task_holders, self.task_waiting = (
            self._places_table(name, 96) for name in ("task_holders", "task_waiting")
        )
        self._order_of(self.task_waiting)
        for table in (self.task_holders, self.task_waiting):
            sa.Index(f"{table.name}_run", table.c.run)

    def _limits_table(self, name: str) -> sa.Table:
        key = sa.Column("key", _exact(255), primary_key=True)
        return self._table(name, key, sa.Column("max", sa.Integer, nullable=False))

    def _places_table(self, name: str, length: int) -> sa.Table:
        return self._table(
            name,
            sa.Column("key", _exact(255), primary_key=True),
            sa.Column("run", _exact(length), primary_key=True),
            sa.Column("name", _exact(255), nullable=False),
            sa.Column("queue", sa.String(255), nullable=False),
            sa.Column("priority", sa.Integer, nullable=False),
            sa.Column("at", _SECONDS, nullable=False),
        )

    @staticmethod
    def _order_of(waiting: sa.Table) -> None:
        """The order in which those who wait get places."""
        columns = waiting.c
        sa.Index(f"{waiting.name}_order", columns.key, columns.priority, columns.at, columns.run)

    def _prepare_questions(self) -> None:
        """What every step asks, made once: most of the time that a statement takes here goes into making it."""
        inbox, outbox, timers, inlined = self.inbox, self.outbox, self.timers, self.inlined
        nodes, payloads, log = self.nodes, self.payloads, self.log
        run: Any = sa.bindparam("run")

        #: The row of a run, locked until the transaction ends.
        self.lock = sa.select(self.runs).where(self.runs.c.id == run).with_for_update()

        #: See ``RunTransaction.entries``.
        self.entries = sa.select(inbox.c.id, inbox.c.entry).where(inbox.c.run == run).order_by(inbox.c.id)

        def any_of(query: Any) -> Any:
            return sa.case((query.exists(), 1), else_=0)

        number = sa.bindparam("number", type_=sa.Integer)
        several: Any = sa.bindparam("numbers", expanding=True)
        waiting = sa.select(sa.func.count()).select_from(inbox).where(inbox.c.run == run).scalar_subquery()
        counted = sa.bindparam("counted", type_=sa.Boolean).is_(sa.true())
        others = outbox.c.name.not_in(sa.bindparam("done", expanding=True))
        unchanged = timers.c.name.not_in(sa.bindparam("changed", expanding=True))
        first = sa.select(sa.func.min(timers.c.due)).where(timers.c.run == run, unchanged)
        inlined_number = sa.select(inlined.c.number).where(inlined.c.run == run, inlined.c.carrier == number)
        payload = sa.select(payloads.c.body).where(payloads.c.run == run, payloads.c.number == number)
        there = sa.select(
            sa.case((counted, waiting), else_=any_of(sa.select(inbox.c.id).where(inbox.c.run == run))).label(
                "waiting"
            ),
            any_of(sa.select(outbox.c.name).where(outbox.c.run == run, others)).label("outbox"),
            first.where(timers.c.name.like(sa.bindparam("timers"))).scalar_subquery().label("timer"),
            inlined_number.scalar_subquery().label("inlined"),
            payload.scalar_subquery().label("payload"),
        ).subquery()
        asked_for = sa.and_(nodes.c.run == run, nodes.c.number.in_(several))
        #: See ``RunTransaction.look``: one row, or as many as there are records.
        self.look = sa.select(there, *nodes.c).select_from(there.outerjoin(nodes, asked_for))

        def part(kind: str, table: sa.Table, at: Any, text: Any, *conditions: Any) -> Any:
            columns: Any = (sa.literal_column(f"'{kind}'").label("kind"), at.label("at"), text.label("text"))
            return sa.select(*columns).where(table.c.run == run, *conditions)

        zero: Any = sa.literal_column("0")
        #: See ``RunTransaction.open``.
        self.opened = sa.union_all(
            part("log", log, log.c.version, log.c.batch, log.c.version > sa.bindparam("known")),
            part("inbox", inbox, inbox.c.id, inbox.c.entry),
            part("outbox", outbox, zero, outbox.c.name),
            part("due", timers, zero, timers.c.name, timers.c.due <= sa.bindparam("now")),
        ).order_by("kind", "at")

    @property
    def of_runs(self) -> tuple[sa.Table, ...]:
        """Every table with rows that belong to a run."""
        return (self.log, self.inbox, self.outbox, self.nodes, self.inlined, self.payloads, self.timers)

    def create(self, engine: sa.Engine) -> None:
        """Create what is missing. Several workers may call it at once: they take turns, or retry."""
        for _ in range(20):
            try:
                with engine.begin() as connection:
                    self.take_turn(connection)
                    self.metadata.create_all(connection)
                    found = connection.execute(sa.select(self.schema.c.version)).scalar()
                    if found is None:
                        connection.execute(self.schema.insert().values(version=SCHEMA_VERSION))
                    else:
                        self._check(found)
                return
            except (sa.exc.OperationalError, sa.exc.ProgrammingError, sa.exc.IntegrityError) as error:
                last = error
        raise last

    def condition(self, connection: sa.Connection) -> tuple[list[str], str]:
        """The names of tables that are missing, and the server with its version; changes nothing.

        Raises ``ConfigurationError`` for tables of another version of selinon.
        """
        there = set(sa.inspect(connection).get_table_names())
        if self.schema.name in there:
            version = connection.execute(sa.select(self.schema.c.version)).scalar()
            if version is not None:
                self._check(version)
        dialect = connection.dialect
        known = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite"}
        number = ".".join(str(part) for part in getattr(dialect, "server_version_info", None) or ())
        missing = sorted(name for name in self.metadata.tables if name not in there)
        return missing, f"{known.get(dialect.name, dialect.name)} {number}".strip()

    def _check(self, version: int) -> None:
        """Refuse tables of another version of selinon: this one cannot read their rows."""
        if version > SCHEMA_VERSION:
            raise ConfigurationError(
                f'the tables "{self.prefix}..." have schema version {version}, and this selinon knows versions '
                f"up to {SCHEMA_VERSION}: a newer selinon made them. Install that one here too, or give this "
                "deployment tables of its own (selinon_state_prefix)"
            )
        if version < SCHEMA_VERSION:
            raise ConfigurationError(
                f'the tables "{self.prefix}..." have schema version {version}, and this selinon needs '
                f"{SCHEMA_VERSION}: an older selinon made them. Let its workers finish their flow runs, then drop "
                "these tables, or give this deployment tables of its own (selinon_state_prefix)"
            )

    def take_turn(self, connection: sa.Connection) -> None:
        """Wait until no other worker creates anything; until the transaction ends."""
        if connection.dialect.name == "postgresql":
            lock = sa.text("SELECT pg_advisory_xact_lock(hashtext(:name))")
            connection.execute(lock, {"name": self.prefix + "schema"})
