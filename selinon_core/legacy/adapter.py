"""``Selinon`` with the process-wide configuration as its project. Imports Celery."""

from __future__ import annotations

from typing import TYPE_CHECKING

# Projects use celery.result after importing only `celery` and `selinon`: the original imported it.
import celery.result as _celery_result  # noqa: F401
from celery import Celery

from selinon_core.celery.app import Selinon
from selinon_core.celery.services import RunContext, WorkerServices
from selinon_core.legacy.replaced import warn_of_replaced
from selinon_core.plan import Plan
from selinon_core.runtime.trace.tracer import Sink

if TYPE_CHECKING:
    from selinon_core.legacy.state import ProcessWide


class ProcessWideSelinon(Selinon):
    """Its plan is whatever the process-wide configuration is when it is first needed."""

    def __init__(self, app: Celery, state: ProcessWide) -> None:
        self._state = state
        super().__init__(app)

    def _compile(self) -> Plan:
        self._pythonpath = self._state.imports.pythonpath
        return self._state.plan

    @property
    def services(self) -> WorkerServices:
        """As of ``Selinon``, with the storages and trace functions of the process."""
        if self._services is None:
            with self._lock:
                if self._services is None:
                    warn_of_replaced()
                    services = super().services
                    services.storages.share(self._state.own_storages)
                    for function in self._state.functions:
                        services.tracer.add(function)
        assert self._services is not None
        return self._services

    @property
    def engine_if_built(self) -> WorkerServices | None:
        """The engine of a worker; None where nothing needed one yet."""
        return self._services

    def add_sink(self, function: Sink) -> None:
        """Trace to one more function from now on."""
        if self._services is not None:
            self._services.tracer.add(function)

    def forget(self) -> None:
        """Begin anew with another configuration."""
        with self._lock:
            self._plan = self._services = self._publishing = None

    def exception_of(self, task_id: str) -> BaseException | None:
        """What a failed node run raised, None when the state store knows of no failure."""
        return RunContext(self.services, {}).exception_of(task_id)
