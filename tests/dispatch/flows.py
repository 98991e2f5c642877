"""Hypothesis strategies: random flows, the worlds to run them in, and what they are asked with."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st

from selinon_core.dispatch import SelectiveRun
from selinon_core.plan import EdgePlan, FailurePlan, Plan
from tests.dispatch.driver import Start
from tests.dispatch.plans import A_TEMPLATE, edge, failure, flow, plan
from tests.dispatch.script import Script

TASKS = ("A", "B", "C", "D", "E")
SUBFLOWS = ("S1", "S2")
FALLBACKS_ONLY = ("X", "Y")
NODES = (*TASKS, *SUBFLOWS)

scripts = st.builds(
    Script,
    seed=st.integers(0, 10**6),
    fails=st.sampled_from([40, 20, 70, 0]),
    holds=st.sampled_from([80, 60, 100, 30]),
    reused=st.sampled_from([0, 50, 100]),
    refused=st.sampled_from([15, 0, 50]),
    question_fails=st.just(0),
    deferrals=st.sampled_from([0, 0, 2]),
)
orders = st.integers(0, 10**6).map(Random)


class ShownPlan(Plan):
    """A plan that is readable in the report of a failing example."""

    def __repr__(self) -> str:
        main = self.flows["main"]
        lines = ["Plan("]
        for e in main.edges:
            marks = [mark for mark, on in (("if", e.condition), ("each", e.foreach)) if on]
            marks += ["args"] if e.args else []
            marks += ["item"] if e.foreach and e.foreach.propagate_result else []
            lines.append(f"  {e.index}: {' '.join(e.sources) or '*'} -> {' '.join(e.destinations)} {marks}")
        for f in main.failures:
            marks = [
                mark for mark, on in (("if", f.condition), ("fails", f.propagate_failure), ("args", f.args)) if on
            ]
            lines.append(f"  failure {f.index}: {' '.join(f.nodes)} => {' '.join(f.fallback) or True} {marks}")
        for name, value in main._asdict().items():
            if name not in ("name", "edges", "failures", "queue", "sampling", "place") and value:
                lines.append(f"  {name}={sorted(value) if isinstance(value, frozenset) else value}")
        return "\n".join(lines) + ")"


@st.composite
def _edges(draw: st.DrawFn) -> list[EdgePlan]:
    """A starting edge, then edges mostly forward; one that may close a cycle has a condition."""
    edges = [edge(None, draw(st.lists(st.sampled_from(NODES[:4]), min_size=1, max_size=3)))]
    for _ in range(draw(st.sampled_from([4, 6, 3, 2, 1, 0]))):
        kind = draw(st.sampled_from(["start", "step", "step", "step", "join", "join"]))
        size = {"start": 0, "step": 1, "join": 2}[kind] + (kind == "join" and draw(st.booleans()))
        known = sorted({name for e in edges for name in e.destinations})
        pool = known if draw(st.integers(0, 9)) else list(NODES)  # now and then a source that no edge starts
        sources = draw(st.lists(st.sampled_from(pool), min_size=min(size, len(pool)), max_size=size, unique=True))
        destinations = draw(st.lists(st.sampled_from(NODES), min_size=1, max_size=2))
        position = {name: index for index, name in enumerate(NODES)}
        forward = not sources or max(position[n] for n in sources) < min(position[n] for n in destinations)
        fan_out = draw(st.integers(0, 5)) == 5
        edges.append(
            edge(
                sources,
                destinations,
                condition=not forward or draw(st.integers(0, 3)) == 3,
                foreach=fan_out,
                propagate_result=fan_out and draw(st.booleans()),
            )
        )
    return edges


@st.composite
def _failures(draw: st.DrawFn, nodes: list[str]) -> list[FailurePlan]:
    entries = []
    for _ in range(draw(st.sampled_from([3, 5, 2, 1]))):
        pool = [*nodes, *FALLBACKS_ONLY]
        of = draw(
            st.lists(st.sampled_from(pool), min_size=1, max_size=draw(st.sampled_from([1, 2, 3])), unique=True)
        )
        fallback = draw(st.none() | st.lists(st.sampled_from([*NODES, *FALLBACKS_ONLY]), min_size=1, max_size=2))
        entries.append(
            failure(
                of,
                fallback,
                condition=draw(st.integers(0, 3)) == 3,
                propagate_failure=fallback is not None and draw(st.integers(0, 4)) == 0,
            )
        )
    if draw(st.booleans()):  # most nodes have a fallback, so that the flow goes on after failures
        fallbacks = st.sampled_from([None, *FALLBACKS_ONLY, *NODES])
        entries += [failure(name, draw(fallbacks)) for name in nodes if draw(st.integers(0, 4))]
    return entries


def _some(draw: st.DrawFn, names: tuple[str, ...] | list[str], often: int = 2) -> list[str]:
    return [name for name in names if draw(st.integers(0, often)) == often]


@st.composite
def plans(draw: st.DrawFn, *, eager: bool = True, data_flow: bool = False) -> Plan:
    """A plan whose flow ``main`` is random; its sub-flows only have names.

    ``data_flow``: it may have ``args`` and an ``output``, whose templates are stand-ins.
    """
    edges = draw(_edges())
    options: dict[str, Any] = {}
    if draw(st.integers(0, 5)) == 5:
        options["node_args_from_first"] = True
        edges = [edge(None, "A", condition=draw(st.booleans())), *(e for e in edges[1:] if e.sources)]
    nodes = sorted({name for e in edges for name in e.destinations})
    failures = draw(_failures(nodes)) if draw(st.integers(0, 3)) else []
    used = {n for e in edges for n in e.sources} | {n for f in failures for n in f.nodes}
    fallbacks = {n for f in failures for n in f.fallback}
    options["nowait"] = _some(draw, sorted({*nodes, *fallbacks} - used), 3)
    if eager and draw(st.integers(0, 5)) == 5:
        options["eager_failures"] = _some(draw, sorted({*nodes, *fallbacks} - set(options["nowait"])))
    for name in ("node_args", "parent", "parent_failures"):
        options[f"propagate_{name}"] = _some(draw, SUBFLOWS, 1)
    for name in ("finished", "failures"):
        chosen = _some(draw, SUBFLOWS, 1)
        compound = _some(draw, chosen, 1)
        options[f"propagate_{name}"] = sorted(set(chosen) - set(compound))
        options[f"propagate_compound_{name}"] = compound
    options["max_retry"] = draw(st.sampled_from([0, 0, 0, 1, 2]))
    options["retry_countdown"] = draw(st.sampled_from([0.0, 7.0]))
    if data_flow and draw(st.integers(0, 2)) == 2:
        edges = [e._replace(args=A_TEMPLATE) if draw(st.booleans()) else e for e in edges]
        failures = [f._replace(args=A_TEMPLATE) if draw(st.booleans()) else f for f in failures]
        options["output"] = draw(st.sampled_from([None, A_TEMPLATE]))
    return ShownPlan(*plan(flow("main", edges, failures, **options), subflows=SUBFLOWS))


@st.composite
def selective_runs(draw: st.DrawFn, of: Plan) -> SelectiveRun:
    """Any subset of the edges of ``main``, also one that no path would give."""
    rows = {}
    for row in of.flows["main"].edges:
        if draw(st.integers(0, 3)):
            rows[row.index] = tuple(dict.fromkeys(_some(draw, row.destinations, 1)))
    tasks = tuple(_some(draw, TASKS, 1))
    chosen: dict[str, dict[int, tuple[str, ...]]] = {"main": rows}
    for name in _some(draw, SUBFLOWS):
        chosen[name] = {0: (f"{name}Task",)}
    return SelectiveRun(tasks, chosen)


@st.composite
def starts(draw: st.DrawFn, of: Plan, *, selective: bool = True) -> Start:
    """What a run of ``main`` is asked with."""
    return Start(
        draw(st.none() | st.just({"given": [1]})),
        draw(st.none() | st.just({"A": "outside-a", "Far": "outside-far", "Flow": {"T": ["outside-t"]}})),
        draw(st.none() | st.just({"Before": ["outside-failed"]})),
        draw(selective_runs(of)) if selective and draw(st.integers(0, 4)) == 4 else None,
        draw(st.sampled_from(["warn", "warn", "ignore", "fail"])),
    )
