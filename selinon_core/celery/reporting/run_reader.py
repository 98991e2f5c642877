"""Reads flow runs without a lease, again and again: each run is replayed once, then only what came after.

A page that follows a run of many nodes, and many viewers of one run, cost one question for what is new.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event
from selinon_core.errors import SelinonException
from selinon_core.migrations.versions import FlowVersions

_NEW_NODES = (do.StartTask, do.StartFlow, do.ReuseNode, do.FailNode)
#: Runs that are kept replayed.
REMEMBERED = 64


class FoldedRun:
    """A flow run as of the newest batch that was read, and what its log says about the times of its node runs.

    Times are seconds since the epoch. ``run`` is None where ``problem`` says why: the log does not fit the
    configuration, or the run was cancelled before it began (``problem`` is empty then).
    """

    __slots__ = (
        "_flows",
        "_version",
        "ended",
        "finished",
        "header",
        "id",
        "inbox",
        "nodes",
        "problem",
        "queued",
        "reopened",
        "run",
    )

    def __init__(self, id: str, header: RunHeader, flows: FlowVersions) -> None:
        self.id = id
        self.header = header
        self.inbox: Sequence[str] = ()
        self.problem = ""
        #: Node runs in the order of their numbers.
        self.nodes: list[NodeRun] = []
        #: When each node run was decided on, and when it ended, by number.
        self.queued: dict[int, float] = {}
        self.ended: dict[int, float] = {}
        #: When the run ended, as its log has it; None: it did not, or was ended from outside.
        self.finished: float | None = None
        #: When it was last retried after it had failed; 0: never.
        self.reopened = 0.0
        self.run: CachedRun | None = None
        self._flows = flows
        self._version = 0
        if header.initial_definition is not None:
            try:
                self.run = CachedRun(id, header, flows)
            except (SelinonException, ValueError, KeyError) as error:
                self._fail(error)

    @property
    def version(self) -> int:
        """How many batches of the log were read."""
        return self._version

    def replay(self, batches: Sequence[str]) -> None:
        """Take further batches of the log."""
        self._version += len(batches)
        if self.run is None:
            return
        try:
            for batch in batches:
                self._replay(batch)
        except (SelinonException, ValueError, KeyError) as error:
            self._fail(error)

    def _replay(self, batch: str) -> None:
        assert self.run is not None
        at, events, _ = decode_batch(batch)
        for parts in events:
            event = decode_event(parts)
            if isinstance(event, on.NodeSucceeded | on.NodeFailed):
                self.ended[event.number] = event.ended or at
            if isinstance(event, on.Reopened):
                self.finished, self.reopened = None, at
            for effect in self.run.machine.advance(event):
                if isinstance(effect, do.FinishFlow):
                    self.finished = at
                if isinstance(effect, do.StartAgain):
                    self.queued[effect.node_run.number] = at
                    self.ended.pop(effect.node_run.number, None)
                elif isinstance(effect, _NEW_NODES):
                    node = effect.node_run
                    if node.number not in self.queued:  # else it had failed for want of arguments, and starts now
                        self.nodes.append(node)
                    self.ended.pop(node.number, None)
                    self.queued[node.number] = at
                    if isinstance(effect, do.FailNode):
                        self.ended[node.number] = at

    def _fail(self, error: Exception) -> None:
        self.problem = f"the log does not fit this configuration: {error}"
        self.run = None


class RunReader:
    """Keeps the replayed runs of one store; safe under threads."""

    def __init__(self, store: Store, flows: FlowVersions, remembered: int = REMEMBERED) -> None:
        self.store = store
        self.flows = flows
        self._remembered = remembered
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, _Slot] = OrderedDict()

    @contextmanager
    def reading(self, id: str) -> Iterator[FoldedRun | None]:
        """The run as of now, None when there is none; others do not change it before the block ends."""
        with self._lock:
            slot = self._runs.setdefault(id, _Slot())
            self._runs.move_to_end(id)
            while len(self._runs) > self._remembered:
                self._runs.popitem(last=False)
        with slot.lock:
            slot.folded = self._caught_up(id, slot.folded)
            yield slot.folded

    def _caught_up(self, id: str, folded: FoldedRun | None) -> FoldedRun | None:
        found = self.store.since(id, 0 if folded is None else folded.version)
        if found is None:
            return None
        fields, batches, inbox = found
        header = RunHeader.read(fields)
        version = int(fields["version"])
        if folded is None or not _is_same(folded, header, version - len(batches)):
            if folded is not None:
                return self._caught_up(id, None)
            folded = FoldedRun(id, header, self.flows)
        folded.header, folded.inbox = header, inbox
        folded.replay(batches)
        return folded


class _Slot:
    __slots__ = ("folded", "lock")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.folded: FoldedRun | None = None


def _is_same(folded: FoldedRun, header: RunHeader, known: int) -> bool:
    """Whether what was read goes on from what is known.

    An id may have been started again, and a run that was cancelled before it began may have begun after all.
    """
    if folded.header.initial_definition != header.initial_definition:
        return False
    return folded.header.created == header.created and known == folded.version
