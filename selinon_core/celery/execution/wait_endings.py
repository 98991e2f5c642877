"""Tasks that wait for a signal: their rows, and how they end, by a signal or by their time-out.

A wait is an active node run of the machine, without a message. What ends it is put into the inbox of its run as
the end of any task is: the state store takes the first end of a node run and refuses all later ones. The caller
holds the lease of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.execution.early_signals import EarlySignal, of_run
from selinon_core.celery.execution.inbox_codec import InboxEntry, encode_entry
from selinon_core.celery.execution.notices import REVIEW, Notices, listeners
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.outbox_keys import WAIT_ENDS, TimerKey
from selinon_core.celery.stores.protocol import DUPLICATE, ENDED, GONE
from selinon_core.celery.stores.waits import WaitRow, rows_of
from selinon_core.dispatch import FlowRun, NodeRun
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import WAITS_FORMAT
from selinon_core.errors import SchemaMismatchError, TaskTimeout
from selinon_core.plan import Plan, TaskPlan
from selinon_core.runtime.error_codec import encode_error
from selinon_core.runtime.signals import rejection
from selinon_core.runtime.task_runner import Attempt, Succeeded
from selinon_core.runtime.wait_titles import WaitTitles


class EndedWait(NamedTuple):
    """A wait that ended, for the trace. ``signal`` None: by its time-out."""

    run: CachedRun
    node: NodeRun
    attempt: Attempt
    signal: EarlySignal | None


def is_wait(task: TaskPlan | None) -> bool:
    """Whether a task waits for a signal."""
    return task is not None and task.wait is not None


def open_waits(plan: Plan, machine: FlowRun) -> list[NodeRun]:
    """The node runs of a flow run that wait for a signal, and for which the flow waits."""
    if machine.ended:
        return []
    tasks = plan.tasks
    return [node for node in machine.active if not node.is_flow and is_wait(tasks.get(node.name))]


class WaitEndings:
    """Ends waits of one plan.

    ``finish(run, node, task, ended)`` stores what a wait ended with, a value or an exception, as that of any task;
    ``report`` hears of ends that count. ``errors_ttl`` is how long errors are kept, in seconds.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        errors_ttl: float,
        now: Callable[[], float],
        check_value: Callable[[TaskPlan, Any], None],
        finish: Callable[[CachedRun, NodeRun, TaskPlan, Any], Attempt],
        report: Callable[[EndedWait], None],
        notices: Notices,
    ) -> None:
        self._plan = plan
        self._store = store
        self._errors_ttl = errors_ttl
        self._now = now
        self._check_value = check_value
        self._finish = finish
        self._report = report
        self._notices = notices
        self._titles = WaitTitles()

    def show(self, run: CachedRun) -> None:
        """Make the rows of a run those of the tasks that wait now; end those for which a signal was kept."""
        nodes = open_waits(self._plan, run.machine)
        timers = self._store.timers(run.id) if nodes else {}
        now, rows = self._now(), []
        for node in nodes:
            title = self._titles.of(self._plan, self._plan.tasks[node.name], run.flow, run.id, node.args)
            deadline = timers.get(str(TimerKey(WAIT_ENDS, node.number)))
            about = (run.id, node.number, run.flow.name, node.name, node.id, run.root or run.id)
            rows.append(WaitRow(*about, title, now, deadline))
        if any(node.name not in self._plan.tasks and not node.is_flow for node in run.machine.active):
            known = {row.number for row in rows}  # a wait of files that are not deployed here yet keeps its row
            active = {node.number for node in run.machine.active} - known
            rows += [row for row in rows_of(self._store.waits, run.id) if row.number in active]
        self._tell(run, rows)
        self._store.waits.put(run.id, rows)
        if run.header.early:
            for node in nodes:
                early = of_run(run.header.early, node.number)
                if early is not None:
                    self.signal(run, node, early)

    def _tell(self, run: CachedRun, rows: Sequence[WaitRow]) -> None:
        """Tell of the waits that have no row yet, before they get one."""
        header = run.header
        if rows and listeners(self._plan, REVIEW, header.flow, header.caller is not None):
            there = {row.number for row in rows_of(self._store.waits, run.id)}
            serials = {node.number: node.serial for node in run.machine.active}
            new = [(row, serials.get(row.number, 0)) for row in rows if row.number not in there]
            self._notices.waits(header, new)

    def forget(self, flow_id: str, format: int) -> None:
        """A run ended without a replay: nothing of it waits any more."""
        if format >= WAITS_FORMAT:
            self._store.waits.put(flow_id, ())

    def misfit(self, name: str, signal: EarlySignal) -> str | None:
        """Why the value of a signal cannot be the result of a task; None when it can."""
        task = self._plan.tasks[name]
        if signal.reject is not None:
            return None
        try:
            self._check_value(task, signal.value)
        except SchemaMismatchError as error:
            return str(error)
        return None

    def is_done(self, run: CachedRun, number: int) -> bool:
        """Whether a node run has ended, even if its flow run has not taken notice yet."""
        record = self._store.records(run.id, [number]).get(number)
        return record is not None and record.done

    def signal(self, run: CachedRun, node: NodeRun, signal: EarlySignal) -> bool:
        """End a wait by a signal that fits; False when it had ended already. Raises ``StorageError``."""
        if self.is_done(run, node.number):
            return False
        ended = signal.value if signal.reject is None else rejection(signal.reject)
        return self._end(run, node, self._finish(run, node, self._plan.tasks[node.name], ended), signal)

    def time_out(self, run: CachedRun, number: int) -> None:
        """A wait may not last longer; nothing happens when it has ended."""
        node = run.machine.run_of(number)
        task = None if node is None else self._plan.tasks.get(node.name)
        if node is None or task is None or task.wait is None or self.is_done(run, number):
            return
        error = TaskTimeout(f"{task.name} got no signal within {task.wait.timeout} s")
        self._end(run, node, self._finish(run, node, task, error), None)

    def _end(self, run: CachedRun, node: NodeRun, attempt: Attempt, signal: EarlySignal | None) -> bool:
        now = self._now()
        event: on.NodeSucceeded | on.NodeFailed
        results: tuple[Any, ...] = ()
        error = None
        if isinstance(attempt, Succeeded):
            event = on.NodeSucceeded(node.number, ended=now)
            if run.flow.node_args_from_first and not attempt.stored:
                results = (attempt.result,)
        else:
            event = on.NodeFailed(node.number, ended=now)
            error = (node.id, encode_error(attempt.error or TaskTimeout()))
        delivered = self._store.append_event(
            run.id,
            node.number,
            encode_entry(InboxEntry(event, results)),
            now,
            urgent=True,
            error=error,
            ttl=self._errors_ttl,
        )
        if delivered.kind in (DUPLICATE, ENDED, GONE):
            return False
        self._report(EndedWait(run, node, attempt, signal))
        return True
