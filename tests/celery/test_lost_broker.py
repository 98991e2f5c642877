"""A worker that holds messages outlives its broker: without a supervisor, nobody would start another."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from selinon_core.celery.transport.redis_reconnect import raise_connection_reset
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
