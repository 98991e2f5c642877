"""Results in any database SQLAlchemy can talk to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from selinon_core.errors import MissingExtraError, StorageError
from selinon_core.runtime.environment import by_hand
from selinon_core.storage import ExcInfo
from selinon_core.storages.base import Address, ConnectedStorage, describe_error, require_driver, to_json

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine, Table
    from sqlalchemy.orm import Session
    from sqlalchemy.sql.elements import ColumnElement

    from selinon_core.storages.sql_sessions import Sessions
    from selinon_core.storages.sql_tables import Tables


#: A database in a file whose path is relative: what is before the path, the path with any options.
_SQLITE_FILE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)(.+)")


class SqlStorage(ConnectedStorage["Engine"]):
    """Keeps results as rows of ``table``, errors as rows of ``<table>_error``; both are created if missing.

    ``connection_string`` is an SQLAlchemy URL (``sqlite:///results.db``, ``postgresql://user@host/database``).
    ``echo`` logs statements without values. ``encoding`` is accepted for old configurations; drivers know theirs.

    A row has the three names, ``result`` and ``node_args`` (JSONB in PostgreSQL, JSON text elsewhere). The end of
    a flow's or task's name of more than 128 characters, and of an id of more than 255, is stored as a hash.
    """

    _extra = "sql"
    table = "result"  # for storages of projects whose constructor does not call this one's
    _tables_or_none: Tables | None = None

    def __init__(
        self,
        connection_string: str,
        encoding: str | None = None,
        echo: bool = False,
        *,
        table: str = "result",
    ) -> None:
        super().__init__()
        is_postgresql = str(connection_string).startswith("postgres")
        require_driver("sqlalchemy", "postgresql" if is_postgresql else self._extra, self)
        self.connection_string = by_hand(connection_string)
        self.echo = echo
        self.table = by_hand(table)

    @classmethod
    def anchored(cls, configuration: Mapping[str, Any], directory: str) -> dict[str, Any]:
        """A configuration whose database, if it is a file with a relative path, is found from ``directory``."""
        url = configuration.get("connection_string")
        found = _SQLITE_FILE.fullmatch(url) if isinstance(url, str) else None
        if found is None:
            return dict(configuration)
        return {**configuration, "connection_string": found[1] + os.path.join(directory, found[2])}

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine of this process."""
        return self._opened()

    @engine.setter
    def engine(self, engine: Engine | None) -> None:
        self._connection.put(engine)

    def _open(self) -> Engine:
        engine = self._create_engine()
        try:
            self._prepare(engine)
        except BaseException:
            engine.dispose()
            raise
        return engine

    def _prepare(self, engine: Engine) -> None:
        from sqlalchemy.exc import DBAPIError

        try:
            self._tables.metadata.create_all(engine)
        except DBAPIError:
            # Another process may have created them at the same moment; if not, this fails in the same way.
            self._tables.metadata.create_all(engine)

    def _close(self, connection: Engine) -> None:
        connection.dispose()

    def _driver_errors(self) -> tuple[type[Exception], ...]:
        from sqlalchemy.exc import SQLAlchemyError

        # A name with a lone surrogate never reaches the database: the driver cannot encode it.
        return (SQLAlchemyError, OSError, UnicodeError)

    @property
    def _tables(self) -> Tables:
        if self._tables_or_none is None:
            from selinon_core.storages.sql_tables import Tables

            self._tables_or_none = Tables(self.table)
        return self._tables_or_none

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return a result."""
        address = Address(flow_name, task_name, task_id)
        table = self._tables.results
        row = self._select(address, table)
        if row is None:
            raise address.missing()
        return row[table.c.result]

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> int:
        """Insert or update a row; returns its number."""
        address = Address(flow_name, task_name, task_id)
        return self._upsert(address, self._tables.results, {"result": result, "node_args": node_args})

    def store_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> int:
        """Insert or update an error's row; returns its number."""
        address = Address(flow_name, task_name, task_id)
        values = {"error": describe_error(exc_info), "node_args": node_args}
        return self._upsert(address, self._tables.errors, values)

    def retrieve_error(self, flow_name: str, task_name: str, task_id: str) -> dict[str, Any]:
        """Return the error that ``store_error`` kept."""
        address = Address(flow_name, task_name, task_id)
        table = self._tables.errors
        row = self._select(address, table)
        if row is None:
            raise address.missing("error")
        return address.record(row[table.c.node_args], error=row[table.c.error])

    def delete(self, flow_name: str, task_name: str, task_id: str) -> None:
        """Delete the rows of a result and an error."""
        from sqlalchemy import delete

        address = Address(flow_name, task_name, task_id)
        tables = (self._tables.results, self._tables.errors)
        with self._translated(f"delete the result of {address}"), self.engine.begin() as connection:
            deleted = [
                connection.execute(delete(table).where(*_is_at(address, table))).rowcount for table in tables
            ]
        if not any(deleted):
            raise address.missing()

    def _select(self, address: Address, table: Table) -> Any:
        from sqlalchemy import select

        with self._translated(f"read {address}"), self.engine.connect() as connection:
            return connection.execute(select(table).where(*_is_at(address, table))).mappings().first()

    def _upsert(self, address: Address, table: Table, values: dict[str, Any]) -> int:
        from sqlalchemy import insert
        from sqlalchemy.exc import IntegrityError

        to_json(values, address)  # says what is wrong in the same words as every storage
        with self._translated(f"write {address}"):
            try:
                with self.engine.begin() as connection:
                    inserted = connection.execute(insert(table).values(**_columns(address), **values))
                    return int(inserted.inserted_primary_key[0])  # type: ignore[index]
            except IntegrityError:
                with self.engine.begin() as connection:
                    return self._update(connection, address, table, values)

    def _update(self, connection: Connection, address: Address, table: Table, values: dict[str, Any]) -> int:
        from sqlalchemy import select, update

        connection.execute(update(table).where(*_is_at(address, table)).values(**values))
        number = connection.execute(select(table.c.id).where(*_is_at(address, table))).scalar()
        if number is None:
            raise StorageError(
                f"cannot write {address}: table '{table.name}' has that task id under other names, and was "
                f"created unique by task id"
            )
        return int(number)

    def _create_engine(self, database: str | None = None) -> Engine:
        from sqlalchemy import create_engine
        from sqlalchemy.exc import ArgumentError

        try:
            url = self._url()
            if database is not None:
                url = url.set(database=database)
            # Errors of the driver do not name what was stored: they go to logs, and what was stored may be secret.
            return create_engine(url, echo=self.echo, hide_parameters=True, **_options(url))
        except ModuleNotFoundError as exc:
            extra = "postgresql" if url.get_backend_name() == "postgresql" else "sql"
            raise MissingExtraError(
                f"the driver '{exc.name}' of the URL '{url}' is not installed: pip install "
                f"'selinon[{extra}]'" + ("" if extra == "postgresql" else f" and '{exc.name}'")
            ) from None
        except (ArgumentError, ValueError) as exc:  # what a port has to be is said by int()
            raise StorageError(f"{type(self).__name__} cannot use its connection_string: {exc}") from exc

    def _url(self) -> URL:
        from importlib.util import find_spec

        from sqlalchemy import make_url

        url = make_url(self.connection_string)
        if url.drivername == "postgres":  # as many hosts and old configurations spell it
            url = url.set(drivername="postgresql")
        if url.drivername == "postgresql" and find_spec("psycopg2") is None:
            url = url.set(drivername="postgresql+psycopg")
        return url


class PostgreSQL(SqlStorage):
    """``SqlStorage`` under its old name, which also creates the database if it is missing.

    Storages of projects that derive from it have ``session`` beside ``engine``.
    """

    _extra = "postgresql"
    _sessions: Sessions | None = None
    _session: Session | None = None

    @property
    def session(self) -> Session:
        """An SQLAlchemy session on the engine, one for each thread; it can be assigned."""
        if self._session is not None:
            return self._session
        engine = self.engine  # first: connecting may assign a session
        if self._session is not None:
            return self._session
        sessions = self._sessions
        if sessions is None or sessions.engine is not engine:
            from selinon_core.storages.sql_sessions import Sessions

            sessions = self._sessions = Sessions(engine)
        return sessions.of_this_thread()

    @session.setter
    def session(self, session: Session | None) -> None:
        self._session = session

    def _close(self, connection: Engine) -> None:
        for sessions in (self._sessions, self._session):
            if sessions is not None:
                sessions.close()
        self._sessions = self._session = None
        super()._close(connection)

    def _open(self) -> Engine:
        from sqlalchemy.exc import OperationalError

        try:
            return super()._open()
        except OperationalError:
            if not self._create_database():
                raise
        return super()._open()

    def _create_database(self) -> bool:
        from sqlalchemy import text

        name = self._url().database
        server = self._create_engine(database="postgres")
        try:
            with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                known = connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name})
                if name is None or known.first() is not None:
                    return False
                connection.execute(text(f"CREATE DATABASE {server.dialect.identifier_preparer.quote(name)}"))
                return True
        finally:
            server.dispose()


def _is_at(address: Address, table: Table) -> tuple[ColumnElement[bool], ...]:
    return tuple(table.c[column] == value for column, value in _columns(address).items())


def _columns(address: Address) -> dict[str, str]:
    from selinon_core.storages.sql_tables import address_columns

    return address_columns(address._asdict())


def _options(url: URL) -> dict[str, Any]:
    if url.get_backend_name() != "sqlite":
        return {"pool_pre_ping": True}  # a server that restarted meanwhile is not an error
    if url.database in (None, "", ":memory:"):
        from sqlalchemy import QueuePool

        # A database in memory lives in its one connection: threads take turns.
        return {
            "poolclass": QueuePool,
            "pool_size": 1,
            "max_overflow": 0,
            "connect_args": {"check_same_thread": False},
        }
    return {"connect_args": {"timeout": 30}}  # seconds to wait while others write
