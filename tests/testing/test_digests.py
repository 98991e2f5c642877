"""Digests of flows change with what a flow means, and with nothing else."""

from __future__ import annotations

import pytest

from selinon_core.plan.digests import edge_digests, flow_digests, task_digests
from selinon_core.project import compile_text

TEXT = """
tasks:
  - {name: A, import: m, max_retry: 1}
  - {name: B, import: m}
flow-definitions:
  - name: outer
    edges: [{from: , to: inner}]
  - name: inner
    edges: [{from: , to: A}]
  - name: other
    edges: [{from: , to: B}]
"""


def digests(text: str) -> dict[str, str]:
    plan = compile_text({"flow.yaml": text}).plan
    assert plan is not None
    return flow_digests(plan)


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("tasks:", "# a comment\ntasks:", set()),
        ("max_retry: 1", "max_retry: 2", {"outer", "inner"}),
        ("to: B", "to: [B, B]", {"other"}),
        ("max_retry: 1", "max_retry: 1, tags: [slow]", set()),
        ("name: inner", "name: inner\n    tags: shop", set()),
        ("to: inner", "to: [inner, B]", {"outer"}),
    ],
)
def test_a_digest_changes_with_its_flow_and_what_the_flow_starts(old: str, new: str, changed: set[str]) -> None:
    before, after = digests(TEXT), digests(TEXT.replace(old, new))
    assert {name for name in before if before[name] != after[name]} == changed


KINDS = """
tasks:
  - name: A
    wait: {title: "approve ${args.x}"}
    storage: S
    output_schema: {type: object, properties: {place: {type: string}}}
  - {name: B, import: m, limit: {key: "${args.x}", max: 2}}
storages:
  - {name: S, import: m}
flow-definitions:
  - name: main
    labels: {customer: "${args.x}"}
    output: {place: "${A.place}", where: here}
    edges:
      - {from: , to: A}
      - {from: A, to: B, args: {place: 1, args_where: 2, x: "${A.place}"}, condition: "A.place == 'x'"}
"""


def every_digest(text: str) -> tuple[dict[str, str], dict[str, str], dict[int, str]]:
    plan = compile_text({"flow.yaml": text}).plan
    assert plan is not None
    return flow_digests(plan), task_digests(plan, plan.tasks), edge_digests(plan.flows["main"])


def test_what_has_moved_has_not_changed() -> None:
    assert every_digest(KINDS) == every_digest("# a comment\n" + KINDS.replace("import: m", "import:   m"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{place: {type: string}}", "{place: {type: integer}}"),
        ("args: {place: 1", "args: {place: 2"),
        ("args_where: 2", "args_where: 3"),
        ("where: here", "where: there"),
        ('{place: "${A.place}"', '{place: "${A}"'),
    ],
)
def test_keys_of_users_count_whatever_they_are_called(old: str, new: str) -> None:
    assert digests(KINDS)["main"] != digests(KINDS.replace(old, new))["main"]


def test_digests_that_runs_have_kept_stay_comparable() -> None:
    """The store has digests of earlier workers: what is defined as before must not look changed."""
    plan = compile_text({"flow.yaml": TEXT.replace("to: B", "to: B, condition: args.n > 1")}).plan
    assert plan is not None
    assert task_digests(plan, ["A", "B"]) == {"A": "f3b7e091", "B": "0dc13837"}
    assert edge_digests(plan.flows["other"]) == {0: "cc2dc0bf"}
