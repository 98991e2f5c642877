"""A flow plan prepared for dispatch: a completion finds everything it needs with one look-up."""

from __future__ import annotations

from collections.abc import Mapping

from selinon_core.dispatch.selective import SelectiveRun, select
from selinon_core.plan import Condition, EdgePlan, FailurePlan, FlowPlan, Foreach, ForeachItems, Plan, Template


class Destination:
    """A node as it is started by an edge or a fallback of one flow."""

    __slots__ = ("is_flow", "name", "takes_args", "takes_failures", "takes_parent", "waited_for")

    def __init__(self, plan: Plan, flow: FlowPlan, name: str) -> None:
        self.name = name
        self.is_flow = plan.is_flow(name)
        self.waited_for = name not in flow.nowait
        self.takes_args = not self.is_flow or name in flow.propagate_node_args
        self.takes_parent = not self.is_flow or name in flow.propagate_parent
        self.takes_failures = not self.is_flow or name in flow.propagate_parent_failures


class EdgeIndex:
    """An edge with its destinations. ``plain_parent``: all sources are tasks, so ``parent`` has only ids.

    ``asks``: something is asked when it fires, for items or for arguments.
    """

    __slots__ = (
        "args",
        "asks",
        "condition",
        "destinations",
        "edge",
        "foreach",
        "index",
        "plain_parent",
        "selective",
        "single",
        "sources",
    )

    def __init__(self, plan: Plan, edge: EdgePlan, destinations: tuple[Destination, ...]) -> None:
        self.edge = edge
        self.index = edge.index
        self.sources = edge.sources
        self.single = len(edge.sources) == 1
        self.condition: Condition | None = edge.condition
        self.foreach: Foreach | ForeachItems | None = edge.foreach
        self.args: Template | None = edge.args
        self.asks = edge.foreach is not None or edge.args is not None
        self.destinations = destinations
        self.plain_parent = bool(edge.sources) and not any(plan.is_flow(name) for name in edge.sources)
        self.selective: SelectiveRun | None = None
        if edge.selective is not None:
            wanted = edge.selective
            self.selective = select(
                plan, edge.destinations[0], wanted.tasks, wanted.follow_subflows, wanted.run_subsequent
            )


class FailureGroup:
    """The ``failures`` entries with one set of nodes: they are evaluated against the same failed runs."""

    __slots__ = ("entries", "names", "nodes")

    def __init__(self, nodes: tuple[str, ...], entries: tuple[FailurePlan, ...]) -> None:
        self.nodes = nodes
        self.names = frozenset(nodes)
        self.entries = entries


class FlowIndex:
    """One flow of a plan, indexed. Building it costs the size of the flow, once per plan.

    ``has_data_flow``: it has ``args``, an ``output`` or an ``input_schema``, of which old workers know nothing.
    """

    __slots__ = (
        "destinations",
        "failure_groups",
        "fallbacks_only",
        "flow",
        "has_data_flow",
        "nodes",
        "out_edges",
        "rows",
        "starting",
    )

    def __init__(self, plan: Plan, flow: FlowPlan) -> None:
        self.flow = flow
        self.destinations: dict[str, Destination] = {}
        self.rows = tuple(
            EdgeIndex(plan, edge, tuple(self._destination(plan, name) for name in edge.destinations))
            for edge in flow.edges
        )
        self.starting = tuple(row for row in self.rows if not row.sources)
        self.out_edges: dict[str, list[EdgeIndex]] = {}
        for row in self.rows:
            for name in row.sources:
                self.out_edges.setdefault(name, []).append(row)
        #: nodes that an edge may start, in the order of the file
        self.nodes: dict[str, None] = dict.fromkeys(n for edge in flow.edges for n in edge.destinations)
        self.failure_groups = self._groups()
        for entry in flow.failures:
            for name in entry.fallback:
                self._destination(plan, name)
        #: the fallbacks that edges alone cannot start
        self.fallbacks_only = self._fallbacks_only()
        self.has_data_flow = (
            flow.output is not None
            or flow.input_schema is not None
            or any(edge.args is not None for edge in flow.edges)
            or any(entry.args is not None for entry in flow.failures)
        )

    def _destination(self, plan: Plan, name: str) -> Destination:
        known = self.destinations.get(name)
        if known is None:
            known = self.destinations[name] = Destination(plan, self.flow, name)
        return known

    def _fallbacks_only(self) -> frozenset[str]:
        """An edge is followed when all of its sources have finished."""
        fallbacks = frozenset(name for entry in self.flow.failures for name in entry.fallback)
        if not fallbacks:
            return fallbacks
        waits_for = {row.index: len(set(row.sources)) for row in self.rows}
        reached: set[str] = set()
        todo = list(self.starting)
        while todo:
            for destination in todo.pop().destinations:
                if destination.name in reached:
                    continue
                reached.add(destination.name)
                for row in self.out_edges.get(destination.name, ()):
                    waits_for[row.index] -= 1
                    if not waits_for[row.index]:
                        todo.append(row)
        return fallbacks - reached

    def _groups(self) -> tuple[FailureGroup, ...]:
        """Groups from the largest set to the smallest, equal sizes in lexical order (spec: rule 5)."""
        by_nodes: dict[tuple[str, ...], list[FailurePlan]] = {}
        for entry in self.flow.failures:
            by_nodes.setdefault(entry.nodes, []).append(entry)
        ordered = sorted(by_nodes, key=lambda nodes: (-len(nodes), nodes))
        return tuple(FailureGroup(nodes, tuple(by_nodes[nodes])) for nodes in ordered)


def flow_indexes(
    plan: Plan, like: Plan | None = None, known: Mapping[str, FlowIndex] | None = None
) -> dict[str, FlowIndex]:
    """The indexes of all flows of a plan, by name.

    ``known`` are those of ``like``, a plan that differs little: flows that both have keep theirs.
    """
    if like is None or known is None or plan.flows.keys() != like.flows.keys():
        return {name: FlowIndex(plan, flow) for name, flow in plan.flows.items()}
    # What an edge selects of its sub-flow follows from that flow, which may be another one.
    kept = {
        name: index
        for name, index in known.items()
        if plan.flows[name] is like.flows[name] and all(row.selective is None for row in index.rows)
    }
    return {name: kept.get(name) or FlowIndex(plan, flow) for name, flow in plan.flows.items()}
