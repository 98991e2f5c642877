"""The connections of one process to a SQL database, and transactions on them."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from selinon_core.celery.surroundings import REAL, Surroundings
from selinon_core.errors import ConfigurationError, MissingExtraError, StateStoreError, StateStoreRefused

T = TypeVar("T")
_MOST_TRIES = 8
#: Exceptions of SQLAlchemy and of drivers: what the database was given is wrong, or it lacks a table or a right.
_REFUSALS = frozenset({"DataError", "ProgrammingError", "NotSupportedError", "StatementError"})

#: Seconds after which an unused connection is checked before it is used again.
_IDLE = 5.0


class Database:
    """``url`` is one SQLAlchemy takes, or Celery (``db+...``); ``options`` are for ``sa.create_engine``."""

    def __init__(
        self, url: str, options: Mapping[str, Any] | None = None, surroundings: Surroundings = REAL
    ) -> None:
        self.url = url.removeprefix("db+")
        self._options = dict(options or {})
        self._surroundings = surroundings
        self._engine: sa.Engine | None = None
        self._process = 0

    @property
    def engine(self) -> sa.Engine:
        """The engine of this process; one inherited across a fork is given up without touching its connections."""
        if self._engine is None or self._process != os.getpid():
            if self._engine is not None:
                self._engine.dispose(close=False)
            self._engine = self._connect()
            self._process = os.getpid()
        return self._engine

    def do(self, step: Callable[[sa.Connection], T]) -> T:
        """Run one step in a transaction; repeat it after a conflict (deadlock, busy, unique row).

        Raises ``StateStoreError``. A connection that broke is replaced once, unless the answer to a commit was
        lost: then only the caller can find out whether it was kept.
        """
        for attempt in range(_MOST_TRIES):
            decided = False
            try:
                with self.engine.begin() as connection:
                    result = step(connection)
                    decided = True
                return result
            except (sa.exc.IntegrityError, sa.exc.OperationalError) as error:
                broken = error.connection_invalidated
                if attempt == _MOST_TRIES - 1 or (broken and (decided or attempt)):
                    raise failed(error) from error
                if not broken:
                    self._surroundings.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311  (spreads load, hides nothing)
            except (sa.exc.SQLAlchemyError, UnicodeError, OverflowError) as error:
                raise failed(error) from error
        raise AssertionError("unreachable")

    def read(self, step: Callable[[sa.Connection], T]) -> T:
        """Run a question that changes nothing: in SQLite beside writers, in PostgreSQL in one round trip.

        Raises as ``do``. Asks twice where a connection broke.
        """
        for attempt in range(2):
            try:
                with self.engine.connect() as connection:
                    return step(connection.execution_options(**_reading(connection.dialect.name)))
            except sa.exc.OperationalError as error:
                if attempt:
                    raise failed(error) from error
            except (sa.exc.SQLAlchemyError, UnicodeError, OverflowError) as error:
                raise failed(error) from error
        raise AssertionError("unreachable")

    def call(self, text: str, values: Mapping[str, Any] | Sequence[Any]) -> list[Any]:
        """The rows of one statement of PostgreSQL, which is a transaction of its own: one message, one answer.

        Its values have names (``%(name)s``), or numbers (``$1``) where they are a sequence.

        Goes past SQLAlchemy, which takes longer to pass a statement on than the server to carry it out. Raises as
        ``do`` does, and ``psycopg.DataError`` and ``psycopg.ProgrammingError``.
        """
        import psycopg

        for attempt in range(_MOST_TRIES):
            connection = None
            try:
                connection = self.engine.raw_connection()
                driver: Any = connection.driver_connection
                driver.autocommit = True
                try:
                    kind = psycopg.Cursor if isinstance(values, Mapping) else psycopg.RawCursor
                    cursor = kind(driver, row_factory=psycopg.rows.namedtuple_row)
                    rows: list[Any] = cursor.execute(text, values, prepare=True).fetchall()
                finally:
                    if not driver.closed:
                        driver.autocommit = False
                return rows
            except (psycopg.IntegrityError, psycopg.OperationalError, sa.exc.OperationalError) as error:
                broken = connection is not None and connection.driver_connection.closed  # type: ignore[union-attr]
                # A commit on a connection that broke may have been stored: only the caller can find out.
                if broken or connection is None or attempt == _MOST_TRIES - 1:
                    if connection is not None:
                        connection.invalidate(error)
                    raise failed(error) from error
                self._surroundings.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311  (spreads load, hides nothing)
            except sa.exc.SQLAlchemyError as error:
                raise failed(error) from error
            finally:
                if connection is not None:
                    connection.close()
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Give up the connections of this process."""
        if self._engine is not None:
            self._engine.dispose(close=self._process == os.getpid())
        self._engine = None

    def _connect(self) -> sa.Engine:
        try:
            return self._made()
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"a state store at {sa.make_url(self.url).drivername} needs the module {error.name} "
                "(for PostgreSQL: pip install 'selinon[postgresql]')"
            ) from error
        except (sa.exc.ArgumentError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"the state store in the SQL database cannot be reached with this URL and options: {error}"
            ) from None

    def _made(self) -> sa.Engine:
        # Values are arguments and errors of flows: errors of the driver, which are logged, do not show them.
        options = {"hide_parameters": True, **self._options}
        if self.url.startswith("sqlite"):
            return _sqlite(self.url, options)
        engine = sa.create_engine(self.url, **{"isolation_level": "READ COMMITTED", **options})
        _ask_idle_connections(engine, self._surroundings.monotonic)
        return engine


def _reading(dialect: str) -> dict[str, Any]:
    """The options of a connection that only reads."""
    if dialect == "postgresql":
        return {"isolation_level": "AUTOCOMMIT"}
    return {"selinon_reading": True}


def failed(error: Exception) -> StateStoreError | StateStoreRefused:
    """The exception for a failure of the database: whether trying again may help is its class."""
    text = str(error).partition("\n")[0]
    what = f"the state store in the SQL database: {type(error).__name__}: {text}"
    if "prepared statement" in text.lower():
        what += (
            ". Behind PgBouncer, where transactions of several clients share connections, set "
            'selinon_state_options = {"connect_args": {"prepare_threshold": None}}'
        )
    # Drivers derive their own exceptions from those that PEP 249 names.
    names = {parent.__name__ for parent in type(error).__mro__[:2]}
    refused = isinstance(error, UnicodeError | OverflowError) or not names.isdisjoint(_REFUSALS)
    return StateStoreRefused(what) if refused else StateStoreError(what)


def _ask_idle_connections(engine: sa.Engine, monotonic: Callable[[], float]) -> None:
    """SQLAlchemy's ``pool_pre_ping`` asks before every transaction, which costs as much as a short one."""

    def back(_: Any, record: Any) -> None:
        record.info["used"] = monotonic()

    def out(connection: Any, record: Any, _: Any) -> None:
        if monotonic() - record.info.get("used", monotonic()) > _IDLE:
            try:
                engine.dialect.do_ping(connection)
            except Exception as error:
                raise sa.exc.DisconnectionError() from error

    sa.event.listen(engine, "checkin", back)
    sa.event.listen(engine, "checkout", out)


def _sqlite(url: str, options: Mapping[str, Any]) -> sa.Engine:
    engine = sa.create_engine(
        url, **{**options, "connect_args": {"timeout": 30, **options.get("connect_args", {})}}
    )

    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    def begin(connection: Any) -> None:
        only_reads = connection.get_execution_options().get("selinon_reading")
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")

    sa.event.listen(engine, "connect", connected)
    sa.event.listen(engine, "begin", begin)
    return engine
