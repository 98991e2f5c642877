"""Takes signals for flow runs: ends the task that waits, keeps an early signal, or refuses and says why."""

from __future__ import annotations

from selinon_core.celery.execution.early_signals import EarlySignal, TooManyEarly, kept
from selinon_core.celery.execution.executor_context import ExecutorParts
from selinon_core.celery.execution.leased_execution import LeasedExecution
from selinon_core.celery.execution.log_codec import empty_batch
from selinon_core.celery.execution.reopening_step import RunBusy
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.transition import Problem
from selinon_core.celery.execution.transition_report import ExecutionReport
from selinon_core.celery.execution.wait_endings import is_wait, open_waits
from selinon_core.celery.stores.protocol import Commit, Committed, Opened
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.message_schema import SignalMessage
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch.codec import WAITS_FORMAT
from selinon_core.errors import MigrationError, MigrationSkew, StateStoreError, StorageError
from selinon_core.plan.started import nodes_of

#: How often a run is looked at for one signal: other work of it comes first.
MOST_LOOKS = 5


class RunSignals:
    """Takes the signals of one plan in one process."""

    def __init__(self, parts: ExecutorParts, leased: LeasedExecution) -> None:
        self._parts = parts
        self._leased = leased

    def take(self, message: SignalMessage) -> None:
        """End the wait that a message is for. Raises ``RunBusy``, and ``StateStoreError`` without a storage."""
        if not is_wait(self._parts.plan.tasks.get(message.node)):
            self._leave_to_others(message)
            self._refuse(message, f"{message.node} is not a task that waits for signals")
            return
        for look in range(MOST_LOOKS):
            opened = self._open(message)
            if opened is None:
                return
            header = RunHeader.read(opened.header)
            if header.status != "running" or header.awaits_retry:
                self._release(message.id, opened)
                self._refuse(message, f"the flow run has ended ({header.retry.get('status', header.status)})")
                return
            # What a paused run has left after a look waits for the end of the pause; a signal does not.
            is_held = header.is_paused and look > 0
            if is_held or not (opened.entries or opened.outbox or opened.due):
                self._take(message, opened, header)
                return
            # What arrived before may be what lets the task wait.
            self._leased.advance(message.id, self._parts.cache.take(message.id), opened)
        raise RunBusy(f"flow run {message.id} has other work")

    def _leave_to_others(self, message: SignalMessage) -> None:
        """Raise ``RunBusy`` when the run has the task, and only the files of this worker do not have it."""
        name = message.node
        if name in self._parts.plan.tasks:
            return
        try:
            run = self._parts.loader.read(message.id)
        except MigrationSkew as error:
            raise RunBusy(str(error)) from error
        except MigrationError:
            return
        if run is None or run.machine.ended:
            return
        waits = any(node.name == name for node in run.machine.active)
        if waits or (message.early and name in nodes_of(run.flow)):
            raise RunBusy(f"no task is named {name} here; left to another worker")

    def _open(self, message: SignalMessage) -> Opened | None:
        parts = self._parts
        opened = parts.store.acquire_lease(message.id, 0, parts.settings.selinon_lease, parts.now())
        if opened is None:
            if parts.store.header(message.id) is not None:
                raise RunBusy(f"another worker holds the lease of flow run {message.id}")
            self._refuse(message, "there is no such flow run, or no worker has begun it")
        return opened

    def _take(self, message: SignalMessage, opened: Opened, header: RunHeader) -> None:
        parts = self._parts
        parts.leases.track(message.id, opened.token)
        try:
            run = parts.loader.replayed(message.id, None, opened, header)
            if parts.loader.migration(run, opened) is not None:
                self._leased.advance(message.id, run, opened)
                raise RunBusy(f"flow run {message.id} was brought to another version of its flow")
            node = self._node(run, message)
            signal = EarlySignal(message.node, message.value, message.reject, message.by)
            misfit = parts.relay.waits.misfit(message.node, signal)
            if misfit is not None:
                self._refuse(message, misfit)
            elif isinstance(node, NodeRun):
                try:
                    with parts.leases.user_code(run.id):
                        counts = parts.relay.waits.signal(run, node, signal)
                except StorageError as error:
                    raise StateStoreError(f"the signal for {message.node} cannot be stored: {error}") from error
                if not counts:
                    self._refuse(message, f"{message.node} has ended: another signal or its time-out came first")
                self._leased.advance(message.id, run, opened)
                return
            elif message.early and not message.number:
                self._keep(opened, run, signal)
                return
            else:
                self._refuse(message, node)
        except MigrationSkew as error:
            parts.release_newer_run(message.id, header.flow, opened.token, str(error))
            raise RunBusy(str(error)) from error
        except (MigrationError, TooManyEarly) as error:
            self._refuse(message, str(error))
        finally:
            parts.leases.untrack(message.id)
        self._release(message.id, opened)

    def _node(self, run: CachedRun, message: SignalMessage) -> NodeRun | str:
        """The node run that waits, or why there is none."""
        waiting = [node for node in open_waits(self._parts.plan, run.machine) if node.name == message.node]
        if message.number:
            waiting = [node for node in waiting if node.number == message.number]
        if not waiting:
            return f"{message.node} is not waiting"
        if len(waiting) > 1:
            return f"{len(waiting)} runs of {message.node} wait: give the id of one"
        return waiting[0]

    def _keep(self, opened: Opened, run: CachedRun, signal: EarlySignal) -> None:
        """Keep a signal in the header. A batch without events makes what other workers remember an old version."""
        parts, now = self._parts, self._parts.now()
        fields = {
            "early": kept(run.header.early, signal, {node.number for node in run.machine.active}),
            "format": str(max(WAITS_FORMAT, run.header.format)),
        }
        step = Commit(run.id, opened.version, now, token=opened.token, batch=empty_batch(now), fields=fields)
        committed = parts.store.commit(step)
        if not committed.ok:
            raise RunBusy(f"another worker took the lease of flow run {run.id}")
        self._wake(run.id, opened, committed)

    def _refuse(self, message: SignalMessage, why: str) -> None:
        what = f"the signal for {message.node} has no effect: {why}"
        problems = [Problem("SIGNAL_REFUSED", what)]
        self._parts.report(ExecutionReport(message.flow, message.id, problems=problems))

    def _release(self, flow_id: str, opened: Opened) -> None:
        """Give the lease back; a run that has ended expires when it would have."""
        step = Commit(flow_id, opened.version, self._parts.now(), token=opened.token)
        self._wake(flow_id, opened, self._parts.store.commit(step))

    def _wake(self, flow_id: str, opened: Opened, committed: Committed) -> None:
        """What came meanwhile may end the pause of a run."""
        header = RunHeader.read(opened.header)
        if header.is_paused:
            known = set(opened.entries)
            self._parts.wake_paused(flow_id, header.flow, [e for e in committed.entries if e not in known])
