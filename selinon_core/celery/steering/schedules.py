"""Pauses schedules and ends their pauses; both are writes to the store, which the sweep's leader reads."""

from __future__ import annotations

from typing import Any

from selinon_core.celery.reporting.schedule_list import schedule_list
from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering.auditing import asker, record
from selinon_core.celery.stores.schedules import Pause
from selinon_core.diagnostics.wording import hint
from selinon_core.errors import RequestError


class ScheduleSteering:
    """The schedules of one ``Selinon``. Needs the state store; raises as it does."""

    def __init__(self, selinon: Owner) -> None:
        self._selinon = selinon

    def list(self) -> list[dict[str, Any]]:
        """The schedules of the project, see ``reporting.schedule_list``."""
        store = self._selinon.store
        return schedule_list(self._selinon.plan, store, store.clock())

    def pause(self, name: str, by: str | None = None) -> bool:
        """Start nothing for a schedule from now on; False: it was paused already.

        Runs that it started go on. What is due meanwhile is skipped for good. ``by`` says who asks, by default
        ``user@host``; the audit and the list keep it. Raises ``RequestError`` for a schedule that there is not.
        """
        return self._set(name, True, by)

    def resume(self, name: str, by: str | None = None) -> bool:
        """End the pause of a schedule; False: it was not paused. Raises as ``pause``."""
        return self._set(name, False, by)

    def _set(self, name: str, paused: bool, by: str | None) -> bool:
        names = [schedule.name for schedule in self._selinon.plan.settings.schedules]
        if name not in names:
            raise RequestError(f'no schedule is named "{name}"{hint(name, names)}')
        store = self._selinon.store
        before = store.schedules.pauses().get(name)
        if (before is not None and before.paused) == paused:
            return False
        by = asker(by)
        record(store, "pause" if paused else "resume", None, by, schedule=name)
        store.schedules.set_pause(name, Pause(paused, store.clock(), by))
        return True
