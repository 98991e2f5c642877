"""Where workers play: servers of their own for broker, store and memory, and a client that sees what they see."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from selinon_core.celery import Selinon
from tests import services
from tests.workers.app import make
from tests.workers.processes import environment_of
from tests.workers.servers import PostgresCluster, RabbitNode, RedisServer

Json = dict[str, Any]
T = TypeVar("T")


class Stage:
    """Servers in ``directory``, ended with ``stack``. In place of a kind a URL: of a server that is left alone."""

    def __init__(self, stack: ExitStack, directory: Path, broker: str, store: str) -> None:
        self._stack = stack
        self._directory = directory
        self.queue = services.private_name()
        #: By role; those that a test may kill.
        self.servers: dict[str, Any] = {}
        self.memory = self._server("memory", "redis")
        self.broker = self._server("broker", broker)
        self.store = self._server("store", store)

    def _server(self, role: str, kind: str) -> str:
        if "://" in kind:
            return kind
        made: Any
        if kind == "redis":
            made = RedisServer(self._directory / role, durable=role != "memory")
        elif kind == "amqp":
            made = RabbitNode(self._directory / role)
        else:
            made = PostgresCluster(self._directory / role)
        made.start()
        self._stack.callback(made.stop)
        self.servers[role] = made
        return f"{made.url}/0" if kind == "redis" else str(made.url)

    def environment(self, paths: list[str], **settings: Any) -> dict[str, str]:
        """What workers with these files need to know."""
        store = self.store
        backend = store.rpartition("/")[0] + "/1" if store.startswith("redis") else f"db+{store}"
        settings |= {"task_default_queue": self.queue, "selinon_state_prefix": self.queue + "_"}
        environment = environment_of(self.broker, backend, store, paths, **settings)
        return environment | {"SELINON_TEST_MEMORY": self.memory}

    def client(self, environment: dict[str, str]) -> Selinon:
        """Flows as workers with this environment have them, for callers."""
        given = json.loads(environment["SELINON_TEST_APP"])
        is_redis = self.broker.startswith("redis")
        if not is_redis:  # the client must know that the broker has its message
            given["settings"]["broker_transport_options"] = {"confirm_publish": True}
        app, selinon = make(given)
        self._stack.callback(app.close)
        selinon.store.prepare()
        if not is_redis:
            self._stack.callback(lambda: _delete_queue(selinon, self.queue))
        self._stack.callback(selinon.store.close)
        return selinon


def _delete_queue(selinon: Selinon, queue: str) -> None:
    with selinon.app.connection_for_write() as connection:
        connection.default_channel.queue_delete(queue)


def is_running(selinon: Selinon, id: str) -> bool:
    """Whether a flow run has not ended; one that has not begun has not."""
    header = selinon.store.header(id)
    return header is None or header["status"] == "running"


def patient(action: Callable[[], T], seconds: float = 60.0) -> T:
    """Do it until it works: servers come back."""
    until = time.monotonic() + seconds
    while True:
        try:
            return action()
        except Exception as error:
            if time.monotonic() > until:
                raise
            print(f"again: {type(error).__name__}: {str(error)[:100]}", file=sys.stderr)
            time.sleep(0.2)


def verdict(figures: dict[str, Any], wrong: list[str], directory: Path) -> int:
    """Print what came out; the exit code. What was written is kept where something is wrong."""
    print(json.dumps(figures, indent=1))
    for line in wrong[:50]:
        print(f"WRONG: {line[:2000]}")
    if wrong:
        print(f"{len(wrong)} violations; see {directory}")
        return 1
    shutil.rmtree(directory, ignore_errors=True)
    print("everything held")
    return 0
