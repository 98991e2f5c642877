"""Tables that a store of before does not have: they are made when they are first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from selinon_core.celery.stores.sql.database import Database, failed
from selinon_core.celery.stores.sql.tables import Tables
from selinon_core.errors import StateStoreError, StateStoreRefused

T = TypeVar("T")


def with_table(database: Database, tables: Tables, table: sa.Table, step: Callable[[], T]) -> T:
    """Do something with a table; make it first where no worker of this version has opened the store yet."""
    try:
        return step()
    except (StateStoreError, StateStoreRefused):
        if database.read(lambda connection: sa.inspect(connection).has_table(table.name)):
            raise
    try:
        tables.create(database.engine)
    except sa.exc.SQLAlchemyError as error:
        raise failed(error) from error
    return step()
