"""``Selinon`` with the process-wide configuration as its project. Imports Celery."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

# Projects use celery.result after importing only `celery` and `selinon`: the original imported it.
import celery.result as _celery_result  # noqa: F401
from celery import Celery

from selinon_core.celery.app import Selinon
from selinon_core.celery.services import RunContext, WorkerServices
from selinon_core.legacy.replaced import warn_of_replaced
from selinon_core.plan import Plan
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.trace.tracer import Sink


class Configured(Protocol):
    """What the adapter asks of the process-wide configuration."""

    @property
    def plan(self) -> Plan:
        """The compiled project."""
        ...

    @property
    def imports(self) -> Imports:
        """What imports the project's code."""
        ...

    @property
    def own_storages(self) -> Storages:
        """The storages of the process."""
        ...

    @property
    def functions(self) -> Iterable[Sink]:
        """Functions that trace."""
        ...


class ProcessWideSelinon(Selinon):
    """Its plan is the process-wide configuration at the time it is first needed."""

    def __init__(self, app: Celery, state: Configured) -> None:
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
    def services_if_built(self) -> WorkerServices | None:
        """The services of a worker; None where nothing needed them yet."""
        return self._services

    def add_sink(self, function: Sink) -> None:
        """Trace to one more function from now on."""
        if self._services is not None:
            self._services.tracer.add(function)

    def forget(self) -> None:
        """Start over with another configuration."""
        with self._lock:
            self._plan = self._services = self._publishing = None

    def exception_of(self, task_id: str) -> BaseException | None:
        """What a failed node run raised, None when the state store knows of no failure."""
        return RunContext(self.services, {}).exception_of(task_id)
