"""What a worker does to a flow run before anything else: bring it to the flows as the worker has them.

A run is stamped with three things: the migration ``version`` it was last brought to, the ``graph`` hash of its
flow, and the ``shape`` its log goes on with (see ``selinon_core.dispatch.replay_definition``). ``CurrentFlows.migration``
compares a stamp with the worker's own and returns the event that has to be fed to the machine first, if any:

- the shape is the worker's: nothing (unless migrations led there and back again, which may have tainted the run);
- the migrations behind the run's version account for the difference: ``Migrated`` with their steps;
- the graph is the same and something else changed (a condition came, an entry of ``failures`` went):
  ``Migrated`` without steps;
- the graph changed, and no migration says how: ``Migrated`` with ``forgotten``, by ``global.on_graph_change``;
- the run is newer than the worker's files: ``MigrationSkew``. It is for another worker. A version says so, or
  a graph that ours becomes without a migration (by an edge behind all others that starts the flow).

Typical use, for a run that was just read::

    flows = CurrentFlows(plan, tables, Migrations.load(directory), fetch=texts_by_hash.get)
    shape = flows.shape(began)
    machine = FlowRun(shape.table, make_id, shape.on_unreached, flows.shape)
    ...fold the log...
    event = flows.migration(name, stamp)
    if event is not None:
        ...feed it, keep it in the log, and stamp the run with flows.stamp_after(name, event)

``began`` is the shape in the run's first stamp. A new run is stamped with ``stamp(name)``. Before a stamp is kept,
``text(stamp.shape)`` has to be where ``fetch`` finds it. Texts are never changed and may be shared by all runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from selinon_core.dispatch.events import Migrated
from selinon_core.dispatch.flow_index import FlowTable
from selinon_core.dispatch.replay_definition import Shape, read_shape, shape_hash, shape_text
from selinon_core.errors import MigrationError, MigrationSkew, UnknownFlowError
from selinon_core.migrations.repository import Migrations
from selinon_core.plan import Plan
from selinon_core.plan.flow_diff import Step, compare_flows, explains
from selinon_core.plan.graph_hash import graph_hash


class Stamp(NamedTuple):
    """What a run says about the flow it was made for."""

    version: int
    graph: str
    shape: str


class CurrentFlows:
    """The flows of one plan as a worker has them. Safe under threads.

    ``fetch`` finds the text of a shape that is not of this plan, None when there is none.
    """

    def __init__(
        self,
        plan: Plan,
        tables: Mapping[str, FlowTable],
        migrations: Migrations,
        fetch: Callable[[str], str | None] | None = None,
    ) -> None:
        self._plan = plan
        self._tables = tables
        self._migrations = migrations
        self._fetch = fetch
        self._stamps: dict[str, Stamp] = {}
        self._texts: dict[str, str] = {}
        self._shapes: dict[str, Shape] = {}

    def stamp(self, flow: str) -> Stamp:
        """The stamp of a new run. Raises ``UnknownFlowError``, and as ``Migrations.version_of`` does."""
        known = self._stamps.get(flow)
        if known is None:
            table = self._tables.get(flow)
            if table is None:
                raise UnknownFlowError(f'no flow is named "{flow}"')
            on_unreached = self._plan.settings.on_unreached
            text = shape_text(table, on_unreached)
            name = shape_hash(text)
            self._texts[name] = text
            self._shapes[name] = Shape(table, on_unreached)
            version = self._migrations.version_of(flow)
            known = self._stamps[flow] = Stamp(version, graph_hash(table.flow), name)
        return known

    def text(self, shape: str) -> str:
        """The text of a shape of this plan, by the hash in a stamp; ``KeyError`` for others."""
        return self._texts[shape]

    def shape(self, name: str) -> Shape:
        """A shape by its hash: of this plan, or fetched. Raises ``MigrationError`` when it cannot be found."""
        if name not in self._shapes:
            for flow in self._tables:
                self.stamp(flow)
        known = self._shapes.get(name)
        if known is None:
            text = None if self._fetch is None else self._fetch(name)
            if text is None:
                raise MigrationError(f"the shape {name} of a flow, which a run was started with, is not known")
            try:
                known = read_shape(text)
            except ValueError as error:
                raise MigrationError(str(error)) from error
            self._shapes[name] = known
        return known

    def migration(self, flow: str, stamp: Stamp) -> Migrated | None:
        """The event that brings a run with this stamp here; None when there is nothing to do.

        Raises ``MigrationSkew`` when the run is newer than the files or one is missing, ``MigrationError`` when a
        file is wrong or the run's shape is not known, ``UnknownFlowError``.
        """
        own = self.stamp(flow)
        if stamp == own:
            return None
        steps = self._migrations.steps(flow, stamp.version)
        if stamp.shape == own.shape and not steps:
            return None
        before, now = self.shape(stamp.shape).table.flow, self._tables[flow].flow
        version = max(stamp.version, own.version)
        if explains(steps, before, now):
            return Migrated(own.shape, version, stamp.version, steps)
        if not steps and explains((), now, before):
            raise MigrationSkew(f"a run of flow {flow} has an edge that is not known here")
        policy = self._plan.settings.on_graph_change.upper()
        found = Step(version, policy, compare_flows(before, now))
        return Migrated(own.shape, version, stamp.version, (found,), policy)

    def stamp_after(self, flow: str, event: Migrated) -> Stamp:
        """The stamp of a run that took the event."""
        return self.stamp(flow)._replace(version=event.version)
