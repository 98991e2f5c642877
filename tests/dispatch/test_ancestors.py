"""Which run of a node a name means, and the one order of finished runs."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hypothesis import HealthCheck, assume, given, settings

from selinon_core.dispatch import NodeRun, SelectiveRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.ancestors import failed_run_meant, in_canonical_order, runs_meant
from selinon_core.plan import Plan
from tests.dispatch.driver import NEW_RUNS, Simulation, TooBig
from tests.dispatch.flows import orders, plans, scripts
from tests.dispatch.plans import edge, failure, flow, plan
from tests.dispatch.play import Play, answer_to
from tests.dispatch.script import Script

RELAXED = settings(deadline=None, suppress_health_check=list(HealthCheck))


def numbers(runs: tuple[NodeRun, ...]) -> list[int]:
    return [run.number for run in runs]


def meant(play: Play, node: str, name: str) -> list[int]:
    """The numbers of the runs that a name means for the combination of the only run of a node."""
    return numbers(runs_meant(play.start(node).node_run.sources, name))


# -- which run is meant -----------------------------------------------------------------------------------------


def test_a_member_of_the_combination_wins_over_its_own_ancestors() -> None:
    rows = [edge(None, "B"), edge("B", "A", condition=True), edge("A", "B"), edge("A B", "C", condition=True)]
    play = Play(plan(flow("main", rows))).ok("B").answer(True).ok("A").answer(False)
    play.ok("B").answer(False, True)  # no A again; the join of A with the second B holds
    assert meant(play, "C", "B") == [3]


def test_behind_a_cycle_the_last_run_is_meant_and_the_one_before_the_cycle() -> None:
    rows = [
        edge(None, "Outline"),
        edge("Outline", "Draft"),
        edge("Draft", "Review"),
        edge("Review", "Draft", condition=True),
        edge("Review", "Publish", condition=True),
    ]
    play = Play(plan(flow("main", rows))).ok("Outline", "Draft", "Review").answer(True, False)
    play.ok("Draft", "Review").answer(False, True)
    assert play.names == ["Outline", "Draft", "Review", "Draft", "Review", "Publish"]
    assert meant(play, "Publish", "Draft") == [4]
    assert meant(play, "Publish", "Outline") == [1]


def test_in_a_loop_on_one_node_the_run_that_just_ended_is_meant() -> None:
    play = Play(plan(flow("main", [edge(None, "Improve"), edge("Improve", "Improve", condition=True)])))
    play.ok("Improve").answer(True).ok("Improve").answer(True)
    assert [numbers(runs_meant(s.node_run.sources, "Improve")) for s in play.starts()] == [[], [1], [2]]


def test_a_branch_without_the_node_means_none() -> None:
    rows = [edge(None, "A"), edge("A", "B", condition=True), edge("A", "C"), edge("C", "D")]
    play = Play(plan(flow("main", rows))).ok("A").answer(False).ok("C")
    assert meant(play, "D", "B") == []
    assert meant(play, "D", "A") == [1]


def test_a_join_of_two_lineages_is_ambiguous() -> None:
    rows = [edge(None, "List List"), edge("List", "A B"), edge("A B", "C")]
    play = Play(plan(flow("main", rows))).ok("List", "List", "A", "B").ok("A", "B")
    joins = [start.node_run.sources for start in play.starts("C")]
    found = {tuple(numbers(sources)): numbers(runs_meant(sources, "List")) for sources in joins}
    assert found == {(3, 4): [1], (5, 4): [2, 1], (3, 6): [1, 2], (5, 6): [2]}


def test_the_ancestors_of_handled_runs_are_in_reach_and_the_failed_run_is_no_result() -> None:
    rows = [edge(None, "Source"), edge("Source", "X"), edge("F", "G")]
    play = Play(plan(flow("main", rows, [failure("X", "F")]))).ok("Source").fail("X").ok("F")
    assert meant(play, "F", "X") == meant(play, "G", "X") == []
    assert meant(play, "F", "Source") == meant(play, "G", "Source") == [1]
    for node in ("F", "G"):
        handled = failed_run_meant(play.start(node).node_run.sources, "X")
        assert handled is not None
        assert (handled.number, handled.status) == (2, "failure")
        assert failed_run_meant(play.start(node).node_run.sources, "Source") is None


def test_nothing_behind_a_failed_run_of_the_node_is_found() -> None:
    rows = [edge(None, "X"), edge("X", "Y", condition=True), edge("Y", "X"), edge("F", "G")]
    play = Play(plan(flow("main", rows, [failure("X", "F")]))).ok("X").answer(True).ok("Y").fail("X").ok("F")
    assert meant(play, "G", "X") == []
    assert meant(play, "G", "Y") == [2]


def test_failed_runs_handled_by_one_entry_name_different_runs_of_their_source() -> None:
    rows = [edge(None, "Source Source"), edge("Source", "X", condition=True), edge("Source", "Y", condition=True)]
    play = Play(plan(flow("main", rows, [failure("X Y", "F")]))).ok("Source").answer(True, False)
    play.ok("Source").answer(False, True).fail("X", "Y")
    assert meant(play, "F", "Source") == [1, 2]


def test_of_several_failed_runs_of_a_node_the_later_started_is_meant() -> None:
    rows = [edge(None, "X X"), edge("F", "G"), edge("F", "H"), edge("G H", "J")]
    play = Play(plan(flow("main", rows, [failure("X", "F")]))).fail("X", "X").ok("F", "F", "G", "H", "G", "H")
    mixed = [s.node_run.sources for s in play.starts("J")]
    assert len(mixed) == 4
    found = {tuple(numbers(sources)): failed_run_meant(sources, "X") for sources in mixed}
    assert sorted(run.number for run in found.values() if run is not None) == [1, 2, 2, 2]


def test_a_long_loop_is_walked_once_and_no_stack_is_used_up() -> None:
    rows = [edge(None, "First"), edge("First", "Step"), edge("Step", "Step", condition=True)]
    play = Play(plan(flow("main", rows))).ok("First")
    step = play.start("Step").node_run
    for _ in range(20_000):
        play.machine.advance(on.NodeSucceeded(step.number))
        play.machine.advance(answer_to(play.question, True))
        (step,) = play.machine.active
    assert numbers(runs_meant(step.sources, "First")) == [1]
    order = in_canonical_order(play.machine.current.finished)["Step"]
    assert numbers(order) == list(range(2, 20_002))


# -- the place among equal runs ---------------------------------------------------------------------------------


def test_a_run_knows_the_place_of_its_item_and_a_fallback_its_entry() -> None:
    rows = [edge(None, "A A B", foreach=True, propagate_result=True)]
    play = Play(plan(flow("main", rows, [failure("C", "X"), failure("B", "Y")]))).answer(["p", "q"])
    assert [(run.name, run.position, run.args) for run in play.machine.active] == [
        *[("A", 0, "p"), ("A", 0, "p"), ("B", 0, "p")],
        *[("A", 1, "q"), ("A", 1, "q"), ("B", 1, "q")],
    ]
    play.ok("A", "A", "A", "A", "B").fail("B")
    assert play.start("Y").node_run.position == 1


def test_the_place_of_an_item_outlives_the_question_whether_an_earlier_run_can_be_reused() -> None:
    selective = SelectiveRun(("B",), {"main": {0: ("A",)}})
    play = Play(plan(flow("main", [edge(None, "A", foreach=True)])), selective=selective).answer(["p", "q"])
    play.answer(None, "earlier")
    assert [run.position for run in play.machine.active] == [0]
    assert [effect.node_run.position for effect in play.of(do.ReuseNode)] == [1]


# -- against a second opinion -----------------------------------------------------------------------------------


def ways_up(run: NodeRun, name: str) -> Iterator[NodeRun]:
    if run.name == name:
        yield run
        return
    for source in run.sources:
        yield from ways_up(source, name)


@given(plans(data_flow=True), scripts, orders)
@RELAXED
def test_every_name_means_what_all_ways_up_lead_to(plan: Plan, script: Script, order: Random) -> None:
    simulation = simulated(plan, script, order)
    for run in runs_of(simulation):
        for name in {ancestor.name for ancestor in runs_of(simulation)}:
            members = [source for source in run.sources if source.name == name]
            first = {found.number for source in members or run.sources for found in ways_up(source, name)}
            failed = {n for n in first if run_numbered(simulation, n).status == "failure"}
            assert {found.number for found in runs_meant(run.sources, name)} == first - failed


@given(plans(eager=False, data_flow=True), scripts, orders, orders)
@RELAXED
def test_lineage_and_order_do_not_depend_on_the_order_of_completions(
    plan: Plan, script: Script, one: Random, other: Random
) -> None:
    """Without fallbacks: which failed run of a name meets one follows the order."""
    main = plan.flows["main"]._replace(failures=())
    plan = Plan(plan.tasks, {**plan.flows, "main": main}, {}, plan.settings)
    first, second = simulated(plan, script, one), simulated(plan, script, other)
    assert canonical_keys(first) == canonical_keys(second)
    assert lineages(first) == lineages(second)


def simulated(plan: Plan, script: Script, order: Random) -> Simulation:
    try:
        return Simulation(plan, "main", script, order).run()
    except TooBig:
        assume(False)
        raise


def runs_of(simulation: Simulation) -> list[NodeRun]:
    effects = [effect for effects in simulation.effects for effect in effects]
    return [e.node_run for e in effects if isinstance(e, NEW_RUNS)]


def run_numbered(simulation: Simulation, number: int) -> NodeRun:
    return next(run for run in runs_of(simulation) if run.number == number)


def canonical_keys(simulation: Simulation) -> dict[str, list[str]]:
    finished = simulation.machine.current.finished
    return {
        name: [simulation.keys[run.number] for run in runs] for name, runs in in_canonical_order(finished).items()
    }


def lineages(simulation: Simulation) -> dict[str, dict[str, list[str]]]:
    names = {run.name for run in runs_of(simulation)}
    return {
        simulation.keys[run.number]: {
            name: [simulation.keys[found.number] for found in runs_meant(run.sources, name)] for name in names
        }
        for run in runs_of(simulation)
    }
