"""Notices that a flow run makes no progress, in the worker that leads the sweep.

The sweep finds the runs that need a dispatcher. One that it has found for so long, with nothing done for it, is
stuck: no worker serves a queue of it, workers are down, or each look at it fails. A run that waits for a time, a
signal or for a task that runs needs no dispatcher, so it is not stuck.
"""

from __future__ import annotations

from collections.abc import Sequence

from selinon_core.celery.execution.notices import STUCK, Notices, listeners
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.stores.items import Item
from selinon_core.celery.stores.protocol import Due
from selinon_core.celery.stores.run_header import RunHeader

#: The kind of the items that say of which runs there was a notice, and for how many seconds they are kept.
REPORTED = "reported-stuck"
KEPT = 30 * 86400.0
#: Runs that are remembered; the oldest are forgotten.
MOST_REMEMBERED = 10_000

_WHY = {
    "silent": "the message of a node run was not taken: no worker serves its queue, or the queue is long",
    "lost": "the worker of a node run is gone",
    "lease": "the worker that advanced it is gone",
}
_UNDECIDED = "no dispatcher advances it: no worker serves its queue, or each attempt fails"


class StuckRuns:
    """Looks at the runs that one leader finds due; used by one thread."""

    def __init__(self, services: WorkerServices, notices: Notices) -> None:
        self._services = services
        self._notices = notices
        self._is_wanted = any(STUCK in notify.on for notify in services.plan.settings.notify)
        #: The version of the log of a run, and since when it needs a dispatcher.
        self._since: dict[str, tuple[str, float]] = {}

    def look(self, found: Sequence[Due], now: float) -> None:
        """Tell of those that have been due for too long; raises as the store does."""
        if self._is_wanted:
            for due in found:
                self._look_at(due, now)

    def _look_at(self, due: Due, now: float) -> None:
        store = self._services.store
        fields = store.header(due.flow_id)
        if fields is None or fields["status"] != "running":
            self._since.pop(due.flow_id, None)
            return
        header = RunHeader.read(fields)
        version = f"{fields['version']}.{header.serial}"
        known = self._since.get(due.flow_id)
        since = known[1] if known is not None and known[0] == version else now
        if due.reason == "silent" and header.updated:  # nothing has come of the run since then
            since = min(since, header.updated)
        self._since[due.flow_id] = (version, since)
        while len(self._since) > MOST_REMEMBERED:
            self._since.pop(next(iter(self._since)))
        receivers = [
            notify
            for notify in listeners(self._services.plan, STUCK, header.flow, header.caller is not None)
            if now - since >= notify.after
        ]
        for notify in receivers:
            id = f"{due.flow_id}:{version}:{notify.after:g}"
            if store.items.get(REPORTED, id) is None:
                why = _WHY.get(due.reason, _UNDECIDED)
                self._notices.stuck([notify], due.flow_id, header, version, since, why)
                store.items.put(Item(REPORTED, id, now, ""), now + KEPT)
