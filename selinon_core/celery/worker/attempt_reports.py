"""What an attempt of a task says while it runs: how far it is, and, where a setting asks for it, what it logs.

Both are kept beside the run, rarely: progress at most once in ``PROGRESS_EVERY`` seconds and at the end of
the attempt, output once in ``OUTPUT_EVERY`` seconds and at the end. A store that is away, or
refuses them, disturbs no task.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from selinon_core import task_progress
from selinon_core.celery.stores.items import LOG, PROGRESS, Item
from selinon_core.celery.transport.message_schema import NodeMessage
from selinon_core.errors import StateStoreError, StateStoreRefused
from selinon_core.runtime.captured_output import CapturedOutput, capturing, not_capturing
from selinon_core.runtime.task_runner import Attempt
from selinon_core.task_progress import Progress

if TYPE_CHECKING:
    from selinon_core.celery.services import WorkerServices

_log = logging.getLogger("selinon")

#: Seconds between two writes of the progress of a task, and of what it logs.
PROGRESS_EVERY = 1.0
OUTPUT_EVERY = 5.0


class AttemptReports:
    """Listens to one attempt."""

    __slots__ = ("_attempt", "_due", "_message", "_output", "_output_due", "_pending", "_services", "_task_id")

    def __init__(self, services: WorkerServices, message: NodeMessage, task_id: str, attempt: int) -> None:
        self._services = services
        self._message = message
        self._task_id = task_id
        self._attempt = attempt
        self._due = 0.0
        self._pending: Progress | None = None
        self._output: CapturedOutput | None = None
        self._output_due = 0.0

    def around(self, run: Callable[..., Attempt], *about: Any) -> Attempt:
        """Run the attempt, ``run(*about)``, in the thread that this is called in, and hear it."""
        token = task_progress.listener.set(self._progressed)
        try:
            most = self._services.settings.selinon_log_lines
            if most <= 0:
                return run(*about)
            size = self._services.settings.selinon_log_bytes
            self._output_due = self._services.surroundings.monotonic() + OUTPUT_EVERY
            self._output = CapturedOutput(most, size, self._services.clock, self._logged)
            try:
                with capturing(self._output):
                    return run(*about)
            finally:
                self._keep_output()
        finally:
            task_progress.listener.reset(token)
            if self._pending is not None:
                self._keep_progress(self._pending)

    def _progressed(self, progress: Progress) -> None:
        now = self._services.surroundings.monotonic()
        if now < self._due:
            self._pending = progress
            return
        self._due = now + PROGRESS_EVERY
        self._keep_progress(progress)

    def _keep_progress(self, progress: Progress) -> None:
        self._pending = None
        services, message = self._services, self._message
        with not_capturing():
            shown = progress._replace(text=services.hidden.masked(progress.text))
            text = json.dumps({"number": message.number, "attempt": self._attempt, **shown._asdict()})
            self._keep(Item(PROGRESS, self._task_id, services.clock(), text, message.id))
            about = {"flow_name": message.flow, "dispatcher_id": message.id, "node_name": message.task}
            services.tracer.emit("NODE_PROGRESS", {**about, "node_id": self._task_id, **shown._asdict()})

    def _logged(self) -> None:
        now = self._services.surroundings.monotonic()
        if self._output is not None and now >= self._output_due:
            self._output_due = now + OUTPUT_EVERY
            self._keep_output()

    def _keep_output(self) -> None:
        output = self._output
        lines = [] if output is None else output.lines
        if output is None or not lines:
            return
        services, message = self._services, self._message
        with not_capturing():
            services.hidden.masked(message.args)  # texts quote arguments: what is hidden in these is known then
            text = json.dumps(
                {
                    "number": message.number,
                    "task": message.task,
                    "attempt": self._attempt,
                    "dropped": output.dropped,
                    "lines": [[line.at, line.level, services.hidden.masked(line.text)] for line in lines],
                }
            )
            self._keep(Item(LOG, f"{self._task_id}:{self._attempt}", lines[0].at, text, message.id))

    def _keep(self, item: Item) -> None:
        services = self._services
        try:
            services.store.items.put(item, services.clock() + services.retention.errors)
        except (StateStoreError, StateStoreRefused) as error:
            _log.debug("the report of a task is not kept: %s", error)
