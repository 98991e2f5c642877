"""Names of node runs that do not depend on the order of events: lineage keys, labels and the canonical order.

The *lineage* of a node run is what led to it: its flow run, the ends of the edge that started it, the lineages
of the runs that the edge fired for, and its item. Two executions of a flow give the same lineages in whichever
order their tasks end, because dispatch combines runs and not moments (rule 8 of ``dispatch.machine``).

Rules
-----
1. A *key* is a hash of the lineage. Edges count by their ends, so that a key survives a reordering of the file;
   edges with equal ends are told apart by their order in the file.
2. A *fallback* counts by the names that it handles and how often these were handled before: which of several
   failed runs of one node a fallback takes depends on the order in which they failed.
3. A reused run has the key of the run for which it stands in.
4. The *canonical order* sorts by flow run, attempt of the flow, generation (fallback steps), depth, sources,
   ends of the edge, item, and ordinal among equals. A sub-flow comes before the node runs inside it.
5. A *label* is for people: ``Name`` in the flow that was asked for, ``inner/Name`` in a sub-flow of it
   (``>inner/Name`` if ``inner`` occurs further down as well), ``outer>inner/Name`` further down, with ``#k`` where
   there are several: ``k`` counts them in canonical order. The label of a run is a reference that selects this
   run.
6. A *reference* selects runs. ``Name`` has the runs of the flow that was asked for; ``flow/Name`` those in every
   run of that flow; ``outer/inner/Name`` those in runs of ``inner`` directly inside ``outer``; ``a>b/Name`` and
   ``>a/Name`` those at exactly this place below the flow that was asked for. ``#k`` selects one of them.

In a selective run, a task that stands k times among the destinations of an edge, or under its foreach, is
counted in the order in which its reuse was decided.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from itertools import groupby
from typing import Any, NamedTuple

from selinon_core.dispatch.node_run import NodeRun
from selinon_core.plan import FlowPlan
from selinon_core.runtime.error_codec import name_error
from selinon_core.runtime.json_values import restore
from selinon_core.runtime.trace.run_records import FlowRecord, ItemNumbers, NodeRecord, edge_of, items_of

#: A path of more flows than this is shortened in labels: a recursion may be deep.
_MOST_NAMED = 12
#: What a key is made of besides its flow run: (kind, ends of the edge or handled names, rank of the edge, item,
#: ordinal).
_Origin = tuple[Any, ...]


class CanonicalRun(NamedTuple):
    """A node run without ids and times. Labels stand in for the ids in ``parent`` and ``failures``.

    ``flow`` and ``flow_attempt`` are those of the flow run that started it. ``result`` is None for sub-flows,
    and ``error`` the text ``Type: message`` of a failed task; that of a sub-flow is its type alone.
    """

    label: str
    flow: str
    name: str
    kind: str
    flow_attempt: int
    args: Any
    parent: dict[str, Any]
    failures: dict[str, Any] | None
    status: str
    attempts: int
    result: Any
    error: str | None


def run_key(
    flow_run: str, attempt: int | None, name: str, origin: Sequence[Any], sources: Iterable[str] = ()
) -> str:
    """The key of a node run: 16 hex digits.

    ``flow_run`` is the key of the sub-flow's node run that it is in, or the name of the flow that was asked for.
    ``origin`` is JSON that says how it was started from its ``sources`` (keys, in any order).
    """
    text = json.dumps([flow_run, attempt, name, origin, sorted(sources)])
    return blake2b(text.encode(), digest_size=8).hexdigest()


class Origins:
    """How node runs were started, one after the other in the order in which they are."""

    def __init__(self) -> None:
        self._equals: Counter[tuple[Any, ...]] = Counter()
        self._ends: dict[str, tuple[FlowPlan, dict[int, tuple[Any, int]]]] = {}

    def add(self, record: NodeRecord, item: int | None) -> _Origin:
        """How the node run that was started next was started; ``item`` is the number of its item."""
        run, flow_run = record.run, record.flow_run
        edge = edge_of(record)
        if edge is None:
            handled = sorted(source.name for source in run.sources)
            about: _Origin = ("fallback", handled, 0, None)
            alike: Any = tuple(handled)
        else:
            known = self._ends.get(flow_run.flow.name)
            if known is None or known[0] is not flow_run.flow:  # a migration may have changed it
                known = self._ends[flow_run.flow.name] = (flow_run.flow, ends_of_edges(flow_run.flow))
            about = ("edge", *known[1][edge.index], item)
            alike = (edge.index, item, run.sources)
        equal = (flow_run.id, run.flow_attempt, run.name, alike)
        ordinal = self._equals[equal]
        self._equals[equal] += 1
        return (*about, ordinal)


class GrowingLineage:
    """The keys of node runs while a run goes on: those that ``Lineage.key`` gives for the whole of it."""

    def __init__(self) -> None:
        self._origins = Origins()
        self._items = ItemNumbers()
        self._keys: dict[NodeRun, str] = {}

    def add(self, record: NodeRecord) -> str:
        """The key of the node run that was started next."""
        run, above = record.run, record.flow_run.node
        flow_run = record.flow_run.flow.name if above is None else self._keys[above.run]
        sources = () if run.edge is None else [self._keys[source] for source in run.sources]
        origin = self._origins.add(record, self._items.add(record))
        key = self._keys[run] = run_key(flow_run, run.flow_attempt, run.name, origin, sources)
        return key


class Lineage:
    """Lineages of all node runs of one run of ``root``. ``nodes`` are in the order in which they were started.

    What is asked for is worked out once. An id that two node runs have (both reuse one earlier run) stands for
    the first of them.
    """

    def __init__(self, root: FlowRecord, nodes: Sequence[NodeRecord]) -> None:
        self._root = root
        self._nodes = list(nodes)

    def key(self, node_id: str, *, with_attempt: bool = True) -> str:
        """The key of a node run: 16 hex digits. Raises ``KeyError`` for an id of no node run.

        Without attempts, the runs of one lineage in all attempts of their flow have one key: two runs of a flow
        are compared by these.
        """
        keys = self._keys if with_attempt else self._keys_without_attempts
        return keys[self._by_id[node_id].run]

    def label(self, node_id: str) -> str:
        """The label of a node run. Raises ``KeyError`` for an id of no node run."""
        return self._labels[self._by_id[node_id].run]

    def item(self, node_id: str) -> int | None:
        """The number of the item, from 0, for a node run that a foreach started. Raises ``KeyError``."""
        return self._items.get(self._by_id[node_id].run)

    def in_order(self, reference: str) -> list[NodeRecord]:
        """The node runs to which a reference refers, in canonical order; none for a name that did not run."""
        path, _, number = reference.rpartition("#")
        if path and number.isascii() and number.isdigit():
            found = self._referred(path)
            return found[int(number) - 1 : int(number)] if int(number) else []
        return self._referred(reference)

    @property
    def ordered(self) -> Sequence[NodeRecord]:
        """All node runs in canonical order."""
        return self._ordered

    def canonical(self) -> list[CanonicalRun]:
        """The whole run in canonical order, comparable with other runs of the flow: without ids and times."""
        return [self._canonical(record) for record in self._ordered]

    # -- keys ---------------------------------------------------------------------------------------------------

    @cached_property
    def _by_id(self) -> dict[str, NodeRecord]:
        found: dict[str, NodeRecord] = {}
        for record in self._nodes:
            found.setdefault(record.run.id, record)
        return found

    @cached_property
    def _items(self) -> dict[NodeRun, int]:
        return items_of(self._nodes)

    @cached_property
    def _origins(self) -> dict[NodeRun, _Origin]:
        """How each run was started; equal origins from equal sources do not exist in one attempt."""
        origins = Origins()
        return {record.run: origins.add(record, self._items.get(record.run)) for record in self._nodes}

    @cached_property
    def _keys(self) -> dict[NodeRun, str]:
        return self._all_keys(True)

    @cached_property
    def _keys_without_attempts(self) -> dict[NodeRun, str]:
        return self._all_keys(False)

    def _all_keys(self, with_attempt: bool) -> dict[NodeRun, str]:
        keys: dict[NodeRun, str] = {}
        for record in self._nodes:  # the sources and the sub-flow of a run come before it
            run, above = record.run, record.flow_run.node
            flow_run = record.flow_run.flow.name if above is None else keys[above.run]
            sources = () if run.edge is None else [keys[source] for source in run.sources]
            attempt = run.flow_attempt if with_attempt else None
            keys[run] = run_key(flow_run, attempt, run.name, self._origins[run], sources)
        return keys

    # -- order --------------------------------------------------------------------------------------------------

    @cached_property
    def _ordered(self) -> list[NodeRecord]:
        """Sub-flows before what is in them: the tree of flow runs in preorder."""
        inside: dict[str, list[NodeRecord]] = {}
        for record in self._nodes:
            inside.setdefault(record.flow_run.id, []).append(record)
        ordered: list[NodeRecord] = []
        todo = list(reversed(self._sorted(inside.get(self._root.id, []))))
        while todo:
            record = todo.pop()
            ordered.append(record)
            if record.run.is_flow and record.run.id in inside:
                todo.extend(reversed(self._sorted(inside[record.run.id])))
        return ordered

    def _sorted(self, nodes: list[NodeRecord]) -> list[NodeRecord]:
        """The node runs of one flow run in canonical order."""
        levels = _levels(nodes)
        place: dict[NodeRun, int] = {}
        ordered: list[NodeRecord] = []

        def level(record: NodeRecord) -> tuple[int, int, int]:
            return (record.run.flow_attempt, *levels[record.run])

        def within(record: NodeRecord) -> tuple[Any, ...]:
            run = record.run
            kind, ends, rank, item, ordinal = self._origins[run]
            # What a fallback handles may depend on the order; with an edge, items come before what they start.
            sources = sorted(place[source] for source in run.sources) if kind == "edge" else []
            return (kind, sources, ends, rank, -1 if item is None else item, run.name, ordinal)

        for _, same in groupby(sorted(nodes, key=level), level):
            for record in sorted(same, key=within):
                place[record.run] = len(ordered)
                ordered.append(record)
        return ordered

    # -- labels -------------------------------------------------------------------------------------------------

    @cached_property
    def _paths(self) -> dict[str, str]:
        """By id of the flow run: the names of the flows that lead to it from ``root``, which is left out."""
        paths = {self._root.id: ""}
        depths = {self._root.id: 0}
        for record in self._nodes:
            flow_run = record.flow_run
            above = flow_run.parent_run
            if flow_run.id in paths or above is None:
                continue
            name, path = flow_run.flow.name, paths[above.id]
            depths[flow_run.id] = depth = depths[above.id] + 1
            if depth > _MOST_NAMED:
                paths[flow_run.id] = f"{path.partition('>')[0]}>..{depth - 2}..>{name}"
            else:
                paths[flow_run.id] = f"{path}>{name}" if path else name
        return paths

    @cached_property
    def _groups(self) -> dict[tuple[str, str], list[NodeRecord]]:
        """By path and name: the runs of each node, in canonical order."""
        groups: dict[tuple[str, str], list[NodeRecord]] = {}
        for record in self._ordered:
            groups.setdefault((self._paths[record.flow_run.id], record.run.name), []).append(record)
        return groups

    @cached_property
    def _labels(self) -> dict[NodeRun, str]:
        """Labels; a path of one flow begins with ``>`` where the flow occurs deeper as well."""
        paths: dict[tuple[str, str], int] = Counter((path.rpartition(">")[2], name) for path, name in self._groups)
        labels = {}
        for (path, name), records in self._groups.items():
            qualified = f"{path}/{name}" if path else name
            if path and ">" not in path and paths[path, name] > 1:
                qualified = f">{qualified}"
            for number, record in enumerate(records, 1):
                labels[record.run] = qualified if len(records) == 1 else f"{qualified}#{number}"
        return labels

    def _referred(self, reference: str) -> list[NodeRecord]:
        path, _, name = reference.rpartition("/")
        if not path or ">" in path:
            return self._groups.get((path.removeprefix(">"), name), [])
        flows = path.split("/")[::-1]
        return [
            record for record in self._ordered if record.run.name == name and _is_inside(record.flow_run, flows)
        ]

    # -- comparing ----------------------------------------------------------------------------------------------

    def _canonical(self, record: NodeRecord) -> CanonicalRun:
        run = record.run
        error = None
        if record.error is not None:  # that of a flow says in JSON, with ids, what ended how
            error = type(record.error).__name__ if run.is_flow else name_error(record.error)
        return CanonicalRun(
            self._labels[run],
            record.flow_run.flow.name,
            run.name,
            "flow" if run.is_flow else "task",
            run.flow_attempt,
            run.args,
            self._labelled(record.parent),
            self._labelled(run.failures) if run.failures else None,
            run.status,
            record.attempts,
            None if run.is_flow else restore(record.result),
            error,
        )

    def _labelled(self, value: Any) -> Any:
        """Labels in place of ids, lists of them in canonical order; ids from before this run stay."""
        if isinstance(value, Mapping):
            return {name: self._labelled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._labelled(id) for id in sorted(value, key=self._place)]
        found = self._by_id.get(value)
        return value if found is None else self._labels[found.run]

    def _place(self, id: str) -> tuple[int, str]:
        found = self._by_id.get(id)
        return (-1, id) if found is None else (self._places[found.run], "")

    @cached_property
    def _places(self) -> dict[NodeRun, int]:
        return {record.run: place for place, record in enumerate(self._ordered)}


def _is_inside(flow_run: FlowRecord, flows: list[str]) -> bool:
    """Whether a flow run is of the first of these flows, started by one of the second, and so on."""
    inside: FlowRecord | None = flow_run
    for name in flows:
        if inside is None or inside.flow.name != name:
            return False
        inside = inside.parent_run
    return True


def ends_of_edges(flow: FlowPlan) -> dict[int, tuple[Any, int]]:
    """By index of the edge: its ends, and how many edges before it have the same. Edges are known by these."""
    found: dict[int, tuple[Any, int]] = {}
    seen: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    for edge in flow.edges:
        ends = (tuple(sorted(edge.sources)), tuple(sorted(edge.destinations)))
        found[edge.index] = (ends, seen[ends])
        seen[ends] += 1
    return found


def _levels(nodes: Iterable[NodeRecord]) -> dict[NodeRun, tuple[int, int]]:
    """(generation, depth) of the node runs of one flow run; sources are on lower levels.

    A fallback step is a new generation: it begins when nothing is active. So the generation of the failed runs
    that a fallback may take does not depend on the order in which they failed, while their depth does.
    """
    levels: dict[NodeRun, tuple[int, int]] = {}
    for record in nodes:
        run = record.run
        above = max((levels[source] for source in run.sources), default=(0, -1))
        levels[run] = (above[0], above[1] + 1) if run.edge is not None else (above[0] + 1, 0)
    return levels
