"""What workers and handles need of ``Selinon``; it builds both, so neither may import it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from celery import Celery

    from selinon_core.celery.services import WorkerServices
    from selinon_core.celery.settings import AdapterSettings
    from selinon_core.celery.stores import Store
    from selinon_core.celery.transport.pending_starts import PendingStarts
    from selinon_core.celery.worker.revocation import Revocations
    from selinon_core.plan import Plan


class Owner(Protocol):
    """The flows of one Celery app."""

    app: Celery
    pending_starts: PendingStarts
    revocations: Revocations

    @property
    def plan(self) -> Plan:
        """The compiled project."""
        ...

    @property
    def settings(self) -> AdapterSettings:
        """The ``selinon_*`` settings."""
        ...

    @property
    def services(self) -> WorkerServices:
        """What a worker needs."""
        ...

    @property
    def store(self) -> Store:
        """The state store."""
        ...

    def cancel(self, id: str, flow: str | None = None) -> None:
        """Ask for the end of a flow run."""
        ...
