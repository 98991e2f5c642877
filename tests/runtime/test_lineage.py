"""Names of node runs: they depend on what led to a run, never on the order in which things happened."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from selinon_core.dispatch import effects as do
from selinon_core.local import LocalRun
from selinon_core.plan import Plan
from selinon_core.runtime.lineage import Lineage
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from tests.dispatch.driver import Simulation, TooBig, clear_parents
from tests.dispatch.flows import orders, plans, scripts, starts
from tests.dispatch.plans import edge, failure, flow, plan
from tests.dispatch.script import Script
from tests.local import trying
from tests.local.trying import build, each, failing, holding

RELAXED = settings(deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))


# -- in any order -----------------------------------------------------------------------------------------------


class Lived:
    """A run of the machine in a scripted world, its lineage, and the keys of the second opinion by id."""

    def __init__(self, plan: Plan, script: Script, order: Random, **more: Any) -> None:
        try:
            self.simulation = Simulation(plan, "main", script, order, **more).run()
        except TooBig:
            assume(False)
        self.lineage = lineage_of(self.simulation)
        self.reference = self.simulation.key_of_id

    def by_reference(self, what: str) -> dict[str, Any]:
        """What the lineage says of each run, by the key that ``tests.dispatch.reference`` gives it."""
        say = getattr(self.lineage, what)
        return {key: say(id) for id, key in self.reference.items()}

    def is_clear(self) -> bool:
        """Whether what fallbacks are given does not depend on the order, as rule 8 of the machine allows."""
        runs = self.simulation.runs
        failed = [(r.flow_attempt, r.name) for r in started(self.simulation) if r.status == "failure"]
        clear = all(clear_parents(runs, run) for run in runs.values() if run.edge is None)
        return clear and len(failed) == len(set(failed))


def started(simulation: Simulation) -> list[Any]:
    starting = (do.StartTask, do.StartFlow, do.ReuseNode, do.FailNode)
    return [e.node_run for effects in simulation.effects for e in effects if isinstance(e, starting)]


def lineage_of(simulation: Simulation) -> Lineage:
    start, flow = simulation.start, simulation.plan.flows["main"]
    about = (start.args, start.parent or {}, start.failures, start.selective)
    root = FlowRecord(flow, "root", simulation.machine, *about, None, None)
    return Lineage(root, [NodeRecord(run, root, None) for run in started(simulation)])


@given(st.data(), plans(eager=False), scripts, orders, orders)
@RELAXED
def test_names_do_not_depend_on_the_order(
    data: st.DataObject, plan: Plan, script: Script, one: Random, other: Random
) -> None:
    start = data.draw(starts(plan, selective=False))
    first, second = (Lived(plan, script, order, start=start) for order in (one, other))
    for name in ("key", "label", "item"):
        assert first.by_reference(name) == second.by_reference(name)


@given(st.data(), plans(eager=False), scripts, orders, orders)
@RELAXED
def test_runs_that_differ_in_order_only_have_one_canonical_form(
    data: st.DataObject, plan: Plan, script: Script, one: Random, other: Random
) -> None:
    start = data.draw(starts(plan, selective=False))
    first, second = (Lived(plan, script, order, start=start) for order in (one, other))
    assume(first.is_clear())
    assert first.lineage.canonical() == second.lineage.canonical()


@given(st.data(), plans(), scripts, orders)
@RELAXED
def test_names_tell_all_runs_apart_and_refer_to_them(
    data: st.DataObject, plan: Plan, script: Script, order: Random
) -> None:
    lived = Lived(plan, script, order, start=data.draw(starts(plan)))
    ids = list(lived.reference)
    keys = [lived.lineage.key(id) for id in ids]
    assert len(set(keys)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{16}", key) for key in keys)
    assert len({lived.lineage.label(id) for id in ids}) == len(ids)
    for id in ids:
        assert [record.run.id for record in lived.lineage.in_order(lived.lineage.label(id))] == [id]
    assert sorted(record.run.id for record in lived.lineage.ordered) == sorted(ids)


@given(st.data(), plans(), scripts, orders)
@RELAXED
def test_sources_come_before_what_they_start(
    data: st.DataObject, plan: Plan, script: Script, order: Random
) -> None:
    lived = Lived(plan, script, order, start=data.draw(starts(plan)))
    place = {record.run: index for index, record in enumerate(lived.lineage.ordered)}
    for run in place:
        if run.edge is not None:
            assert all(place[source] < place[run] for source in run.sources)


@given(st.data(), plans(eager=False), scripts, orders)
@RELAXED
def test_keys_survive_a_reordering_of_the_file(
    data: st.DataObject, plan: Plan, script: Script, order: Random
) -> None:
    """Edges with the same ends excepted, which only their order tells apart."""
    main = plan.flows["main"]
    ends = [(sorted(e.sources), sorted(e.destinations)) for e in main.edges]
    assume(all(ends.count(e) == 1 for e in ends) and not main.node_args_from_first)
    moved = data.draw(st.permutations(main.edges))
    everything = script._replace(fails=0, holds=100, refused=0)
    other = plan._replace(flows={**plan.flows, "main": flow_with(main, moved)})
    assume(not any(e.condition or e.foreach for e in main.edges))  # which the script answers by their indexes
    first, second = Lived(plan, everything, order), Lived(Plan(*other), everything, order)
    assert sorted(first.by_reference("key").values()) == sorted(second.by_reference("key").values())


def flow_with(main: Any, edges: Any) -> Any:
    return main._replace(edges=tuple(e._replace(index=index) for index, e in enumerate(edges)))


def test_a_second_attempt_of_a_flow_has_keys_of_its_own_unless_attempts_do_not_count() -> None:
    run = trying.play(build({"main": {"edges": ["-> A", "A -> B"], "max_retry": 1}}), does={"B": failing(1)})
    lineage = run.facts.lineage
    of_a = [record.run.id for record in lineage.in_order("A")]
    assert len({lineage.key(id) for id in of_a}) == 2
    assert len({lineage.key(id, with_attempt=False) for id in of_a}) == 1
    assert labels(run) == ["A#1", "B#1", "A#2", "B#2"]


# -- keys -------------------------------------------------------------------------------------------------------


def test_edges_with_the_same_ends_are_told_apart_by_their_order() -> None:
    rows = [edge(None, "A"), edge("A", "B", condition=True), edge("A", "B", condition=True)]
    always = Script(fails=0, holds=100)
    keys = {
        tuple(sorted((run.edge, lived.lineage.key(run.id)) for run in started(lived.simulation)))
        for lived in (Lived(plan(flow("main", rows)), always, Random(seed)) for seed in range(10))
    }
    assert len(keys) == 1


def test_a_fallback_has_one_name_whichever_failed_run_it_takes() -> None:
    rows, entries = [edge(None, "A A A"), edge("X", "Z")], [failure("A", "X")]
    always = Script(fails=100, seed=3)
    forms = {
        tuple(sorted(lived.by_reference("key").values()))
        for lived in (Lived(plan(flow("main", rows, entries)), always, Random(seed)) for seed in range(10))
    }
    assert len(forms) == 1


def test_the_runs_in_two_runs_of_a_sub_flow_have_different_keys() -> None:
    run = trying.play(build({"main": "-> S S", "S": "-> A"}))
    lineage = run.facts.lineage
    assert len({lineage.key(node["id"]) for node in run.nodes}) == 4


def test_the_flow_is_part_of_the_key() -> None:
    keys = [trying.play(build({name: "-> A"})).facts.lineage for name in ("main", "other")]
    first, second = (lineage.key(lineage.in_order("A")[0].run.id) for lineage in keys)
    assert first != second


def test_an_unknown_id_is_an_error() -> None:
    lineage = trying.play(build({"main": "-> A"})).facts.lineage
    for ask in (lineage.key, lineage.label, lineage.item):
        with pytest.raises(KeyError):
            ask("nothing")


# -- order ------------------------------------------------------------------------------------------------------


def test_a_fan_out_is_in_the_order_of_its_items() -> None:
    does = {"items": lambda *_: [3, 1, 2], "A": lambda task, args: args}
    run = trying.play(build({"main": [("-> A B A", each(True))]}), does=does, seed=5)
    runs = run.facts.lineage.in_order("A")
    assert [record.run.args for record in runs] == [3, 3, 1, 1, 2, 2]
    assert [run.facts.lineage.item(record.run.id) for record in runs] == [0, 0, 1, 1, 2, 2]


def test_what_no_foreach_started_has_no_item() -> None:
    run = trying.play(build({"main": "-> A"}))
    assert run.facts.lineage.item(run.nodes[0]["id"]) is None


def test_numbers_in_labels_count_by_number_and_not_by_text() -> None:
    does = {"items": lambda *_: list(range(12))}
    plan = build({"main": [("-> A", each(True)), "A -> B"]})
    run = trying.play(plan, does=does, seed=2)
    assert [record.sources[0].args for record in (r.run for r in run.facts.lineage.in_order("B"))] == list(
        range(12)
    )
    assert labels(run)[-1] == "B#12"


def test_a_cycle_is_in_the_order_of_its_rounds() -> None:
    said = iter([True, True, False])
    plan = build({"main": ["-> A", ("A -> A", holding()), "A -> B"]})
    run = trying.play(plan, does={"holds": lambda *_: next(said)})
    assert labels(run) == ["A#1", "A#2", "B#1", "A#3", "B#2", "B#3"]


def test_a_fallback_comes_after_everything_before_its_step() -> None:
    plan = build({"main": {"edges": ["-> A B", "B -> C", "C -> D"], "failures": ["A -> X"]}})
    run = trying.play(plan, does={"A": failing(1)})
    assert labels(run) == ["A", "B", "C", "D", "X"]


# -- labels and references --------------------------------------------------------------------------------------


def labels(run: LocalRun) -> list[str]:
    lineage = run.facts.lineage
    return [lineage.label(record.run.id) for record in lineage.ordered]


def test_labels_name_the_flows_on_the_way() -> None:
    run = trying.play(build({"main": ["-> A", "A -> S S"], "S": "-> A T", "T": ["-> A B"]}))
    inside = ["S/A#1", "S/T#1", "S>T/A#1", "S>T/B#1"], ["S/A#2", "S/T#2", "S>T/A#2", "S>T/B#2"]
    assert labels(run) == ["A", "S#1", *inside[0], "S#2", *inside[1]]


def test_references_select_by_the_innermost_flows() -> None:
    run = trying.play(build({"main": ["-> A", "A -> S T"], "S": "-> A T", "T": "-> A B"}))
    lineage = run.facts.lineage

    def names(reference: str) -> list[str]:
        return [lineage.label(record.run.id) for record in lineage.in_order(reference)]

    assert names("A") == names("main/A") == ["A"]
    assert names("T/A") == ["S>T/A", ">T/A"]
    assert names("T/A#2") == names(">T/A") == names("main/T/A") == [">T/A"]
    assert names("S/T/A") == names("S>T/A") == ["S>T/A"]
    assert names("B") == names("S/B") == names("nothing") == names("x/A") == names("A#2") == names("A#0") == []


def test_a_deep_recursion_has_short_labels() -> None:
    depth = iter([True] * 40 + [False])
    plan = build({"main": ["-> A", ("A -> main", holding())]})
    run = trying.play(plan, does={"holds": lambda *_: next(depth)})
    lineage = run.facts.lineage
    assert max(map(len, labels(run))) < 100
    assert len(set(labels(run))) == 81
    assert len(lineage.in_order("main/A")) == 41
    assert len(lineage.in_order("main/main/A")) == 40


# -- the canonical form -----------------------------------------------------------------------------------------


def test_the_canonical_form_has_labels_for_ids() -> None:
    flow = {"edges": ["-> A S", "A S -> B"], "failures": ["B -> C"], "propagate_finished": True}
    plan = build({"main": flow, "S": "-> D D"})
    run = trying.play(plan, {"given": 1}, {"A": lambda *_: {"a": [1]}, "B": failing(1, KeyError("b"))}, seed=3)
    rows = {row.label: row for row in run.facts.lineage.canonical()}
    assert list(rows) == ["A", "S", "S/D#1", "S/D#2", "B", "C"]
    assert rows["A"].result == {"a": [1]}
    assert rows["A"].args == {"given": 1}
    assert rows["B"].parent == {"A": "A", "S": {"D": ["S/D#1", "S/D#2"]}}
    assert (rows["B"].status, rows["B"].error) == ("failure", "KeyError: 'b'")
    assert rows["C"].failures == {"B": ["B"]}
    assert (rows["S"].kind, rows["S"].result, rows["S/D#1"].flow) == ("flow", None, "S")


def test_runs_with_other_seeds_have_the_same_canonical_form() -> None:
    flow = {"edges": [("-> A", each(True)), ("A -> B", each()), "A B -> S"], "failures": ["S -> X"]}
    plan = build({"main": flow, "S": "-> C D"})

    def play(seed: int) -> LocalRun:
        does = {
            "items": lambda *_: [1, 2, 3],
            "A": lambda task, args: args,
            "C": lambda task, args: 1 // 0,
        }
        return trying.play(plan, does=does, seed=seed)

    expected = play(0)
    for seed in range(1, 6):
        run = play(seed)
        assert [node["id"] for node in run.nodes] != [node["id"] for node in expected.nodes]
        assert run.facts.lineage.canonical() == expected.facts.lineage.canonical()
