"""Tasks of a local run that wait for a signal: they run nothing, and end by a signal, a mock or their time-out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from selinon_core.cases.model import Outcome, Signal
from selinon_core.diagnostics.wording import hint
from selinon_core.errors import RequestError, SchemaMismatchError, SelinonException, TaskTimeout, UnknownTaskError
from selinon_core.local.attempts import Attempts
from selinon_core.local.driver_state import DriverState
from selinon_core.plan import Plan, TaskPlan
from selinon_core.runtime.json_values import copy_json, describe_json_error
from selinon_core.runtime.signals import rejection
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.runtime.wait_titles import WaitTitles


class StillWaiting(SelinonException):
    """Raised for a run in which nothing is due any more, because tasks wait for signals without a time-out."""


class LocalWaits:
    """The tasks that wait in one local run, and the signals that are kept for some that do not wait yet."""

    def __init__(self, state: DriverState, attempts: Attempts, stand_in: Callable[[TaskPlan], Any]) -> None:
        self._state = state
        self._attempts = attempts
        self._stand_in = stand_in
        self._titles = WaitTitles()
        self._open: dict[str, list[NodeRecord]] = {}
        self._early: dict[str, list[Signal]] = {}

    def begin(self, record: NodeRecord, task: TaskPlan) -> None:
        """A task begins to wait. A mock of it is a signal that comes ``after`` so many seconds."""
        assert task.wait is not None
        outcome = None if self._state.scripts.empty else self._state.scripts.next(record)
        if outcome is not None:
            after = outcome.after if isinstance(outcome, Outcome) else 0.0
            self._state.agenda.add(after, EndWait(self, record, outcome))
        self._open.setdefault(task.name, []).append(record)
        if task.wait.timeout is not None:
            self._state.agenda.add(task.wait.timeout, EndWait(self, record, None))
        kept = self._early.get(task.name)
        if kept and outcome is None:
            self._take(record, kept.pop(0))

    def signal(self, signal: Signal) -> None:
        """A signal comes: for the task of that name that began to wait first."""
        waiting = self._open.get(signal.node)
        if waiting:
            self._take(waiting[0], signal)
        elif signal.early:
            self._early.setdefault(signal.node, []).append(signal)
        else:
            now = self._state.agenda.now
            what = f"{signal.node} did not wait at {now:g} s: the signal had no effect"
            self._state.recorder.trace("SIGNAL_REFUSED", {**_about(self._state.flows[0]), "what": what})
            self._state.warnings.append(f"{what} (an early one is kept until it waits)")

    def end(self, record: NodeRecord, outcome: Outcome | BaseException | None) -> None:
        """A task that still waits ends; ``outcome`` None: by its time-out."""
        waiting = self._open.get(record.run.name, [])
        if record not in waiting:
            return
        waiting.remove(record)
        if outcome is None:
            task = self._state.plan.tasks[record.run.name]
            outcome = TaskTimeout(timeout_text(task))
            self._state.warnings.append(f"{self._named(record)} got no signal in time; {self._advice(task)}")
        self._attempts.end_mocked(record, outcome)

    def is_open(self, record: NodeRecord) -> bool:
        """Whether the task still waits."""
        return record in self._open.get(record.run.name, ())

    def still_waiting(self) -> StillWaiting | None:
        """What is said of a run in which nothing is due any more; None when nothing waits."""
        records = [record for waiting in self._open.values() for record in waiting]
        if not records or self._state.flows[0].outcome is not None:
            return None
        names = dict.fromkeys(record.run.name for record in records)
        described = [f"{self._named(self._open[name][0])} waits" for name in names]
        advice = self._advice(self._state.plan.tasks[records[0].run.name])
        return StillWaiting(f"{'; '.join(described)} for a signal, without a time-out; {advice}")

    def _take(self, record: NodeRecord, signal: Signal) -> None:
        details = {**_about(record.flow_run), "node_name": record.run.name, "node_id": record.run.id}
        self._state.recorder.trace("SIGNAL", {**details, "rejected": signal.reject is not None, "by": None})
        waiting = self._open[record.run.name]
        waiting.remove(record)
        ended: Outcome | BaseException = Outcome("result", signal.value)
        if signal.reject is not None:
            ended = rejection(signal.reject)
        self._attempts.end_mocked(record, ended)

    def _named(self, record: NodeRecord) -> str:
        plan, flow_run = self._state.plan, record.flow_run
        title = self._titles.of(plan, plan.tasks[record.run.name], flow_run.flow, flow_run.id, record.run.args)
        return f"{record.run.name} ({title})" if title else record.run.name

    def _advice(self, task: TaskPlan) -> str:
        value = json.dumps(self._stand_in(task), ensure_ascii=False)
        return f"give it one: --signal {task.name}='{value}', with @SECONDS behind it for a time"


def timeout_text(task: TaskPlan) -> str:
    """What is said of a task that got no signal in time."""
    assert task.wait is not None
    return f"{task.name} got no signal within {task.wait.timeout} s"


def _about(record: FlowRecord) -> dict[str, Any]:
    return {"flow_name": record.flow.name, "dispatcher_id": record.id}


def check_signals(signals: list[Signal], plan: Plan, check_value: Callable[[TaskPlan, Any], None]) -> None:
    """Hold signals against the plan; raises ``UnknownTaskError`` and ``RequestError``."""
    waits = [task.name for task in plan.tasks.values() if task.wait is not None]
    for signal in signals:
        task = plan.tasks.get(signal.node)
        if task is None:
            raise UnknownTaskError(f'no task is named "{signal.node}"{hint(signal.node, waits)}')
        if task.wait is None:
            known = f" (those that do: {', '.join(waits)})" if waits else ""
            raise RequestError(f"task {signal.node} does not wait for a signal{known}")
        if signal.reject is not None:
            continue
        try:
            copy_json(signal.value)
        except (TypeError, ValueError, RecursionError):
            what = describe_json_error(signal.value)
            raise RequestError(f"the signal for {signal.node} is not a JSON value: {what}") from None
        try:
            check_value(task, signal.value)
        except SchemaMismatchError as error:
            raise RequestError(str(error)) from None


class EndWait(NamedTuple):
    """A wait ends by itself: as its mock says, or by its time-out."""

    waits: LocalWaits
    record: NodeRecord
    outcome: Outcome | BaseException | None

    def is_obsolete(self) -> bool:
        """Whether the task does not wait any more, or nothing waits for it."""
        return not self.waits.is_open(self.record) or self.record.flow_run.outcome is not None

    def run(self) -> None:
        """End it."""
        if not self.is_obsolete():
            self.waits.end(self.record, self.outcome)


class SignalComes(NamedTuple):
    """A signal comes from outside."""

    waits: LocalWaits
    root: FlowRecord
    signal: Signal

    def is_obsolete(self) -> bool:
        """Whether the flow run is over."""
        return self.root.outcome is not None

    def run(self) -> None:
        """Give it to the task that waits for it."""
        if self.root.outcome is None:
            self.waits.signal(self.signal)
