"""Questions about args and outputs that are open when the flow changes are asked as they are written now."""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch import FlowRun, flow_indexes
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.replay_definition import ReplayDefinition, definition_text, read_definition
from selinon_core.plan import FlowPlan
from tests.dispatch.plans import A_TEMPLATE, edge, failure, flow, plan


def migrated(was: FlowPlan, now: FlowPlan, *events: on.Event) -> tuple[FlowRun, list[do.Effect]]:
    """A run after these events, and what follows when the flow changes without a change of its graph."""
    table = flow_indexes(plan(now))["main"]
    machine = FlowRun(
        flow_indexes(plan(was))["main"], "run-{}".format, "warn", lambda name: ReplayDefinition(table, "warn")
    )
    machine.advance(on.FlowStarted("given"))
    for event in events:
        machine.advance(event)
    return machine, machine.advance(on.Migrated("new", 0, 0))


def started(effects: list[do.Effect]) -> list[Any]:
    return [(e.node_run.name, e.node_run.args) for e in effects if isinstance(e, do.StartTask)]


def test_an_edge_that_keeps_its_args_asks_again() -> None:
    both = flow("main", [edge(None, "A", foreach=True, args=True)])
    machine, effects = migrated(both, both, on.ForeachAnswered(1, ["p", "q"]))
    (asked,) = effects
    assert isinstance(asked, do.AskArgs)
    assert (asked.question, asked.items) == (3, ["p", "q"])
    assert machine.advance(on.ArgsAnswered(2, [[0, 1], [0, 2]])) == []
    assert started(machine.advance(on.ArgsAnswered(3, [[0, 3], [0, 4]]))) == [("A", 3), ("A", 4)]


def test_an_edge_that_lost_its_args_starts_its_nodes() -> None:
    was, now = flow("main", [edge(None, "A", args=True)]), flow("main", [edge(None, "A")])
    assert started(migrated(was, now)[1]) == [("A", "given")]


def test_what_was_started_keeps_its_arguments_and_later_combinations_get_args() -> None:
    was = flow("main", [edge(None, "A A"), edge("A", "B")])
    now = flow("main", [edge(None, "A A"), edge("A", "B", args=True)])
    machine, effects = migrated(was, now, on.NodeSucceeded(1))
    assert effects == []
    assert [(run.name, run.args) for run in machine.active] == [("A", "given"), ("B", "given")]
    (asked,) = machine.advance(on.NodeSucceeded(2))
    assert isinstance(asked, do.AskArgs)


def test_a_fallback_asks_again_or_starts_or_gives_its_failed_run_back() -> None:
    rows = [edge(None, "X")]
    was = flow("main", rows, [failure("X", "F", args=True)])
    (asked,) = migrated(was, was, on.NodeFailed(1))[1]
    assert isinstance(asked, do.AskArgs)
    without = flow("main", rows, [failure("X", "F")])
    assert started(migrated(was, without, on.NodeFailed(1))[1]) == [("F", "given")]
    other = flow("main", rows, [failure("X", "G")])
    assert started(migrated(was, other, on.NodeFailed(1))[1]) == [("G", "given")]
    machine, _ = migrated(was, flow("main", rows), on.NodeFailed(1))
    assert machine.outcome is not None
    assert machine.outcome.failed == {"X": ["run-1"]}


def test_an_output_is_asked_for_again_or_not_any_more() -> None:
    was = flow("main", [edge(None, "A")], output=A_TEMPLATE)
    (asked,) = migrated(was, was, on.NodeSucceeded(1))[1]
    assert isinstance(asked, do.AskOutput)
    machine, _ = migrated(was, flow("main", [edge(None, "A")]), on.NodeSucceeded(1))
    assert machine.outcome is not None
    assert (machine.outcome.succeeded, machine.outcome.has_output) == (True, False)


def test_the_definition_says_what_asks() -> None:
    asking = flow("main", [edge(None, "A", args=True)], [failure("A", "F", args=True)], output=A_TEMPLATE)
    silent = flow("main", [edge(None, "A")], [failure("A", "F")])
    texts = [definition_text(flow_indexes(plan(each))["main"], "warn") for each in (asking, silent)]
    assert texts[0] != texts[1]
    for text in texts:
        assert definition_text(read_definition(text).table, "warn") == text
