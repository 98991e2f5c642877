"""The sweep and what time does, on simulated workers: retries, deferrals, deadlines, lost messages, idle runs."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from selinon_core.celery.execution.log_codec import decode_batch, encode_batch, encode_end
from selinon_core.celery.reporting.run_status import outcome_of
from selinon_core.celery.stores.audit import audit_entry
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.celery.stores.protocol import Commit
from selinon_core.celery.transport.publisher import DISPATCHER
from selinon_core.celery.worker.sweep import Reaper
from selinon_core.errors import StateStoreError
from selinon_core.project import compile_text
from selinon_core.simulating.world import World
from tests.celery.counted_tasks import CALLS, plan_of


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


CHAIN = "      - {from: , to: A}\n      - {from: A, to: B}\n      - {from: B, to: C}\n"


def test_a_chain_is_run_ahead_in_one_message() -> None:
    world = World(plan_of(CHAIN), workers=1)
    id = world.start("main")
    world.work()
    assert CALLS == ["A", "B", "C"]
    assert len(world.broker.sent) == 1
    assert world.results[id][0] == "success"


def test_running_ahead_is_bounded() -> None:
    world = World(plan_of(CHAIN), workers=1, selinon_inline_count=1)
    world.start("main")
    world.work()
    assert CALLS == ["A", "B", "C"]
    assert len(world.broker.sent) == 2


def test_a_flow_is_retried_when_its_countdown_is_over() -> None:
    flow = "      - {from: , to: Fail}\n"
    world = World(plan_of(flow, "    max_retry: 2\n    retry_countdown: 100\n"), workers=1)
    began = world.now
    id = world.start("main")
    world.work()
    assert CALLS == ["Fail"] * 3
    assert 200 <= world.now - began < 210
    assert world.results[id][0] == "failure"


def test_a_task_is_retried_when_its_countdown_is_over() -> None:
    flow = "      - {from: , to: Fail}\n"
    world = World(plan_of(flow, task=", max_retry: 2, retry_countdown: 50"), workers=1)
    began = world.now
    world.start("main")
    world.work()
    assert CALLS == ["Fail"] * 3
    assert 100 <= world.now - began < 110


def test_a_flow_past_its_deadline_fails() -> None:
    flow = "      - {from: , to: Fail}\n"
    plan = plan_of(flow, "    timeout: 30\n    max_retry: 5\n    retry_countdown: 20\n")
    world = World(plan, workers=1)
    began = world.now
    id = world.start("main")
    world.work()
    assert world.results[id][0] == "failure"
    assert 30 <= world.now - began < 32
    assert len(CALLS) == 2


def test_a_message_that_never_arrived_is_sent_again_once_it_is_missed() -> None:
    world = World(plan_of(CHAIN), workers=1, selinon_inline_count=0)
    began = world.now
    id = world.start("main")
    world.deliver(*world.broker.take(False))
    world.broker.queue.clear()  # Redis lost it between the queue and the unacknowledged ones
    world.work()
    assert CALLS == ["A", "B", "C"]
    assert world.results[id][0] == "success"
    assert 10 <= world.now - began < 11


def test_a_run_cancelled_before_it_began_never_begins() -> None:
    world = World(plan_of(CHAIN), workers=1)
    id = world.start("main")
    start = world.broker.queue.pop()
    world.cancel("main", id)
    world.work()
    world.broker.queue.append(start)
    world.work()
    assert CALLS == []
    assert world.results[id][0] == "failure"
    header = world.store.header(id)
    assert header is not None
    assert header["status"] == "cancelled"


def test_a_cancelled_run_starts_nothing_more() -> None:
    world = World(plan_of(CHAIN), workers=1, selinon_inline_count=0)
    id = world.start("main")
    world.deliver(*world.broker.take(False))
    world.deliver(*world.broker.take(False))
    world.cancel("main", id)
    world.broker.queue.reverse()
    world.work()
    assert CALLS == ["A"]
    header = world.store.header(id)
    assert header is not None
    assert header["status"] == "cancelled"


def test_a_changed_graph_is_said_and_fails_the_run() -> None:
    world = World(plan_of(CHAIN), workers=1, selinon_inline_count=0)
    id = world.start("main")
    world.deliver(*world.broker.take(False))
    changed = World(plan_of(CHAIN.replace("from: B", "from: A")), workers=1)
    changed.store, changed.broker = world.store, world.broker
    changed.workers = [changed.new_worker(0)]
    changed.work()
    assert changed.results[id][0] == "failure"
    header = changed.store.header(id)
    assert header is not None
    assert "without a migration" in header["reason"]


def test_waiting_runs_cost_no_messages() -> None:
    world = World(plan_of(CHAIN), workers=1)
    for number in range(2000):
        header = {"flow": "main", "queue": "celery", "status": "running", "idle_check_after": "120"}
        batch = encode_batch(world.now, ['["S",null,{},null,null]'])
        world.store.commit(Commit(f"run{number}", 0, world.now, create=header, batch=batch))
    world.faults.crash = 0.0
    sweeper = Reaper(world.workers[0])
    for _ in range(2000):
        world.now += 0.5
        sweeper.run_once()
    assert world.broker.sent == []


def test_runs_that_wait_for_a_queue_without_workers_cost_few_messages() -> None:
    """Ten minutes: six wake-ups of each run, and no copies of the messages that wait."""
    world = World(plan_of(CHAIN), workers=1, selinon_inline_count=0)
    for _ in range(50):
        world.start("main")
    while world.broker.queue:
        text, again = world.broker.queue.pop(0)
        if json.loads(text)[0] == DISPATCHER:  # the other queue is not served
            world.deliver(text, again)
    world.broker.backlog = 50
    sent, until = len(world.broker.sent), world.now + 600
    sweeper = Reaper(world.workers[0])
    while world.now < until:
        world.now += max(sweeper.run_once(), 0.25)
        for text, again in [entry for entry in world.broker.queue if json.loads(entry[0])[0] == DISPATCHER]:
            world.broker.queue.remove((text, again))
            world.deliver(text, again)
    more = world.broker.sent[sent:]
    assert len([message for message in more if message.celery_task == DISPATCHER]) == 50 * 6
    assert len(more) <= 50 * 6 * 1.2


def test_a_long_queue_of_a_dispatcher_is_not_made_longer() -> None:
    world = World(plan_of(CHAIN), workers=1)
    for number in range(1000):
        header = {"flow": "main", "queue": "celery", "status": "running", "idle_check_after": "0"}
        world.store.commit(Commit(f"run{number}", 0, world.now, create=header, batch="[]", outbox=["t1"]))
    world.broker.backlog = 10_000
    reaper = Reaper(world.workers[0])
    for _ in range(50):
        world.now += 0.5
        reaper.run_once()
    assert 100 <= len(world.broker.sent) <= 500
    assert len({message.kwargs["id"] for message in world.broker.sent}) > 150, "not always the same runs"


def test_the_result_backend_is_cleaned_up_once_a_day() -> None:
    world = World(plan_of(CHAIN), workers=1)
    cleaned: list[float] = []
    reaper = Reaper(world.workers[0], lambda: cleaned.append(world.now))
    for _ in range(24 * 4 * 3):
        reaper.run_once()
        world.now += 900
    assert [b - a for a, b in itertools.pairwise(cleaned)] == [86400, 86400]


def test_the_result_of_a_run_is_read_from_the_state_store() -> None:
    world = World(plan_of(CHAIN), workers=1)
    id = world.start("main")
    failing = World(plan_of("      - {from: , to: Fail}\n"), workers=1)
    failed = failing.start("main")
    for each in (world, failing):
        each.work()
    assert world.results[id][0] == "success"
    for each, flow_id in ((world, id), (failing, failed)):
        outcome = outcome_of(each.store, each.workers[0].flow_versions, flow_id)
        assert outcome is not None
        assert outcome.state == each.results[flow_id][1]
        assert outcome.succeeded == (each is world)


def test_messages_do_not_grow_with_the_flow() -> None:
    def largest(width: int) -> int:
        middle = [f"M{i}" for i in range(width)]
        tasks = "\n".join(
            f"  - {{name: {n}, import: tests.celery.counted_tasks, classname: Task}}"
            for n in ["First", "Last", *middle]
        )
        flow = (
            "      - {from: , to: First}\n"
            f"      - {{from: First, to: [{', '.join(middle)}]}}\n"
            f"      - {{from: [{', '.join(middle)}], to: Last}}\n"
        )
        text = f"tasks:\n{tasks}\nflow-definitions:\n  - name: main\n    edges:\n{flow}"
        plan = compile_text({"nodes.yaml": text}).plan
        assert plan is not None
        world = World(plan, workers=1, selinon_inline_count=0)
        id = world.start("main", {"n": 1})
        world.work()
        assert world.results[id][0] == "success"
        return max(len(json.dumps(letter.kwargs)) for letter in world.broker.sent)

    # Of a hundred nodes and more as many travel together as ever do.
    assert largest(1000) <= 1.1 * largest(100)
    assert largest(1000) < 64 * 120


def test_a_batch_is_read_as_it_was_written() -> None:
    assert decode_batch(encode_batch(12.5, ['["+",1]', '["c",2,1]'])) == (12.5, [["+", 1], ["c", 2, 1]], None)
    assert decode_batch(encode_end(12.5, "why")) == (12.5, [], "why")
    assert decode_batch('[12.5,["+",1],["!","why"]]') == (12.5, [["+", 1]], "why")


@pytest.mark.parametrize("method", ["claim_delivery", "commit"])
def test_a_step_that_was_kept_though_the_answer_got_lost(method: str) -> None:
    """The second try must not take the message for another worker's: no other worker has it."""
    plan = compile_text({"nodes.yaml": _INNER}).plan
    assert plan is not None
    never = {"selinon_heartbeat_timeout": 1e9, "selinon_resend_after": 1e9}  # nothing else may come to its help
    world = World(plan, workers=1, selinon_inline_count=0, selinon_store_retry_timeout=5.0, **never)
    for number in range(3):  # whichever call of the run it is
        inner, calls = getattr(MemoryStore, method), [0]

        def lossy(*args: Any, inner: Any = inner, calls: Any = calls, at: int = number, **kwargs: Any) -> Any:
            result = inner(world.store, *args, **kwargs)
            calls[0] += 1
            if calls[0] == at + 1:
                raise StateStoreError("the connection broke")
            return result

        setattr(world.store, method, lossy)
        id = world.start("outer")
        world.work()
        assert world.results[id][0] == "success"
        assert calls[0] > number
        assert not world.store.stalled_nodes(id, world.now)


@pytest.mark.parametrize("method", ["claim_deliveries", "append_successes"])
def test_a_step_of_a_batch_that_was_kept_though_the_answer_got_lost(method: str) -> None:
    plan = plan_of("      - {from: , to: [A, B, C]}\n")
    never = {"selinon_heartbeat_timeout": 1e9, "selinon_resend_after": 1e9}
    world = World(plan, workers=1, selinon_inline_count=0, selinon_store_retry_timeout=5.0, **never)
    world.start("main")
    world.work()  # the worker knows now that the tasks are short
    inner, calls = getattr(MemoryStore, method), [0]

    def lossy(*args: Any, **kwargs: Any) -> Any:
        result = inner(world.store, *args, **kwargs)
        calls[0] += 1
        if calls[0] == 1:
            raise StateStoreError("the connection broke")
        return result

    setattr(world.store, method, lossy)
    CALLS.clear()
    id = world.start("main")
    world.work()
    assert calls[0]
    assert world.results[id][0] == "success"
    assert sorted(CALLS) == ["A", "B", "C"]


_INNER = """
tasks:
  - {name: A, import: tests.celery.counted_tasks, classname: Task}
flow-definitions:
  - name: outer
    edges: [{from: , to: inner}, {from: inner, to: A}]
  - name: inner
    edges: [{from: , to: A}]
"""


def test_the_leader_removes_old_entries_of_the_audit() -> None:
    world = World(plan_of(CHAIN), workers=1, selinon_index_ttl=1000.0)
    old = audit_entry(world.now - 1001, "anna", "cancel", "r1", {})
    young = audit_entry(world.now - 999, "anna", "cancel", "r2", {})
    for entry in (old, young):
        world.store.audit.write(entry)
    Reaper(world.workers[0]).run_once()
    assert world.store.audit.read().entries == [young]
