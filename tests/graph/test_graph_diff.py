"""What is called added, removed and changed between two plans."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from selinon_core.graph import drawing_of
from selinon_core.graph.diff import pair_edges
from selinon_core.graph.model import Drawing
from selinon_core.plan import FlowPlan
from tests.graph import plans as graph_plans
from tests.graph.plans import edge, failure, flow, leaf, plan, task


def changes(drawing: Drawing) -> dict[str, str]:
    found = {each.id: each.change for each in drawing.nodes if each.change}
    found.update({f"{e.source}>{e.target}": e.change for e in drawing.edges if e.change})
    return found


def compare(new: FlowPlan, old: FlowPlan) -> dict[str, str]:
    return changes(drawing_of(plan(new), "f", other=plan(old)))


def test_equal_plans_do_not_differ() -> None:
    drawing = drawing_of(graph_plans.everything(), "release", other=graph_plans.everything(), expand=True)
    assert not drawing.differs
    assert drawing.compared


def test_places_and_order_are_no_difference() -> None:
    old = flow("f", [edge("", "A"), edge("A", "B C"), edge("B", "D")], [failure("A", "E"), failure("B", "E")])
    new = flow("f", [edge("B", "D"), edge("", "A"), edge("A", "C B")], [failure("B", "E"), failure("A", "E")])
    assert compare(new, old) == {}


def test_added_and_removed_edges() -> None:
    old = flow("f", [edge("", "A"), edge("A", "B")])
    new = flow("f", [edge("", "A"), edge("A", "C")])
    assert compare(new, old) == {
        "task:B": "removed",
        "task:C": "added",
        "task:A>task:B": "removed",
        "task:A>task:C": "added",
    }


def test_a_new_destination_leaves_the_others_alone() -> None:
    assert compare(flow("f", [edge("", "A B")]), flow("f", [edge("", "A")])) == {
        "task:B": "added",
        "start>task:B": "added",
    }


def test_a_new_source_of_a_join_leaves_the_others_alone() -> None:
    old = flow("f", [edge("", "A B C"), edge("A B", "D")])
    new = flow("f", [edge("", "A B C"), edge("A B C", "D")])
    assert compare(new, old) == {"task:C>join:1": "added"}


def test_changed_condition_tells_the_old_one() -> None:
    old = flow("f", [edge("", "A", leaf("argsFieldGreater", key="n", value=1))])
    new = flow("f", [edge("", "A", leaf("argsFieldGreater", key="n", value=2))])
    drawing = drawing_of(plan(new), "f", other=plan(old))
    condition = next(each for each in drawing.nodes if each.kind == "condition")
    assert condition.change == "changed"
    assert condition.title == "args.n > 2"
    assert condition.notes == ("was: args.n > 1",)


def test_a_condition_that_is_gone_is_shown_as_changed() -> None:
    old = flow("f", [edge("", "A", leaf("argsFieldGreater", key="n", value=1))])
    drawing = drawing_of(plan(flow("f", [edge("", "A")])), "f", other=plan(old))
    condition = next(each for each in drawing.nodes if each.kind == "condition")
    assert (condition.title, condition.notes, condition.change) == ("always", ("was: args.n > 1",), "changed")


def test_changes_of_fan_out_failures_and_settings() -> None:
    old = flow("f", [edge("", "A", foreach="one")], [failure("A", "B")])
    new = flow("f", [edge("", "A", foreach="two")], [failure("A", "B C", propagate_failure=True)], max_retry=3)
    drawing = drawing_of(plan(new), "f", other=plan(old))
    assert drawing.change == "changed"
    assert "max_retry: 0 \u2192 3" in drawing.notes
    assert changes(drawing) == {
        "foreach:0": "changed",
        "start>foreach:0": "changed",
        "failure:0": "changed",
        "failure:0>task:C": "added",
        "task:C": "added",
    }


def test_a_task_that_stores_elsewhere() -> None:
    new = plan(flow("f", [edge("", "A")]), tasks=[task("A", "New")], storages="New")
    old = plan(flow("f", [edge("", "A")]), tasks=[task("A", "Old")], storages="Old")
    found = changes(drawing_of(new, "f", other=old))
    assert found == {
        "task:A": "changed",
        "storage:New": "added",
        "storage:Old": "removed",
        "task:A>storage:New": "added",
        "task:A>storage:Old": "removed",
    }


def test_whole_flows_that_come_and_go() -> None:
    one = plan(flow("f", [edge("", "A")]))
    both = plan(flow("f", [edge("", "A")]), flow("g", [edge("", "B")]))
    added = drawing_of(both, "g", other=one)
    assert added.change == "added"
    assert set(changes(added).values()) == {"added"}
    removed = drawing_of(one, "g", other=both)
    assert removed.change == "removed"
    assert set(changes(removed).values()) == {"removed"}


names = st.sampled_from("ABCD")
edges = st.builds(
    edge,
    st.lists(names, max_size=2, unique=True).map(" ".join),
    st.lists(names, min_size=1, max_size=3).map(" ".join),
    st.none() | st.builds(lambda v: leaf("argsFieldEqual", key="k", value=v), st.integers(0, 2)),
)
flows = st.lists(edges, min_size=1, max_size=6).map(lambda each: flow("f", each))


@given(flows, flows)
def test_every_edge_is_in_exactly_one_pair(new: FlowPlan, old: FlowPlan) -> None:
    pairs = pair_edges(new, old)
    assert [pair.new for pair in pairs if pair.new] == list(new.edges)
    assert sorted(pair.old.index for pair in pairs if pair.old) == list(range(len(old.edges)))
    assert all(pair.new or pair.old for pair in pairs)


@given(flows)
def test_no_flow_differs_from_itself(one: FlowPlan) -> None:
    assert compare(one, one) == {}


@given(flows, flows)
def test_added_one_way_is_removed_the_other(new: FlowPlan, old: FlowPlan) -> None:
    forth = drawing_of(plan(new), "f", other=plan(old))
    back = drawing_of(plan(old), "f", other=plan(new))
    assert forth.differs == back.differs
    added = {each.name for each in forth.nodes if each.change == "added" and each.name}
    removed = {each.name for each in back.nodes if each.change == "removed" and each.name}
    assert added == removed
