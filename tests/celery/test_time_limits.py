"""Celery limits the time of a message, so a message whose time is limited is for one node run only."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.transport.message_schema import read_nodes
from selinon_core.celery.transport.publisher import DISPATCHER
from selinon_core.celery.worker import celery_request
from selinon_core.celery.worker.celery_request import TIME_LIMITED
from selinon_core.celery.worker.celery_tasks import is_time_limited
from selinon_core.celery.worker.task_handler import TaskMessageHandler
from selinon_core.simulating.world import World
from tests.celery.changed_flows import CHAIN, NODES, plan_of
from tests.celery.workers import site

TASKS = """
from pathlib import Path
from celery import current_task
from selinon_core import SelinonTask

class Step(SelinonTask):
    def run(self, node_args):
        with (Path(__file__).parent / "ran.txt").open("a") as out:
            out.write(f"{self.task_name} {current_task.request.id}\\n")
"""
YAML = """
tasks: [{{name: A, import: {m}, classname: Step}}, {{name: B, import: {m}, classname: Step, timeout: 50}},
        {{name: C, import: {m}, classname: Step}}, {{name: D, import: {m}, classname: Step}}]
flow-definitions:
  - name: main
    edges: [{{from: , to: A}}, {{from: A, to: B}}, {{from: B, to: C}}, {{from: C, to: D}}]
"""


@pytest.mark.service("redis")
@pytest.mark.xdist_group("workers")
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("options", "settings", "messages"),
    [
        ((), {}, 3),  # the start and A; B, which has a limit; C and D
        (("--soft-time-limit", "3000"), {}, 4),
        ((), {"task_soft_time_limit": 3000}, 4),
        ((), {"task_time_limit": 3000}, 4),
        ((), {"task_annotations": {"*": {"soft_time_limit": 3000}}}, 4),
    ],
    ids=["no limit", "option", "soft", "hard", "annotation"],
)
def test_no_message_holds_several_node_runs_under_a_limit(
    options: tuple[str, ...], settings: dict[str, Any], messages: int, tmp_path: Path
) -> None:
    with site(tmp_path, **settings) as here:
        here.write(YAML.format(m=f"tasks_{here.name}"), TASKS)
        here.start("-c", "1", *options)
        run = here.selinon.run_flow("main")
        assert run.wait(60) == "success", here.logs()
        ran = dict(line.split() for line in here.ran())
        assert list(ran) == ["A", "B", "C", "D"]
        assert len(set(ran.values())) == messages
        assert (ran["C"] == ran["D"]) == (not settings and not options)


def test_a_batch_that_arrives_under_a_limit_is_taken_apart() -> None:
    world = World(plan_of(NODES, CHAIN), workers=1, selinon_inline_count=0)
    run = world.start("f")
    world.work_some(1)
    (first,) = [sent for sent in world.broker.sent if sent.celery_task != DISPATCHER]
    batch = {"v": 1, "flow": "f", "id": run, "nodes": [{**first.kwargs}, {**first.kwargs, "number": 7}]}
    world.broker.sent.clear()
    TaskMessageHandler(world.workers[0]).handle(read_nodes(batch, 1 << 20), False, alone=True)
    numbers = [sent.kwargs["number"] for sent in world.broker.sent if "number" in sent.kwargs]
    assert 7 in numbers
    assert world.store.records(run, [1])[1].done


@pytest.mark.parametrize(
    ("headers", "timelimit", "limited"),
    [({}, None, False), ({}, [None, None], False), ({}, [7, None], True), ({TIME_LIMITED: True}, None, True)],
)
def test_the_limits_of_a_message_are_known_where_it_is_handled(
    headers: Any, timelimit: Any, limited: bool
) -> None:
    assert (
        is_time_limited(SimpleNamespace(request=SimpleNamespace(headers=headers, timelimit=timelimit))) == limited
    )


@pytest.mark.parametrize("name", ["time_limit", "soft_time_limit"])
@pytest.mark.parametrize("of", ["task", "worker"])
def test_limits_that_change_while_the_worker_runs_count(
    name: str, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``control.time_limit`` sets them on the task in the main process only."""
    limits = {"time_limit": None, "soft_time_limit": None}
    owner = SimpleNamespace(settings=AdapterSettings())
    task, worker = SimpleNamespace(name=DISPATCHER, selinon=owner, **limits), SimpleNamespace(**limits)
    monkeypatch.setattr(celery_request, "default", lambda *_: lambda *given: None)
    take = celery_request.strategy(task, None, SimpleNamespace(controller=worker))
    body = [[], {"v": 1}, {}]
    message: Any = SimpleNamespace(
        payload=body, body=json.dumps(body), headers={"id": "1", "task": DISPATCHER}, delivery_info={}
    )
    take(message, None, None, None)
    assert TIME_LIMITED not in message.headers
    setattr(task if of == "task" else worker, name, 5)
    take(message, None, None, None)
    assert message.headers[TIME_LIMITED] is True
