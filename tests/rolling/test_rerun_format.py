"""Workers of before reruns leave them to newer ones, and take all other runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import pytest

from selinon_core.celery.execution import run_loader
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.transport import message_schema
from selinon_core.celery.transport.message_schema import LIMIT_FORMAT, RERUN_FORMAT
from selinon_core.dispatch import codec
from selinon_core.dispatch.codec import LIMITED_FORMAT
from selinon_core.simulating.world import World
from tests.celery.broken_tasks import BROKEN, NESTED, SUCCEEDED, broken_plan, set_up
from tests.celery.rerunning import planned, send, stored


@contextmanager
def before_reruns() -> Iterator[None]:
    """What a worker knows that came before reruns."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(run_loader, "FORMAT", LIMITED_FORMAT))
        known = frozenset(each for each in message_schema.KNOWN_FORMATS if each <= LIMIT_FORMAT)
        stack.enter_context(patch.object(message_schema, "KNOWN_FORMATS", known))
        yield


class Mixed(World):
    """The last worker knows reruns, the others do not."""

    def handle(self, engine: WorkerServices, *about: Any) -> None:
        is_new = engine is self.workers[-1]
        with nullcontext() if is_new else before_reruns():
            super().handle(engine, *about)


@pytest.mark.parametrize("seed", range(4))
def test_reruns_wait_for_newer_workers(seed: int) -> None:
    set_up("g.A", "f.C")
    faults: Any = {"crash": 0.02, "duplicate": 0.1} if seed else {}
    world = Mixed(broken_plan(NESTED), workers=3, seed=seed, shuffle=bool(seed), selinon_inline_count=0, **faults)
    id = world.start("f")
    world.work()
    assert world.results[id][0] == "failure"
    BROKEN.clear()
    before = dict(SUCCEEDED)
    new, plain = send(world, planned(world, id)), world.start("f")
    world.work()
    assert [world.results[each][0] for each in (new, plain)] == ["success", "success"]
    assert all(SUCCEEDED[each] == times for each, times in before.items())
    formats = {each: (world.store.header(each) or {})["format"] for each in (id, new, plain)}
    assert formats == {id: "1", new: str(codec.RERUN_FORMAT), plain: "1"}
    entered = next(r.run.id for r in stored(world, new).records if r.run.name == "g" and r.flow_run.id == new)
    assert (world.store.header(entered) or {})["format"] == str(codec.RERUN_FORMAT)


def test_messages_of_reruns_are_of_their_own_format_and_others_are_not() -> None:
    set_up("g.A")
    plan = broken_plan(NESTED.replace("- name: g\n", "- name: g\n    limit: {key: all, max: 1}\n"))
    world = World(plan, selinon_inline_count=0)
    id = world.start("f")
    world.work()
    BROKEN.clear()
    sent = len(world.broker.sent)
    send(world, planned(world, id))
    world.work()
    starts = [each.kwargs for each in world.broker.sent[sent:] if each.kwargs.get("action") == "start"]
    assert [(each["flow"], each["v"]) for each in starts] == [("f", RERUN_FORMAT), ("g", RERUN_FORMAT)]
    assert all("v" not in each.kwargs for each in world.broker.sent[:sent] if each.kwargs.get("flow") == "f")
