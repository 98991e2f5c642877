"""For random pairs of configurations the same migrations come out as of selinon 1.4.0, apart from its faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selinon_core.migrations.compare import compare_plans
from selinon_core.migrations.files import migration_text, parse_migration
from selinon_core.plan import Plan
from selinon_core.project import compile_data

RECORDED = [json.loads(line) for line in (Path(__file__).parent / "golden/pairs.jsonl").read_text().splitlines()]
NOTHING: dict[str, Any] = {"translation": {}, "tainted_edges": {}, "tainting_nodes": {}}


def plan_of(pair: dict[str, Any], side: str) -> Plan:
    project = compile_data(pair["nodes"], {"flow-definitions": pair[side]})
    assert project.plan is not None
    return project.plan


def normalised(change: dict[str, Any]) -> dict[str, Any]:
    """A flow's part of a file without what sets leave open."""
    tainted = {}
    for index, edge in change["tainted_edges"].items():
        condition = _without_sole_node(edge["condition_str"], edge["from"])
        tainted[index] = {"from": sorted(edge["from"]), "to": sorted(edge["to"]), "condition_str": condition}
    tainting = {index: sorted(names) for index, names in change["tainting_nodes"].items()}
    return {"translation": change["translation"], "tainted_edges": tainted, "tainting_nodes": tainting}


def _without_sole_node(condition: Any, sources: list[str]) -> Any:
    if isinstance(condition, list):
        return [_without_sole_node(each, sources) for each in condition]
    if not isinstance(condition, dict):
        return condition
    if "name" in condition:
        return {key: value for key, value in condition.items() if key != "node" or [value] != sources}
    return {key: _without_sole_node(value, sources) for key, value in condition.items()}


@pytest.mark.parametrize("pair", RECORDED, ids=lambda pair: pair["name"])
def test_same_migration(pair: dict[str, Any]) -> None:
    comparison = compare_plans(plan_of(pair, "old"), plan_of(pair, "new"))
    ours = json.loads(migration_text(comparison, "RETRY", None))
    theirs = pair["migration"] or {"migration": {}, "tainted_flow_strategy": "RETRY"}
    assert ours["tainted_flow_strategy"] == theirs["tainted_flow_strategy"]
    told = {flow: normalised(change) for flow, change in ours["migration"].items()}
    expected = {flow: normalised(change) for flow, change in theirs["migration"].items()}
    for flow in told.keys() - expected.keys():  # moved edges only
        assert told[flow]["translation"]
        assert not told[flow]["tainted_edges"]
        assert not told[flow]["tainting_nodes"]
    for flow in expected.keys() - told.keys():  # written because another flow had changed
        assert expected[flow] == NOTHING
    for flow in expected.keys() & told.keys():
        assert told[flow] == expected[flow]


@pytest.mark.parametrize("pair", RECORDED, ids=lambda pair: pair["name"])
def test_their_file_is_read_as_ours(pair: dict[str, Any]) -> None:
    if pair["migration"] is None:
        return
    comparison = compare_plans(plan_of(pair, "old"), plan_of(pair, "new"))
    theirs = parse_migration(json.dumps(pair["migration"]).encode(), "1.json")
    assert theirs.strategy == "RETRY"
    for flow, change in theirs.changes.items():
        if change:
            ours = comparison.changes[flow]
            assert change.translation == ours.translation
            assert change.tainted_edges == ours.tainted_edges
            assert {i: set(n) for i, n in change.tainting_nodes.items()} == {
                i: set(n) for i, n in ours.tainting_nodes.items()
            }


def test_the_recorded_pairs_are_worth_it() -> None:
    files = [pair["migration"]["migration"] for pair in RECORDED if pair["migration"]]
    changes = [change for file in files for change in file.values()]
    assert sum(bool(change["tainted_edges"]) for change in changes) > 50
    assert sum(bool(change["tainting_nodes"]) for change in changes) > 50
    assert sum(bool(change["translation"]) for change in changes) > 50
    assert sum(pair["migration"] is None for pair in RECORDED) > 20
