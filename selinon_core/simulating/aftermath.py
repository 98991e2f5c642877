"""What a schedule left behind: each flow run as the store has it, and its log replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.dispatch import FlowRun
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event
from selinon_core.migrations.versions import FlowVersions

#: Logs that are remembered.
_MOST = 200


class FlowRemains(NamedTuple):
    """A flow run as it is when nothing is due any more.

    ``machine`` is None for a run that never began, or whose log does not fold (``error``). ``ended`` counts the
    ends of node runs in the log, by number; ``succeeded`` has those that succeeded.
    """

    id: str
    header: RunHeader
    inbox: int
    outbox: Sequence[str]
    timers: Mapping[str, float]
    machine: FlowRun | None
    error: Exception | None
    ended: Mapping[int, int]
    succeeded: frozenset[int]


class _Folded(NamedTuple):
    """What a header and a log say: see ``FlowRemains``."""

    header: RunHeader
    machine: FlowRun | None
    error: Exception | None
    ended: Mapping[int, int]
    succeeded: frozenset[int]


class Aftermath:
    """Reads what schedules leave behind. Most logs are those of another schedule, and are folded once."""

    def __init__(self, flows: FlowVersions) -> None:
        self._flows = flows
        self._folded: dict[tuple[Any, ...], _Folded] = {}

    def remains_of(self, store: MemoryStore) -> list[FlowRemains]:
        """All flow runs of a store, in the order in which they began."""
        left_over = dict(store.left_over())
        return [self._remains(store, id, left_over.get(id, ((), ()))) for id in store.ids()]

    def _remains(self, store: MemoryStore, id: str, left_over: tuple[object, Sequence[str]]) -> FlowRemains:
        found = store.read(id)
        assert found is not None
        fields, log, inbox = found
        key = (id, *fields.items(), *log)
        folded = self._folded.get(key)
        if folded is None:
            if len(self._folded) >= _MOST:
                self._folded.clear()
            folded = self._folded[key] = self._fold(id, RunHeader.read(fields), log)
        header, machine, error, ended, succeeded = folded
        outbox, timers = tuple(left_over[1]), store.timers(id)
        return FlowRemains(id, header, len(inbox), outbox, timers, machine, error, ended, succeeded)

    def _fold(self, id: str, header: RunHeader, log: Sequence[str]) -> _Folded:
        ended: dict[int, int] = {}
        succeeded: set[int] = set()
        machine, error = None, None
        try:
            if header.initial_definition is not None:
                run = CachedRun(id, header, self._flows)
                advance = run.machine.advance
                for batch in log:
                    for entry in decode_batch(batch).events:
                        event = decode_event(entry)
                        if isinstance(event, (on.NodeSucceeded, on.NodeFailed)):
                            ended[event.number] = ended.get(event.number, 0) + 1
                            if isinstance(event, on.NodeSucceeded):
                                succeeded.add(event.number)
                        advance(event)
                machine = run.machine
        except Exception as raised:
            error = raised
        return _Folded(header, machine, error, ended, frozenset(succeeded))
