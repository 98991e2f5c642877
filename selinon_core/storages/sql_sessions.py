"""What storages of projects that derive from ``PostgreSQL`` use of SQLAlchemy's object-relational half."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session, registry, scoped_session, sessionmaker

from selinon_core.storages.sql_tables import Tables


class Sessions:
    """Sessions on an engine: one for each thread, since none may be used by two."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._registry = scoped_session(sessionmaker(bind=engine))

    def of_this_thread(self) -> Session:
        """Return the session, made on first use."""
        return self._registry()

    def close(self) -> None:
        """Close the session of this thread; those of others end with their threads."""
        self._registry.remove()


class Result:
    """A row of the table ``result``: the model that projects query by ``session``."""

    def __init__(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> None:
        self.node_args = node_args
        self.flow_name = flow_name
        self.task_name = task_name
        self.task_id = task_id
        self.result = result


_tables = Tables("result")
registry(metadata=_tables.metadata).map_imperatively(Result, _tables.results)
Result.metadata = _tables.metadata  # type: ignore[attr-defined]
