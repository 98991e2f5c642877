"""Runs that go on, ended on workers, or ran others again: what no local run has to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from selinon_core.celery.reporting.live_view import LiveView
from selinon_core.explaining.answers import Answer, Answers
from selinon_core.explaining.event_facts import TraceView
from selinon_core.plan import Plan
from selinon_core.simulating.world import World
from tests.celery.rerunning import rerun
from tests.celery.waiting_project import project
from tests.local import trying
from tests.local.trying import build, failing


def view(world: World, id: str) -> LiveView:
    """A run as its state store has it now."""
    services = world.workers[0]
    return LiveView(
        services.store, services.flow_versions, id, services.storages.retrieve, services.messages.queue
    )


def _begun(plan: Plan, does: Mapping[str, Any] | None = None, args: Any = None) -> tuple[World, str]:
    trying.behaviours.clear()
    trying.behaviours.update(does or {})
    trying.Remembering.kept.clear()
    world = World(plan, workers=1, selinon_inline_count=0)
    return world, world.start(next(iter(plan.flows)), args)


def _asked(world: World, id: str, *nodes: str) -> list[Answer]:
    asked = Answers(view(world, id))
    return [answer for node in nodes for answer in asked.of_node(node)] or [asked.of_run()]


def _in_a_queue() -> list[Answer]:
    world, id = _begun(build({"main": ["-> A B"]}, {"B": {"queue": "slow"}}))
    world.work_some(1)
    return [*_asked(world, id, "B"), *_asked(world, id)]


def _tried_again() -> list[Answer]:
    plan = build({"main": ["-> B", "B -> C"]}, {"B": {"max_retry": 2, "retry_countdown": 60}})
    world, id = _begun(plan, {"B": failing(9)})
    world.work(until=world.now + 1)
    return _asked(world, id, "B", "C")


def _throttled() -> list[Answer]:
    world, id = _begun(build({"main": ["-> B B"]}, {"B": {"throttling": {"minutes": 1}}}))
    world.work(until=world.now + 1)
    return _asked(world, id, "B#2")


def _at_work() -> list[Answer]:
    found: list[Answer] = []
    world, id = _begun(build({"main": ["-> A"]}), {"A": lambda *_: found.extend(_asked(world, id, "A"))})
    world.work()
    return found


def _sub_flow() -> list[Answer]:
    world, id = _begun(
        build({"main": ["-> S"], "S": ["-> A"]}, {"A": {"max_retry": 1, "retry_countdown": 60}}), {"A": failing(9)}
    )
    world.work(until=world.now + 1)
    return _asked(world, id, "S")


def _signal() -> list[Answer]:
    world, id = _begun(project(), args={"number": 7})
    world.work(until=world.now + 60)
    return _asked(world, id, "Approve", "B")


def _paused() -> list[Answer]:
    world, id = _begun(build({"main": ["-> A B"]}, {"B": {"queue": "slow"}}))
    world.work_some(1)
    world.pause("main", id, 1)
    world.broker.queue.insert(0, world.broker.queue.pop())
    world.work(until=world.now + 1)
    return [*_asked(world, id, "B"), *_asked(world, id)]


def _ends_wait(held: bool) -> list[Answer]:
    world, id = _begun(build({"main": ["-> A B", "A B -> C"]}))
    world.work_some(1)
    seconds = world.store.clock() + 60 - world.now if held else 30.0
    assert world.store.acquire_lease(id, 1, seconds, world.now) is not None
    world.work_some(1)
    return [*_asked(world, id, "A"), *_asked(world, id)]


def _put_off() -> list[Answer]:
    def away(*_: Any) -> None:
        raise OSError("the disk is away")

    world, id = _begun(build({"main": ["-> A", ("A -> B", {"condition": "A.total > 3"})]}), {"retrieve": away})
    world.work(until=world.now + 1)
    return [*_asked(world, id), *_asked(world, id, "B")]


def _flow_tried_again() -> list[Answer]:
    plan = build({"main": {"edges": ["-> A"], "max_retry": 1, "retry_countdown": 60}})
    world, id = _begun(plan, {"A": failing(9)})
    world.work(until=world.now + 1)
    return _asked(world, id)


def _unfinished() -> list[Answer]:
    plan = build({"main": {"edges": ["-> A B", "B -> C"], "eager_failures": ["A"]}})
    world, id = _begun(plan, {"A": failing(9)})
    world.work_some(1)
    while (world.store.header(id) or {})["status"] == "running":
        world.work_some(1)
    return _asked(world, id, "C")


def _cancelled() -> list[Answer]:
    world, id = _begun(build({"main": ["-> A", "A -> B"]}))
    world.work_some(1)
    world.cancel("main", id)
    world.broker.queue.insert(0, world.broker.queue.pop())
    world.work()
    return [*_asked(world, id, "B"), *_asked(world, id)]


_LIMITED = {"edges": ["-> A"], "limit": {"key": "one", "max": 1}}
_SLOW = {"A": {"max_retry": 1, "retry_countdown": 60}}


def _sub_flow_is_queued() -> list[Answer]:
    world, _ = _begun(build({"main": ["-> S"], "S": _LIMITED}, _SLOW), {"A": failing(9)})
    world.work(until=world.now + 1)
    id = world.start("main")
    world.work(until=world.now + 1)
    return [*_asked(world, id, "S"), *_asked(world, id)]


def _retry_is_queued() -> list[Answer]:
    world, id = _begun(build({"main": _LIMITED}, _SLOW), {"A": failing(9)})
    world.work()
    world.start("main")
    world.work(until=world.now + 1)
    world.retry("main", id)
    world.work(until=world.now + 1)
    return _asked(world, id)


def _rerun() -> list[Answer]:
    world, id = _begun(build({"main": ["-> A", "A -> B", "B -> C"]}), {"B": failing(1)})
    world.work()
    return _asked(world, rerun(world, id), "A", "B", "C")


def _given() -> list[Answer]:
    world, id = _begun(build({"main": ["-> A", "A -> B"]}), {"A": failing(9)})
    world.work()
    return _asked(world, rerun(world, id, give={"A": 7}), "A")


def _edge_is_gone() -> list[Answer]:
    run = trying.play(build({"main": ["-> A", "A -> B"]}))
    changed = TraceView(build({"main": ["-> A B"]}), run.trace())
    return Answers(changed).of_node("B")


#: By name: the answers to the questions of a situation.
LIVE_SITUATIONS: dict[str, Callable[[], list[Answer]]] = {
    "a message in a queue": _in_a_queue,
    "a task that is tried again later": _tried_again,
    "a throttled task": _throttled,
    "a task at work": _at_work,
    "a sub-flow that goes on": _sub_flow,
    "a task that waits for a signal": _signal,
    "a paused run": _paused,
    "ends that wait for the lease of a worker": lambda: _ends_wait(held=True),
    "ends that wait for a worker": lambda: _ends_wait(held=False),
    "a decision that is put off": _put_off,
    "a flow that is tried again later": _flow_tried_again,
    "a source that had not ended when its flow did": _unfinished,
    "a run on workers that was cancelled": _cancelled,
    "a sub-flow that waits for a place": _sub_flow_is_queued,
    "a retry that waits for a place": _retry_is_queued,
    "a rerun": _rerun,
    "a rerun with a given result": _given,
    "an edge that is gone from the files": _edge_is_gone,
}
