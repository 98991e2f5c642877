"""The comparable form itself: what it must not see, and what it must."""

from __future__ import annotations

from typing import Any

from tests.conformance.canonical import canonical_runs


def node(run_id: str, name: str, **changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "kind": "task",
        "flow": "main",
        "flow_id": "F",
        "node_args": None,
        "parent": {},
        "status": "success",
    }
    return {"id": run_id, "name": name, **plain, **changes}


def test_ids_and_orders_are_not_compared() -> None:
    first = [node("1", "A"), node("2", "B", node_args=1), node("3", "C", parent={"A": "1", "B": "2"})]
    second = [node("z", "C", parent={"B": "x", "A": "y"}), node("x", "B", node_args=1), node("y", "A")]
    assert canonical_runs(first) == canonical_runs(second)


def test_a_different_ancestor_is_seen_in_every_descendant() -> None:
    def chain(args: Any) -> list[dict[str, Any]]:
        return [
            node("1", "A", node_args=args),
            node("2", "B", parent={"A": "1"}),
            node("3", "C", parent={"B": "2"}),
        ]

    assert not {row[0] for row in canonical_runs(chain(1))} & {row[0] for row in canonical_runs(chain(2))}


def test_equal_runs_are_counted_in_one_row() -> None:
    assert [row[-1] for row in canonical_runs([node("1", "A"), node("2", "A")])] == [2]


def test_runs_of_different_sub_flow_runs_are_told_apart() -> None:
    sub_flows = [node("1", "sub", kind="flow", node_args=1), node("2", "sub", kind="flow", node_args=2)]
    inside_first = node("3", "A", flow="sub", flow_id="1")
    inside_second = node("3", "A", flow="sub", flow_id="2")
    assert canonical_runs([*sub_flows, inside_first]) != canonical_runs([*sub_flows, inside_second])


def test_a_sub_flow_without_tasks_is_left_out_of_parents() -> None:
    given = node("1", "A", parent={"sub": {"deeper": {}, "T": []}})
    assert canonical_runs([given]) == canonical_runs([node("1", "A")])


def test_parents_are_left_out_where_asked() -> None:
    runs = [node("1", "A"), node("2", "Fallback", parent={"A": "1"})]
    assert canonical_runs(runs, without_parent=["main.Fallback"])[1][4] == {}


def test_reused_runs_are_known_by_their_id() -> None:
    runs = [node("earlier-A", "A", status="reused"), node("2", "B", parent={"A": "earlier-A"})]
    assert [row[4] for row in canonical_runs(runs, earlier=["earlier-A"])] == [{"A": "earlier-A"}]
