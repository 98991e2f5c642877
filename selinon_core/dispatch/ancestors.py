"""The lineage of node runs: which run a name in an expression means, and the one order of finished runs.

Both follow from ``NodeRun.sources`` alone, so the order in which node runs finish changes nothing.

Which run of a node is meant: a member of the combination wins. Any other node is looked for upwards, from the
combination through the sources of its runs and their sources, on each way to the first run of that node and no
further. If one run is found, it is meant. None: no way leads through the node. Several: the name is ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from selinon_core.dispatch.node_run import NodeRun


def runs_meant(sources: Sequence[NodeRun], name: str) -> tuple[NodeRun, ...]:
    """The runs of a node that its name can mean behind this combination, in the order of the ways to them.

    Failed runs have no result and are left out; nothing above them is found. The combination of a fallback is the
    failed runs that it handles.
    """
    for node_run in sources:
        if node_run.name == name:
            return () if node_run.status == "failure" else (node_run,)
    return tuple(run for run in _first_runs(sources, name) if run.status != "failure")


def failed_run_meant(sources: Sequence[NodeRun], name: str) -> NodeRun | None:
    """The failed run of a node that was handled on the way to this combination; of several the later-started."""
    failed = [run for run in _first_runs(sources, name) if run.status == "failure"]
    return max(failed, key=lambda run: run.number, default=None)


def _first_runs(sources: Sequence[NodeRun], name: str) -> tuple[NodeRun, ...]:
    """The first runs of a node on all ways up. Each run keeps what was found for a name: a loop asks often."""
    todo = list(reversed(sources))
    while todo:
        node_run = todo[-1]
        if node_run.nearest is not None and name in node_run.nearest:
            todo.pop()
        elif node_run.name == name:
            _keep(todo.pop(), name, (node_run,))
        else:
            unknown = [run for run in node_run.sources if run.nearest is None or name not in run.nearest]
            if unknown:
                todo.extend(reversed(unknown))
            else:
                _keep(todo.pop(), name, _union(node_run.sources, name))
    return _union(sources, name)


def _keep(node_run: NodeRun, name: str, found: tuple[NodeRun, ...]) -> None:
    if node_run.nearest is None:
        node_run.nearest = {}
    node_run.nearest[name] = found


def _union(sources: Sequence[NodeRun], name: str) -> tuple[NodeRun, ...]:
    """What was found for these runs, without repetitions. Equal tuples are one object along a way."""
    different = {id(found): found for run in sources if (found := (run.nearest or {})[name])}
    if len(different) == 1:
        return next(iter(different.values()))
    return tuple({run.number: run for found in different.values() for run in found}.values())


def in_canonical_order(finished: Mapping[str, Sequence[NodeRun]]) -> dict[str, tuple[NodeRun, ...]]:
    """Finished runs by name: nearer to the start first, then as their sources come, then by edge, then by item.

    How near a run is says its longest chain of sources. Runs of fallbacks come behind runs of edges.
    """
    rank: dict[int, int] = {}
    for level in _levels(run for runs in finished.values() for run in runs):
        level.sort(key=lambda run: _place_in_level(run, rank))
        for node_run in level:
            rank[node_run.number] = len(rank)
    return {name: tuple(sorted(runs, key=lambda run: rank[run.number])) for name, runs in finished.items()}


def _place_in_level(node_run: NodeRun, rank: Mapping[int, int]) -> tuple[tuple[int, ...], bool, int, int, int]:
    """Runs that differ in nothing but their number were started by one step, in the order of the file."""
    edge = node_run.edge
    above = tuple(rank[source.number] for source in node_run.sources)
    return above, edge is None, edge or 0, node_run.position, node_run.number


def _levels(node_runs: Iterable[NodeRun]) -> list[list[NodeRun]]:
    """These runs and all runs above them, by the length of their longest chain of sources."""
    depth: dict[int, int] = {}
    levels: list[list[NodeRun]] = []
    todo = list(node_runs)
    while todo:
        node_run = todo[-1]
        unknown = [source for source in node_run.sources if source.number not in depth]
        if unknown and node_run.number not in depth:
            todo.extend(unknown)
            continue
        todo.pop()
        if node_run.number not in depth:
            level = max((depth[source.number] + 1 for source in node_run.sources), default=0)
            depth[node_run.number] = level
            if level == len(levels):
                levels.append([])
            levels[level].append(node_run)
    return levels
