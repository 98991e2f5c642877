"""Which nodes never had a chance: a succeeded flow run is searched for joins that could not be satisfied.

A node that was never started is *explained* when something on a way to it says why: a condition was false, a
foreach yielded nothing, a selective run left the edge out, a source failed or is a fallback that was not needed,
or a source was itself never started and explained. What is left over is unreached.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from selinon_core.dispatch.table import EdgeRow, FlowTable


def unreached_nodes(
    table: FlowTable,
    started: Callable[[str], bool],
    finished: Collection[str],
    answered_no: Callable[[EdgeRow], bool],
) -> tuple[str, ...]:
    """The nodes no run was started for and nothing explains, in the order of the file.

    ``started`` tells whether a run of a node was started, ``finished`` holds the names with a succeeded run,
    ``answered_no`` tells whether an edge was left out, had a false condition or an empty foreach.
    """
    missing = [name for name in table.nodes if not started(name)]
    if not missing:
        return ()
    explained: set[str] = set()
    todo = [row for row in table.rows if answered_no(row)]
    todo += [row for row in table.rows if _source_failed(row, table, started, finished)]
    while todo:
        for destination in todo.pop().destinations:
            name = destination.name
            if name not in explained and not started(name):
                explained.add(name)
                todo.extend(table.out_edges.get(name, ()))
    return tuple(name for name in missing if name not in explained)


def _source_failed(
    row: EdgeRow, table: FlowTable, started: Callable[[str], bool], finished: Collection[str]
) -> bool:
    for name in row.sources:
        if name in finished:
            continue
        if started(name) or name not in table.nodes:  # it failed, or is a fallback nobody needed
            return True
    return False
