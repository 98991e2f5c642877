"""Messages that cannot be handled, on real brokers: none is lost, and none keeps others from being handled."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kombu import Queue

from selinon_core.celery.steering.parked import Parked
from selinon_core.celery.transport.message_builder import MessageBuilder
from selinon_core.celery.transport.publisher import ENVELOPE, OutgoingMessage
from selinon_core.errors import RequestError
from selinon_core.runtime.ids import random_flow_id
from tests.celery.workers import Site, site, status_of, wait_until

pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]
BROKERS = [
    pytest.param("redis", marks=pytest.mark.service("redis")),
    pytest.param("amqp", marks=pytest.mark.service("redis", "amqp")),
]
EXPIRED = {"expires": "2020-01-01T00:00:00+00:00"}
TASKS = """
from pathlib import Path
from selinon_core import SelinonTask

class Step(SelinonTask):
    def run(self, node_args):
        with (Path(__file__).parent / "ran.txt").open("a") as out:
            out.write(self.task_name + "\\n")
"""
YAML = """
tasks:
  - {{name: Work, import: {module}, classname: Step}}
  - {{name: Rescue, import: {module}, classname: Step}}
  - {{name: Elsewhere, import: {module}, classname: Step, queue: {queue}-unserved}}
flow-definitions:
  - {{name: main, edges: [{{from: , to: Work}}]}}
  - name: waits
    edges: [{{from: , to: Elsewhere}}]
    failures: [{{nodes: Elsewhere, fallback: Rescue}}]
"""
# A worker in which one kind of start raises, as one does that meets a bug.
BROKEN_APP = """
from tests.celery.real_app import app, selinon

begin_steps = selinon.services.executor.begin_steps

def broken(message, *others, **named):  # of a start by itself, and of one that is handled with others
    if message.args == "broken":
        raise ValueError("no start like this")
    return (yield from begin_steps(message, *others, **named))

selinon.services.executor.begin_steps = broken
"""


@contextmanager
def written(directory: Path, broker: str, state: str = "redis", **settings: Any) -> Iterator[Site]:
    with site(directory, broker, state, **settings) as place:
        place.write(YAML.format(module=f"tasks_{place.name}", queue=place.name), TASKS)
        try:
            yield place
        finally:
            with place.app.connection_for_write() as connection:
                connection.default_channel.queue_delete(f"{place.name}-unserved")


@pytest.mark.parametrize("broker", BROKERS)
def test_a_start_that_raises_is_parked_and_others_run(broker: str, tmp_path: Path) -> None:
    with written(tmp_path, broker, selinon_max_deliveries=2) as place:
        (tmp_path / f"broken_{place.name}.py").write_text(BROKEN_APP)
        place.start("-c", "1", app=f"broken_{place.name}:app")
        poison = place.selinon.run_flow("main", "broken")
        honest = [place.selinon.run_flow("main") for _ in range(3)]
        for run in honest:
            assert run.wait(60) == "success", place.logs()
        parked = Parked(place.selinon)
        (row,) = wait_until(lambda: parked.list().rows, told=place.logs)
        assert row["reason"] == "ValueError: no start like this"
        assert (row["id"], row["flow"]) == (poison.id, "main")
        assert status_of(place, poison.id) is None
        if place.selinon.pending_starts.enabled:  # it is not sent again
            wait_until(lambda: place.selinon.pending_starts.find(poison.id) is None, told=place.logs)
            with pytest.raises(RequestError, match="there is no flow run"):
                place.selinon.status(poison.id)
        assert place.logs().count("no start like this") >= 2
        parked.requeue(poison.id)  # nothing has changed: it comes back
        wait_until(lambda: place.logs().count("no start like this") >= 4, told=place.logs)
        wait_until(lambda: parked.list().rows, told=place.logs)


@pytest.mark.service("redis", "amqp")
def test_a_quorum_queue_that_drops_messages_loses_no_start_while_the_store_is_away(tmp_path: Path) -> None:
    """A message that is rejected counts against the limit of its queue, so a copy goes back."""
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 1}
    options = {"connect_args": {"timeout": 0.01}}
    settings = {"selinon_store_retry_timeout": 0.01, "selinon_state_options": options}
    with written(tmp_path, "amqp", "sqlite", **settings) as place:
        place.environment["TESTED_QUEUE_ARGUMENTS"] = json.dumps(arguments)
        place.app.conf.task_queues = [Queue(place.name, queue_arguments=arguments)]
        place.start("-c", "1")
        assert place.selinon.run_flow("main").wait(60) == "success", place.logs()
        before = place.logs().count(" received")
        other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        runs = [place.selinon.run_flow("main") for _ in range(2)]
        wait_until(lambda: place.logs().count(" received") - before >= 8, told=place.logs)
        other.execute("ROLLBACK")
        other.close()
        for run in runs:
            assert run.wait(60) == "success", place.logs()
        assert place.ran() == ["Work"] * 3


@pytest.mark.parametrize("broker", BROKERS)
def test_a_start_that_has_expired_is_cancelled(broker: str, tmp_path: Path) -> None:
    with written(tmp_path, broker) as place:
        place.start("-c", "1")
        id = random_flow_id()
        builder = MessageBuilder(place.selinon.plan, place.name)
        start = builder.of_request("main", id, None, None, "")
        place.selinon.services.publisher.send([start._replace(headers=EXPIRED)])
        header = wait_until(lambda: status_of(place, id), told=place.logs)
        assert header["status"] == "cancelled"
        assert place.ran() == []


@pytest.mark.parametrize("broker", BROKERS)
def test_a_task_whose_message_has_expired_has_failed_and_its_fallback_runs(broker: str, tmp_path: Path) -> None:
    with written(tmp_path, broker) as place:
        place.start("-c", "1")
        run = place.selinon.run_flow("waits")
        wait_until(lambda: status_of(place, run.id), told=place.logs)
        (node,) = place.selinon.status(run.id)["nodes"]
        kwargs = {"flow": "waits", "id": run.id, "number": node["number"], "task": "Elsewhere"}
        message = OutgoingMessage(
            place.name, ENVELOPE, "selinon.task.Elsewhere", node["id"], run.id, kwargs, None, EXPIRED
        )
        place.selinon.services.publisher.send([message])
        assert run.wait(60) == "success", place.logs()
        assert place.ran() == ["Rescue"]
        failed = next(n for n in place.selinon.status(run.id)["nodes"] if n["name"] == "Elsewhere")
        assert (failed["status"], failed["error"]["type"]) == ("failure", "TaskRevokedError")
        assert failed["error"]["message"] == "its message was expired"
