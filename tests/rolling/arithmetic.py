"""How often each node of a flow is started, found by counting: nothing here asks the code that is tested.

It holds for flows without circles, with conditions that are always true or never, and with fallbacks of one node
that nothing else starts (see ``versions``). An edge fires once for every combination of finished runs of its
sources; after a migration only those combinations count that have a member which finished later, and those are all
of them less those that were complete before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import prod

from selinon_core.plan import EdgePlan, FlowPlan, Leaf
from tests.rolling.versions import ARGUMENTS

Counts = Mapping[str, int]
NONE: Counts = {}


def starts(
    flow: FlowPlan, failed: Counts, before: tuple[Counts, Counts] | None = None
) -> tuple[Counter[str], set[str]]:
    """How often each node is started in an attempt, and the failed ones that nothing was done about.

    ``failed``: how many runs of a node failed. ``before``: how many runs had been started and had finished when
    the attempt was brought to this flow; None: it began with it.
    """
    started_before, finished_before = before or (NONE, NONE)
    began_here = before is None
    rescuers = {name for failure in flow.failures for name in failure.fallback}
    handled = {name for failure in flow.failures for name in failure.nodes}
    counts: Counter[str] = Counter()
    while True:
        found = Counter({name: count for name, count in started_before.items() if name not in rescuers})
        for edge in flow.edges:
            times = _times(edge, counts, failed, finished_before, began_here)
            for name in edge.destinations:
                found[name] += times * (1 if edge.foreach is None else len(ARGUMENTS["items"]))
        for failure in flow.failures:
            for name in failure.fallback:
                found[name] += min(failed.get(node, 0) for node in failure.nodes)
        if found == counts:
            return +found, {name for name, count in failed.items() if count and name not in handled}
        counts = found


def _times(edge: EdgePlan, counts: Counts, failed: Counts, finished_before: Counts, began_here: bool) -> int:
    if not fires(edge):
        return 0
    if not edge.sources:
        return int(began_here)
    now = prod(counts.get(name, 0) - failed.get(name, 0) for name in edge.sources)
    return now - prod(finished_before.get(name, 0) for name in edge.sources)


def fires(edge: EdgePlan) -> bool:
    """Whether the condition of an edge is one that holds."""
    return not (isinstance(edge.condition, Leaf) and edge.condition.function.name == "alwaysFalse")


def is_tainted(old: FlowPlan, new: FlowPlan, finished: Counts) -> bool:
    """Whether a run in which these nodes have finished did or missed something that the new flow would not."""
    old_ends, new_ends = ([_ends(edge) for edge in flow.edges] for flow in (old, new))
    gone = [edge for edge in old.edges if _ends(edge) not in new_ends]
    added = [edge for edge in new.edges if _ends(edge) not in old_ends and edge.sources]
    did = any(fires(edge) and all(finished.get(name) for name in edge.sources) for edge in gone)
    return did or any(all(finished.get(name) for name in edge.sources) for edge in added)


def _ends(edge: EdgePlan) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(edge.sources), frozenset(edge.destinations)
