"""What a migration says about one flow: matching, moving, composing, explaining."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from selinon_core.plan import FlowPlan
from selinon_core.plan.flow_diff import (
    FlowChange,
    MigrationStep,
    compare_flows,
    compose,
    explains,
    follow,
    strongest,
)
from selinon_core.plan.graph_hash import graph_hash
from tests.dispatch.plans import edge, flow

names = st.sampled_from("ABCD")
edges = st.builds(
    edge,
    st.lists(names, max_size=2, unique=True),
    st.lists(names, min_size=1, max_size=2),
    condition=st.booleans(),
)
flows = st.lists(edges, min_size=1, max_size=7).map(lambda found: flow("f", found))


def step(old: FlowPlan, new: FlowPlan) -> MigrationStep:
    return MigrationStep(1, "IGNORE", compare_flows(old, new))


def test_an_example() -> None:
    old = flow("f", [edge(None, "A"), edge("A", "B"), edge("A B", "C")])
    new = flow("f", [edge("B A", "C"), edge(None, "A"), edge("B", "D"), edge(None, "D")])
    change = compare_flows(old, new)
    assert change.translation == {0: 1, 1: None, 2: 0}
    assert change.tainted_edges == {1}
    assert change.tainting_nodes == {2: ("B",)}
    assert change.taint({0}, {"A"}) == ((), ())
    assert change.taint({0, 1}, {"A", "B"}) == ((1,), (2,))


def test_of_equal_edges_the_first_is_the_first() -> None:
    old = flow("f", [edge(None, "A"), edge("A", "B"), edge("A", "B")])
    new = flow("f", [edge("A", "B"), edge(None, "A")])
    assert compare_flows(old, new).translation == {0: 1, 1: 0, 2: None}


def test_a_starting_edge_behind_all_others_needs_no_migration() -> None:
    old = flow("f", [edge(None, "A")])
    new = flow("f", [edge(None, "A"), edge(None, "B")])
    assert not compare_flows(old, new)
    assert explains((), old, new)


@given(flows, flows)
def test_a_comparison_explains_everything(old: FlowPlan, new: FlowPlan) -> None:
    assert explains((step(old, new),), old, new)
    assert explains((), old, new) == (not compare_flows(old, new))


@given(flows, flows, flows)
def test_a_chain_explains_everything(first: FlowPlan, second: FlowPlan, third: FlowPlan) -> None:
    chain = (step(first, second), step(second, third))
    assert explains(chain, first, third)


@given(flows, flows, flows, st.sets(st.integers(0, 6)), st.sets(names))
def test_chained_migrations_equal_their_composition(
    first: FlowPlan, second: FlowPlan, third: FlowPlan, fired: set[int], finished: set[str]
) -> None:
    fired = {index for index in fired if index < len(first.edges)}
    chain = (step(first, second), step(second, third))
    one = compose(chain[0].change, chain[1].change, len(first.edges))
    for row in first.edges:
        assert one.moved(row.index) == follow(chain, row.index)
    between = {chain[0].change.moved(index) for index in fired} - {None}
    taints = [chain[0].change.taint(fired, finished), chain[1].change.taint(between, finished)]  # type: ignore[arg-type]
    assert bool(one.taint(fired, ()).edges) == any(taint.edges for taint in taints)
    kept = [index for index in taints[0].missed if chain[1].change.moved(index) is not None]
    assert bool(one.taint((), finished).missed) == bool(kept or taints[1].missed)


@given(flows, flows)
def test_the_hash_is_the_same_when_nothing_moves_or_taints(old: FlowPlan, new: FlowPlan) -> None:
    same = not compare_flows(old, new) and not compare_flows(new, old)
    assert (graph_hash(old) == graph_hash(new)) == same


@given(flows, flows)
def test_as_json_and_back(old: FlowPlan, new: FlowPlan) -> None:
    change = compare_flows(old, new)
    assert FlowChange.from_json(change.to_json()) == change
    assert MigrationStep.from_json(step(old, new).to_json()) == step(old, new)


def test_a_migration_for_another_change_explains_nothing() -> None:
    old = flow("f", [edge(None, "A"), edge("A", "B")])
    planned = flow("f", [edge(None, "A"), edge("A", "B"), edge("B", "C")])
    done = flow("f", [edge(None, "A"), edge("A", "B"), edge("A", "C")])
    assert not explains((step(old, planned),), old, done)
    assert not explains((step(planned, old),), old, planned)


def test_strongest() -> None:
    assert strongest(["IGNORE", "FAIL", "RETRY"]) == "FAIL"
    assert strongest(["IGNORE", "RETRY"]) == "RETRY"
    assert strongest([]) is None
