"""One flow run in the memory of the page: its log is replayed once, then only new batches are read.

To catch up costs two questions to the store, however many viewers there are and however long the log is: what is
behind the version that is known, and the records of the node runs that have not ended. While a task runs a third
one is how far the tasks are, and where tasks of the project wait for signals a further one is what waits.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

from selinon_core.celery.execution.inbox_codec import read_entry
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.reporting.node_limits import limits_of
from selinon_core.celery.reporting.node_output import progress_of
from selinon_core.celery.reporting.reused_runs import ReusedRuns
from selinon_core.celery.reporting.run_reader import FoldedRun, RunReader
from selinon_core.celery.reporting.timeline import critical_path
from selinon_core.celery.stores.protocol import NodeRecord
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.stores.waits import WaitQuery, WaitRow
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch import events as on
from selinon_core.dispatch.references import shown
from selinon_core.errors import UnknownRunError
from selinon_core.runtime.redaction import redaction

#: Waits of a run that are read: those that wait longest.
MOST_WAITS = 50


class FollowedNode:
    """A node run. Times are seconds since the epoch; ``begun`` is that of its newest attempt."""

    __slots__ = ("attempts", "begun", "ended", "node", "queued", "status")

    def __init__(self, node: NodeRun, queued: float) -> None:
        self.node = node
        self.queued = queued
        self.begun: float | None = None
        self.ended: float | None = None
        self.attempts = 0
        #: ``waiting``, ``running``, ``retrying``, ``success``, ``failure`` or ``reused``.
        self.status = "waiting"

    @property
    def seconds(self) -> float | None:
        """How long its last attempt ran, None while that is not known."""
        if self.ended is None or self.begun is None:
            return None
        return max(0.0, self.ended - self.begun)


class FollowedRun:
    """A flow run, as of its last ``catch_up``. Not safe under threads: hold ``lock``.

    ``problem`` says why its log cannot be read with the files that are here; what was replayed before stays.
    """

    def __init__(self, reader: RunReader, id: str) -> None:
        self.lock = threading.Lock()
        self.id = id
        self.header: RunHeader | None = None
        self.version = 0
        #: Grows with every change that a viewer can see.
        self.revision = 0
        self.caught_up_at = float("-inf")
        self.run: CachedRun | None = None
        self.attempt = 0
        self.problem: str | None = None
        self.ended: float | None = None
        self.undecided = 0
        self.nodes: list[FollowedNode] = []
        #: How far tasks that run are, by the ids of their node runs.
        self.progress: dict[str, dict[str, Any]] = {}
        #: What waits for a signal in it and, of a run at the top, in its sub-flows.
        self.waits: tuple[WaitRow, ...] = ()
        self._reused = ReusedRuns(reader.store, reader.flows)
        self._origins: tuple[int, dict[int, str | None]] = (-1, {})
        #: What tasks wait for whose limit is reached, by the numbers of their node runs.
        self.limits: dict[int, dict[str, Any]] = {}
        self._path: tuple[int, list[dict[str, Any]]] = (-1, [])
        self._reader = reader
        self._store = reader.store
        self._folded: FoldedRun | None = None
        self._errors: dict[str, dict[str, str] | None] = {}
        self._hidden = redaction(reader.flows.plan.settings.redact)

    def catch_up(self) -> None:
        """Read what is new. Raises ``RequestError`` when there is no such run (any more)."""
        with self._reader.reading(self.id) as folded:
            if folded is None:
                raise UnknownRunError(f"there is no flow run {self.id}")
            before = (self.header, self.version, self.undecided)
            if folded is not self._folded:  # the run was started again under this id
                self._folded, self.nodes, self._errors, self.attempt = folded, [], {}, 0
            self.header, self.version, self.undecided = folded.header, folded.version, len(folded.inbox)
            self.run, self.problem = folded.run, folded.problem or None
            self.ended = folded.finished
            if folded.run is not None:
                machine = folded.run.machine
                self.attempt = machine.attempt
                if machine.phase != "new":
                    self.masked(machine.start.args)  # messages of errors quote values: they are known from here on
            changed = self._look_at_nodes(folded)
        changed = self._look_at_waits() or changed
        if changed or before != (self.header, self.version, self.undecided):
            self.revision += 1

    def _look_at_nodes(self, folded: FoldedRun) -> bool:
        """Bring times and statuses of node runs up to date; returns whether one of them changed."""
        new = [FollowedNode(node, folded.queued[node.number]) for node in folded.nodes[len(self.nodes) :]]
        self.nodes += new
        ended = [node for node in self.nodes if node.status != node.node.status != "active"]
        active = [node for node in self.nodes if node.node.status == "active"]
        if not active and not ended:
            return False
        records = self._store.records(self.id, [node.node.number for node in (*active, *ended)])
        for node in ended:
            _take_record(node, records.get(node.node.number))
            node.status = node.node.status
            node.ended = folded.ended.get(node.node.number, node.queued)
        subflows = [node.node.id for node in active if node.node.is_flow]
        begun = self._store.existing(subflows) if subflows else set()
        buffered = _ends_in(folded.inbox)
        changed = bool(ended or new)
        for node in active:
            before = (node.status, node.begun, node.attempts)
            record = records.get(node.node.number)
            if node.ended is not None:  # it is run again, after its flow had failed
                node.ended = None
                self._errors.pop(node.node.id, None)
            _take_record(node, record)
            node.status = buffered.get(node.node.number) or self._status(node, record, begun)
            changed = changed or before != (node.status, node.begun, node.attempts)
        if any(node.status == "running" and not node.node.is_flow for node in active):
            progress = progress_of(self._store, self.id)
            changed, self.progress = changed or progress != self.progress, progress
        not_begun = [node.node for node in active if node.status in ("waiting", "retrying")]
        limits = limits_of(self._store, self._reader.flows.plan.tasks, self.id, not_begun)
        changed, self.limits = changed or limits != self.limits, limits
        return changed

    def _look_at_waits(self) -> bool:
        """Read what waits now; returns whether that changed."""
        before = self.waits
        self.waits = ()
        header, plan = self.header, self._reader.flows.plan
        if header is not None and header.status == "running" and any(task.wait for task in plan.tasks.values()):
            query = WaitQuery(run=self.id) if header.caller is not None else WaitQuery(root=self.id)
            self.waits = tuple(self._store.waits.find(query, None, MOST_WAITS).rows)
        return before != self.waits

    def masked(self, value: Any) -> Any:
        """A value as it may leave the server, without what ``global.redact`` hides."""
        return self._hidden.masked(shown(value))

    @property
    def critical_path(self) -> list[dict[str, Any]]:
        """What made the run as long as it is, see ``timeline.critical_path``; empty while the run is open."""
        if self._path[0] != self.revision:
            closed = self.header is not None and self.header.status != "running"
            nodes = [_for_timeline(node) for node in self.nodes] if closed else []
            self._path = (self.revision, critical_path({"nodes": nodes}, self.ended or 0.0))
        return self._path[1]

    @property
    def origins(self) -> dict[int, str | None]:
        """The flow runs that made what a rerun reuses, see ``ReusedRuns.origins``."""
        if self._origins[0] != self.revision and self.header is not None:
            found = self._reused.origins(self.id, self.header, (each.node for each in self.nodes))
            self._origins = (self.revision, found)
        return self._origins[1]

    def _status(self, node: FollowedNode, record: NodeRecord | None, begun: set[str]) -> str:
        """The status of a node run whose end is not in the log."""
        if record is not None and record.done:
            # Of one that the flow does not wait for, the store alone knows how it ended.
            return "success" if self.error(node) is None else "failure"
        if node.node.id in begun:
            return "running"
        if record is None or not record.begun_at:
            return "retrying" if record is not None and record.attempts else "waiting"
        return "running"

    def error(self, node: FollowedNode) -> dict[str, str] | None:
        """``{"type", "message", "traceback"}`` of a task run that failed, None without an error."""
        if node.node.refused is not None:
            return {"type": "ArgumentError", "message": node.node.refused, "traceback": ""}
        if node.node.is_flow:
            outcome = node.node.outcome
            if outcome is None or outcome.succeeded:
                return None
            return {"type": "FlowError", "message": outcome.reason or "", "traceback": ""}
        id = node.node.id
        if self._errors.get(id) is None:
            text = self._store.error(id)
            error = {} if text is None else json.loads(text)
            found = {key: str(error.get(key) or "") for key in ("type", "message", "traceback")}
            self._errors[id] = None if text is None else found
        return self._errors[id]


def _for_timeline(followed: FollowedNode) -> dict[str, Any]:
    node = followed.node
    return {
        "number": node.number,
        "id": node.id,
        "name": node.name,
        "status": followed.status,
        "flow_attempt": node.flow_attempt,
        "queued": followed.queued,
        "begun": followed.begun,
        "ended": followed.ended,
        "sources": [source.number for source in node.sources],
    }


def _take_record(node: FollowedNode, record: NodeRecord | None) -> None:
    if record is not None and record.begun_at:
        node.begun = record.begun_at
        node.attempts = record.attempts + 1
    elif record is not None:
        node.attempts = record.attempts


def _ends_in(inbox: Sequence[str]) -> dict[int, str]:
    """How node runs ended whose ends wait in the inbox."""
    ends: dict[int, str] = {}
    for text in inbox:
        event: Any = read_entry(text).event
        if isinstance(event, on.NodeSucceeded | on.NodeFailed):
            ends[event.number] = "success" if isinstance(event, on.NodeSucceeded) else "failure"
    return ends
