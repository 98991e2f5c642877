"""Hypothesis strategies: a flow after it was edited."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from selinon_core.plan import EdgePlan, Plan
from tests.dispatch.flows import NODES, SUBFLOWS, ShownPlan, _failures
from tests.dispatch.plans import edge, flow, plan

STRATEGIES = st.sampled_from(["IGNORE", "RETRY", "FAIL", "IGNORE"])
_POSITION = {name: index for index, name in enumerate(NODES)}


@st.composite
def new_edges(draw: st.DrawFn) -> EdgePlan:
    """An edge that leads forwards, or has a condition, so that flows end."""
    sources = draw(st.lists(st.sampled_from(NODES), max_size=3, unique=True))
    destinations = draw(st.lists(st.sampled_from(NODES), min_size=1, max_size=2))
    forward = not sources or max(_POSITION[n] for n in sources) < min(_POSITION[n] for n in destinations)
    fan_out = draw(st.integers(0, 5)) == 5
    return edge(
        sources,
        destinations,
        condition=not forward or draw(st.integers(0, 3)) == 3,
        foreach=fan_out,
        propagate_result=fan_out and draw(st.booleans()),
    )


@st.composite
def edited(draw: st.DrawFn, old: Plan, *, graph_only: bool = False) -> Plan:
    """``old`` with other edges in ``main`` and perhaps other conditions, failures and settings."""
    was = old.flows["main"]
    edges = list(was.edges)
    for kind in draw(
        st.lists(st.sampled_from(["add", "remove", "move", "change", "double"]), min_size=1, max_size=4)
    ):
        if kind == "add":
            edges.insert(draw(st.integers(0, len(edges))), draw(new_edges()))
        elif kind == "double":
            edges.insert(draw(st.integers(0, len(edges))), draw(st.sampled_from(edges)))
        elif len(edges) > 1:
            taken = edges.pop(draw(st.integers(0, len(edges) - 1)))
            if kind == "move":
                edges.insert(draw(st.integers(0, len(edges))), taken)
            elif kind == "change":
                edges.insert(draw(st.integers(0, len(edges))), draw(new_edges()))
    options: dict[str, Any] = {
        name: value for name, value in was._asdict().items() if name not in ("name", "edges", "failures", "place")
    }
    failures = list(was.failures)
    if not graph_only:
        edges = [_decided_otherwise(draw, each) if draw(st.integers(0, 4)) == 4 else each for each in edges]
        if draw(st.integers(0, 3)) == 3:
            failures = draw(_failures(sorted({name for each in edges for name in each.destinations})))
        if draw(st.integers(0, 4)) == 4:
            options["max_retry"] = draw(st.integers(0, 2))
            options["node_args_from_first"] = False
    used = {name for each in edges for name in each.sources} | {n for f in failures for n in f.nodes}
    options["nowait"] = frozenset(options["nowait"]) - used
    return ShownPlan(*plan(flow("main", edges, failures, **options), subflows=SUBFLOWS))


def _decided_otherwise(draw: st.DrawFn, was: EdgePlan) -> EdgePlan:
    forward = not was.sources or max(_POSITION.get(n, 99) for n in was.sources) < min(
        _POSITION.get(n, -1) for n in was.destinations
    )
    return edge(
        was.sources,
        was.destinations,
        condition=not forward or draw(st.booleans()),
        foreach=was.foreach is None and draw(st.booleans()),
    )
