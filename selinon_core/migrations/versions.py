"""Brings a flow run to the flows of the worker, before the worker does anything else with it.

A run is stamped with three things: the migration ``version`` it was last brought to, the ``graph`` hash of its
flow, and the ``definition`` its log goes on with (see ``dispatch.replay_definition``). ``FlowVersions.migration``
compares a stamp with the worker's own and returns the event that has to be fed to the machine first, if any:

- the definition is the worker's: nothing (unless migrations led there and back again, which may have tainted the
  run);
- the migrations behind the run's version account for the difference: ``Migrated`` with their steps;
- the graph is the same and something else changed (a condition came, an entry of ``failures`` went):
  ``Migrated`` without steps;
- the graph changed, and no migration says how: ``Migrated`` with ``forgotten``, by ``global.on_graph_change``;
- the run is newer than the worker's files: ``MigrationSkew``. It is for another worker. The sign is a newer
  version, or a graph that ours becomes without a migration (by an edge behind all others that starts the flow).

Typical use, for a run that was just read::

    flows = FlowVersions(plan, tables, Migrations.load(directory), fetch=texts_by_hash.get)
    definition = flows.definition(began)
    machine = FlowRun(definition.table, make_id, definition.on_unreached, flows.definition)
    ...replay the log...
    event = flows.migration(name, stamp)
    if event is not None:
        ...feed it, keep it in the log, and store flows.version_after(name, event) in the header

``initial_definition`` is the definition in the run's first header. A new run gets ``version(name)``. Before a
version is stored, ``text(version.definition)`` has to be where ``fetch`` finds it. Texts are never changed and may
be shared by all runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from selinon_core.dispatch.events import Migrated
from selinon_core.dispatch.flow_index import FlowIndex
from selinon_core.dispatch.replay_definition import (
    ReplayDefinition,
    definition_hash,
    definition_text,
    read_definition,
)
from selinon_core.errors import MigrationError, MigrationSkew, UnknownFlowError
from selinon_core.migrations.repository import Migrations
from selinon_core.plan import Plan
from selinon_core.plan.flow_diff import MigrationStep, compare_flows, explains
from selinon_core.plan.graph_hash import graph_hash


class RunVersion(NamedTuple):
    """The stamp of a run: which version of its flow it was brought to."""

    version: int
    graph: str
    definition: str


class FlowVersions:
    """The flows of one plan as a worker has them. Safe under threads.

    ``fetch`` finds the text of a definition that is not of this plan, None when there is none.
    """

    def __init__(
        self,
        plan: Plan,
        tables: Mapping[str, FlowIndex],
        migrations: Migrations,
        fetch: Callable[[str], str | None] | None = None,
    ) -> None:
        self._plan = plan
        self._tables = tables
        self._migrations = migrations
        self._fetch = fetch
        self._stamps: dict[str, RunVersion] = {}
        self._texts: dict[str, str] = {}
        self._definitions: dict[str, ReplayDefinition] = {}
        #: By flow: the name and the text of the digests that ``KeptDigests`` made of it.
        self.digests: dict[str, tuple[str, str]] = {}

    @property
    def plan(self) -> Plan:
        """The plan that the flows are of."""
        return self._plan

    def version(self, flow: str) -> RunVersion:
        """The stamp of a new run. Raises ``UnknownFlowError``, and as ``Migrations.version_of`` does."""
        known = self._stamps.get(flow)
        if known is None:
            table = self._tables.get(flow)
            if table is None:
                raise UnknownFlowError(f'no flow is named "{flow}"')
            on_unreached = self._plan.settings.on_unreached
            text = definition_text(table, on_unreached)
            name = definition_hash(text)
            self._texts[name] = text
            self._definitions[name] = ReplayDefinition(table, on_unreached)
            version = self._migrations.version_of(flow)
            known = self._stamps[flow] = RunVersion(version, graph_hash(table.flow), name)
        return known

    def text(self, definition: str) -> str:
        """The text of a definition of this plan, by the hash in a stamp; ``KeyError`` for others."""
        return self._texts[definition]

    def definition(self, name: str) -> ReplayDefinition:
        """A definition by its hash: of this plan, or fetched. Raises ``MigrationError`` when there is none."""
        if name not in self._definitions:
            for flow in self._tables:
                self.version(flow)
        known = self._definitions.get(name)
        if known is None:
            text = None if self._fetch is None else self._fetch(name)
            if text is None:
                raise MigrationError(f"a run was started with definition {name} of its flow, which is not known")
            try:
                known = read_definition(text)
            except ValueError as error:
                raise MigrationError(str(error)) from error
            self._definitions[name] = known
        return known

    def migration(self, flow: str, stamp: RunVersion) -> Migrated | None:
        """The event that brings a run with this stamp to these flows; None when there is nothing to do.

        Raises ``MigrationSkew`` when the run is newer than the files or one is missing, ``MigrationError`` when a
        file is wrong or the run's definition is not known, ``UnknownFlowError``.
        """
        own = self.version(flow)
        if stamp == own:
            return None
        steps = self._migrations.steps(flow, stamp.version)
        if stamp.definition == own.definition and not steps:
            return None
        before, now = self.definition(stamp.definition).table.flow, self._tables[flow].flow
        version = max(stamp.version, own.version)
        if explains(steps, before, now):
            return Migrated(own.definition, version, stamp.version, steps)
        if not steps and explains((), now, before):
            raise MigrationSkew(f"a run of flow {flow} has an edge that is not known here")
        policy = self._plan.settings.on_graph_change.upper()
        found = MigrationStep(version, policy, compare_flows(before, now))
        return Migrated(own.definition, version, stamp.version, (found,), policy)

    def version_after(self, flow: str, event: Migrated) -> RunVersion:
        """The stamp of a run that took the event."""
        return self.version(flow)._replace(version=event.version)
