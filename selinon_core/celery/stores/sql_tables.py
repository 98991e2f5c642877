"""The tables of the SQL state store, and their creation by many workers at once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

#: Raised when the tables change; a database made by an older version is brought up to it by ``create``.
SCHEMA_VERSION = 1

_LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
_ID = sa.String(64)
_SECONDS: sa.Double[float] = sa.Double()
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Tables:
    """The tables, with names that begin with ``prefix``."""

    def __init__(self, prefix: str) -> None:
        self.metadata = metadata = sa.MetaData()
        self.prefix = prefix

        def table(name: str, *columns: Any) -> sa.Table:
            return sa.Table(prefix + name, metadata, *columns, mysql_engine="InnoDB", mysql_charset="utf8mb4")

        self.schema = table("schema", sa.Column("version", sa.Integer, primary_key=True))
        self.runs = table(
            "runs",
            sa.Column("id", _ID, primary_key=True),
            sa.Column("status", sa.String(16), nullable=False),
            sa.Column("flow", sa.String(255), nullable=False),
            sa.Column("queue", sa.String(255), nullable=False),
            sa.Column("version", sa.Integer, nullable=False),
            sa.Column("token", sa.Integer, nullable=False),
            sa.Column("lease", _SECONDS, nullable=False),
            sa.Column("unbegun", sa.Integer, nullable=False),
            sa.Column("wakes", sa.Integer, nullable=False),
            sa.Column("wake_at", sa.Integer, nullable=False),
            sa.Column("silence", _SECONDS, nullable=False),
            sa.Column("created", _SECONDS, nullable=False),
            sa.Column("updated", _SECONDS, nullable=False),
            sa.Column("due", _SECONDS, index=True),
            sa.Column("expires", _SECONDS, index=True),
            sa.Column("fields", _LONG, nullable=False),
        )
        self.log = table(
            "log",
            sa.Column("run", _ID, primary_key=True),
            sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("batch", _LONG, nullable=False),
        )
        self.inbox = table(
            "inbox",
            sa.Column("id", _SERIAL, primary_key=True, autoincrement=True),
            sa.Column("run", _ID, nullable=False, index=True),
            sa.Column("entry", _LONG, nullable=False),
        )
        self.outbox = table(
            "outbox",
            sa.Column("run", _ID, primary_key=True),
            sa.Column("name", sa.String(64), primary_key=True),
        )
        self.nodes = table(
            "nodes",
            sa.Column("run", _ID, primary_key=True),
            sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("serial", sa.Integer, nullable=False),
            sa.Column("begun_at", _SECONDS, nullable=False),
            sa.Column("attempts", sa.Integer, nullable=False),
            sa.Column("retries", sa.Integer, nullable=False),
            sa.Column("deliveries", sa.Integer, nullable=False),
            sa.Column("done", sa.Boolean, nullable=False),
            sa.Column("seen_at", _SECONDS, nullable=False),
        )
        self.ahead = table(
            "ahead",
            sa.Column("run", _ID, primary_key=True),
            sa.Column("anchor", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("number", sa.Integer, nullable=False),
        )
        self.payloads = table(
            "payloads",
            sa.Column("run", _ID, primary_key=True),
            sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("body", _LONG, nullable=False),
        )
        self.timers = table(
            "timers",
            sa.Column("run", _ID, primary_key=True),
            sa.Column("name", sa.String(64), primary_key=True),
            sa.Column("due", _SECONDS, nullable=False),
        )
        self.errors = table(
            "errors",
            sa.Column("task", _ID, primary_key=True),
            sa.Column("body", _LONG, nullable=False),
            sa.Column("expires", _SECONDS, nullable=False, index=True),
        )
        self.shapes = table(
            "shapes",
            sa.Column("name", _ID, primary_key=True),
            sa.Column("body", _LONG, nullable=False),
        )
        self.slots = table(
            "slots",
            sa.Column("name", sa.String(255), primary_key=True),
            sa.Column("next", _SECONDS, nullable=False),
        )
        self.leader = table(
            "leader",
            sa.Column("name", sa.String(16), primary_key=True),
            sa.Column("owner", sa.String(255), nullable=False),
            sa.Column("until", _SECONDS, nullable=False),
        )

    @property
    def of_runs(self) -> tuple[sa.Table, ...]:
        """Every table with rows that belong to a run."""
        return (self.log, self.inbox, self.outbox, self.nodes, self.ahead, self.payloads, self.timers)

    def create(self, engine: sa.Engine) -> None:
        """Create what is missing. Many may do it at once: they take turns, or lose the race and look again."""
        for _ in range(20):
            try:
                with engine.begin() as connection:
                    _take_turn(connection, self.prefix)
                    self.metadata.create_all(connection)
                    if connection.execute(sa.select(self.schema.c.version)).first() is None:
                        connection.execute(self.schema.insert().values(version=SCHEMA_VERSION))
                return
            except (sa.exc.OperationalError, sa.exc.ProgrammingError, sa.exc.IntegrityError) as error:
                last = error
        raise last


def _take_turn(connection: sa.Connection, prefix: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": prefix + "schema"})
