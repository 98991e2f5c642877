"""``select`` against an enumeration of paths, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selinon_core.dispatch import SelectiveRun, select
from selinon_core.errors import SelectiveNoPathError, UnknownFlowError
from selinon_core.plan import EdgePlan, FlowPlan, Plan
from tests.dispatch.plans import edge, failure, flow, plan

#: One way to reach a node: which edge starts it, for it and everything before it. Edges as (index, destination).
Derivation = frozenset[tuple[int, str]]


def derivations(of: FlowPlan, node: str, before: frozenset[str] = frozenset()) -> Iterator[Derivation]:
    """Every way from a start to a node that visits no node twice on one line of descent."""
    for row in of.edges:
        if node in row.destinations and not before.union({node}).intersection(row.sources):
            ways = [list(derivations(of, source, before | {node})) for source in row.sources]
            for chosen in product(*ways):
                yield frozenset({(row.index, node)}).union(*chosen)


def paths(of: FlowPlan, task: str) -> dict[int, set[str]]:
    """All edges on any path from a start to the task, cycle edges onto a task on the path included."""
    on_way: set[tuple[int, str]] = set().union(*derivations(of, task))
    if not on_way:
        return {}
    reachable = {row.index for row in of.edges if all(any(derivations(of, s)) for s in row.sources)}
    grown = True
    while grown:
        nodes = {task} | {name for index, _ in on_way for name in of.edges[index].sources}
        found = {
            (row.index, n) for row in of.edges if row.index in reachable for n in row.destinations if n in nodes
        }
        grown = not found <= on_way
        on_way |= found
    rows: dict[int, set[str]] = {}
    for index, name in on_way:
        rows.setdefault(index, set()).add(name)
    return rows


def as_sets(selective: SelectiveRun) -> dict[str, dict[int, set[str]]]:
    return {name: {i: set(to) for i, to in rows.items()} for name, rows in selective.edges.items()}


NODES = ("A", "B", "C", "D", "E")


@st.composite
def small_flows(draw: st.DrawFn, name: str = "main", nodes: tuple[str, ...] = NODES) -> FlowPlan:
    def some(least: int) -> list[str]:
        return draw(st.lists(st.sampled_from(nodes), min_size=least, max_size=2, unique=True))

    edges = [edge(None, some(1))]
    edges += [edge(some(0), some(1)) for _ in range(draw(st.integers(0, 6)))]
    return flow(name, draw(st.permutations(edges)), [failure("A", "F")])


@given(small_flows(), st.sampled_from(NODES))
@settings(deadline=None)
def test_it_finds_the_edges_of_all_paths(main: FlowPlan, task: str) -> None:
    expected = paths(main, task)
    if not expected:
        with pytest.raises(SelectiveNoPathError, match=f'"{task}"'):
            select(plan(main), "main", [task])
    else:
        assert as_sets(select(plan(main), "main", [task])) == {"main": expected}


@given(small_flows(), st.lists(st.sampled_from(NODES), min_size=1, max_size=3))
@settings(deadline=None)
def test_several_tasks_need_the_edges_of_each(main: FlowPlan, tasks: list[str]) -> None:
    each = [paths(main, task) for task in tasks]
    if all(each):
        together: dict[int, set[str]] = {}
        for rows in each:
            for index, names in rows.items():
                together.setdefault(index, set()).update(names)
        selective = select(plan(main), "main", tasks)
        assert as_sets(selective) == {"main": together}
        assert selective.tasks == tuple(dict.fromkeys(tasks))


def original(of: FlowPlan, task: str) -> dict[int, set[str]]:
    """What the original's search amounts to: any set of edges that gives the task and all sources an edge."""
    edges = of.edges
    needed: dict[int, set[str]] = {}
    todo = [(frozenset({task}), frozenset[str](), frozenset[tuple[int, str]]())]
    seen = set(todo)
    while todo:
        wanted, visited, taken = todo.pop()
        for name, row in product(wanted, edges):
            if name not in row.destinations or (row.index, name) in taken:
                continue
            state = (wanted | set(row.sources), visited | {name}, taken | {(row.index, name)})
            if state[0] == state[1]:
                for index, to in state[2]:
                    needed.setdefault(index, set()).add(to)
            elif state not in seen:
                seen.add(state)
                todo.append(state)
    return needed


def reached(of: FlowPlan) -> set[str]:
    nodes: set[str] = set()
    for _ in of.edges:
        for row in of.edges:
            if nodes.issuperset(row.sources):
                nodes.update(row.destinations)
    return nodes


@given(small_flows(nodes=("A", "B", "C")), st.sampled_from(("A", "B", "C")))
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_the_original_finds_the_same_where_every_node_can_be_reached(main: FlowPlan, task: str) -> None:
    can_start = reached(main)
    if all(can_start.issuperset(row.sources) for row in main.edges):
        assert original(main, task) == paths(main, task)


# -- what the generated flows do not show -----------------------------------------------------------------------


def test_a_cycle_that_is_entered_by_a_fallback_only_is_no_path() -> None:
    main = flow("main", [edge(None, "A"), edge("F", "G"), edge("G", "F")], [failure("A", "F")])
    for task in ("F", "G"):
        with pytest.raises(SelectiveNoPathError):
            select(plan(main), "main", [task])


def test_cycle_edges_onto_tasks_on_the_way_are_included() -> None:
    main = flow("main", [edge(None, "A"), edge("A", "B"), edge("B", "A"), edge("B", "C"), edge("C", "D")])
    assert as_sets(select(plan(main), "main", ["B"])) == {"main": {0: {"A"}, 1: {"B"}, 2: {"A"}}}


def test_only_destinations_on_the_way_are_started() -> None:
    main = flow("main", [edge(None, "A B C"), edge("A B", "D E D")])
    assert as_sets(select(plan(main), "main", ["D"])) == {"main": {0: {"A", "B"}, 1: {"D"}}}


@pytest.mark.parametrize("subsequent", [True, ["main"]])
def test_subsequent_edges_need_all_their_sources_among_successors(subsequent: bool | list[str]) -> None:
    edges = [edge(None, "A Z"), edge("A", "B C"), edge("B", "D"), edge("B Z", "E"), edge("D B", "G H")]
    selective = select(plan(flow("main", edges)), "main", ["B"], run_subsequent=subsequent)
    assert as_sets(selective) == {"main": {0: {"A"}, 1: {"B"}, 2: {"D"}, 4: {"G", "H"}}}


def test_subsequent_edges_start_all_their_destinations_also_on_the_way() -> None:
    edges = [edge(None, "T1"), edge("T1", "T2 T3"), edge("T2", "T1 T4")]
    selective = select(plan(flow("main", edges)), "main", ["T2"], run_subsequent=True)
    assert as_sets(selective) == {"main": {0: {"T1"}, 1: {"T2", "T3"}, 2: {"T1", "T4"}}}


def test_subsequent_only_in_the_flows_named() -> None:
    edges = [edge(None, "A"), edge("A", "B")]
    assert as_sets(select(plan(flow("main", edges)), "main", ["A"], run_subsequent=[])) == {"main": {0: {"A"}}}
    with pytest.raises(UnknownFlowError, match="nowhere"):
        select(plan(flow("main", edges)), "main", ["A"], run_subsequent=["nowhere"])


def nested() -> Plan:
    return plan(
        flow("main", [edge(None, "A"), edge("A", "S R"), edge("S", "B"), edge(None, "Q")]),
        flow("S", [edge(None, "C"), edge("C", "U"), edge("C", "D")]),
        flow("U", [edge(None, "E T"), edge("E", "main")]),
        flow("R", [edge(None, "C")]),
        flow("Q", [edge(None, "Z")]),
        flow("apart", [edge(None, "T S")]),
    )


def test_without_following_subflows_they_are_nodes_like_others() -> None:
    with pytest.raises(SelectiveNoPathError, match='flow "main" leads to task "T"'):
        select(nested(), "main", ["T"])
    assert as_sets(select(nested(), "main", ["B"])) == {"main": {0: {"A"}, 1: {"S"}, 2: {"B"}}}


def test_following_subflows_runs_the_way_down_only() -> None:
    assert as_sets(select(nested(), "main", ["T"], follow_subflows=True)) == {
        "main": {0: {"A"}, 1: {"S"}},
        "S": {0: {"C"}, 1: {"U"}},
        "U": {0: {"T"}},
        "R": {},
        "Q": {},
    }


def test_a_task_in_several_subflows_is_looked_for_in_all() -> None:
    assert as_sets(select(nested(), "main", ["C"], follow_subflows=True)) == {
        "main": {0: {"A"}, 1: {"S", "R"}},
        "S": {0: {"C"}},
        "U": {},
        "R": {0: {"C"}},
        "Q": {},
    }


def test_each_task_may_be_in_another_flow() -> None:
    with pytest.raises(SelectiveNoPathError, match='"Nobody"'):
        select(nested(), "main", ["T", "Nobody"], follow_subflows=True)
    found = as_sets(select(nested(), "main", ["T", "Z"], follow_subflows=True))
    assert found["main"] == {0: {"A"}, 1: {"S"}, 3: {"Q"}}
    assert found["Q"] == {0: {"Z"}}


def test_subsequent_in_subflows() -> None:
    found = as_sets(select(nested(), "main", ["C"], follow_subflows=True, run_subsequent=["S"]))
    assert found["S"] == {0: {"C"}, 1: {"U"}, 2: {"D"}}
    assert found["main"] == {0: {"A"}, 1: {"S", "R"}}


def test_an_unknown_flow() -> None:
    with pytest.raises(UnknownFlowError, match="nowhere"):
        select(nested(), "nowhere", ["T"])


def line(length: int) -> list[EdgePlan]:
    return [*(edge(f"N{i}", f"N{i + 1}") for i in reversed(range(length))), edge(None, "N0")]


def test_a_long_chain_in_the_worst_order() -> None:
    found = select(plan(flow("main", line(3000))), "main", ["N3000"])
    assert len(found.edges["main"]) == 3001


def names(rows: Iterable[int]) -> list[int]:
    return list(rows)


def test_edges_come_in_the_order_of_the_file() -> None:
    found = select(plan(flow("main", line(5))), "main", ["N5"])
    assert names(found.edges["main"]) == sorted(found.edges["main"])


def test_a_join_of_nodes_that_one_edge_starts_is_a_way() -> None:
    """The original loses it as soon as there are three of them."""
    main = flow("main", [edge(None, ["A", "B", "C"]), edge(["A", "B", "C"], ["D", "E"])])
    assert as_sets(select(plan(main), "main", ["D"])) == {"main": {0: {"A", "B", "C"}, 1: {"D"}}}
