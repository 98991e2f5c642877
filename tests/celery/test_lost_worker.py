"""Processes die while they run something, and messages with them: it is run again, and nothing else is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import Terminated, WorkerLostError
from celery import Celery
from kombu.exceptions import OperationalError

from selinon_core.celery import Selinon
from selinon_core.celery.transport.publisher import DISPATCHER, ENVELOPE
from selinon_core.celery.worker.celery_request import NodeRequest
from selinon_core.project import compile_data
from tests.celery.workers import Site, site, wait_until


class Held:
    """A message in the main process of a worker, and what became of it."""

    def __init__(self, name: str) -> None:
        app = Celery("lost", broker="memory://", backend="cache+memory://", set_as_current=False)
        plan = compile_data({"tasks": [{"name": "A", "import": "tasks"}], "flow-definitions": []}).plan
        self.selinon = Selinon(app, plan=plan)
        self.task: Any = app.tasks[name]
        message, self.given_back, self.acknowledged = Mock(), Mock(), Mock()
        message.headers = {"id": "1", "task": name, "lang": "py", "retries": 0, "root_id": "1"}
        message.decode = lambda: ([], {}, {})
        message.payload = ([], {}, {})
        message.delivery_info = {"exchange": "", "routing_key": "celery", "redelivered": False}
        message.properties, message.body, message.content_type = {"reply_to": ""}, "[[],{},{}]", "application/json"
        message.content_encoding = "utf-8"
        self.request: Any = NodeRequest(
            message,
            app=app,
            task=self.task,
            on_ack=self.acknowledged,
            on_reject=self.given_back,
            headers=message.headers,
        )

    def fail(self, error: Exception) -> None:
        try:
            raise error
        except type(error):
            self.request.on_failure(ExceptionInfo())


@pytest.mark.parametrize("name", [DISPATCHER, ENVELOPE])
def test_a_message_that_cannot_be_sent_again_is_given_back(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(name)
    monkeypatch.setattr(held.task, "signature_from_request", Mock(side_effect=OperationalError("away")))
    held.fail(WorkerLostError("signal 9"))
    assert held.acknowledged.call_count == 0
    assert held.given_back.call_count == 1
    assert held.given_back.call_args.args[-1] is True  # requeue


@pytest.mark.parametrize("name", [DISPATCHER, ENVELOPE])
def test_a_task_that_is_stopped_with_its_connection_was_not_revoked(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where broker and result backend are one server, the backend is away too when the connection is lost."""
    held = Held(name)
    backend = Mock(**{f"mark_as_{how}.side_effect": ConnectionError("away") for how in ("retry", "revoked")})
    monkeypatch.setattr(type(held.task), "backend", backend)
    noted = Mock()
    monkeypatch.setattr(held.selinon.revocations, "note", noted)
    held.request.time_start, held.request.worker_pid = 1.0, 4711
    pool = Mock()
    held.request.cancel(pool)  # as Celery does with worker_cancel_long_running_tasks_on_connection_loss
    assert pool.terminate_job.call_args.args[0] == 4711
    held.fail(Terminated(15))
    assert noted.call_count == 0
    assert held.acknowledged.call_count == 0


TASKS = """
import time
from pathlib import Path
from selinon_core import SelinonTask

HERE = Path(__file__).parent

class Wait(SelinonTask):
    def run(self, node_args):
        with (HERE / "ran.txt").open("a") as out:
            out.write(self.task_name + "\\n")
        until = time.monotonic() + 90
        while not (HERE / "go").exists():
            assert time.monotonic() < until
            time.sleep(0.02)
"""
FLOW = """
tasks: [{name: A, import: MODULE, classname: Wait}, {name: B, import: MODULE, classname: Wait}]
flow-definitions:
  - {name: main, edges: [{from: , to: A}, {from: A, to: B}], sampling: {name: constant, args: {retry: 1}}}
"""
LOST_AFTER = 4.5


def waiting(place: Site) -> None:
    place.write(FLOW.replace("MODULE", f"tasks_{place.name}"), TASKS)


@pytest.mark.service("redis")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("state", ["redis", "sqlite"])
def test_a_task_that_takes_long_is_not_lost(state: str, tmp_path: Path) -> None:
    """Its worker says that it is at it; the task may be the message's own or run ahead."""
    patience = 9.0  # seconds, so that a busy machine still keeps up
    with site(
        tmp_path, "redis", state, selinon_heartbeat_timeout=patience, selinon_idle_check_interval=1
    ) as place:
        waiting(place)
        place.start("-c", "2")
        run = place.selinon.run_flow("main")
        wait_until(place.ran, told=place.logs)
        begun_before = time.time()
        later = begun_before + patience + 1.0
        wait_until(lambda: not place.selinon.store.stalled_nodes(run.id, later), told=place.logs)
        assert time.time() > later
        (tmp_path / "go").touch()
        assert run.wait(30) == "success"
        assert place.ran() == ["A", "B"]


@pytest.mark.service("redis")
@pytest.mark.timeout(120)
def test_a_task_whose_worker_and_message_are_gone_runs_again(tmp_path: Path) -> None:
    """Redis hands a message over before anybody notes it: the second copy may be lost like any other."""
    import redis

    with site(tmp_path, "redis", selinon_heartbeat_timeout=LOST_AFTER, selinon_idle_check_interval=1) as place:
        waiting(place)
        worker = place.start("-c", "1")
        run = place.selinon.run_flow("main")
        wait_until(place.ran, told=place.logs)
        place.kill(worker)
        client: Any = redis.Redis.from_url(place.environment["TESTED_BROKER"], decode_responses=True)
        held = [tag for tag, text in client.hscan_iter("selinon.unacked") if run.id in text]
        assert held
        for tag in held:
            client.hdel("selinon.unacked", tag)
            client.zrem("selinon.unacked_index", tag)
        (tmp_path / "go").touch()
        place.start("-c", "1")
        assert run.wait(60) == "success", place.logs()
        assert place.ran() == ["A", "A", "B"]
