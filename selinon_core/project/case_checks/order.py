"""Lists of outcomes that runs take which may begin in another order (SEL805).

Whether runs of a node are ordered is read off the flow: a second run is ordered behind the first one when the edge
that starts it depends on a run of the node. What cannot be told apart there counts as unordered, so that a test
never depends on the seed.
"""

from __future__ import annotations

from collections.abc import Iterable

from selinon_core.cases.model import NodeMock, Outcome, Rule
from selinon_core.cases.references import flows_below, nodes_of
from selinon_core.config.case_reader import CaseRead
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import Collector, shorten
from selinon_core.plan import EdgePlan, FailurePlan, FlowPlan, Not, Plan


def check_order(read: CaseRead, plan: Plan, collector: Collector) -> None:
    """Report lists of different outcomes for runs without an order."""
    case = read.case
    if len(case.seeds) < 2 and case.driver == "local":
        return
    for entry in read.mocks.nodes:
        if not isinstance(entry.value, NodeMock):
            continue
        for rule in entry.value.rules:
            if not _depends_on_order(rule):
                continue
            flow = None if rule.when is None else rule.when.flow
            if not is_unordered(plan, case.flow, entry.name, flow):
                continue
            reason = f"under {len(case.seeds)} seeds" if case.driver == "local" else "with driver: production"
            collector.add(
                kinds.CASE_ORDER,
                entry.location,
                f'the outcomes of "{shorten(entry.name)}" are taken in the order in which its runs begin, '
                f"which may differ {reason}",
                note="which run gets which outcome is open",
                help="use when: to say which runs an outcome is for, or attempts: for the attempts of each run",
            )


def _depends_on_order(rule: Rule) -> bool:
    script, when = rule.script, rule.when
    if script.per_run or len({_content(outcome) for outcome in script.outcomes}) < 2:
        return False
    return when is None or (when.args is None and when.visit is None and not when.parent)


def _content(outcome: Outcome) -> str:
    return repr(outcome._replace(place=None, times=1))


def is_unordered(plan: Plan, flow: str, node: str, only_in: str | None = None) -> bool:
    """Whether a run of ``flow`` may have two runs of ``node`` of which neither has to begin before the other.

    ``only_in``: only its runs in flow runs of this name count.
    """
    homes = [name for name in flows_below(plan, flow) if node in nodes_of(plan.flows[name])]
    if only_in is not None:
        homes = [name for name in homes if name == only_in]
    if len(homes) > 1:
        return True
    return any(
        _FlowOrder(plan.flows[home]).is_unordered(node) or _flow_is_unordered(plan, flow, home, node)
        for home in homes
    )


def _flow_is_unordered(plan: Plan, top: str, flow: str, node: str) -> bool:
    """Whether a run of ``top`` may have two runs of ``flow`` whose runs of ``node`` have no order."""
    reached = list(flows_below(plan, top))
    starters = [name for name in reached if flow in nodes_of(plan.flows[name])]
    if flow in starters:  # it starts itself: its next run comes behind the node only where it waits for it
        order = _FlowOrder(plan.flows[flow])
        if not order.waits_for(flow, node) or order.is_unordered(flow):
            return True
        starters.remove(flow)
    if flow == top:
        return bool(starters)
    if len(starters) > 1:
        return True
    return any(
        _FlowOrder(plan.flows[name]).is_unordered(flow) or (name != top and _is_repeated(plan, top, name, {flow}))
        for name in starters
    )


def _is_repeated(plan: Plan, top: str, flow: str, seen: set[str]) -> bool:
    """Whether a run of ``top`` may have several runs of ``flow``, in whatever order."""
    if flow in seen:
        return True
    starters = [name for name in flows_below(plan, top) if flow in nodes_of(plan.flows[name])]
    if len(starters) != 1 or flow == top:
        return flow != top or bool(starters)
    (name,) = starters
    order = _FlowOrder(plan.flows[name])
    return order.is_unordered(flow) or (name != top and _is_repeated(plan, top, name, seen | {flow}))


class _FlowOrder:
    """Which nodes of one flow may have several runs, and whether those are ordered."""

    def __init__(self, flow: FlowPlan) -> None:
        self._flow = flow
        self._before: dict[str, set[str]] = {}
        self._several = self._nodes_with_unordered_runs()

    def is_unordered(self, node: str) -> bool:
        """Whether a run of the flow may have two runs of the node without an order."""
        return node in self._several

    def waits_for(self, node: str, other: str) -> bool:
        """Whether no run of ``node`` begins before a run of ``other`` has ended."""
        return node not in self._without(other)

    def _without(self, node: str) -> set[str]:
        """The nodes that can run before any run of ``node`` has ended."""
        known = self._before.get(node)
        if known is None:
            known = self._before[node] = self._startable(node)
        return known

    def _startable(self, node: str) -> set[str]:
        flow = self._flow
        starts = [(edge.sources, edge.destinations) for edge in flow.edges]
        starts += [(entry.nodes, entry.fallback) for entry in flow.failures]
        found: set[str] = set()
        while True:
            usable = found - {node}
            more = {name for sources, started in starts if usable.issuperset(sources) for name in started}
            if more <= found:
                return found
            found |= more

    def _nodes_with_unordered_runs(self) -> set[str]:
        several: set[str] = set()
        nodes = list(nodes_of(self._flow))
        changed = True
        while changed:
            changed = False
            for node in nodes:
                if node not in several and self._has_several(node, several):
                    several.add(node)
                    changed = True
        return several

    def _has_several(self, node: str, several: set[str]) -> bool:
        edges = _edges_to(self._flow, node)
        fallbacks = [entry for entry in self._flow.failures if node in entry.fallback]
        for edge in edges:
            if edge.destinations.count(node) > 1 or (edge.foreach is not None and edge.foreach.at_most != 1):
                return True
            if any(source in several for source in edge.sources):
                return True
        if any(entry.fallback.count(node) > 1 or several & set(entry.nodes) for entry in fallbacks):
            return True
        starts: list[EdgePlan | FailurePlan] = [*edges, *fallbacks]
        first = [start for start in starts if not self._is_behind(_sources(start), node)]
        again = [start for start in starts if start not in first]
        return _may_both_start(first, several) or _may_both_start(again, several)

    def _is_behind(self, sources: Iterable[str], node: str) -> bool:
        """Whether one of the sources is the node, or runs only after a run of it."""
        before = self._without(node)
        return any(source == node or source not in before for source in sources)


def _edges_to(flow: FlowPlan, node: str) -> list[EdgePlan]:
    return [edge for edge in flow.edges if node in edge.destinations]


def _sources(start: EdgePlan | FailurePlan) -> tuple[str, ...]:
    return start.sources if isinstance(start, EdgePlan) else start.nodes


def _may_both_start(starts: list[EdgePlan | FailurePlan], several: set[str]) -> bool:
    return any(
        not _exclude_each_other(one, other, several)
        for index, one in enumerate(starts)
        for other in starts[index + 1 :]
    )


def _exclude_each_other(one: EdgePlan | FailurePlan, other: EdgePlan | FailurePlan, several: set[str]) -> bool:
    """Whether a run of the flow in which one starts the node has no run that the other starts."""
    if isinstance(one, EdgePlan) and isinstance(other, EdgePlan):
        if set(one.sources) != set(other.sources) or several & set(one.sources):
            return False
        first, second = one.condition, other.condition
        return first is not None and second is not None and _is_negation(first, second)
    # A node has ended well or failed; an edge waits for the one, a fallback for the other.
    if isinstance(one, EdgePlan) or isinstance(other, EdgePlan):
        return bool(set(_sources(one)) & set(_sources(other))) and not several & set(_sources(one))
    return bool(set(one.nodes) & set(other.nodes))  # an entry handles what no other entry handles


def _is_negation(first: object, second: object) -> bool:
    return _meaning(first) == ("not", _meaning(second)) or ("not", _meaning(first)) == _meaning(second)


def _meaning(condition: object) -> object:
    """A condition without places, so that equal ones are equal."""
    if isinstance(condition, Not):
        return ("not", _meaning(condition.operand))
    operands = getattr(condition, "operands", None)
    if operands is not None:
        return (getattr(condition, "kind", ""), tuple(_meaning(operand) for operand in operands))
    return repr(condition._replace(place=None)) if hasattr(condition, "_replace") else condition
