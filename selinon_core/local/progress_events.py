"""How far tasks of a local run say they are: events of the trace, the same ones in each run of the same code.

A worker keeps progress by time. Here a call is an event when it says something new in whole percents, or has
another text, and at most ``MOST`` times in an attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.runtime.trace.run_records import NodeRecord
from selinon_core.task_progress import Progress

#: Events of one attempt.
MOST = 100


class ProgressEvents:
    """Listens to one attempt at a time, that of ``record``; ``emit(event, details)`` hears what is new.

    Between attempts, and of one that was given up at its time-out, nothing is heard.
    """

    __slots__ = ("_attempt", "_emit", "_last", "_left", "record")

    def __init__(self, emit: Callable[[str, dict[str, Any]], None], record: NodeRecord | None = None) -> None:
        self._emit = emit
        self.record = record
        self._attempt: tuple[NodeRecord, int] | None = None
        self._left = MOST
        self._last: tuple[int | None, str] | None = None

    def __call__(self, progress: Progress) -> None:
        record = self.record
        if record is None or record.began is None:
            return
        if self._attempt != (record, record.attempts):
            self._attempt, self._left, self._last = (record, record.attempts), MOST, None
        percent = int(100 * progress.done / progress.of) if progress.of else None
        if (percent, progress.text) == self._last or not self._left:
            return
        self._last = (percent, progress.text)
        self._left -= 1
        about = {"flow_name": record.flow_run.flow.name, "dispatcher_id": record.flow_run.id}
        node = {"node_name": record.run.name, "node_id": record.run.id}
        self._emit("NODE_PROGRESS", {**about, **node, **progress._asdict()})
