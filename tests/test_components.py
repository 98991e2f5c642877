from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from selinon_core.plan.components import components, cyclic, shortest_cycle

Graph = dict[str, list[str]]
graphs: st.SearchStrategy[Graph] = st.dictionaries(
    st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefgh"), max_size=4), max_size=8
)


def reachable(graph: Graph, start: str) -> set[str]:
    """What a walk of at least one step leads to."""
    seen: set[str] = set()
    todo = list(graph.get(start, ()))
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(graph.get(name, ()))
    return seen


@given(graphs)
def test_components_are_the_nodes_that_reach_each_other(graph: Graph) -> None:
    found = components(graph)
    nodes = [name for members in found for name in members]
    assert len(nodes) == len(set(nodes))
    assert set(nodes) == set(graph) | {name for targets in graph.values() for name in targets}
    for members in found:
        for name in members:
            together = {other for other in reachable(graph, name) if name in reachable(graph, other)} | {name}
            assert together == set(members)


@given(graphs)
def test_each_component_comes_before_those_that_lead_to_it(graph: Graph) -> None:
    position = {name: i for i, members in enumerate(components(graph)) for name in members}
    assert all(position[target] <= position[name] for name in graph for target in graph[name])


@given(graphs)
def test_cyclic_components_are_those_with_a_way_back(graph: Graph) -> None:
    assert {name for members in cyclic(graph) for name in members} == {
        n for n in graph if n in reachable(graph, n)
    }


@given(graphs, st.sampled_from("abcdefgh"))
def test_a_shortest_cycle_is_a_cycle(graph: Graph, start: str) -> None:
    cycle = shortest_cycle(graph, start)
    assert bool(cycle) == (start in reachable(graph, start))
    if cycle:
        assert cycle[0] == start
        assert len(set(cycle)) == len(cycle)
        assert all(b in graph[a] for a, b in zip(cycle, (*cycle[1:], start), strict=True))


def test_long_chains_need_no_recursion() -> None:
    graph = {str(n): [str(n + 1)] for n in range(50_000)}
    assert len(components(graph)) == 50_001
    assert cyclic({**graph, "50000": ["0"]}) == [tuple(str(n) for n in range(50_001))]
