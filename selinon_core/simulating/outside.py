"""What comes from outside in a simulated run: cancellations, signals, mocks of tasks that wait for signals."""

from __future__ import annotations

import heapq
from itertools import count
from typing import Literal

from selinon_core.cases.model import UNGIVEN, Outcome, Signal
from selinon_core.celery.stores.waits import WaitQuery, WaitRow
from selinon_core.local.driver_state import DriverState
from selinon_core.local.run_setup import RunSetup
from selinon_core.simulating.recorder import RecordingTracer
from selinon_core.simulating.world import BEGINNING, World


class _Answer:
    """The mock of a task that waits: a signal for this one wait."""

    def __init__(self, wait: WaitRow, signal: Signal) -> None:
        self.wait = wait
        self.signal = signal


_Event = Literal["cancel"] | Signal | _Answer


class Outside:
    """Events of one run, at seconds after its beginning.

    As in local runs a signal is for the task of its name that began to wait first, in the flow or in a sub-flow,
    and a mock of a task that waits is a signal that comes ``after`` so many seconds.
    """

    def __init__(
        self, world: World, state: DriverState, prepared: RunSetup, recorder: RecordingTracer, flow: str, id: str
    ) -> None:
        self._world = world
        self._state = state
        self._prepared = prepared
        self._recorder = recorder
        self._flow = flow
        self._id = id
        self._order = count()
        self._events: list[tuple[float, int, _Event]] = []
        self._early: list[Signal] = []
        self._seen: set[str] = set()
        for seconds, event in state.options.at:
            self._add(seconds, "cancel" if isinstance(event, str) else event)

    def _add(self, seconds: float, event: _Event) -> None:
        heapq.heappush(self._events, (seconds, next(self._order), event))

    @property
    def next(self) -> float | None:
        """When the next event comes, in seconds after the beginning of the run; None when none does."""
        return self._events[0][0] if self._events else None

    def look(self) -> None:
        """Give tasks that began to wait what is there for them: their mock, else a signal that was early."""
        for wait in self._waiting():
            if wait.id in self._seen:
                continue
            self._seen.add(wait.id)
            record = self._recorder.node_of(wait.id)
            record.started_at, record.attempts = round(wait.since - BEGINNING, 9), 1
            scripts = self._state.scripts
            outcome = None if scripts.empty else scripts.next(record)
            if outcome is not None:
                after = outcome.after if isinstance(outcome, Outcome) else 0.0
                self._add(round(wait.since - BEGINNING + after, 9), _Answer(wait, self._mocked(wait, outcome)))
                continue
            early = next((signal for signal in self._early if signal.node == wait.node), None)
            if early is not None:
                self._early.remove(early)
                self._give(wait, early)

    def happen(self) -> None:
        """Let the next event come."""
        seconds, _, event = heapq.heappop(self._events)
        flows = self._state.flows
        if flows and flows[0].outcome is not None and flows[0].ended_at < seconds:
            return
        if isinstance(event, _Answer):
            self._give(event.wait, event.signal)
        elif isinstance(event, Signal):
            self._come(seconds, event)
        elif not flows or flows[0].outcome is None:
            self._world.cancel(self._flow, self._id)

    def _come(self, seconds: float, signal: Signal) -> None:
        # An attempt takes its time at once, so what waits by now may have begun later than the signal comes.
        waiting = [wait for wait in self._waiting() if wait.node == signal.node]
        ready = [wait for wait in waiting if signal.early or round(wait.since - BEGINNING, 9) < seconds]
        if ready:
            self._give(ready[0], signal)
        elif signal.early:
            self._early.append(signal)
        else:
            what = f"{signal.node} did not wait at {seconds:g} s: the signal had no effect"
            about = {"flow_name": self._flow, "dispatcher_id": self._id}
            self._recorder.emit("SIGNAL_REFUSED", {**about, "what": what})
            self._state.warnings.append(f"{what} (an early one is kept until it waits)")

    def _give(self, wait: WaitRow, signal: Signal) -> None:
        about = (wait.flow, wait.run, wait.node)
        self._world.signal(*about, signal.value, number=wait.number, reject=signal.reject)

    def _waiting(self) -> list[WaitRow]:
        """The tasks that wait, the longest first."""
        query, cursor = WaitQuery(root=self._id), None
        found: list[WaitRow] = []
        while True:
            page = self._world.store.waits.find(query, cursor)
            found += page.rows
            cursor = page.next
            if cursor is None:
                return found

    def _mocked(self, wait: WaitRow, outcome: Outcome | BaseException) -> Signal:
        if isinstance(outcome, BaseException):
            return Signal(wait.node, reject=str(outcome))
        if outcome.kind != "result":
            return Signal(wait.node, reject=str(outcome.value))
        task = self._state.plan.tasks[wait.node]
        value = self._prepared.stand_in(task) if outcome.value is UNGIVEN else outcome.value
        return Signal(wait.node, value)
