"""A worker that holds messages outlives its broker: without a supervisor, no process would start another."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from kombu import Connection
from redis.exceptions import (
    ClusterDownError,
    ExecAbortError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)

from selinon_core.celery.transport.redis_resilience import raise_connection_reset, take_errors_for_losses
from tests import services
from tests.celery.workers import site, wait_until
from tests.workers.servers import RedisServer

pytestmark = [pytest.mark.service("redis"), pytest.mark.xdist_group("workers"), pytest.mark.timeout(180)]
TASKS = """
import time
from pathlib import Path
from selinon_core import SelinonTask

class Step(SelinonTask):
    def run(self, node_args):
        with (Path(__file__).parent / "ran.txt").open("a") as out:
            out.write(self.task_name + "\\n")
        time.sleep(node_args["seconds"] if self.task_name == "Long" else 0)
"""
YAML = """
tasks:
  - {{name: Long, import: {module}, classname: Step}}
  - {{name: Next, import: {module}, classname: Step}}
flow-definitions:
  - {{name: steps, edges: [{{from: , to: Long}}, {{from: Long, to: Next}}]}}
"""


@pytest.mark.parametrize("seconds", [0.5, 4], ids=["it ends while the broker is away", "it ends when it is back"])
def test_a_worker_goes_on_when_its_redis_was_restarted(tmp_path: Path, seconds: float) -> None:
    server = RedisServer(tmp_path / "redis", durable=True)
    server.start()
    try:
        with site(tmp_path, worker_cancel_long_running_tasks_on_connection_loss=False) as here:
            here.environment["TESTED_BROKER"] = here.app.conf.broker_url = server.url
            here.write(YAML.format(module=f"tasks_{here.name}"), TASKS)
            worker = here.start("-c", "1", talks=True)  # as workers do by default
            run = here.selinon.run_flow("steps", {"seconds": seconds})
            wait_until(lambda: "Long" in here.ran())
            server.kill()
            time.sleep(1.5)
            server.start()
            assert run.wait(60) == "success", here.logs()
            assert here.selinon.run_flow("steps", {"seconds": 0}).wait(60) == "success", here.logs()
            assert worker.poll() is None
    finally:
        server.stop()


def test_a_channel_whose_connection_is_gone_says_that() -> None:
    """Which of its channels notices first is chance: some workers went on, and some ended."""
    channel: Any = Connection(services.SERVICES["redis"].url).channel()
    raise_connection_reset(channel)
    assert channel.pool is not None
    channel.connection.client.collect()
    channel._disconnect_pools()
    with pytest.raises(ConnectionResetError):
        channel.qos.restore_unacked()
    with pytest.raises(ConnectionResetError):
        channel.basic_ack("tag")
    assert issubclass(ConnectionResetError, Connection("redis://").connection_errors)


def answering(replies: list[Any]) -> Any:
    """A transport and channel whose every call raises the next of some errors, and then does nothing."""

    def call(*_: Any) -> None:
        if replies:
            raise replies.pop(0)

    cycle = SimpleNamespace(get=call, on_readable=call)
    qos = SimpleNamespace(can_consume=call)
    return SimpleNamespace(connection=SimpleNamespace(cycle=cycle), qos=qos, basic_ack=call, basic_reject=call)


CANNOT_SERVE = [
    ResponseError("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"),
    ResponseError("NOREPLICAS Not enough good replicas to write."),
    ResponseError("MISCONF Redis is configured to save RDB snapshots"),
    ReadOnlyError("You can't write against a read only replica."),
    OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
    NoPermissionError("User default has no permissions to run the 'brpop' command"),
    ClusterDownError("The cluster is down"),
    ExecAbortError("Transaction discarded because of: previous errors"),
]


@pytest.mark.parametrize("error", CANNOT_SERVE, ids=lambda error: str(error)[:12])
@pytest.mark.parametrize("call", ["on_readable", "get", "can_consume", "basic_ack", "basic_reject"])
def test_a_redis_that_cannot_serve_is_one_that_is_gone(error: Exception, call: str) -> None:
    channel = answering([error])
    take_errors_for_losses(channel, pause=0.0)
    owner = next(o for o in (channel, channel.qos, channel.connection.cycle) if hasattr(o, call))
    with pytest.raises(ConnectionResetError, match="Redis cannot serve"):
        getattr(owner, call)()
    if call in ("basic_ack", "basic_reject"):  # Celery only logs that; the message would count as held for ever
        with pytest.raises(ConnectionResetError, match="Redis cannot serve"):
            channel.qos.can_consume()
    channel.qos.can_consume()


def test_errors_of_other_kinds_are_not_hidden() -> None:
    for error in (ResponseError("wrong number of arguments"), ValueError("no"), KeyError("x")):
        channel = answering([error])
        take_errors_for_losses(channel, pause=0.0)
        with pytest.raises(type(error)):
            channel.connection.cycle.on_readable(7)


def test_a_worker_goes_on_when_its_redis_could_not_serve(tmp_path: Path) -> None:
    """A fail-over: it waits for messages, and runs a task, while the server becomes a replica for a while."""
    server = RedisServer(tmp_path / "redis", durable=True)
    server.start()
    try:
        with site(tmp_path) as here:
            here.environment["TESTED_BROKER"] = here.app.conf.broker_url = server.url
            here.write(YAML.format(module=f"tasks_{here.name}"), TASKS)
            worker = here.start("-c", "1", talks=True)
            client: Any = redis.Redis.from_url(server.url, decode_responses=True)
            run = here.selinon.run_flow("steps", {"seconds": 1.5})
            wait_until(lambda: "Long" in here.ran())
            for element in ("bare", "7", "[]", "{}", '{"properties": {}}'):
                client.lpush(here.name, element)
            client.replicaof("127.0.0.1", "1")
            # Twice: the worker has connected again, in vain, while the server still could not serve.
            wait_until(lambda: here.logs().count("Redis cannot serve") >= 2, told=here.logs)
            client.replicaof("NO", "ONE")
            assert run.wait(60) == "success", here.logs()
            wait_until(lambda: here.logs().count("is not a message") >= 5, told=here.logs)
            assert here.selinon.run_flow("steps", {"seconds": 0}).wait(60) == "success", here.logs()
            assert worker.poll() is None
            client.close()
    finally:
        server.stop()
