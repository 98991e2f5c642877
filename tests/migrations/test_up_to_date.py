"""What a worker does to a run it finds: nothing, a step, a policy, or leaving it to others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selinon_core.dispatch import FlowRun, flow_indexes
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.replay_definition import definition_hash, definition_text, read_definition
from selinon_core.errors import MigrationError, MigrationSkew, UnexpectedEvent
from selinon_core.migrations.compare import compare_plans
from selinon_core.migrations.files import migration_text
from selinon_core.migrations.repository import Migrations
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan
from selinon_core.plan.flow_diff import MigrationStep
from tests.dispatch.plans import SETTINGS, edge, failure, flow, plan

OLD = plan(flow("f", [edge(None, "A"), edge("A", "B")]), flow("g", [edge(None, "A")]))
NEW = plan(flow("f", [edge(None, "A"), edge("A", "C"), edge("A", "B")]), flow("g", [edge(None, "A")]))


class Store:
    """Texts of definitions by hash, as a state store keeps them."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def worker(self, of: Plan, directory: Path | None) -> FlowVersions:
        flows = FlowVersions(
            of,
            flow_indexes(of),
            Migrations.load(None if directory is None else str(directory)),
            self.texts.get,
        )
        for name in of.flows:
            definition = flows.version(name).definition
            self.texts[definition] = flows.text(definition)
        return flows


def migrated(directory: Path, version: int, old: Plan, new: Plan, strategy: str = "IGNORE") -> None:
    directory.mkdir(exist_ok=True)
    (directory / f"{version}.json").write_text(migration_text(compare_plans(old, new), strategy, None))


def test_a_run_of_the_same_flow_is_left_alone(tmp_path: Path) -> None:
    flows = Store().worker(OLD, tmp_path)
    assert flows.migration("f", flows.version("f")) is None


def test_a_migration_is_applied(tmp_path: Path) -> None:
    store = Store()
    before = store.worker(OLD, tmp_path).version("f")
    migrated(tmp_path, 1, OLD, NEW, "RETRY")
    flows = store.worker(NEW, tmp_path)
    event = flows.migration("f", before)
    assert event is not None
    assert (event.version, event.before, event.forgotten) == (1, 0, None)
    assert [step.strategy for step in event.steps] == ["RETRY"]
    assert flows.version_after("f", event) == flows.version("f")
    assert flows.migration("g", before._replace(definition=flows.version("g").definition)) is None, (
        "no migration concerns it"
    )


def test_old_and_new_workers_side_by_side(tmp_path: Path) -> None:
    """The old ones leave new runs to the new ones, except of flows that did not change."""
    store = Store()
    old = store.worker(OLD, tmp_path / "old")
    migrated(tmp_path / "new", 1, OLD, NEW)
    new = store.worker(NEW, tmp_path / "new")
    with pytest.raises(MigrationSkew):
        old.migration("f", new.version("f"))
    assert old.migration("g", new.version("g")) is None
    assert new.migration("f", old.version("f")) is not None


@pytest.mark.parametrize("policy", ["fail", "ignore", "retry"])
def test_a_forgotten_migration(tmp_path: Path, policy: str) -> None:
    store = Store()
    before = store.worker(OLD, tmp_path).version("f")
    new = Plan(*NEW)._replace(settings=SETTINGS._replace(on_graph_change=policy))
    event = store.worker(Plan(*new), tmp_path).migration("f", before)
    assert event is not None
    assert event.forgotten == policy.upper()
    (step,) = event.steps
    assert step.change == compare_plans(OLD, NEW).changes["f"]


def test_a_change_that_is_none_of_the_graph(tmp_path: Path) -> None:
    """A condition and a fallback more: other events follow, but no migration is needed."""
    store = Store()
    was = store.worker(OLD, tmp_path)
    other = plan(flow("f", [edge(None, "A"), edge("A", "B", condition=True)], [failure("A", "B")]), OLD.flows["g"])
    event = store.worker(other, tmp_path).migration("f", was.version("f"))
    assert event is not None
    assert (event.steps, event.forgotten, event.version) == ((), None, 0)


def test_there_and_back_again_may_taint(tmp_path: Path) -> None:
    store = Store()
    before = store.worker(OLD, tmp_path / "none").version("f")
    migrated(tmp_path / "m", 1, OLD, NEW)
    migrated(tmp_path / "m", 2, NEW, OLD)
    event = store.worker(OLD, tmp_path / "m").migration("f", before)
    assert event is not None
    assert len(event.steps) == 2


def test_an_unknown_shape(tmp_path: Path) -> None:
    stamp = Store().worker(OLD, tmp_path).version("f")
    with pytest.raises(MigrationError, match="is not known"):
        Store().worker(NEW, tmp_path).migration("f", stamp)


def run_with(flows: FlowVersions, name: str) -> FlowRun:
    definition = flows.definition(flows.version(name).definition)
    run = FlowRun(definition.table, "id-{}".format, definition.on_unreached, flows.definition)
    run.advance(on.FlowStarted())
    return run


def names(effects: list[do.Effect], kind: type[Any] = do.StartTask) -> list[str]:
    return [effect.node_run.name for effect in effects if isinstance(effect, kind)]


@pytest.mark.parametrize("policy", ["fail", "ignore", "retry"])
def test_what_the_policy_does_to_a_run_that_is_not_even_tainted(tmp_path: Path, policy: str) -> None:
    store = Store()
    was = store.worker(OLD, tmp_path)
    run = run_with(was, "f")
    new = Plan(*Plan(*NEW)._replace(settings=SETTINGS._replace(on_graph_change=policy)))
    flows = store.worker(new, tmp_path)
    event = flows.migration("f", was.version("f"))
    assert event is not None
    run.definitions = flows.definition
    effects = run.advance(event)
    notes = [
        effect.details for effect in effects if isinstance(effect, do.TraceNote) and effect.event == "MIGRATION"
    ]
    assert [note["without_migration"] for note in notes] == [True]
    if policy == "fail":
        assert run.outcome is not None
        assert run.outcome.reason is not None
        assert "without a migration" in run.outcome.reason
    elif policy == "retry":
        assert isinstance(effects[-1], do.ScheduleRetry)
        assert names(run.advance(on.RetryDue())) == ["A"]
    else:
        assert names(run.advance(on.NodeSucceeded(1))) == ["C", "B"]


def test_a_join_waits_for_what_finishes_from_now_on() -> None:
    old = plan(flow("f", [edge(None, "A B")]))
    new = plan(flow("f", [edge(None, "A B"), edge("A B", "C"), edge("A", "D"), edge(None, "E")]))
    store = Store()
    was = store.worker(old, None)
    run = run_with(was, "f")
    run.advance(on.NodeSucceeded(1))
    flows = store.worker(Plan(*Plan(*new)._replace(settings=SETTINGS._replace(on_graph_change="ignore"))), None)
    run.definitions = flows.definition
    event = flows.migration("f", was.version("f"))
    assert event is not None
    effects = run.advance(event)
    tainted = [
        e.details["tainting_nodes"] for e in effects if isinstance(e, do.TraceNote) and "TAINTED" in e.event
    ]
    assert tainted == [["A"]]
    effects = run.advance(on.NodeSucceeded(2))
    assert names(effects) == ["C"]
    run.advance(on.NodeSucceeded(3))
    assert run.outcome is not None
    assert run.outcome.succeeded
    assert run.outcome.unreached == (), "what was missed is no fault of the run"


def test_a_machine_without_shapes_refuses() -> None:
    run = FlowRun(flow_indexes(OLD)["f"], str)
    with pytest.raises(UnexpectedEvent):
        run.advance(on.Migrated("x", 1, 0))


def test_a_shape_has_a_stable_text() -> None:
    text = definition_text(flow_indexes(NEW)["f"], "warn")
    assert definition_text(read_definition(text).table, "warn") == text
    assert json.loads(text)["edges"] == [[[], ["A"], 0], [["A"], ["C"], 0], [["A"], ["B"], 0]]
    assert definition_hash(text) != definition_hash(definition_text(flow_indexes(NEW)["f"], "fail"))
    with pytest.raises(ValueError, match="not the definition"):
        read_definition("{}")


def test_what_fired_in_an_earlier_attempt_taints_nothing() -> None:
    """Positions move too: what counts as fired before the attempt has to move with its edge."""
    old = plan(flow("f", [edge(None, "A"), edge("A", "B"), edge("B", "C")], max_retry=1))
    moved = plan(flow("f", [edge("B", "C"), edge(None, "A"), edge("A", "B")], max_retry=1))
    gone = plan(flow("f", [edge("B", "C"), edge(None, "A"), edge("A", "C")], max_retry=1))
    run = FlowRun(flow_indexes(old)["f"], str)
    for event in (on.FlowStarted(), on.NodeSucceeded(1), on.NodeFailed(2), on.RetryDue()):
        run.advance(event)
    texts = {
        name: definition_text(flow_indexes(of)["f"], "warn") for name, of in (("moved", moved), ("gone", gone))
    }
    run.definitions = lambda name: read_definition(texts[name])
    first = (MigrationStep(1, "FAIL", compare_plans(old, moved).changes["f"]),)
    second = (MigrationStep(2, "FAIL", compare_plans(moved, gone).changes["f"]),)
    run.advance(on.Migrated("moved", 1, 0, first))
    effects = run.advance(on.Migrated("gone", 2, 1, second))
    assert [effect.event for effect in effects if isinstance(effect, do.TraceNote)] == ["MIGRATION"]
    assert names(run.advance(on.NodeSucceeded(3))) == ["C"]


def test_an_open_question_is_put_again_as_the_new_flow_has_it() -> None:
    """An edge that lost its condition fires; one that is gone asks no more, and late answers change nothing."""
    old = plan(flow("f", [edge(None, "A"), edge("A", "B", condition=True), edge("A", "C", condition=True)]))
    new = plan(flow("f", [edge(None, "A"), edge("A", "B")]))
    run = FlowRun(flow_indexes(old)["f"], str)
    run.advance(on.FlowStarted())
    run.advance(on.NodeSucceeded(1))
    assert len(run.open_questions) == 2
    text = definition_text(flow_indexes(new)["f"], "warn")
    run.definitions = lambda name: read_definition(text)
    steps = (MigrationStep(1, "FAIL", compare_plans(old, new).changes["f"]),)
    assert names(run.advance(on.Migrated("new", 1, 0, steps))) == ["B"]
    assert not run.open_questions
    for question in (1, 2):
        assert run.advance(on.ConditionAnswered(question, True)) == []
    run.advance(on.NodeSucceeded(2))
    assert run.outcome is not None
    assert run.outcome.succeeded
