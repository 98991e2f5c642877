"""Places of limits in local runs: a sub-flow whose limit is reached waits for its place in virtual time.

What workers do with all runs, this does with those of one local run: the flow at the top and its sub-flows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from selinon_core.errors import ArgumentError, SelinonException
from selinon_core.local.driver_state import DriverState
from selinon_core.plan import FlowPlan
from selinon_core.runtime.limit_keys import LimitKeys, place_text
from selinon_core.runtime.results import Asking, Limits, ReferredResults, ResultReader
from selinon_core.runtime.scope import Scope
from selinon_core.runtime.trace.run_records import FlowRecord

CANCELLED_BEFORE = "the flow run was cancelled before it began"


class StillQueued(SelinonException):
    """Raised for a run that cannot come to its end: a sub-flow waits for a place that no run gives back."""


class Queued(NamedTuple):
    """A flow run that asks for its place, what begins it later, and what says why it never begins."""

    flow: FlowPlan
    id: str
    begin: Callable[[], None]
    refuse: Callable[[str], None]


class _Key:
    """The flow runs under a key, in the order in which they came: those with a place, and those that wait."""

    def __init__(self) -> None:
        self.holders: dict[str, Queued] = {}
        self.waiting: dict[str, Queued] = {}


class LocalPlaces:
    """The places of one local run. ``cancel(id)`` ends a flow run; False: it has not begun."""

    def __init__(self, state: DriverState, cancel: Callable[[str], bool]) -> None:
        self._state = state
        self._cancel = cancel
        self._limit_keys = LimitKeys(Limits())
        self._keys: dict[str, _Key] = {}
        #: Why the keys of flow runs could not be worked out: these fail when they begin.
        self.without_key: dict[str, str] = {}
        #: The key of each flow run that has a place, or waits for one.
        self._of_runs: dict[str, str] = {}

    def key_of(self, flow: FlowPlan, id: str, args: Any) -> str:
        """The key of a flow run with these arguments; raises ``ArgumentError`` where it cannot be worked out."""
        state = self._state
        given = ReferredResults(state.storages).decoded(args)
        reader = ResultReader(state.storages, flow, state.lookup)
        scope = Scope(Asking(flow, id, 1, {}), reader, state.plan.settings.environment, (), given)
        return self._limit_keys.of(flow, scope)

    def has(self, id: str) -> bool:
        """Whether a flow run has its place."""
        key = self._of_runs.get(id)
        return key is not None and id in self._keys[key].holders

    def enter(self, queued: Queued, args: Any, above: FlowRecord | None) -> str | None:
        """Ask for the place of a flow run. It begins now (empty), waits (None), or does not begin: why."""
        flow, id = queued.flow, queued.id
        try:
            name = self.key_of(flow, id, args)
        except ArgumentError as error:
            self.without_key[id] = str(error)
            return ""
        limit = flow.limit
        assert limit is not None
        while above is not None:
            if self._of_runs.get(above.id) == name:
                return ""  # what is below it needs no other one
            above = above.parent_run
        key = self._keys.setdefault(name, _Key())
        if len(key.holders) < limit.max and not key.waiting:
            key.holders[id] = queued
            self._of_runs[id] = name
            return ""
        about = {"flow_name": flow.name, "dispatcher_id": id, "key": name, "max": limit.max}
        if limit.when_full == "skip":
            self._state.recorder.trace("LIMIT_CANCEL", {**about, "for": None})
            runs = "run has" if limit.max == 1 else "runs have"
            return f'the limit is reached: {limit.max} {runs} the key "{name}"'
        key.waiting[id] = queued
        self._of_runs[id] = name
        self._state.recorder.trace("RUN_QUEUED", {**about, "when_full": limit.when_full})
        if limit.when_full == "cancel_running":
            self._make_room(key, name, id, limit.max)
        return None

    def _make_room(self, key: _Key, name: str, id: str, most: int) -> None:
        """Cancel the oldest runs under a key, so that the newest gets its place."""
        runs = {**key.holders, **key.waiting}
        for other in list(runs.values())[: len(runs) - most]:
            about = {"flow_name": other.flow.name, "dispatcher_id": other.id, "key": name, "max": most}
            self._state.recorder.trace("LIMIT_CANCEL", {**about, "for": id})
            if not self._cancel(other.id):
                self.leave(other.id)
                other.refuse(CANCELLED_BEFORE)

    def leave(self, id: str) -> None:
        """A flow run ended, or does not begin any more: its place is for the next one that waits."""
        name = self._of_runs.pop(id, None)
        if name is None:
            return
        key = self._keys[name]
        key.waiting.pop(id, None)
        if key.holders.pop(id, None) is None:
            return
        for queued in list(key.waiting.values()):
            assert queued.flow.limit is not None
            if len(key.holders) >= queued.flow.limit.max:
                break
            del key.waiting[queued.id]
            key.holders[queued.id] = queued
            queued.begin()

    def still_queued(self) -> StillQueued | None:
        """What is said of a run in which nothing is due any more; None when nothing waits for a place."""
        if self._state.flows[0].outcome is not None:
            return None
        for name, key in self._keys.items():
            for queued in key.waiting.values():
                held = ", ".join(dict.fromkeys(other.flow.name for other in key.holders.values()))
                assert queued.flow.limit is not None
                return StillQueued(
                    f"{queued.flow.name} is queued: it waits for {place_text(queued.flow.limit.max)} under the "
                    f'key "{name}", held by {held}, which does not end'
                )
        return None
