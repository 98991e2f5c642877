"""Flow runs that are migrated on their way, in random states and orders, against a naive second opinion."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from selinon_core.dispatch import FlowRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event, encode_event
from selinon_core.dispatch.rules.migration import tainted_by
from selinon_core.plan import Plan
from tests.dispatch.driver import Start, TooBig
from tests.dispatch.flows import orders, plans, scripts, starts
from tests.dispatch.script import Script
from tests.migrations.edited_plans import STRATEGIES, edited
from tests.migrations.migrating_driver import MigratingSimulation, Move, steps_of

many = settings(max_examples=25, suppress_health_check=list(HealthCheck))


@st.composite
def moves(draw: st.DrawFn, old: Plan, most: int = 2) -> list[Move]:
    """Some migrations on the way, each over a chain of one or two versions."""
    found = []
    after = 0
    for _ in range(draw(st.integers(1, most))):
        chain: list[tuple[Plan, str]] = []
        for _ in range(draw(st.sampled_from([1, 1, 2]))):
            old = draw(edited(old))
            chain.append((old, draw(STRATEGIES)))
        after += draw(st.integers(1, 9))
        found.append(Move(after, tuple(chain), draw(st.sampled_from(["warn", "warn", "ignore", "fail"]))))
    return found


def played(data: st.DataObject, plan: Plan, script: Script, order: Random, **options: Any) -> MigratingSimulation:
    simulation = MigratingSimulation(
        plan,
        script,
        order,
        data.draw(starts(plan, selective=False)),
        data.draw(moves(plan)),
        **options,
    )
    try:
        return simulation.run()
    except TooBig:
        assume(False)
        raise


@many
@given(st.data(), plans(), scripts, orders)
def test_it_goes_on_as_under_the_new_configuration(
    data: st.DataObject, plan: Plan, script: Script, order: Random
) -> None:
    """After every event the same runs were started, asked about and waited for, up to the same end.

    That no active run is lost is seen to at every migration (``MigratingSimulation.migrate``).
    """
    simulation = played(data, plan, script, order)
    assert simulation.machine.ended


@many
@given(st.data(), plans(), scripts, orders)
def test_a_tainted_run_follows_its_strategy(
    data: st.DataObject, plan: Plan, script: Script, order: Random
) -> None:
    simulation = MigratingSimulation(
        plan, script, order, data.draw(starts(plan, selective=False)), data.draw(moves(plan, 1)), check=False
    )
    (move,) = simulation.moves
    simulation.moves = []
    simulation.feed(simulation.start.event())
    while simulation.pending and len(simulation.log) < move.after:
        simulation.step(simulation.pending.pop(order.randrange(len(simulation.pending))))
    machine = simulation.machine
    attempt, ended = machine.attempt, machine.ended
    taints = tainted_by(machine, steps_of(simulation.plan, move.chain))
    effects = simulation.migrate(move)
    retries = [effect for effect in effects if isinstance(effect, do.ScheduleRetry)]
    told = [e.details for e in effects if isinstance(e, do.TraceNote) and e.event == "MIGRATION_TAINTED_FLOW"]
    assert [each["tainted_flow_strategy"] for each in told] == [taint.strategy for taint in taints]
    strategies = {taint.strategy for taint in taints}
    if "FAIL" in strategies:
        assert machine.ended
        assert not ended
        assert not simulation.outcome.succeeded
        assert not retries
    elif "RETRY" in strategies:
        assert len(retries) == 1
        assert not machine.active
        if machine.table.flow.max_retry == 0:
            simulation.step(("retry", 0))
            assert machine.attempt == attempt + 1, "a retry for a migration is not counted"
    assert strategies or not taints


@many
@given(st.data(), plans(), scripts, orders)
def test_a_log_with_migrations_can_be_replayed(
    data: st.DataObject, plan: Plan, script: Script, order: Random
) -> None:
    """The log as text, with nothing but the texts of the shapes it names, leads to the same state and effects."""
    simulation = played(data, plan, script, order, check=False)
    shapes = simulation.shapes
    first = shapes.recorded(simulation.first_shape)
    again = FlowRun(first.table, "run-{}".format, first.on_unreached, shapes.recorded)
    for event, effects in zip(simulation.log, simulation.effects, strict=True):
        told = again.advance(decode_event(json.loads(encode_event(event))))
        assert [_shown(effect) for effect in told] == [_shown(effect) for effect in effects]
    assert again.outcome is not None
    assert again.outcome.to_json() == simulation.outcome.to_json()
    assert (again.considered, again.fired) == (simulation.machine.considered, simulation.machine.fired)


def _shown(effect: do.Effect) -> Any:
    if isinstance(effect, (do.StartTask, do.StartFlow)):
        run = effect.node_run
        return run.number, run.name, run.is_flow, run.edge, run.args, run.failures, effect.parent
    if isinstance(effect, do.FinishFlow):
        return effect.outcome.to_json()
    return type(effect).__name__, getattr(effect, "question", None)


@many
@given(st.data(), plans(), scripts, orders)
def test_one_by_one_is_the_same_as_all_at_once(
    data: st.DataObject, plan: Plan, script: Script, order: Random
) -> None:
    """A chain of migrations that taint nothing leads where its steps lead one after another."""
    middle = data.draw(edited(plan, graph_only=True))
    last = data.draw(edited(middle, graph_only=True))
    start = data.draw(starts(plan, selective=False))
    after = data.draw(st.integers(1, 9))
    seed = order.randrange(10**6)
    ways = []
    chain = ((middle, "IGNORE"), (last, "IGNORE"))
    for parts in (chain,), (chain[:1], chain[1:]):
        simulation = MigratingSimulation(plan, script, Random(seed), start, (), check=False)
        simulation.feed(start.event())
        while simulation.pending and (len(simulation.log) < after or simulation.machine.open_questions):
            assume(len(simulation.log) < 60)  # a cycle may ask for ever
            simulation.step(simulation.pending.pop(simulation.order.randrange(len(simulation.pending))))
        for part in parts:
            simulation.migrate(Move(0, part, start.on_unreached))
        ways.append(_state(simulation.machine))
    assert ways[0] == ways[1]


def _state(machine: FlowRun) -> dict[str, Any]:
    return {
        "active": [run.number for run in machine.active],
        "considered": machine.considered,
        "fired": machine.fired,
        "missing": machine.current.pending_sources,
        "no": machine.current.edges_not_taken,
        "ended": machine.ended,
        "quiet": machine.completions_until_decision(),
        "fired_in_attempt": machine.fired_in_attempt(),
    }


def test_selective_runs_keep_to_what_they_want() -> None:
    """A new edge on a way to a wanted task is taken, any other is not."""
    from selinon_core.dispatch import select
    from tests.dispatch.plans import edge, flow, plan

    old = plan(flow("main", [edge(None, "A"), edge("A", "B"), edge("B", "C")]))
    new = plan(flow("main", [edge(None, "A"), edge("A", "D"), edge("A", "X"), edge("D", "B"), edge("B", "C")]))
    start = Start(selective=select(old, "main", ["B"]))
    simulation = MigratingSimulation(old, Script(fails=0, reused=0), Random(0), start, (), check=False)
    simulation.feed(start.event())
    simulation.feed(on.ReuseAnswered(1, None))
    effects = simulation.migrate(Move(0, ((new, "IGNORE"),)))
    assert not [effect for effect in effects if isinstance(effect, do.StartTask)]
    asked = simulation.feed(on.NodeSucceeded(1))
    questions = [effect.name for effect in asked if isinstance(effect, do.AskReuse)]
    assert questions == ["D"]


def test_a_join_still_counts_the_first_node_once_its_result_was_read() -> None:
    """With ``node_args_from_first`` the first node has finished once its result was read, and not before."""
    from tests.dispatch.plans import edge, flow, plan

    edges = [edge(None, "A"), edge("A", "B"), edge(["A", "B"], "C")]
    old = plan(flow("main", edges, node_args_from_first=True))
    new = plan(flow("main", [*edges, edge("C", "D")], node_args_from_first=True))
    for migrated_while_read in (True, False):
        simulation = MigratingSimulation(old, Script(fails=0, reused=0), Random(0), Start(), (), check=False)
        simulation.feed(Start().event())
        simulation.feed(on.NodeSucceeded(1))
        if migrated_while_read:
            simulation.migrate(Move(0, ((new, "IGNORE"),)))
            simulation.feed(on.FirstResultAnswered(2, None))
        else:
            simulation.feed(on.FirstResultAnswered(1, None))
            simulation.migrate(Move(0, ((new, "IGNORE"),)))
        effects = simulation.feed(on.NodeSucceeded(2))
        assert [effect.node_run.name for effect in effects if isinstance(effect, do.StartTask)] == ["C"]


def test_an_edge_whose_foreach_is_asked_once_more_has_fired_once() -> None:
    """The question is dropped by a migration and put again; the edge was counted when its condition held."""
    from tests.dispatch.plans import edge, flow, plan

    edges = [edge(None, "A"), edge("A", "B", foreach=True)]
    old = plan(flow("main", edges))
    new = plan(flow("main", [*edges, edge("B", "C")]))
    simulation = MigratingSimulation(old, Script(fails=0, reused=0), Random(0), Start(), (), check=False)
    simulation.feed(Start().event())
    simulation.feed(on.NodeSucceeded(1))
    (asked,) = (
        effect for effect in simulation.migrate(Move(0, ((new, "IGNORE"),))) if isinstance(effect, do.AskForeach)
    )
    simulation.feed(on.ForeachAnswered(asked.question, [1, 2]))
    assert simulation.machine.fired == {0: 1, 1: 1}
    assert simulation.machine.considered == {0: 1, 1: 1}
