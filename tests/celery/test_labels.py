"""Labels of flow runs: worked out when a run begins, in the header and the index; they never fail a run."""

from __future__ import annotations

from typing import Any

import pytest
import scripted

from selinon_core.celery.stores.index import IndexRow, RunQuery
from selinon_core.plan import Plan
from selinon_core.plan.json_form import plan_from_json, plan_to_json
from selinon_core.project import compile_text
from selinon_core.simulating.world import World

YAML = """
tasks:
  - {name: A, import: scripted, classname: Scripted}
global:
  vars: {region: eu}
flow-definitions:
  - name: order
    labels:
      customer: "${args.customer}"
      size: "${len(args.lines)} lines"
      large: "${len(args.lines) > 2}"
      region: "${vars.region}"
      flow: "${flow.name}"
      fixed: 7
    edges: [{from: , to: A}, {from: A, to: below}]
  - {name: below, labels: {customer: "${args.customer}"}, edges: [{from: , to: A}]}
"""


def plan() -> Plan:
    found = compile_text({"nodes.yaml": YAML})
    assert found.plan is not None, [diagnostic.message for diagnostic in found.diagnostics]
    return found.plan


def ran(args: Any, **settings: Any) -> tuple[World, IndexRow]:
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    world = World(plan(), workers=1, **settings)
    id = world.start("order", args)
    world.work()
    row = world.store.index.get(id)
    assert row is not None
    assert row.status == "success"
    return world, row


def test_labels_are_worked_out_from_the_arguments() -> None:
    world, row = ran({"customer": "acme", "lines": [1, 2, 3]})
    assert row.labels == {
        "customer": "acme",
        "size": "3 lines",
        "large": "true",
        "region": "eu",
        "flow": "order",
        "fixed": "7",
    }
    for labels in ({"customer": "acme"}, {"large": "true", "fixed": "7"}):
        assert [row.id for row in world.store.index.find(RunQuery(statuses=["success"], labels=labels)).rows] == [
            row.id
        ]


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (None, {"region", "flow", "fixed"}),
        ({"customer": None, "lines": []}, {"size", "large", "region", "flow", "fixed"}),
        ({"customer": ["a"], "lines": 7}, {"region", "flow", "fixed"}),
        ({"customer": "  ", "lines": [1]}, {"size", "large", "region", "flow", "fixed"}),
    ],
)
def test_a_label_that_cannot_be_worked_out_is_left_out(args: Any, found: set[str]) -> None:
    assert set(ran(args)[1].labels) == found


def test_labels_do_not_show_what_is_redacted() -> None:
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    text = YAML.replace("global:\n", "global:\n  redact: [customer]\n")
    found = compile_text({"nodes.yaml": text}).plan
    assert found is not None
    world = World(found, workers=1)
    id = world.start("order", {"customer": "acme-secret", "lines": []})
    world.work()
    row = world.store.index.get(id)
    assert row is not None
    assert "acme-secret" not in str(row)


def test_long_labels_are_cut() -> None:
    row = ran({"customer": "x" * 500, "lines": []})[1]
    assert row.labels["customer"] == "x" * 128


def test_runs_of_sub_flows_have_labels_where_they_have_rows() -> None:
    world, row = ran({"customer": "acme", "lines": []}, selinon_index_subflows=True)
    (below,) = world.store.index.find(RunQuery(root=row.id)).rows
    assert (below.flow, below.parent, below.labels) == ("below", row.id, {})  # it was given no arguments


def test_a_plan_as_json_has_them() -> None:
    made = plan()
    assert plan_from_json(plan_to_json(made)) == made
