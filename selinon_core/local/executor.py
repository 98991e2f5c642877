"""Running flows in this process: no services, no waiting, every decision explained."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any

from selinon_core.diagnostics.wording import hint
from selinon_core.dispatch import SelectiveRun, select
from selinon_core.errors import RequestError, UnknownFlowError, UnknownStorageError, UnknownTaskError
from selinon_core.local.driver import Driver
from selinon_core.local.earlier_run import check_report
from selinon_core.local.mocks import check_mocks
from selinon_core.local.options import LocalOptions
from selinon_core.local.run import LocalRun, RunInterrupted
from selinon_core.local.run_setup import RunSetup
from selinon_core.local.step_limit import StepLimitExceeded
from selinon_core.plan import Plan
from selinon_core.runtime.active_run import ActiveRun, RunEnvironment
from selinon_core.runtime.coroutines import in_thread, loop_is_running
from selinon_core.runtime.json_values import copy_json, describe_json_error
from selinon_core.runtime.task_calls import check_typed_extra
from selinon_core.runtime.trace.run_records import FlowRecord


class LocalExecutor:
    """Runs flows of a plan; every run is independent of all others.

    ``setup`` is what executors of one plan may share: it was made with options that have the same places of
    modules, mocked functions and ``mock_all``. The mocks given with it were held against the plan by the caller.

    >>> run = LocalExecutor(project.plan).run("dinner", {"guests": 4})
    >>> run.status
    'success'
    """

    def __init__(self, plan: Plan, options: LocalOptions | None = None, setup: RunSetup | None = None) -> None:
        self._plan = plan
        self._options = LocalOptions() if options is None else options
        self._options.check()
        self._current: Driver | None = None
        self._began = 0.0
        if setup is None:
            setup = RunSetup(plan, self._options)
            if self._options.mocks is not None:
                check_mocks(self._options.mocks, plan, setup.check_schema)
        self._prepared = setup
        if plan.settings.typed_tasks and not self._options.mock_all:
            # Without it each task would fail by itself, and fallbacks would run for that.
            check_typed_extra()
        if self._options.reuse is not None:
            check_report(self._options.reuse)
        for name in self._options.real_storages:
            if name not in plan.storages:
                raise UnknownStorageError(_unknown("storage", name, plan.storages))
        signals = [event for _, event in self._options.at if not isinstance(event, str)]
        if signals:
            from selinon_core.local.waits import check_signals

            check_signals(signals, plan, setup.check_schema.signal)
        for name in (*self._options.fail, *self._options.durations):
            if name not in plan.tasks:
                raise UnknownTaskError(_unknown("task", name, plan.tasks))

    def run(self, flow: str, node_args: Any = None, selective: SelectiveRun | None = None) -> LocalRun:
        """Run a flow to its end and return what happened; a failing flow does not raise.

        ``node_args`` is a JSON value. Raises ``UnknownFlowError``, ``RequestError`` for arguments that JSON
        cannot hold, ``ArgumentError`` for arguments that do not fit the flow's ``input_schema``,
        ``ConfigurationError`` for a trace sink or strategy that cannot be imported, and ``RunInterrupted``, a
        ``KeyboardInterrupt`` with the run so far.
        """
        fitted = self._checked(flow, node_args)
        driver = self._current = Driver(self._prepared, self._options)
        stopped_by: Exception | None = None
        began = self._began = time.perf_counter()
        try:
            state = driver.state
            trace, sinks = state.recorder.trace, self._options.sinks
            surroundings = RunEnvironment(state.lookup, state.storages, trace, sinks)

            def drive() -> FlowRecord:
                with ActiveRun(surroundings):
                    return driver.run(flow, fitted, selective)

            # Code of the project may want an event loop of its own, and a thread has but one.
            root = in_thread(drive, driver.interrupt) if loop_is_running() else drive()
            if root.outcome is None:
                stopped_by = driver.still_waiting()
        except StepLimitExceeded as error:
            root, stopped_by = driver.state.flows[0], error
        except KeyboardInterrupt as interrupt:
            run = self.so_far()
            if run is None:
                raise
            raise RunInterrupted(run) from interrupt
        finally:
            self._current = None
        run = LocalRun(driver.state, root, time.perf_counter() - began, stopped_by)
        report_end(run, root, self._options)
        return run

    def prepare(self, flow: str, node_args: Any) -> RunSetup:
        """What a run needs, checked for this flow and these arguments; raises as ``run`` does."""
        self._checked(flow, node_args)
        return self._prepared

    def _checked(self, flow: str, node_args: Any) -> Any:
        """The arguments as they fit the flow, with its defaults; raises as ``run`` does."""
        if flow not in self._plan.flows:
            raise UnknownFlowError(_unknown("flow", flow, self._plan.flows))
        try:
            args = copy_json(node_args)
        except (TypeError, ValueError, RecursionError):
            raise RequestError(f"node_args is not a JSON value: {describe_json_error(node_args)}") from None
        fitted = self._prepared.inputs.fitted(self._plan.flows[flow], args)
        self._prepared.check_strategies(flow)
        return fitted

    def so_far(self) -> LocalRun | None:
        """The run that is going on, as far as it has come; None when there is none."""
        state = None if self._current is None else self._current.state
        if state is None or not state.flows:
            return None
        return LocalRun(state, state.flows[0], time.perf_counter() - self._began, None, interrupted=True)

    def run_selective(
        self,
        flow: str,
        tasks: Iterable[str],
        node_args: Any = None,
        follow_subflows: bool = False,
        run_subsequent: bool | Iterable[str] = False,
    ) -> LocalRun:
        """Run only what leads to ``tasks`` (a text: one task); raises ``SelectiveNoPathError`` too."""
        if flow not in self._plan.flows:
            raise UnknownFlowError(_unknown("flow", flow, self._plan.flows))
        return self.run(flow, node_args, select(self._plan, flow, tasks, follow_subflows, run_subsequent))


def report_end(run: LocalRun, root: FlowRecord, options: LocalOptions) -> None:
    """Call the observer of the options, and the listeners of the context, at the end of a run."""
    if options.observer is not None:
        options.observer("ended", root)
    context = sys.modules.get("selinon_core.context")  # who listens to runs has imported it
    if context is not None:
        context.run_ended(run)


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    return f'no {kind} is named "{name}"{hint(name, known)}'
