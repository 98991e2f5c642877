"""Tasks that wait for signals, on simulated workers: messages in any order, twice, lost, and crashes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from selinon_cli.render.run_tree import run_tree
from selinon_core.celery.execution.early_signals import MOST_EARLY, read_early
from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.steering import Signals
from selinon_core.celery.stores.waits import WaitQuery, WaitRow
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import encode_event
from selinon_core.errors import RequestError, UnknownRunError
from selinon_core.simulating.world import BEGINNING, World
from tests.celery.counted_waits import RAN, ran
from tests.celery.waiting_project import ORDER, older_project, project


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


def rows(world: World) -> list[WaitRow]:
    return list(world.store.waits.find(WaitQuery()).rows)


def status(world: World, id: str) -> dict[str, Any]:
    return describe(world.store, world.workers[0].flow_versions, id)


def waiting(world: World, flow: str = "order", args: Any = None) -> str:
    """A run that waits, with all else done."""
    id = world.start(flow, {"number": 7} if args is None else args)
    world.work(until=world.now + 60)
    return id


def test_a_wait_is_a_row_without_a_message_and_a_signal_is_its_result() -> None:
    world = World(project())
    id = waiting(world)
    (row,) = rows(world)
    assert (row.run, row.flow, row.node, row.root, row.title) == (id, "order", "Approve", id, "Ship 7?")
    assert row.deadline is not None
    assert 3500 < row.deadline - row.since <= 3600
    assert not world.broker.queue
    assert world.store.header(id)["format"] == "4"  # type: ignore[index]
    world.signal("order", id, "Approve", {"ok": True}, by="ann")
    world.work()
    assert world.results[id][0] == "success"
    assert (ran(), rows(world)) == (["A", "B"], [])
    assert world._storages.retrieve("order", "Approve", row.id) == {"ok": True}


def test_the_first_signal_counts_and_a_misfit_changes_nothing() -> None:
    world = World(project())
    id = waiting(world)
    (row,) = rows(world)
    world.signal("order", id, "Approve", {"ok": 3})
    world.work(until=world.now + 1)
    assert rows(world) == [row]
    world.signal("order", id, "Approve", {"ok": True})
    world.signal("order", id, "Approve", {"ok": False})
    world.signal("order", id, "Approve", reject="late")
    world.work()
    assert ran() == ["A", "B"]
    assert world._storages.retrieve("order", "Approve", row.id) == {"ok": True}


def test_a_rejection_and_a_time_out_are_failures_with_their_errors() -> None:
    world = World(project())
    id = waiting(world)
    (row,) = rows(world)
    world.signal("order", id, "Approve", reject="too dear", by="ann")
    world.work()
    assert (ran(), world.results[id][0]) == (["A", "C"], "success")
    assert "Rejected" in world.store.error(row.id)  # type: ignore[operator]
    late = waiting(world)
    (row,) = rows(world)
    world.work()
    assert (world.results[late][0], rows(world)) == ("success", [])
    assert "TaskTimeout" in world.store.error(row.id)  # type: ignore[operator]
    assert world.now >= BEGINNING + 3600


def test_the_sweep_does_not_think_that_a_wait_is_lost() -> None:
    world = World(project(timeout=None))
    id = waiting(world)
    for _ in range(20):
        world.sweep(world.now + 1000)
        world.work(until=world.now)
    assert (len(rows(world)), ran()) == (1, ["A"])
    world.signal("order", id, "Approve", {"ok": True})
    world.work()
    assert world.results[id][0] == "success"


def test_an_early_signal_is_kept_for_the_first_run_of_that_name_only() -> None:
    flows = """
  - name: order
    edges:
      - {from: , to: B}
      - {from: B, to: Approve}
      - {from: Approve, to: A}
      - {from: A, to: Approve}
"""
    world = World(project(flows), workers=1, selinon_inline_count=0)
    id = world.start("order", {"number": 1})
    world.work_some(1)
    world.signal("order", id, "Approve", {"ok": True}, early=True)
    world.work(until=world.now + 60)
    assert ran() == ["B", "A"]
    assert [row.node for row in rows(world)] == ["Approve"]


CYCLE = """
  - name: order
    edges:
      - {from: , to: B}
      - {from: B, to: Approve}
      - {from: Approve, to: B}
"""


@pytest.mark.parametrize(("values", "most"), [(["x"] * (MOST_EARLY + 9), MOST_EARLY), (["x" * 60_000] * 9, 4)])
def test_early_signals_are_bounded_in_number_and_in_size(values: list[str], most: int) -> None:
    plan = project(CYCLE)
    plan = plan._replace(tasks={**plan.tasks, "Approve": plan.tasks["Approve"]._replace(output_schema=None)})
    world = World(plan, workers=1, selinon_inline_count=0)
    id = world.start("order", {"number": 1})
    world.work_some(1)
    for value in values:
        world.signal("order", id, "Approve", value, early=True)
        world.broker.queue.insert(0, world.broker.queue.pop())
        world.deliver(*world.broker.take(False))
    assert len(read_early(world.store.header(id)["early"])) == most  # type: ignore[index]
    if most == MOST_EARLY:
        with pytest.raises(RequestError, match=f"cannot keep the signal: {MOST_EARLY} early signals are kept"):
            asking(world).signal(id, "Approve", "x", early=True)
    world.work(until=world.now + 600)  # each is taken once, and then has no place any more
    assert ran() == ["B"] * (most + 1)
    assert len(rows(world)) == 1
    world.signal("order", id, "Approve", "x", early=True)
    world.signal("order", id, "Approve", "y", early=True)
    world.work(until=world.now + 60)
    assert ran() == ["B"] * (most + 3)


def test_a_signal_without_early_is_refused_before_the_task_waits() -> None:
    world = World(project(), workers=1, selinon_inline_count=0)
    id = world.start("order", {"number": 1})
    world.work_some(1)
    world.signal("order", id, "B", {"ok": True})
    world.signal("order", "nothing", "Approve", {"ok": True})
    world.broker.queue.insert(0, world.broker.queue.pop())
    world.signal("order", id, "Approve", {"ok": True})
    world.broker.queue.insert(0, world.broker.queue.pop())
    world.work(until=world.now + 60)
    assert [row.node for row in rows(world)] == ["Approve"]


def test_cancel_and_the_time_out_of_the_flow_remove_rows() -> None:
    world = World(project())
    id = waiting(world)
    world.cancel("order", id)
    world.work()
    assert (status(world, id)["status"], rows(world)) == ("cancelled", [])
    timed = World(project(ORDER.replace("name: order", "name: order\n    timeout: 100"), timeout=None))
    id = timed.start("order", {"number": 1})
    timed.work()
    assert (timed.results[id][0], rows(timed)) == ("failure", [])


def test_a_retried_run_waits_again_with_a_new_time_out() -> None:
    flows = """
  - name: order
    edges:
      - {from: , to: [Approve, A]}
      - {from: Approve, to: B}
"""
    world = World(project(flows))
    id = waiting(world)
    world.signal("order", id, "Approve", reject="no")
    world.work()
    assert (world.results[id][0], rows(world)) == ("failure", [])
    world.retry("order", id)
    world.work(until=world.now + 60)
    (row,) = rows(world)
    assert row.deadline is not None
    world.signal("order", id, "Approve", {"ok": True})
    world.work()
    assert (world.results[id][0], ran()) == ("success", ["A", "B"])
    assert world.store.header(id)["format"] == "4"  # type: ignore[index]


def test_a_wait_in_a_sub_flow_has_the_run_at_the_top() -> None:
    top = """
  - name: top
    propagate_node_args: true
    edges:
      - {from: , to: order}
      - {from: order, to: C}
"""
    world = World(project(ORDER + top))
    id = waiting(world, "top")
    (row,) = rows(world)
    assert (row.root, row.flow, row.title) == (id, "order", "Ship 7?")
    world.signal("order", row.run, "Approve", {"ok": True})
    world.work()
    assert (world.results[id][0], ran()) == ("success", ["A", "B", "C"])


def test_many_wait_and_each_is_ended_by_its_number() -> None:
    flows = """
  - name: order
    edges:
      - {from: , to: Approve, foreach: args.numbers, args: {number: "${item}"}}
      - {from: Approve, to: B}
"""
    world = World(project(flows))
    id = waiting(world, args={"numbers": [1, 2, 3, 4, 5, 6]})
    found = rows(world)
    assert sorted(row.title for row in found) == [f"Ship {n}?" for n in range(1, 7)]
    world.signal("order", id, "Approve", {"ok": True})  # which one?
    world.work(until=world.now + 1)
    assert len(rows(world)) == 6
    for row in found:
        world.signal("order", id, "Approve", {"ok": True}, number=row.number)
    world.work()
    assert (world.results[id][0], ran()) == ("success", ["B"] * 6)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("early", [False, True])
def test_crashes_and_duplicates_change_nothing(seed: int, early: bool) -> None:
    world = World(project(), seed=seed, workers=3, shuffle=True, crash=0.05, duplicate=0.3)
    id = world.start("order", {"number": 7})
    world.work(until=world.now + (2 if early else 200))
    for _ in range(50):
        if id in world.results or world.now > BEGINNING + 3000:
            break
        world.signal("order", id, "Approve", {"ok": True}, early=early)
        world.signal("order", id, "Approve", {"ok": True}, early=early)
        world.work(until=world.now + 30)
    world.work()
    assert world.results[id][0] == "success"
    assert set(ran()) == {"A", "B"}
    assert rows(world) == []


def asking(world: World) -> Signals:
    owner: Any = SimpleNamespace(services=world.workers[0])
    return Signals(owner)


def test_who_asks_is_told_what_is_wrong_before_a_message_is_sent() -> None:
    world = World(project())
    id = waiting(world)
    signals = asking(world)
    with pytest.raises(RequestError, match="its reason is empty"):
        signals.signal(id, "Approve", reject=" ")
    for node, value, why in (
        (
            "Approve",
            {"ok": 3},
            r"the signal for Approve does not fit its .*: at \$.ok: is a number \(3\), not true",
        ),
        ("Approve", {}, r'at \$: has no "ok"'),
        ("Aprove", {"ok": True}, r'no task "Aprove" waits in flow run .*did you mean "Approve"'),
        ("B", {"ok": True}, "B is not a task that waits for signals"),
        ("A", {"ok": True}, "A of flow run .* is not waiting: it has succeeded"),
    ):
        with pytest.raises(RequestError, match=why):
            signals.signal(id, node, value)
    with pytest.raises(UnknownRunError):
        signals.signal("nothing", "Approve", {"ok": True})
    assert not world.broker.queue
    sent = signals.signal(id, "Approve", {"ok": True}, by="ann")
    assert (sent.node, sent.node_id) == ("Approve", rows(world)[0].id)
    (entry,) = world.store.audit.read().entries
    assert (entry.who, entry.what, entry.run) == ("ann", "signal", id)
    world.work()
    assert ran() == ["A", "B"]
    with pytest.raises(RequestError, match="has ended"):
        signals.signal(id, "Approve", {"ok": True})


def test_a_task_in_a_sub_flow_is_found_from_the_run_at_the_top_and_an_early_one_by_its_name() -> None:
    top = """
  - name: top
    propagate_node_args: true
    edges:
      - {from: , to: order}
"""
    world = World(project(ORDER + top))
    id = waiting(world, "top")
    sent = asking(world).signal(id, "Approve", reject="no")
    assert sent.id == rows(world)[0].run
    world.work()
    assert ran() == ["A", "C"]
    RAN.clear()
    slow = World(project(), workers=1, selinon_inline_count=0)
    id = slow.start("order", {"number": 1})
    slow.work_some(1)
    with pytest.raises(RequestError, match="is not waiting yet"):
        asking(slow).signal(id, "Approve", {"ok": True})
    assert asking(slow).signal(id, "Approve", {"ok": True}, early=True).number == 0
    slow.broker.queue.insert(0, slow.broker.queue.pop())
    slow.work(until=slow.now + 60)
    assert (ran(), slow.results[id][0]) == (["A", "B"], "success")


def test_a_signal_for_a_sub_flow_does_not_reach_one_beside_it() -> None:
    top = """
  - name: other
    edges: [{from: , to: [Approve, A]}]
  - name: top
    edges:
      - {from: , to: order, foreach: args.numbers, args: {number: "${item}"}}
      - {from: , to: other, args: {number: 3}}
    failures:
      - {nodes: [order, other], fallback: B}
"""
    world = World(project(ORDER + top), workers=1, selinon_inline_count=0)
    id = world.start("top", {"numbers": [1]})
    world.work(until=world.now + 60)
    by_flow = {row.flow: row for row in rows(world)}
    lower = by_flow["order"].run
    asking(world).signal(lower, "Approve", {"ok": True})
    while len(rows(world)) > 1:  # B of it has not run: the sub-flow has not ended
        world.work_some(1)
    assert status(world, lower)["status"] == "running"
    with pytest.raises(RequestError, match="it has succeeded"):
        asking(world).signal(lower, "Approve", {"ok": True})
    assert asking(world).signal(id, "Approve", {"ok": True}).id == by_flow["other"].run


def test_a_signal_is_taken_while_ends_wait_for_the_end_of_a_pause() -> None:
    world = World(
        project("  - {name: order, edges: [{from: , to: [A, Approve]}]}"), workers=1, selinon_inline_count=0
    )
    id = world.start("order", {"number": 1})
    world.work_some(1)
    store = world.store
    (row,) = rows(world)
    (other,) = {1, 2} - {row.number}
    assert store.claim_delivery(id, other, 0, False, world.now).kind == "run"
    world.broker.queue.clear()
    world.pause("order", id, 1)
    world.work(until=world.now + 1)
    assert (
        store.append_event(id, other, encode_event(on.NodeSucceeded(other)), world.now, urgent=True).kind
        == "quiet"
    )
    world.signal("order", id, "Approve", {"ok": True})
    world.work_some(1)
    assert not world.broker.queue
    assert status(world, id)["status"] == "paused"
    world.pause("order", id, 2)
    world.work()
    assert world.results[id][0] == "success"


def test_errors_of_waits_are_kept_as_long_as_those_of_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(project(ORDER.replace("name: order", "name: order\n    keep: {failure: 90d}")))
    waits = world.workers[0].relay.waits
    kept: list[float] = []
    append = world.store.append_event

    def appended(*args: Any, **options: Any) -> Any:
        if options.get("error"):
            kept.append(options["ttl"])
        return append(*args, **options)

    id = waiting(world)
    monkeypatch.setattr(waits._store, "append_event", appended)
    for worker in world.workers:
        monkeypatch.setattr(worker.store, "append_event", appended)
    world.signal("order", id, "Approve", reject="no")
    world.work()
    assert kept == [90 * 86400.0]


def with_other_files(world: World, plan: Any) -> None:
    """All workers begin anew, with these files."""
    world.plans = [plan] * len(world.workers)
    world.workers = [world.new_worker(worker) for worker in range(len(world.workers))]


def files_of_before() -> Any:
    """The files before there was a task that waits."""
    plan = project("  - {name: order, edges: [{from: , to: A}, {from: A, to: B}]}")
    return plan._replace(tasks={name: task for name, task in plan.tasks.items() if name != "Approve"})


@pytest.mark.parametrize("early", [False, True])
def test_a_worker_with_older_files_leaves_a_signal_to_others(early: bool) -> None:
    plan = project()
    world = World(plan, workers=1, selinon_inline_count=0)
    id = world.start("order", {"number": 7})
    world.work_some(1) if early else world.work(until=world.now + 60)
    kept, world.broker.queue = world.broker.queue, []
    with_other_files(world, files_of_before())
    world.signal("order", id, "Approve", {"ok": True}, early=early)
    world.work_some(3)
    assert len(world.broker.queue) == 1
    with_other_files(world, plan)
    world.work_some(1)
    world.broker.queue += kept
    world.work()
    assert (world.results[id][0], ran()) == ("success", ["A", "B"])


def test_a_signal_for_a_task_that_the_run_does_not_have_is_refused() -> None:
    world = World(project(), workers=1)
    id = waiting(world)
    for early in (False, True):
        world.signal("order", id, "Aprove", {"ok": True}, early=early)
        world.work_some(1)
        assert not world.broker.queue


def test_signals_for_a_paused_run_are_kept_and_the_first_is_decided_on_when_it_goes_on() -> None:
    flows = """
  - name: order
    edges:
      - {from: , to: [Approve, A]}
      - {from: Approve, to: B}
"""
    world = World(project(flows))
    id = waiting(world)
    (row,) = rows(world)
    world.pause("order", id)
    world.work(until=world.now + 60)
    world.signal("order", id, "Approve", {"ok": True}, by="ann")
    world.signal("order", id, "Approve", {"ok": False}, by="bob")
    world.work(most=100, until=world.now + 60)
    assert (status(world, id)["status"], ran()) == ("paused", ["A"])
    world.pause("order", id, 2)
    world.work()
    assert (ran(), rows(world), world.results[id][0]) == (["A", "B"], [], "success")
    assert world._storages.retrieve("order", "Approve", row.id) == {"ok": True}


@pytest.mark.parametrize("early", [False, True])
def test_a_signal_for_a_run_that_is_paused_before_it_began_does_no_harm(early: bool) -> None:
    world = World(project())
    id = "00000000-0000-4000-8000-000000000007"
    world.pause("order", id)
    world.work(until=world.now + 60)
    world.signal("order", id, "Approve", {"ok": True}, early=early)
    world.work(most=100, until=world.now + 60)
    world.start("order", {"number": 7}, id=id)
    world.pause("order", id, 2)
    world.work(until=world.now + 60)
    assert [row.node for row in rows(world)] == ["Approve"]


def test_workers_whose_files_do_not_have_the_wait_yet_leave_it_alone() -> None:
    world = World(project(), workers=1)
    id = waiting(world)
    (row,) = rows(world)
    world.deploy(0, older_project())
    for _ in range(3):  # idle for long: a task that is gone, and whose message was lost, would count as failed now
        world.sweep(world.now + 120)
        world.work(until=world.now + 60)
    assert rows(world) == [row]
    assert world.store.header(id)["status"] == "running"  # type: ignore[index]
    world.deploy(0, project())
    world.signal("order", id, "Approve", {"ok": True})
    world.work()
    assert (world.results[id][0], ran()) == ("success", ["A", "B"])


def test_a_wait_that_is_gone_from_the_files_ends_at_its_time_out() -> None:
    world = World(project(), workers=1)
    id = waiting(world)
    world.deploy(0, older_project())
    world.work()
    assert id in world.results
    assert rows(world) == []


def test_the_status_of_a_wait_has_its_title_and_the_command_that_answers_it() -> None:
    world = World(project())
    id = waiting(world)
    (row,) = rows(world)
    found = status(world, id)
    node = next(node for node in found["nodes"] if node["name"] == "Approve")
    assert node["wait"] == {"title": "Ship 7?", "since": row.since, "deadline": row.deadline}
    shown = run_tree(found, color=False)
    assert "waits for a signal, at most" in shown
    assert "Ship 7?" in shown
    assert f"selinon signal {id} {row.id} JSON" in shown
    assert "due the time-out of a task that waits for a signal" in shown
    world.signal("order", id, "Approve", {"ok": True})
    world.work()
    assert all("wait" not in node for node in status(world, id)["nodes"])
