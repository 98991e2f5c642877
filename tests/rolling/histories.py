"""What the log of a flow run reports, in the order in which it happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.reporting.run_status import status_of
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.dispatch import NodeRun, flow_indexes
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event
from selinon_core.migrations.repository import Migrations
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan

Json = dict[str, Any]


class Launch(NamedTuple):
    """A node run, and whether it was decided on after the migration; ``status`` is its last one."""

    node: NodeRun
    parent: Json
    late: bool
    status: str


class History(NamedTuple):
    """A flow run from its log alone. ``finished`` and ``over`` are as of the (first) migration: how many runs of a
    node had succeeded, and the numbers of those that had succeeded or failed."""

    id: str
    flow: str
    status: str
    reason: str
    began: str
    args: Any
    attempts: int
    migrations: list[on.Migrated]
    launches: list[Launch]
    finished: Counter[str]
    over: set[int]
    undecided: int

    def of_attempt(self, attempt: int) -> list[Launch]:
        """What an attempt of the flow decided on."""
        return [launch for launch in self.launches if launch.node.flow_attempt == attempt]


class Reader:
    """Reads histories out of a store."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self._store = store
        self._flows = FlowVersions(plan, flow_indexes(plan), Migrations(None, ()), store.get_definition)

    def read(self, id: str) -> History | None:
        """The history of a flow run, None when there is none."""
        found = self._store.read(id)
        if found is None:
            return None
        header, log, inbox = found
        run = CachedRun(id, RunHeader.read(header), self._flows)
        migrations: list[on.Migrated] = []
        launches: list[tuple[NodeRun, Json, bool]] = []
        finished: Counter[str] = Counter()
        over: set[int] = set()
        for event in _events(log):
            if isinstance(event, on.Migrated):
                migrations.append(event)
            elif isinstance(event, on.NodeSucceeded | on.NodeFailed) and not migrations:
                over.add(event.number)
                if isinstance(event, on.NodeSucceeded):
                    node = run.machine.run_of(event.number)
                    assert node is not None
                    finished[node.name] += 1
            late = bool(migrations)
            starts = [e for e in run.machine.advance(event) if isinstance(e, do.StartTask | do.StartFlow)]
            launches += [(start.node_run, start.parent, late) for start in starts]
        records = self._store.records(id, [node.number for node, _, _ in launches])
        return History(
            id,
            header["flow"],
            header["status"],
            header.get("reason") or "",
            header["initial_definition"],
            run.machine.start.args,
            run.machine.attempt,
            migrations,
            [Launch(*launch, self._status(launch[0], records)) for launch in launches],
            finished,
            over,
            len(inbox),
        )

    def _status(self, node: NodeRun, records: Any) -> str:
        return status_of(self._store, node, records.get(node.number))

    def tree(self, ids: Iterable[str]) -> tuple[list[History], list[str]]:
        """Of these runs and all below them; and the ids of those that never began."""
        told, never = [], []
        left = list(ids)
        while left:
            id = left.pop()
            history = self.read(id)
            if history is None:
                never.append(id)
                continue
            told.append(history)
            left += [launch.node.id for launch in history.launches if launch.node.is_flow]
        return told, never


def _events(log: Iterable[str]) -> Iterable[on.Event]:
    for batch in log:
        for parts in decode_batch(batch)[1]:
            yield decode_event(parts)
