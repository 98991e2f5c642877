"""Lists of outcomes that runs take which may begin in another order (SEL805).

Whether runs of a node are ordered is read off the flow: a second run is ordered behind the first one when the edge
that starts it depends on a run of the node. What cannot be told apart there counts as unordered, so that a test
never depends on the seed.
"""

from __future__ import annotations

from collections.abc import Sequence

from selinon_core.cases.model import NodeMock, Outcome, Rule
from selinon_core.config.case_reader import CaseRead
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import Collector, shorten
from selinon_core.plan import EdgePlan, FailurePlan, FlowPlan, Not, Plan, Test
from selinon_core.plan.started import flows_below, nodes_of


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
    if len(homes) > 1 or any(_is_retried_early(plan.flows[name], node) for name in flows_below(plan, flow)):
        return bool(homes)
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
        _FlowOrder(plan.flows[name]).is_unordered(flow)
        or (_may_outlive(plan.flows[flow], node) and _FlowOrder(plan.flows[name]).is_repeated(flow))
        or (name != top and _is_repeated(plan, top, name, {flow}))
        for name in starters
    )


def _is_retried_early(flow: FlowPlan, node: str) -> bool:
    """Whether a further attempt of a flow may begin while nodes of the last one have yet to begin."""
    return flow.max_retry > 0 and (bool(flow.eager_failures) or node in flow.nowait)


def _may_outlive(flow: FlowPlan, node: str) -> bool:
    """Whether a run of the node may begin after its flow run has ended."""
    return node in flow.nowait or bool(flow.eager_failures) or flow.timeout is not None or flow.max_retry > 0


def _is_repeated(plan: Plan, top: str, flow: str, seen: set[str]) -> bool:
    """Whether a run of ``top`` may have several runs of ``flow``, in whatever order."""
    if flow in seen:
        return True
    starters = [name for name in flows_below(plan, top) if flow in nodes_of(plan.flows[name])]
    if len(starters) != 1 or flow == top:
        return flow != top or bool(starters)
    (name,) = starters
    order = _FlowOrder(plan.flows[name])
    return order.is_repeated(flow) or (name != top and _is_repeated(plan, top, name, seen | {flow}))


#: No count of runs is followed further.
_MOST = 12
#: So many ends of a node are looked at: what grows more than by one with each of them does so by then.
_ENDS = 3


class _FlowOrder:
    """How many runs the nodes of one flow may have, and whether those of a node are ordered."""

    def __init__(self, flow: FlowPlan) -> None:
        self._nodes = list(nodes_of(flow))
        self._starts: dict[str, list[EdgePlan | FailurePlan]] = {name: [] for name in self._nodes}
        starts: list[EdgePlan | FailurePlan] = [*flow.edges, *flow.failures]
        for start in starts:
            for name in dict.fromkeys(_started_by(start)):
                self._starts[name].append(start)

    def is_unordered(self, node: str) -> bool:
        """Whether a run of the flow may have two runs of the node of which neither waits for the other.

        Each end of a run may start one further run. Where more than one can begin between two ends, their order is
        open.
        """
        before = 0
        for ends in range(_ENDS + 1):
            begun = self._runs_begun(node, ends)
            if begun - before > 1:
                return True
            before = begun
        return False

    def is_repeated(self, node: str) -> bool:
        """Whether a run of the flow may have several runs of the node, in whatever order."""
        return self._runs_begun(node, _ENDS) > 1

    def waits_for(self, node: str, other: str) -> bool:
        """Whether no run of ``node`` begins before a run of ``other`` has ended."""
        return self._counts(other, 0).get(node, 0) == 0

    def _runs_begun(self, node: str, ends: int) -> int:
        """How many runs of ``node`` may have begun when so many of them have ended."""
        return self._begun(node, self._counts(node, ends))

    def _counts(self, node: str, ends: int) -> dict[str, int]:
        """How many runs of the other nodes may have ended when so many of ``node`` have."""
        counts = dict.fromkeys(self._nodes, 0)
        counts[node] = ends
        changed = True
        while changed:
            changed = False
            for name in self._nodes:
                if name != node:
                    begun = self._begun(name, counts)
                    if begun > counts[name]:
                        counts[name] = begun
                        changed = True
        return counts

    def _begun(self, name: str, counts: dict[str, int]) -> int:
        starts = [(start, _times(start, name, counts)) for start in self._starts[name]]
        starts = [(start, times) for start, times in starts if times]
        if len(starts) > _MOST:  # too many to see which of them exclude each other
            return _MOST
        return min(_most(starts), _MOST)


def _most(starts: Sequence[tuple[EdgePlan | FailurePlan, int]]) -> int:
    """How many runs some edges and entries may start together, each at most so many as stands beside it."""
    if not starts:
        return 0
    (first, times), rest = starts[0], starts[1:]
    beside = [other for other in rest if not _exclude_each_other(first, other[0])]
    if len(beside) == len(rest):
        return times + _most(rest)
    return max(times + _most(beside), _most(rest))


def _started_by(start: EdgePlan | FailurePlan) -> tuple[str, ...]:
    return start.destinations if isinstance(start, EdgePlan) else start.fallback


def _times(start: EdgePlan | FailurePlan, name: str, counts: dict[str, int]) -> int:
    """How many runs of a node an edge, or a failures entry, may start when so many of the others have ended."""
    if isinstance(start, FailurePlan):
        return min(min(counts.get(node, 0) for node in start.nodes) * start.fallback.count(name), _MOST)
    combinations = 1
    for source in start.sources:
        combinations = min(combinations * counts.get(source, 0), _MOST)
    items = _MOST if start.foreach is not None and start.foreach.at_most != 1 else 1
    return min(combinations * items * start.destinations.count(name), _MOST)


def _exclude_each_other(one: EdgePlan | FailurePlan, other: EdgePlan | FailurePlan) -> bool:
    """Whether of the same runs only one of the two starts anything."""
    nodes, others = set(_sources(one)), set(_sources(other))
    if type(one) is type(other) and (isinstance(one, EdgePlan) or nodes == others):
        first, second = one.condition, other.condition
        return nodes == others and first is not None and second is not None and _is_negation(first, second)
    # A run ends well or fails: an edge waits for the one, a fallback for the other. Of entries for different
    # nodes, one handles what no other does.
    return bool(nodes & others)


def _sources(start: EdgePlan | FailurePlan) -> tuple[str, ...]:
    return start.sources if isinstance(start, EdgePlan) else start.nodes


def _is_negation(first: object, second: object) -> bool:
    return _meaning(first) == ("not", _meaning(second)) or ("not", _meaning(first)) == _meaning(second)


def _meaning(condition: object) -> object:
    """A condition without places, so that equal ones are equal."""
    if isinstance(condition, Not):
        return ("not", _meaning(condition.operand))
    if isinstance(condition, Test):
        from selinon_core.plan.comparisons import plain_test
        from selinon_core.plan.expression_uses import tree_of

        plain = plain_test(tree_of(condition.text))
        return ("not", plain.key) if plain.is_opposite else plain.key
    operands = getattr(condition, "operands", None)
    if operands is not None:
        return (getattr(condition, "kind", ""), tuple(_meaning(operand) for operand in operands))
    return repr(condition._replace(place=None)) if hasattr(condition, "_replace") else condition
