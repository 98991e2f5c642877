"""What workers and handles need of ``Selinon``, as a protocol: ``app`` builds both, so they cannot import it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from celery import Celery

    from selinon_core.celery.services import WorkerServices
    from selinon_core.celery.settings import AdapterSettings
    from selinon_core.celery.stores import Store
    from selinon_core.celery.transport.pending_starts import PendingStarts
    from selinon_core.plan import Plan


class Revoked(NamedTuple):
    """A message that Celery threw away, or (``task`` is empty) the ids that were revoked."""

    task: str
    kwargs: dict[str, Any]
    how: str
    ids: tuple[str, ...] = ()
    #: The id of the message.
    message: str = ""
    #: Where running tasks are to be stopped: stops the one of a message of this worker, by the message's id.
    terminate: Callable[[str], object] | None = None


class RevocationRecorder(Protocol):
    """Records revocations."""

    def note(self, item: Revoked) -> None:
        """Record this soon."""
        ...

    def run(self, stop: threading.Event, passed: Callable[[], AbstractContextManager[None]]) -> None:
        """Record revocations until the worker stops; ``passed()`` is entered for the use of the network."""
        ...


class Owner(Protocol):
    """The flows of one Celery app."""

    app: Celery
    pending_starts: PendingStarts

    @property
    def revocations(self) -> RevocationRecorder:
        """What records revoked messages."""
        ...

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
        """The services of a worker."""
        ...

    @property
    def store(self) -> Store:
        """The state store."""
        ...

    def run_flow(
        self,
        flow: str,
        node_args: Any = None,
        *,
        key: str | None = None,
        lane: str | None = None,
        expires: float | None = None,
        timeout: float | None = ...,
    ) -> object:
        """Ask for a run of a flow; ``str()`` of what it returns is the id."""
        ...

    def cancel(
        self, id: str, flow: str | None = None, by: str | None = None, *, timeout: float | None = ...
    ) -> None:
        """Ask for the end of a flow run."""
        ...
