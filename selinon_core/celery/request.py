"""Celery's view of a message in a worker's main process, for what only that process sees."""

from __future__ import annotations

import logging
from typing import Any

from celery.worker.request import Request

from selinon_core.celery.messages import read_node
from selinon_core.celery.publish import ENVELOPE

_log = logging.getLogger("selinon")


class NodeRequest(Request):
    """A request whose hard time limit counts as a failed attempt of the task."""

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Celery killed the process of a task that did not stop at its time-out."""
        if not soft and self.task.name == ENVELOPE:  # its own name may be the one it is shown as
            try:
                self._stopped()
            except Exception:
                _log.exception("the time-out of %s could not be kept", self.id)
        super().on_timeout(soft, timeout)

    def _stopped(self) -> None:
        from selinon_core.celery.envelope import Envelope

        engine = self.task.selinon.engine  # type: ignore[attr-defined]
        kwargs: dict[str, Any] = self.kwargs
        message = read_node(kwargs, engine.settings.selinon_max_message_bytes)
        payload = engine.store.payload(message.id, message.number) if message.big else None
        Envelope(engine).stopped(message.with_payload(payload))
