"""What ``run_flow`` returns. Imports Celery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import Celery
from celery.result import AsyncResult

if TYPE_CHECKING:
    from selinon_core.celery.handle import FlowHandle


class FlowResult(AsyncResult):  # type: ignore[type-arg]  # generic in the stubs only
    """Celery's result of a flow run: ``id``, ``status``, ``get()`` and the rest as there. Pickles as that."""

    def __init__(self, handle: FlowHandle, app: Celery) -> None:
        super().__init__(handle.id, app=app)
        self._handle = handle

    @property
    def flow_name(self) -> str:
        """The flow's name."""
        return self._handle.flow

    def cancel(self) -> None:
        """Ask for the end of the flow run: nothing more is started, sub-flows are cancelled too."""
        self._handle.cancel()

    def __reduce__(self) -> tuple[object, ...]:
        return AsyncResult, (self.id, None, None, self.app)
