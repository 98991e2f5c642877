"""Places of limits of tasks in local runs: an attempt whose limit is reached waits in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.local.driver_state import DriverState
from selinon_core.plan import TaskPlan
from selinon_core.runtime.limit_keys import LimitKeys
from selinon_core.runtime.results import Asking, Limits, ReferredResults, ResultReader
from selinon_core.runtime.scope import Scope
from selinon_core.runtime.trace.run_records import NodeRecord


class _Key:
    """The node runs under a key, in the order in which they came: those with a place, and those that wait."""

    def __init__(self) -> None:
        self.max = 0
        self.holders: list[NodeRecord] = []
        self.waiting: list[NodeRecord] = []


class LocalTaskPlaces:
    """The places of the tasks of one local run; ``run(record)`` has the next attempt of a node run begin soon."""

    def __init__(self, state: DriverState, run: Callable[[NodeRecord], None]) -> None:
        self._state = state
        self._run = run
        self._limit_keys = LimitKeys(Limits())
        self._keys: dict[str, _Key] = {}
        #: The key of each node run that has a place, or waits for one.
        self._of_nodes: dict[str, str] = {}

    def enter(self, record: NodeRecord, task: TaskPlan) -> bool:
        """Ask for the place of the next attempt; False: the node run waits for it.

        Raises ``ArgumentError`` where the key cannot be worked out.
        """
        assert task.limit is not None
        id = record.run.id
        name = self._of_nodes.get(id)
        if name is None:
            name = self._key_of(record, task)
        key = self._keys.setdefault(name, _Key())
        key.max = task.limit.max
        if record in key.holders:
            return True
        self._of_nodes[id] = name
        key.waiting.append(record)
        granted = self._grant(key)
        for other in granted:
            if other is not record:
                self._run(other)
        if record in key.holders:
            return True
        about = {"flow_name": record.flow_run.flow.name, "dispatcher_id": record.flow_run.id}
        node = {"node_name": record.run.name, "node_id": id}
        self._state.recorder.trace("LIMIT_WAIT", {**about, **node, "key": name, "max": key.max})
        return False

    def leave(self, record: NodeRecord) -> None:
        """An attempt ended: its place is for the next node run that waits."""
        name = self._of_nodes.pop(record.run.id, None)
        if name is None:
            return
        key = self._keys[name]
        key.holders.remove(record)
        for other in self._grant(key):
            self._run(other)

    @staticmethod
    def _grant(key: _Key) -> list[NodeRecord]:
        free = max(key.max - len(key.holders), 0)
        granted, key.waiting = key.waiting[:free], key.waiting[free:]
        key.holders += granted
        return granted

    def _key_of(self, record: NodeRecord, task: TaskPlan) -> str:
        state, flow = self._state, record.flow_run.flow
        given: Any = ReferredResults(state.storages).decoded(record.run.args)
        reader = ResultReader(state.storages, flow, state.lookup)
        asking = Asking(flow, record.flow_run.id, 1, {})
        return self._limit_keys.of(task, Scope(asking, reader, state.plan.settings.environment, (), given))
