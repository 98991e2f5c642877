"""Opening a flow run: its log is folded, and it is brought to the flows of this worker's files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.execution.run_cache import CachedRun, version_fields, version_in
from selinon_core.celery.execution.transition import Transition
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.protocol import Opened
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import FORMAT, LOGIC, decode_event
from selinon_core.errors import FormatSkew, MigrationSkew
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan

_loads = json.JSONDecoder().raw_decode

#: Seconds after which a node whose task or flow is gone from the files, and that nobody began, is given up.
GONE_AFTER = 60.0


class RunLoader:
    """Opens runs for one plan in one process; safe under threads."""

    def __init__(self, plan: Plan, flows: FlowVersions, store: Store) -> None:
        self._plan = plan
        self._flows = flows
        self._store = store
        self._stored_definitions: set[str] = set()

    def fields_of_new(self, flow: str) -> dict[str, str]:
        """What the header of a new run says about its flow."""
        stamp = self._flows.version(flow)
        self._store_definition(stamp.definition)
        numbers = {"format": str(FORMAT), "logic": str(LOGIC)}
        return {**numbers, "initial_definition": stamp.definition, **version_fields(stamp)}

    def new(self, id: str, header: dict[str, str]) -> CachedRun:
        """A run that nobody has begun."""
        return CachedRun(id, header, self._flows)

    def replayed(self, flow_id: str, run: CachedRun | None, opened: Opened) -> CachedRun:
        """The run as of now.

        Raises ``FormatSkew`` when a newer selinon wrote it, ``MigrationError`` when its log cannot be replayed.
        """
        require_known_format(opened.header)
        batches: Sequence[str] = opened.batches
        if run is None or opened.known != run.version:
            if opened.known:
                read = self._store.read(flow_id)
                batches = read[1][: opened.version] if read is not None else ()
            run = CachedRun(flow_id, opened.header, self._flows)
        run.replay(batches)
        run.run_version = version_in(opened.header)
        run.inbox_threshold = int(opened.header.get("inbox_threshold") or 0)
        return run

    def migration(self, run: CachedRun, opened: Opened) -> on.Migrated | None:
        """What has to happen first. Raises ``MigrationSkew`` for a run that is for another worker."""
        if run.machine.ended:
            return None
        name = run.flow.name
        if name in self._plan.flows:
            return self._flows.migration(name, run.run_version)
        if any(isinstance(read_entry(entry).event, on.FlowCancelled) for entry in opened.entries):
            return None  # the end of it needs nothing of the flow
        raise MigrationSkew(f'flow run {run.id} is of flow "{name}", which this worker does not know')

    def migrate(self, run: CachedRun, step: Transition, event: on.Migrated) -> None:
        """Make a migration the first thing of a step."""
        run.run_version = self._flows.version_after(run.flow.name, event)
        run.skip_analysis = 0
        self._store_definition(event.definition)
        step.fields.update(version_fields(run.run_version))
        step.feed(event)

    def nodes_without_definition(self, run: CachedRun, opened: Opened, idle_for: float) -> list[NodeRun]:
        """Active nodes whose message would have to be sent now, and whose task or flow is gone from the files."""
        flow = run.flow.name
        if (
            flow not in self._plan.flows
            or opened.header["initial_definition"] == self._flows.version(flow).definition
        ):
            return []
        known = {*self._plan.tasks, *self._plan.flows}
        gone = {node.number: node for node in run.machine.active if node.name not in known}
        if not gone:
            return []
        due = {int(key[1:]) for key in (*opened.due, *opened.outbox) if key[0] in "nstfo" and key[1:].isdigit()}
        if idle_for >= GONE_AFTER:
            records = self._store.records(run.id, list(gone))
            due |= {number for number in gone if number not in records or not records[number].begun_at}
        return [node for number, node in gone.items() if number in due]

    def _store_definition(self, definition: str) -> None:
        if definition not in self._stored_definitions:
            self._store.put_definition(definition, self._flows.text(definition))
            self._stored_definitions.add(definition)


def require_known_format(header: Mapping[str, str]) -> None:
    """Raise ``FormatSkew`` for a run whose header says that a newer selinon wrote its log."""
    for field, known in (("format", FORMAT), ("logic", LOGIC)):
        found = int(header.get(field) or 1)
        if found > known:
            raise FormatSkew(f"the log of this flow run is of {field} {found}, and {known} is known here")


class InboxEntry(NamedTuple):
    """An event of the inbox; ``results`` holds the result that came with it, if one did."""

    event: on.Event
    results: Sequence[Any]


def read_entry(text: str) -> InboxEntry:
    """The event of an entry of the inbox; raises as ``decode_event``."""
    parts, results = event_in(text)
    return InboxEntry(decode_event(parts), results[:1])


def event_in(entry: str) -> tuple[list[Any], list[Any]]:
    """The event of an entry of the inbox, and the result that came with it in a list, empty if none did."""
    parts = _loads(entry)[0]
    return (parts[0], parts[1:]) if isinstance(parts[0], list) else (parts, [])
