"""The comparable form of the node runs of a flow.

Ids, times and orders differ between implementations and between runs. What must not differ is the multiset of
node runs, each described by what it is and by what led to it. Every run gets a `key`, a hash of all that, in which
ids are replaced by the keys of the runs they stand for: equal keys mean equal runs with equal ancestries.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

Json = dict[str, Any]
TOP = "top"


def canonical_runs(
    nodes: Iterable[Json], without_parent: Collection[str] = (), earlier: Collection[str] = ()
) -> list[list[Any]]:
    """Turn node runs into sorted rows `[key, "flow.name", kind, node_args, parent, within, status, count]`.

    `nodes` are mappings with `id name kind flow flow_id node_args parent status` (the fields of a report's
    `nodes`); `flow` and `flow_id` are those of the flow run that started the node, also for a node that is a
    flow. In a row `parent` has keys in place of ids, `within` is the key of the flow run that started the node
    (`top` for the flow that was asked for), `count` tells how many runs have this very row. Lists of ids are
    sorted, and a sub-flow that finished without any task is left out of `parent` (the original leaves it out).

    `without_parent` names nodes as `flow.name` whose parent is not compared. `earlier` are ids of runs from
    before this flow run, which a selective run reused: they are their own keys, and nodes with the status
    `reused` give no row. Raises KeyError when a parent names a run that is neither among `nodes` nor `earlier`.
    """
    by_id = {node["id"]: node for node in nodes if node["status"] != "reused"}
    describe = _Describer(by_id, frozenset(without_parent), earlier)
    rows = Counter(json.dumps(describe.row(run_id), sort_keys=True) for run_id in by_id)
    return sorted(([*json.loads(row), count] for row, count in rows.items()), key=lambda row: (row[1], row[0]))


def outcome_of(report: Json, case: Json, earlier: Collection[str] = ()) -> Json:
    """What a case compares of a report: its `status`, `finished` and `failed` counts, `runs`, and `outputs`.

    `outputs` are those of all flow runs that have one, as `[flow, output]`. `report` has `finished_nodes`,
    `failed_nodes` and `nodes`, and `flow` and `output` where the flow declares one and succeeded.
    """
    outcome = {
        "status": report["status"],
        "finished": counts(report["finished_nodes"]),
        "failed": counts(report["failed_nodes"]),
        "runs": canonical_runs(report["nodes"], case["without_parent"], earlier),
        "outputs": _outputs(report),
    }
    return {part: outcome[part] for part in case["compare"]}


def _outputs(report: Json) -> list[list[Any]]:
    found = [[node["name"], node["output"]] for node in report["nodes"] if "output" in node]
    if "output" in report:
        found.append([report["flow"], report["output"]])
    return sorted(found, key=lambda one: json.dumps(one, sort_keys=True))


def counts(runs_by_name: Mapping[str, Collection[str]]) -> dict[str, int]:
    """`finished_nodes` or `failed_nodes` without the ids."""
    return {name: len(ids) for name, ids in sorted(runs_by_name.items()) if ids}


class _Describer:
    def __init__(self, by_id: dict[str, Json], without_parent: frozenset[str], earlier: Collection[str]) -> None:
        self._by_id = by_id
        self._without_parent = without_parent
        self._keys = {run_id: run_id for run_id in earlier}

    def row(self, run_id: str) -> list[Any]:
        return [self._key(run_id), *self._content(run_id)]

    def _key(self, run_id: str) -> str:
        if run_id not in self._keys:
            content = json.dumps(self._content(run_id), sort_keys=True)
            self._keys[run_id] = hashlib.sha256(content.encode()).hexdigest()[:8]
        return self._keys[run_id]

    def _content(self, run_id: str) -> list[Any]:
        node = self._by_id[run_id]
        name = f"{node['flow']}.{node['name']}"
        parent = {} if name in self._without_parent else self._parent(node["parent"] or {})
        within = self._key(node["flow_id"]) if node["flow_id"] in self._by_id else TOP
        return [name, node["kind"], node["node_args"], parent, within, node["status"]]

    def _parent(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._key(value)
        if isinstance(value, list):
            return sorted(self._key(run_id) for run_id in value)
        replaced = {name: self._parent(inner) for name, inner in value.items()}
        return {name: inner for name, inner in replaced.items() if inner}
