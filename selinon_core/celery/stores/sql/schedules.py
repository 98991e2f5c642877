"""Schedules in a SQL database; see ``Schedules``."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from selinon_core.celery.stores.schedules import Pause, ScheduleRow, read_waiting, waiting_text
from selinon_core.celery.stores.sql.database import Database
from selinon_core.celery.stores.sql.tables import Tables


class SqlSchedules:
    """See ``Schedules``."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database = database
        self._rows = tables.schedules
        self._pauses = tables.schedule_pauses

    def rows(self) -> list[ScheduleRow]:
        """See ``Schedules.rows``."""
        rows = self._rows

        def step(connection: sa.Connection) -> list[ScheduleRow]:
            return [_read(row) for row in connection.execute(sa.select(rows)).mappings()]

        return sorted(self._database.read(step))

    def put(self, row: ScheduleRow) -> bool:
        """See ``Schedules.put``."""
        rows = self._rows
        values = {**row._asdict(), "waiting": waiting_text(row.waiting), "version": row.version + 1}
        same = (rows.c.name == row.name, rows.c.rule == row.rule)

        def step(connection: sa.Connection) -> bool:
            if row.version:
                changed = rows.update().where(*same, rows.c.version == row.version).values(values)
                return connection.execute(changed).rowcount == 1
            if connection.execute(sa.select(rows.c.version).where(*same)).first() is not None:
                return False
            connection.execute(rows.insert().values(values))  # after a conflict the step is done again
            return True

        return self._database.do(step)

    def forget(self, before: float) -> None:
        """See ``Schedules.forget``."""
        old = self._rows.delete().where(self._rows.c.absent < before)
        self._database.do(lambda connection: connection.execute(old))

    def pauses(self) -> dict[str, Pause]:
        """See ``Schedules.pauses``."""
        pauses = self._pauses

        def step(connection: sa.Connection) -> dict[str, Pause]:
            found = connection.execute(sa.select(pauses)).mappings()
            return {row["name"]: Pause(bool(row["paused"]), row["at"], row["who"]) for row in found}

        return self._database.read(step)

    def set_pause(self, name: str, pause: Pause) -> None:
        """See ``Schedules.set_pause``."""
        pauses = self._pauses
        values = {"paused": pause.paused, "at": pause.at, "who": pause.by}

        def step(connection: sa.Connection) -> None:
            if connection.execute(sa.select(pauses.c.name).where(pauses.c.name == name)).first() is None:
                connection.execute(pauses.insert().values(name=name, **values))
            else:
                connection.execute(pauses.update().where(pauses.c.name == name).values(values))

        self._database.do(step)


def _read(row: Any) -> ScheduleRow:
    return ScheduleRow(**{**row, "waiting": read_waiting(row["waiting"])})
