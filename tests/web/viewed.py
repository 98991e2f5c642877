"""Flow runs to look at: real decisions of the adapter in a simulated world, behind the real app."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import anyio
import httpx
import uvicorn
from starlette.applications import Starlette

from selinon_core.celery.stores.items import PARKED, Item
from selinon_core.errors import StateStoreError
from selinon_core.plan import Plan
from selinon_core.project import compile_project
from selinon_core.simulating.world import World
from selinon_core.web import create_app
from tests.celery.remote_control import RemoteControl

HOSTILE = "<script>hacked()</script><img src=x onerror=hacked()>\"'&amp;</pre>"

PROJECT = """\
tasks:
  - {name: Load, import: viewed_tasks, storage: Memory}
  - {name: Price, import: viewed_tasks}
  - {name: Charge, import: viewed_tasks}
  - {name: Ship, import: viewed_tasks}
  - {name: Fetch, import: viewed_tasks}
storages:
  - {name: Memory, import: selinon_core.storages.memory, classname: InMemoryStorage}
global:
  schedules:
    - {name: nightly, flow: order, cron: "30 2 * * *", timezone: Europe/Berlin}
flow-definitions:
  - name: order
    propagate_node_args: true
    edges:
      - {from: null, to: Load}
      - {from: Load, to: Price, condition: "Load.total > 10"}
      - {from: Load, to: pages}
      - {from: Price, to: Charge}
      - {from: Charge, to: Ship}
  - name: pages
    edges:
      - from: null
        to: Fetch
        foreach: {import: viewed_tasks, function: pages, propagate_result: true}
"""

TASKS = """\
from selinon_core import SelinonTask

HOSTILE = {hostile!r}


def pages(storage_pool, node_args):
    return list(range((node_args or {{}}).get("pages", 3)))


class Load(SelinonTask):
    def run(self, node_args):
        return {{"total": 12, "note": HOSTILE}}


class Price(SelinonTask):
    def run(self, node_args):
        return 12


class Charge(SelinonTask):
    def run(self, node_args):
        if (node_args or {{}}).get("declined"):
            raise ValueError("declined: " + HOSTILE)


class Ship(SelinonTask):
    def run(self, node_args):
        pass


class Fetch(SelinonTask):
    def run(self, node_args):
        if node_args % 100 == 50:
            raise RuntimeError("page %d is away" % node_args)
"""


class CountedStore:
    """A store that counts what it is asked, and is away when told so."""

    def __init__(self, store: Any, clock: Callable[[], float]) -> None:
        self._store = store
        self.clock = clock
        self.asked: Counter[str] = Counter()
        self.away = False

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._store, name)
        if name in ("index", "audit", "waits", "schedules", "items", "limits"):
            return _Away(self, name, value)

        def call(*args: Any, **named: Any) -> Any:
            self.asked[name] += 1
            if self.away:
                raise StateStoreError("it was taken away")
            return value(*args, **named)

        return call


class _Away:
    """A part of a store that may be away."""

    def __init__(self, owner: CountedStore, name: str, part: Any) -> None:
        self._owner = owner
        self._name = name
        self._part = part

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)

        def call(*args: Any, **named: Any) -> Any:
            self._owner.asked[f"{self._name}.{name}"] += 1
            if self._owner.away:
                raise StateStoreError("it was taken away")
            return value(*args, **named)

        return call


class _Broker:
    """A broker that may be away."""

    def __init__(self, publisher: Any) -> None:
        self._publisher = publisher
        self.away = False
        #: Messages that wait, by queue.
        self.counts: Counter[str] = Counter()

    def waiting(self, queue: str) -> int:
        return self.counts[queue]

    def send(self, messages: Any, note: Any = None) -> None:
        if self.away:
            raise ConnectionError("it was taken away")
        self._publisher.send(messages)


class _Connection:
    """A connection to the broker, as far as the page needs one."""

    connection_errors = (ConnectionError,)
    channel_errors = ()

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Viewed:
    """A project, its world, and the app that shows it. Stands for a ``Selinon``."""

    def __init__(self, plan: Plan, **world: Any) -> None:
        self.world = World(plan, workers=1, selinon_inline_count=0, selinon_batch_count=1, **world)
        self.plan = plan
        self.store = CountedStore(self.world.store, lambda: self.world.now)
        worker = self.world.workers[0]
        self.broker = _Broker(worker.publisher)
        self.services = SimpleNamespace(
            plan=plan,
            store=self.store,
            flow_versions=worker.flow_versions,
            messages=worker.messages,
            publisher=self.broker,
            relay=worker.relay,
            check_schema=worker.check_schema,
            storages=worker.storages,
            settings=worker.settings,
            spans=worker.spans,
        )
        self.pending_starts = SimpleNamespace(enabled=False)
        self.control = RemoteControl()
        self.app = SimpleNamespace(main="shop", connection_for_write=_Connection, control=self.control)

    def page(self, **options: Any) -> Starlette:
        """The app; it asks the store with every request unless ``pace`` says otherwise."""
        return create_app(self, **{"pace": 0.0, **options})  # type: ignore[arg-type]

    def client(self, **options: Any) -> Client:
        """A client on the same machine."""
        return Client(self.page(**options))

    def begun(self, flow: str, args: Any = None, id: str = "") -> str:
        """The id of a run that a worker has created, and done nothing for."""
        id = self.world.start(flow, args, id=id)
        while self.world.store.header(id) is None:
            self.world.step()
        return id

    def park(self, flow: str, args: Any = None, reason: str = "no worker knows the flow") -> str:
        """The id of a run whose start is parked, and not at the broker any more."""
        id = self.world.start(flow, args)
        sent = self.world.broker.sent[-1]
        self.world.broker.queue.pop()
        kept = {"flow": flow, "reason": reason, "queue": sent.queue, "task": sent.celery_task, "shown_as": flow}
        kept |= {"task_id": id, "root_id": id, "kwargs": sent.kwargs, "headers": {}}
        self.world.store.items.put(Item(PARKED, id, self.world.now, json.dumps(kept)), self.world.now + 60)
        return id

    def finished(self, flow: str, args: Any = None) -> str:
        """The id of a run that has ended."""
        id = self.world.start(flow, args)
        self.world.work()
        return id


class Client:
    """A client of an app without a server between them; as if on the same machine unless ``address`` says else."""

    def __init__(self, app: Any, address: str = "127.0.0.1", host: str = "127.0.0.1:8641") -> None:
        self._app = app
        self._address = address
        self._host = host

    def get(self, path: str, **headers: str) -> httpx.Response:
        """``headers`` are written with ``_`` for ``-``."""
        return self.request(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The whole answer to a request."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False, client=(self._address, 50000))
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{self._host}") as client:
                return await client.request(method, path, **options)

        return anyio.run(ask)


@contextmanager
def project(directory: Path, yaml: str = PROJECT, tasks: str = TASKS, **world: Any) -> Iterator[Viewed]:
    """The project of these tests, compiled."""
    name = "viewed_tasks"
    (directory / "project.yaml").write_text(yaml)
    module = ModuleType(name)
    code = tasks.format(hostile=HOSTILE)
    exec(code, module.__dict__)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        (directory / f"{name}.py").write_text(code)
        plan = compile_project([directory / "project.yaml"], pythonpath=[str(directory)]).plan
        assert plan is not None
        yield Viewed(plan, **world)
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before


class _Server(uvicorn.Server):
    """A server that closes every connection at its end, also one that is being answered.

    Otherwise the garbage collector closes it in the middle of some later test, which then fails by the warning.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # the loop closes them


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """The address of an app that a real server serves."""
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = _Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        app.state.close()
        server.should_exit = True
        thread.join(20)


def text_of(value: Any) -> str:
    """Everything in a JSON value as text, for a search."""
    return json.dumps(value, ensure_ascii=False)
