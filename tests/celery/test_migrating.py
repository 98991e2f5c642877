"""Workers bring the flow runs they find to their own files: flows edited in flight, on simulated workers."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import scripted

from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.reporting.run_status import status_of
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.worker.unknown_names import FAIL_AFTER
from selinon_core.dispatch import NodeRun, flow_indexes
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event
from selinon_core.dispatch.rules.migration import tainted_by
from selinon_core.errors import MigrationError
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.migrations.compare import compare_plans
from selinon_core.migrations.files import migration_text
from selinon_core.migrations.repository import Migrations
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import Plan
from selinon_core.plan.flow_diff import strongest
from selinon_core.simulating.world import World
from tests.celery.changed_flows import CHAIN, NODES, Json, flow, plan_of
from tests.migrations.pairs import make_pair

STRATEGIES = ("IGNORE", "RETRY", "FAIL")
#: Pairs with a change in which a flow ends by itself before and after.
SEEDS = (1, 3, 4, 5, 12, 13, 16, 17, 19, 21, 25, 27, 29, 30, 32, 33, 34, 36, 37, 38)
BEHAVIOUR: Json = {"tasks": {}, "foreach": {}, "parentless": []}


def written(directory: Path, version: int, old: Plan, new: Plan, strategy: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / f"{version}.json").write_text(migration_text(compare_plans(old, new), strategy, None))


def is_short(plan: Plan, flow: str) -> bool:
    """Whether the flow ends by itself, and soon: an edit may make it rotate for ever."""
    scripted.set_up(BEHAVIOUR)
    return LocalExecutor(plan, LocalOptions(storage="real", max_steps=60)).run(flow).stopped_by is None


class Story:
    """What the log of a flow run reports of its migrations, checked against what the machine does with each."""

    def __init__(self, world: World, plan: Plan, id: str) -> None:
        self.migrations: list[on.Migrated] = []
        self.strategies: list[str | None] = []
        found = world.store.read(id)
        assert found is not None
        header, log, inbox = found
        self.status = header["status"]
        self.reason = header.get("reason")
        assert self.status != "running"
        assert not inbox
        self.run = run = CachedRun(
            id,
            RunHeader.read(header),
            FlowVersions(plan, flow_indexes(plan), Migrations(None, ()), world.store.get_definition),
        )
        launched: list[NodeRun] = []
        for batch in log:
            for parts in decode_batch(batch)[1]:
                event = decode_event(parts)
                if isinstance(event, on.Migrated):
                    self.migrations.append(event)
                    taints = tainted_by(run.machine, event.steps)
                    self.strategies.append(strongest([taint.strategy for taint in taints]))
                effects = run.machine.advance(event)
                launched += [e.node_run for e in effects if isinstance(e, do.StartTask | do.StartFlow)]
        assert run.machine.outcome is not None
        assert (self.status == "success") == run.machine.outcome.succeeded
        records = world.store.records(id, [node.number for node in launched])
        for node in launched:
            # A lost message is sent again only while the run waits for its node.
            if not world.broker.lose or (node.flow_attempt == run.machine.attempt and self.status == "success"):
                assert status_of(world.store, node, records.get(node.number)) in ("success", "failure"), node.name
        self.below = [node.id for node in launched if node.is_flow]
        self.attempt = run.machine.attempt


def stories(world: World, plan: Plan, ids: list[str]) -> list[Story]:
    """Of runs and their sub-flows."""
    told = []
    for id in ids:
        told.append(Story(world, plan, id))
        told += stories(world, plan, told[-1].below)
    return told


@pytest.mark.parametrize("faults", [(0.0, 0.0, 0.0), (0.03, 0.1, 0.03)], ids=["calm", "faults"])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_random_edits_of_flows_in_flight(
    seed: int, strategy: str, faults: tuple[float, float, float], tmp_path: Path
) -> None:
    """Old and new workers side by side, then only new ones: every run ends as its strategy says."""
    chooser = random.Random(f"{seed}-{strategy}")
    pair = make_pair(seed)
    migrations = tmp_path / "migrations"
    old = plan_of(pair["nodes"], pair["old"], tmp_path / "none")
    new = plan_of(pair["nodes"], pair["new"], migrations)
    written(migrations, 1, old, new, strategy)
    flows = [name for name in old.flows if name in new.flows and is_short(old, name) and is_short(new, name)]
    assert flows
    scripted.set_up(BEHAVIOUR)
    world = World(old, seed=seed, shuffle=True, workers=2)
    ids = [world.start(chooser.choice(flows)) for _ in range(8)]
    world.faults.crash, world.broker.duplicate, world.broker.lose = faults
    world.work_some(chooser.randrange(60))
    world.deploy(0, new)
    world.work_some(chooser.randrange(20))
    world.deploy(1, new)
    world.work(most=20_000)
    changes = compare_plans(old, new).changes
    for story in stories(world, new, ids):
        assert len(story.migrations) <= 1
        for event, applied in zip(story.migrations, story.strategies, strict=True):
            change = changes.get(story.run.flow.name)
            assert [(step.version, step.strategy, step.change) for step in event.steps] == (
                [(1, strategy, change)] if change else []
            )
            assert event.forgotten is None
            assert applied in (None, strategy)
            if applied == "FAIL":
                assert story.status == "failure"
                assert "migration 1 taints it" in str(story.reason)
            else:
                assert story.attempt == (2 if applied == "RETRY" else 1)


# -- one by one ---------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _scripted() -> None:
    scripted.set_up(BEHAVIOUR)


def names(world: World, id: str) -> list[str]:
    """What was run, in order."""
    ran = []
    found = world.store.read(id)
    assert found is not None
    for letter in world.broker.sent:
        if letter.kwargs.get("id") == id and "task" in letter.kwargs and letter.kwargs["task"] not in ran:
            ran.append(letter.kwargs["task"])
    return ran


def in_flight(old: Plan, messages: int, **options: Any) -> tuple[World, str]:
    """A run of ``f`` after so many messages; nothing is run ahead, so that each is one step."""
    world = World(old, workers=1, selinon_inline_count=0, **options)
    id = world.start("f")
    world.work_some(messages)
    return world, id


@pytest.mark.parametrize("policy", ["fail", "ignore", "retry"])
def test_a_graph_that_changed_without_a_migration(policy: str) -> None:
    old = plan_of(NODES, CHAIN)
    changed = [flow((None, "A"), ("A", "B"), ("B", "D"))]
    new = plan_of(NODES, changed, on_graph_change=policy)
    world, id = in_flight(old, 2)
    world.deploy(0, new)
    world.work()
    told = Story(world, new, id)
    if policy == "fail":
        assert (told.status, names(world, id)) == ("failure", ["A", "B"])
        assert "without a migration" in str(told.reason)
        assert world.results[id][0] == "failure"
    else:
        assert (told.status, told.attempt) == ("success", 2 if policy == "retry" else 1)
        assert names(world, id) == ["A", "B", "D"]


def test_conditions_and_fallbacks_need_no_migration() -> None:
    """They are asked and looked up as they are now."""
    scripted.set_up({**BEHAVIOUR, "tasks": {"B": {"failure": {"kind": "plain", "per": "attempt", "times": 99}}}})
    world, id = in_flight(plan_of(NODES, CHAIN), 2)
    world.deploy(0, plan_of(NODES, [{**CHAIN[0], "failures": [{"nodes": "B", "fallback": "D"}]}]))
    world.work()
    assert world.results[id][0] == "success"
    assert names(world, id) == ["A", "B", "D"]


def test_an_old_worker_leaves_new_runs_to_new_ones(tmp_path: Path) -> None:
    """Also where no version says that they are newer: an edge behind all others that starts the flow."""
    old = plan_of(NODES, CHAIN)
    longer = [flow((None, "A"), ("A", "B"), ("B", "C"), (None, "D"))]
    world, id = in_flight(plan_of(NODES, longer), 2)
    world.deploy(0, old)
    world.work_some(20)
    assert world.store.header(id)["status"] == "running"  # type: ignore[index]
    world.deploy(0, plan_of(NODES, longer))
    world.work()
    told = Story(world, old, id)
    assert (told.status, told.migrations) == ("success", [])
    assert sorted(names(world, id)) == ["A", "B", "C", "D"]


def test_a_run_that_is_newer_than_the_files_waits(tmp_path: Path) -> None:
    old = plan_of(NODES, CHAIN, tmp_path / "none")
    new = plan_of(NODES, [flow((None, "A"), ("A", "B"), ("A", "D"), ("B", "C"))], tmp_path / "some")
    written(tmp_path / "some", 1, old, new, "FAIL")
    world, id = in_flight(new, 1)
    world.deploy(0, old)
    began = world.now
    world.work_some(20)
    assert (world.store.header(id)["status"], names(world, id)) == ("running", ["A"])  # type: ignore[index]
    assert world.now - began < 40, "tried again soon, again and again"
    world.deploy(0, new)
    world.work()
    assert world.results[id][0] == "success"
    assert sorted(names(world, id)) == ["A", "B", "C", "D"]


def test_a_new_task_waits_for_a_new_worker() -> None:
    known = plan_of(NODES, CHAIN)
    more = {"tasks": [*NODES["tasks"], {"name": "New", "import": "scripted", "classname": "Scripted"}]}
    world, id = in_flight(plan_of(more, [flow((None, "New"))]), 1)
    world.deploy(0, known)
    world.work_some(10)
    world.deploy(0, plan_of(more, [flow((None, "New"))]))
    world.work()
    assert world.results[id][0] == "success"


def test_an_old_worker_does_not_give_up_what_newer_ones_know(tmp_path: Path) -> None:
    """However long it meets the message of a new task: RabbitMQ may give it to the same worker again and again."""
    more = {"tasks": [*NODES["tasks"], {"name": "New", "import": "scripted", "classname": "Scripted"}]}
    old = plan_of(NODES, CHAIN, tmp_path / "none")
    new = plan_of(more, [flow((None, "A"), ("A", "New"), ("A", "B"), ("B", "C"))], tmp_path / "some")
    written(tmp_path / "some", 1, old, new, "FAIL")
    world, id = in_flight(new, 2)
    world.deploy(0, old)
    began = world.now
    while world.now - began < 2 * FAIL_AFTER:
        world.work_some(20)
    world.deploy(0, new)
    world.work()
    assert world.results[id][0] == "success"
    assert sorted(Story(world, new, id).run.machine.outcome.finished) == ["A", "B", "C", "New"]  # type: ignore[union-attr]


def test_a_task_that_is_gone_fails_in_the_end() -> None:
    more = {"tasks": [*NODES["tasks"], {"name": "Gone", "import": "scripted", "classname": "Scripted"}]}
    world, id = in_flight(plan_of(more, [flow((None, "Gone"))]), 1)
    began = world.now
    world.deploy(0, plan_of(NODES, CHAIN, on_graph_change="ignore"))
    world.work()
    assert world.results[id][0] == "failure"
    assert world.now - began >= 60
    assert "Gone" in Story(world, plan_of(NODES, CHAIN), id).run.machine.outcome.failed  # type: ignore[union-attr]


def test_a_task_that_is_gone_and_whose_message_was_lost_fails_in_the_end() -> None:
    more = {"tasks": [*NODES["tasks"], {"name": "Gone", "import": "scripted", "classname": "Scripted"}]}
    world, id = in_flight(plan_of(more, [flow((None, "A"), ("A", "Gone"))]), 1)
    world.broker.lose = 1.0
    world.work_some(1)  # A; the message of Gone is lost
    world.broker.lose = 0.0
    assert world.broker.queue == []
    world.deploy(0, plan_of(NODES, CHAIN, on_graph_change="ignore"))
    world.work()
    assert world.results[id][0] == "failure"
    assert "Gone" in Story(world, plan_of(NODES, CHAIN), id).run.machine.outcome.failed  # type: ignore[union-attr]


def test_a_task_that_is_gone_is_not_tried_again() -> None:
    scripted.set_up({**BEHAVIOUR, "tasks": {"Gone": {"failure": {"kind": "error", "per": "node_run"}}}})
    gone = {"name": "Gone", "import": "scripted", "classname": "Scripted", "max_retry": 3, "retry_countdown": 20}
    world, id = in_flight(plan_of({"tasks": [*NODES["tasks"], gone]}, [flow((None, "Gone"))]), 2)
    assert [name for name in world.store.timers(id) if name.startswith("n")]
    world.deploy(0, plan_of(NODES, CHAIN, on_graph_change="ignore"))
    world.work()
    assert world.results[id][0] == "failure"


def test_a_sub_flow_that_is_gone_fails_in_the_end() -> None:
    inner: Json = {"name": "inner", "edges": [{"from": None, "to": "A"}]}
    world, id = in_flight(plan_of(NODES, [flow((None, "inner")), inner]), 1)
    world.deploy(0, plan_of(NODES, CHAIN, on_graph_change="ignore"))
    world.work()
    assert world.results[id][0] == "failure"


def test_a_run_of_a_flow_that_is_gone_can_be_cancelled() -> None:
    world, id = in_flight(plan_of(NODES, CHAIN), 2)
    world.deploy(0, plan_of(NODES, [{**CHAIN[0], "name": "other"}]))
    world.work_some(10)
    assert world.store.header(id)["status"] == "running"  # type: ignore[index]
    world.cancel("f", id)
    world.work()
    assert world.store.header(id)["status"] == "cancelled"  # type: ignore[index]


def test_a_completion_that_waits_for_others_is_taken_by_the_new_flow(tmp_path: Path) -> None:
    """What came in quietly before the deployment, and was not decided on, counts as finished after it."""
    many = ["A", "B", "C", "E", "F"]
    old = plan_of(NODES, [flow((None, many), (many, "D"))], tmp_path / "none")
    new = plan_of(NODES, [flow((None, many), (many, "D"), ("A", "D"))], tmp_path / "some")
    written(tmp_path / "some", 1, old, new, "FAIL")
    world, id = in_flight(old, 3)
    found = world.store.read(id)
    assert found is not None
    assert len(found[2]) == 2, "two completions wait in the inbox"
    world.deploy(0, new)
    world.work()
    told = Story(world, new, id)
    assert (told.status, told.strategies) == ("success", [None])
    assert len(told.run.machine.outcome.finished["D"]) == 2  # type: ignore[union-attr]


def test_a_wrong_migration_file_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text('{"migration": []}')
    with pytest.raises(MigrationError, match=r"1\.json"):
        World(plan_of(NODES, CHAIN, tmp_path))
