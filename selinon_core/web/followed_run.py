"""One flow run as the page has it in memory: its log replayed, and kept up with what is appended to it.

To catch up costs two questions to the store, however many viewers there are and however long the log is: what is
behind the version that is known, and the records of the node runs that have not ended.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from selinon_core.celery.execution.inbox_codec import read_entry
from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.run_loader import require_known_format
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.protocol import NodeRecord
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event
from selinon_core.errors import RequestError, SelinonException
from selinon_core.migrations.versions import FlowVersions

_NEW_NODES = (do.StartTask, do.StartFlow, do.ReuseNode, do.FailNode)


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

    def __init__(self, store: Store, flows: FlowVersions, id: str) -> None:
        self.lock = threading.Lock()
        self.id = id
        self.header: RunHeader | None = None
        self.version = 0
        #: Grows with every change that a viewer can see.
        self.revision = 0
        self.caught_up_at = float("-inf")
        self.run: CachedRun | None = None
        self.problem: str | None = None
        self.ended: float | None = None
        self.undecided = 0
        self.nodes: list[FollowedNode] = []
        self._store = store
        self._flows = flows
        self._open: dict[int, FollowedNode] = {}
        self._errors: dict[str, dict[str, str] | None] = {}

    @property
    def attempt(self) -> int:
        """The attempt of the flow, from 1; 0 before it begins."""
        return 0 if self.run is None else self.run.machine.attempt

    def catch_up(self) -> None:
        """Read what is new. Raises ``RequestError`` when there is no such run (any more)."""
        found = self._store.since(self.id, self.version)
        if found is None:
            raise RequestError(f"there is no flow run {self.id}")
        fields, batches, inbox = found
        header = RunHeader.read(fields)
        if int(fields["version"]) < self.version:  # a run that was started anew under this id
            self._forget()
        before = (self.header, self.version, self.undecided)
        self.header = header
        ended = [] if self.problem is not None else self._replay(header, batches)
        self.undecided = len(inbox)
        changed = self._look_at_open_nodes(ended, _ends_in(inbox))
        if changed or before != (self.header, self.version, self.undecided):
            self.revision += 1

    def _forget(self) -> None:
        self.run, self.version, self.problem, self.ended = None, 0, None, None
        self.nodes, self._open, self._errors = [], {}, {}

    # -- the log ----------------------------------------------------------------------------------------------

    def _replay(self, header: RunHeader, batches: Sequence[str]) -> list[FollowedNode]:
        """Replay batches; returns the node runs that ended in them."""
        ended: list[FollowedNode] = []
        try:
            if self.run is None:
                if header.initial_definition is None:
                    return ended
                require_known_format(header)
                self.run = CachedRun(self.id, header, self._flows)
            for text in batches:
                self._replay_batch(self.run, text, ended)
                self.version += 1
        except (SelinonException, ValueError, KeyError, IndexError) as error:
            self.problem = f"the log does not fit the files that are here: {error}"
        return ended

    def _replay_batch(self, run: CachedRun, text: str, ended: list[FollowedNode]) -> None:
        at, events, _ = decode_batch(text)
        for parts in events:
            event = decode_event(parts)
            if isinstance(event, on.NodeSucceeded | on.NodeFailed):
                self._end(event.number, at, ended)
            for effect in run.machine.advance(event):
                if isinstance(effect, _NEW_NODES):
                    node = FollowedNode(effect.node_run, at)
                    self.nodes.append(node)
                    self._open[node.node.number] = node
                    if isinstance(effect, do.ReuseNode | do.FailNode):
                        self._end(node.node.number, at, ended)
        self.ended = at if run.machine.ended else None

    def _end(self, number: int, at: float, ended: list[FollowedNode]) -> None:
        node = self._open.pop(number, None)
        if node is not None:
            node.ended = at
            ended.append(node)

    # -- what the store knows of node runs ----------------------------------------------------------------------

    def _look_at_open_nodes(self, ended: Sequence[FollowedNode], buffered: Mapping[int, str]) -> bool:
        """Bring times and statuses of node runs up to date; returns whether one of them changed."""
        if not self._open and not ended:
            return False
        numbers = [*self._open, *(node.node.number for node in ended)]
        records = self._store.records(self.id, numbers)
        for node in ended:
            _take_record(node, records.get(node.node.number))
            node.status = node.node.status
        changed = bool(ended)
        subflows = [node.node.id for node in self._open.values() if node.node.is_flow]
        begun = self._store.existing(subflows) if subflows else set()
        for number, node in self._open.items():
            before = (node.status, node.begun, node.attempts)
            record = records.get(number)
            _take_record(node, record)
            node.status = buffered.get(number) or self._status(node, record, begun)
            changed = changed or before != (node.status, node.begun, node.attempts)
        return changed

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
