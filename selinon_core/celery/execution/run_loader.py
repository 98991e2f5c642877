"""Loads a flow run: replays its log and migrates it to the definition that this worker has of its flow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from selinon_core.celery.execution.inbox_codec import read_entry
from selinon_core.celery.execution.kept_digests import KeptDigests
from selinon_core.celery.execution.run_cache import CachedRun, version_in
from selinon_core.celery.execution.transition import Transition
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.outbox_keys import WAIT_ENDS, OutboxKey, TimerKey
from selinon_core.celery.stores.protocol import Opened
from selinon_core.celery.stores.run_header import RunHeader, version_fields
from selinon_core.celery.stores.waits import rows_of
from selinon_core.dispatch import FlowOutcome, NodeRun
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import FORMAT, LOGIC, WAITS_FORMAT, required_format
from selinon_core.errors import FormatSkew, MigrationSkew
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan

#: Seconds after which a node fails that no worker began and whose task or flow is gone from the files.
GONE_AFTER = 60.0


class RunLoader:
    """Opens runs for one plan in one process; safe under threads."""

    def __init__(self, plan: Plan, flows: FlowVersions, store: Store) -> None:
        self._plan = plan
        self._flows = flows
        self._store = store
        self._stored_definitions: set[str] = set()
        self._digests = KeptDigests(flows, store)

    def new_header(self, flow: str, queue: str) -> RunHeader:
        """The header of a run that begins now."""
        version = self._flows.version(flow)
        self._store_definition(version.definition)
        return RunHeader(
            flow,
            queue,
            format=required_format(self._flows.definition(version.definition).table),
            logic=LOGIC,
            initial_definition=version.definition,
            migration=version.version,
            graph=version.graph,
            definition=version.definition,
            digests=self._digests.name(flow),
        )

    def new(self, id: str, header: RunHeader) -> CachedRun:
        """A run that begins now."""
        return CachedRun(id, header, self._flows)

    def replayed(self, flow_id: str, run: CachedRun | None, opened: Opened, header: RunHeader) -> CachedRun:
        """The run as of now.

        Raises ``FormatSkew`` when a newer selinon wrote it, ``MigrationError`` when its log cannot be replayed.
        """
        require_known_format(header)
        batches: Sequence[str] = opened.batches
        if run is None or opened.known != run.version:
            if opened.known:
                read = self._store.read(flow_id)
                batches = read[1][: opened.version] if read is not None else ()
            run = CachedRun(flow_id, header, self._flows)
        run.replay(batches)
        run.run_version = version_in(header)
        run.inbox_threshold = header.inbox_threshold
        if header.format >= WAITS_FORMAT:  # another worker may have raised it, or kept a signal
            run.header = run.header._replace(format=header.format, early=header.early)
        if run.header.paused != header.paused:
            run.header = run.header._replace(paused=header.paused)
        return run

    def migration(self, run: CachedRun, opened: Opened) -> on.Migrated | None:
        """The migration that the run needs, None if it needs none. Raises ``MigrationSkew`` for a newer run."""
        if run.machine.ended:
            return None
        name = run.flow.name
        if name in self._plan.flows:
            return self._flows.migration(name, run.run_version)
        if any(isinstance(read_entry(entry).event, on.FlowCancelled) for entry in opened.entries):
            return None  # a run that ends needs nothing of the flow
        raise MigrationSkew(f'flow run {run.id} is of flow "{name}", which this worker does not know')

    def migration_of_ended(self, run: CachedRun) -> on.Migrated | None:
        """The migration that an ended run needs if it goes on; raises as ``migration``."""
        name = run.flow.name
        if name not in self._plan.flows:
            raise MigrationSkew(f'flow run {run.id} is of flow "{name}", which this worker does not know')
        return self._flows.migration(name, run.run_version)

    def outcome(self, flow_id: str) -> FlowOutcome | None:
        """How a run ended, None when it has not, or is not known; raises ``MigrationError``."""
        found = self._store.read(flow_id)
        header = None if found is None else RunHeader.read(found[0])
        if found is None or header is None or header.status == "running":
            return None
        if header.initial_definition is not None:
            require_known_format(header)
            run = CachedRun(flow_id, header, self._flows)
            run.replay(found[1])
            if run.machine.outcome is not None:
                return run.machine.outcome
        return FlowOutcome(False, {}, {}, [], {}, header.reason, cancelled=header.status == "cancelled")

    def read(self, flow_id: str) -> CachedRun | None:
        """A run as its log has it, without a lease; None when there is none, or no worker has begun it.

        Raises as ``replayed``.
        """
        found = self._store.read(flow_id)
        header = None if found is None else RunHeader.read(found[0])
        if found is None or header is None or header.initial_definition is None:
            return None
        require_known_format(header)
        run = CachedRun(flow_id, header, self._flows)
        run.replay(found[1])
        return run

    def migrate(self, run: CachedRun, step: Transition, event: on.Migrated) -> None:
        """Make a migration the first thing of a step."""
        run.run_version = self._flows.version_after(run.flow.name, event)
        run.skip_analysis = 0
        self._store_definition(event.definition)
        step.fields.update(version_fields(*run.run_version))
        needed = required_format(self._flows.definition(event.definition).table)
        if needed > run.header.format:
            step.fields["format"] = str(needed)
        step.feed(event)

    def nodes_without_definition(
        self, run: CachedRun, outbox: Iterable[OutboxKey], due_timers: Iterable[TimerKey], idle_for: float
    ) -> list[NodeRun]:
        """Active nodes whose message or time-out is due, but whose task or flow no longer exists in the files.

        A wait that these files do not have may be one of files that are not deployed here yet: its time goes on.
        """
        flow = run.flow.name
        if flow not in self._plan.flows or run.header.initial_definition == self._flows.version(flow).definition:
            return []
        known = {*self._plan.tasks, *self._plan.flows}
        gone = {node.number: node for node in run.machine.active if node.name not in known}
        if not gone:
            return []
        due = {timer.number for timer in due_timers if timer.is_send or timer.kind == WAIT_ENDS}
        due |= {key.number for key in outbox if key.is_start}
        if idle_for >= GONE_AFTER:
            records = self._store.records(run.id, list(gone))
            waiting = rows_of(self._store.waits, run.id) if run.header.format >= WAITS_FORMAT else ()
            silent = gone.keys() - {row.number for row in waiting}
            due |= {number for number in silent if number not in records or not records[number].begun_at}
        return [node for number, node in gone.items() if number in due]

    def _store_definition(self, definition: str) -> None:
        if definition not in self._stored_definitions:
            self._store.put_definition(definition, self._flows.text(definition))
            self._stored_definitions.add(definition)


def require_known_format(header: RunHeader) -> None:
    """Raise ``FormatSkew`` for a run whose header says that a newer selinon wrote its log."""
    for name, found, known in (("format", header.format, FORMAT), ("logic", header.logic, LOGIC)):
        if found > known:
            raise FormatSkew(f"the log of this flow run is of {name} {found}, and {known} is known here")
