"""Which nodes never had a chance to run: joins of a succeeded flow run that could not be satisfied.

A node that was never started is *explained* when something on a path to it is a reason: a condition was false, a
foreach yielded nothing, a selective run omitted the edge, a source failed or is a fallback that was not needed,
or a source was itself never started and is explained. All other nodes that were never started are unreached.

A fallback was not needed when no edge could have started it: the starting edges do not lead to it, or they lead to
it only through itself, as in a cycle of polling (``B -> C -> B``) that a fallback enters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from selinon_core.dispatch.flow_index import EdgeIndex, FlowIndex


def unreached_nodes(
    table: FlowIndex,
    started: Callable[[str], bool],
    finished: Collection[str],
    answered_no: Callable[[EdgeIndex], bool],
) -> tuple[str, ...]:
    """The nodes that were never started and that nothing explains, in the order of the file.

    ``started`` returns whether a run of a node was started, ``finished`` holds the names with a succeeded run,
    ``answered_no`` returns whether an edge was omitted, had a false condition or an empty foreach.
    """
    missing = [name for name in table.nodes if not started(name)]
    if not missing:
        return ()
    explained = {name for name in table.fallbacks_only if not started(name)}
    todo = [row for row in table.rows if answered_no(row)]
    if explained:
        todo += [row for row in table.rows if not explained.isdisjoint(row.sources)]
    todo += [row for row in table.rows if _source_failed(row, started, finished)]
    while todo:
        for destination in todo.pop().destinations:
            name = destination.name
            if name not in explained and not started(name):
                explained.add(name)
                todo.extend(table.out_edges.get(name, ()))
    return tuple(name for name in missing if name not in explained)


def _source_failed(row: EdgeIndex, started: Callable[[str], bool], finished: Collection[str]) -> bool:
    for name in row.sources:  # noqa: SIM110  (a generator takes longer)
        if name not in finished and started(name):
            return True
    return False
