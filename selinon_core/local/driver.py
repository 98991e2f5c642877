"""The in-process driver: performs the effects of flow runs, on virtual time and by default one task at a time.

Steps wait in the ``EventQueue``; events for machines wait in the inbox and are handed over before anything else
happens, so that a machine is never advanced while another one (or itself) is being advanced.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from selinon_core.dispatch import SelectiveRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.local.driver_state import DriverState
from selinon_core.local.flow_effects import CancelFlow, FlowEffects
from selinon_core.local.options import LocalOptions
from selinon_core.local.question_effects import QuestionEffects
from selinon_core.local.run_setup import RunSetup
from selinon_core.local.task_effects import TaskEffects
from selinon_core.runtime.ids import random_flow_id, seeded_flow_id
from selinon_core.runtime.trace.run_records import FlowRecord
from selinon_core.task_progress import listener

_Perform = Callable[[FlowRecord, Any], None]


class Driver:
    """One local run. Built for it and thrown away afterwards: no state is shared between runs."""

    def __init__(self, prepared: RunSetup, options: LocalOptions) -> None:
        self.state = state = DriverState(prepared, options)
        state.attach_sinks(prepared)  # before the parts, which ask the recorder once whether it is heard
        self._flows = FlowEffects(state, prepared)
        self._tasks = TaskEffects(state, prepared, self._advance)
        self._perform = _performers(self._flows, self._tasks, QuestionEffects(state, prepared))
        self._interrupted = False

    def run(self, flow_name: str, node_args: Any, selective: SelectiveRun | None) -> FlowRecord:
        """Run a flow until nothing is due any more and return its record.

        ``node_args`` are the run's own, and fit the flow with its defaults. Raises ``StepLimitExceeded``;
        ``KeyboardInterrupt`` passes through.
        """
        state, options = self.state, self.state.options
        state.lookup.preload(options.reuse or {}, state.plan.tasks)
        about, recorded = flow_name, None
        if options.rerun is not None:
            from selinon_core.local.rerun import LocalRerun

            state.rerun = rerun = LocalRerun(state, options.rerun)
            rerun.preload()
            recorded = rerun.root
            about += f" again {recorded}"  # its node runs have other ids than those that it reuses
        id = seeded_flow_id(options.seed or 0, about) if options.is_seeded else random_flow_id()
        given = on.FlowStarted(node_args, selective=selective, rerun=recorded)
        root = self._flows.begin(flow_name, id, given, is_fitted=True)
        for seconds, event in options.at:
            if isinstance(event, str):
                state.agenda.add(seconds, CancelFlow(self._flows, root))
            else:
                from selinon_core.local.waits import SignalComes

                state.agenda.add(seconds, SignalComes(self._tasks.waits, root, event))
        token = listener.set(self._tasks.attempts.progress)
        try:
            with state.steps.collector:
                self._work()
        finally:
            listener.reset(token)
            self._tasks.close()
            state.storages.close()
        return root

    def still_waiting(self) -> Exception | None:
        """Why a run cannot come to its end: tasks wait for signals, sub-flows for places; None when none does."""
        return self._tasks.waits.still_waiting() or self._flows.still_queued()

    def interrupt(self) -> None:
        """Let a run in another thread end before its next step."""
        self._interrupted = True

    def _work(self) -> None:
        state, agenda, inbox = self.state, self.state.agenda, self.state.inbox
        while True:
            if self._interrupted:
                raise KeyboardInterrupt
            while inbox:
                record, event = inbox.popleft()
                self._advance(record, event)
            if state.real_time:
                state.update_clock()
            step = agenda.take_due()
            if step is not None:
                step.run()
            elif not self._tasks.run_waiting() and not self._wait():
                return

    def _wait(self) -> bool:
        """Wait for the next step or for the end of a task at the side; False when there is nothing to wait for."""
        state, agenda, attempts = self.state, self.state.agenda, self._tasks.attempts
        agenda.drop_obsolete()
        next_time = agenda.next_time()
        patience = None
        if state.real_time and next_time is not None:
            patience = max(0.0, state.began + next_time - time.monotonic())
        if attempts.running:
            attempts.wait(patience)
        elif next_time is None:
            return False
        else:
            if patience:
                time.sleep(patience)
            agenda.now = max(agenda.now, next_time)
        return True

    def _advance(self, record: FlowRecord, event: on.Event) -> None:
        for effect in record.machine.advance(event):
            self._perform[effect.__class__](record, effect)


def _performers(flows: FlowEffects, tasks: TaskEffects, questions: QuestionEffects) -> dict[type[Any], _Perform]:
    return {
        do.StartTask: tasks.start,
        do.StartFlow: flows.start,
        do.AskCondition: questions.ask,
        do.AskFallbackCondition: questions.ask,
        do.AskForeach: questions.ask,
        do.AskReuse: questions.ask,
        do.AskRecorded: questions.ask,
        do.AskFirstResult: questions.ask,
        do.AskArgs: questions.ask,
        do.AskOutput: questions.ask,
        do.AskAgain: questions.ask_again,
        do.ScheduleRetry: flows.schedule_retry,
        do.FinishFlow: flows.finish,
        do.CancelFlows: flows.cancel,
        do.ReuseNode: tasks.reuse,
        do.FailNode: tasks.refuse,
        do.TraceNote: flows.note,
    }
