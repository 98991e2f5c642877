"""The handle that ``run_flow`` returns: waits for a flow run, reads its result and its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selinon_core.celery.reporting.run_status import outcome_of
from selinon_core.celery.stores.index import OPEN
from selinon_core.celery.stores.run_header import shown_status
from selinon_core.celery.surroundings import REAL, Surroundings
from selinon_core.errors import (
    ConfigurationError,
    FlowError,
    FlowTimeout,
    MissingExtraError,
    StateStoreError,
    StorageError,
)
from selinon_core.runtime.results import with_values

if TYPE_CHECKING:
    from selinon_core.celery.selinon_protocol import Owner
    from selinon_core.dispatch import FlowOutcome

#: Seconds between two questions to the state store while the result backend is waited for.
ASK_STORE_EVERY = 5.0


class FlowHandle:
    """A flow run that was asked for. ``str()`` and ``id`` are its id."""

    __slots__ = ("_selinon", "_surroundings", "flow", "id")

    def __init__(self, selinon: Owner, id: str, flow: str, surroundings: Surroundings = REAL) -> None:
        self._selinon = selinon
        self._surroundings = surroundings
        self.id = id
        self.flow = flow

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<FlowHandle {self.flow} {self.id}>"

    def status(self) -> str:
        """``pending`` (no worker has begun it, or it is forgotten), ``running``, ``paused``, ``success``,
        ``failure``, ``cancelled``; ``queued`` when it was paused before it began. Needs the state store.
        """
        header = self._selinon.store.header(self.id)
        return "pending" if header is None else shown_status(header)

    def result(self, timeout: float | None = None) -> dict[str, Any]:
        """Wait for the end and return ``{"finished_nodes", "failed_nodes", "active_nodes"}``.

        ``"output"`` is there too where the flow declares one.

        Raises ``FlowError`` (with ``state``) when the flow failed, ``TimeoutError`` after ``timeout`` seconds.
        The state store knows the result as long as the run (``selinon_state_ttl``). The result backend is asked
        too: it answers sooner, and where a caller cannot reach the store.
        """
        from celery.exceptions import TimeoutError as CeleryTimeoutError
        from celery.result import AsyncResult

        written = self._written()
        if written is not None:
            return written
        until = None if timeout is None else self._surroundings.monotonic() + timeout
        while True:
            outcome = self._outcome()
            if outcome is not None:
                if outcome.succeeded:
                    return outcome.state
                raise (FlowTimeout if outcome.timed_out else FlowError)(outcome.state)
            pause = ASK_STORE_EVERY
            if until is not None:
                pause = min(pause, max(until - self._surroundings.monotonic(), 0.01))
            try:
                return AsyncResult(self.id, app=self._selinon.app).get(timeout=pause)
            except CeleryTimeoutError:
                pass
            except NotImplementedError:  # there is no result backend
                self._surroundings.sleep(min(pause, 0.1))
            except Exception:
                if not self._goes_on():
                    raise
                # The failure of before a retry: it was written, or its notification read, when the run went on.
                self._surroundings.sleep(min(pause, 0.1))
            if until is not None and self._surroundings.monotonic() >= until:
                raise TimeoutError(f"flow run {self.id} did not end within {timeout} s")

    def _written(self) -> dict[str, Any] | None:
        """The result of a run that ended well, as a result backend of keys and values has it; else None.

        That is one short question. Failures are read from the state store, which knows more of them.
        """
        from celery.backends.base import BaseKeyValueStoreBackend

        backend = self._selinon.app.backend
        if not isinstance(backend, BaseKeyValueStoreBackend):
            return None
        try:
            meta = backend.get_task_meta(self.id)
        except Exception:  # the state store is asked then
            return None
        return meta["result"] if meta["status"] == "SUCCESS" and isinstance(meta["result"], dict) else None

    def _outcome(self) -> FlowOutcome | None:
        """How the run ended, as the state store has it; None when it has not, or when that cannot be read here."""
        try:
            services = self._selinon.services
            outcome = outcome_of(services.store, services.flow_versions, self.id)
            return None if outcome is None else with_values(outcome, services.storages)
        except (StateStoreError, StorageError, ConfigurationError, MissingExtraError):
            return None

    def _goes_on(self) -> bool:
        """Whether the state store knows that the run has not ended."""
        try:
            return self.status() in OPEN
        except (StateStoreError, ConfigurationError, MissingExtraError):
            return False

    def wait(self, timeout: float | None = None, interval: float = 0.1) -> str:
        """Wait for the end, in the state store, and return the status; raises ``TimeoutError``."""
        until = None if timeout is None else self._surroundings.monotonic() + timeout
        while True:
            status = self.status()
            if status not in ("pending", *OPEN):
                return status
            if until is not None and self._surroundings.monotonic() >= until:
                raise TimeoutError(f"flow run {self.id} did not end within {timeout} s (it is {status})")
            self._surroundings.sleep(interval)

    def cancel(self, by: str | None = None) -> None:
        """Ask for the end of the flow run: nothing more is started, sub-flows are cancelled too.

        ``by`` says who asks, and is kept in the audit. Raises as ``Selinon.cancel``.
        """
        self._selinon.cancel(self.id, self.flow, by)
