"""Workers without processes: the production driver on a memory store, a list of messages and a clock of its own.

Everything between the broker and the machine is the real code; what is simulated is the broker (messages may be
delivered in any order, twice, or again after a crash), the workers (several services, one message at a time) and
crashes (at any call to the store or the publisher). Nothing is patched, and no thread is started.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from typing import Any

from selinon_core.celery.reporting.opentelemetry import Spans
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.celery.stores.protocol import Due
from selinon_core.celery.surroundings import Surroundings, Thread
from selinon_core.celery.transport import publisher
from selinon_core.celery.transport.message_schema import (
    NodeMessage,
    StartMessage,
    WakeMessage,
    read_dispatch,
    read_nodes,
)
from selinon_core.celery.transport.publisher import DISPATCHER, OutgoingMessage
from selinon_core.celery.worker.task_handler import TaskMessageHandler
from selinon_core.celery.worker.unknown_names import PAUSE, Disposition, Message, UnroutableMessages, unknown_in
from selinon_core.errors import FormatSkew
from selinon_core.plan import Plan
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.storages import Storages


class Crash(BaseException):
    """A worker died here. No Exception: nothing may catch it."""


class Faults:
    """Crashes with a probability, before or after a step that others can see."""

    def __init__(self, chooser: random.Random, crash: float) -> None:
        self.chooser = chooser
        self.crash = crash

    def point(self) -> None:
        """A worker may die here."""
        if self.crash and self.chooser.random() < self.crash:
            raise Crash


class _Wrapped:
    """A store or publisher whose every call may be the last of its worker."""

    def __init__(self, inner: Any, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._faults.point()
            result = found(*args, **kwargs)
            self._faults.point()
            return result

        return call


class Broker:
    """Messages on their way, as (text of the letter, whether it was delivered before)."""

    def __init__(self, chooser: random.Random, duplicate: float = 0.0, lose: float = 0.0) -> None:
        self.queue: list[tuple[str, bool]] = []
        self.sent: list[OutgoingMessage] = []
        self.chooser = chooser
        self.duplicate = duplicate
        self.lose = lose
        self.backlog = 0

    def waiting(self, queue: str) -> int:
        return self.backlog

    def send(self, letters: Iterable[OutgoingMessage]) -> None:
        for letter in letters:
            self.sent.append(letter)
            text = json.dumps([letter.celery_task, {"v": publisher.FORMAT, **letter.kwargs}, letter.headers or {}])
            if self.lose and self.chooser.random() < self.lose:
                continue
            self.queue.append((text, False))
            if self.duplicate and self.chooser.random() < self.duplicate:
                self.queue.append((text, False))

    def take(self, anywhere: bool) -> tuple[str, bool]:
        return self.queue.pop(self.chooser.randrange(len(self.queue)) if anywhere else 0)


class _NoThread:
    """A thread that never gets a turn: messages are handled at once, so nothing is late."""

    def is_alive(self) -> bool:
        return True


class World:
    """Some workers, a broker, a store and a clock."""

    def __init__(
        self,
        plan: Plan,
        *,
        seed: int = 0,
        workers: int = 2,
        shuffle: bool = False,
        crash: float = 0.0,
        duplicate: float = 0.0,
        lose: float = 0.0,
        serves: Callable[[int, str], bool] = lambda worker, queue: True,
        spans: Spans | None = None,
        store: Any = None,
        **settings: Any,
    ) -> None:
        self.plans = [plan] * workers
        self.clocks: dict[int, Callable[[], float]] = {}
        self.now = 1_800_000_000.0
        self.chooser = random.Random(seed)
        self.faults = Faults(self.chooser, crash)
        self.broker = Broker(self.chooser, duplicate, lose)
        self.store: MemoryStore = MemoryStore() if store is None else store
        self.shuffle = shuffle
        self.crashes = 0
        self.strangers = UnroutableMessages()
        self.results: dict[str, tuple[str, Any]] = {}
        self.serves = serves
        self.settings = AdapterSettings(
            **{"selinon_max_deliveries": 10_000, "selinon_store_retry_timeout": 0.0, **settings}  # type: ignore[arg-type]
        )
        self.spans = spans
        # What tasks store is on servers, as it were: all workers share it.
        self._storages = Storages(plan, Imports(()), lambda event, details: None)
        self.engines = [self._engine(worker) for worker in range(workers)]

    def _engine(self, worker: int) -> WorkerServices:
        plan = self.plans[worker]
        services = WorkerServices(
            plan,
            (),
            self.settings,
            store=_Wrapped(self.store, self.faults),  # type: ignore[arg-type]
            publisher=_Wrapped(self.broker, self.faults),  # type: ignore[arg-type]
            default_queue="celery",
            write_result=self._result,
            serves=lambda queue: self.serves(worker, queue),
            surroundings=Surroundings(
                self.clocks.get(worker, self._now), self._now, self._sleep, self._start_thread
            ),
            spans=self.spans,
        )
        services.storages.share(self._storages)
        return services

    def _now(self) -> float:
        return self.now

    def _start_thread(self, name: str, run: Callable[[], None]) -> Thread:
        return _NoThread()

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def deploy(self, worker: int, plan: Plan) -> None:
        """Replace a worker by one with other files."""
        self.plans[worker] = plan
        self.engines[worker] = self._engine(worker)

    def _result(self, id: str, outcome: Any) -> None:
        self.results[id] = ("success" if outcome.succeeded else "failure", outcome.state)

    def start(self, flow: str, node_args: Any = None, selective: Any = None, id: str = "") -> str:
        id = id or f"00000000-0000-4000-8000-{len(self.broker.sent):012d}"
        kwargs: dict[str, Any] = {"action": "start", "flow": flow, "id": id, "args": node_args}
        if selective is not None:
            kwargs["selective"] = selective.to_json()
        self.broker.send([OutgoingMessage("celery", DISPATCHER, flow, id, id, kwargs)])
        return id

    def cancel(self, flow: str, id: str) -> None:
        self.broker.send(
            [OutgoingMessage("celery", DISPATCHER, flow, id, id, {"action": "cancel", "flow": flow, "id": id})]
        )

    def work(self, most: int = 100_000, until: float = float("inf")) -> None:
        """Deliver messages, and let time pass where none are left, until nothing is due any more."""
        for _ in range(most):
            if self.broker.queue:
                self._deliver(*self.broker.take(self.shuffle))
                continue
            due = self.store.next_due()
            if due is None or due > until:
                return
            found = self._sweep(max(self.now, due) + 0.01)
            if not self.store.runs(1) and not found and not self.broker.queue:
                return
        raise AssertionError(f"still busy: {dict(self.store.left_over())}")

    def work_some(self, messages: int) -> None:
        """Deliver so many messages, fewer if there are none left."""
        for _ in range(messages):
            while not self.broker.queue:
                due = self.store.next_due()
                if due is None:
                    return
                self._sweep(max(self.now, due) + 0.01)
            self._deliver(*self.broker.take(self.shuffle))

    def pass_time(self, seconds: float) -> None:
        """Deliver all messages, and let the sweep look so much later. Any store can do this."""
        while self.broker.queue:
            self._deliver(*self.broker.take(self.shuffle))
        self._sweep(self.now + seconds)

    def _sweep(self, now: float) -> list[Due]:
        self.now = now
        settings = self.settings
        found = self.store.claim_due_runs(
            now,
            100,
            settings.selinon_resend_after,
            settings.selinon_idle_check_interval,
            settings.selinon_heartbeat_timeout,
        )
        self.broker.send(self.engines[0].messages.wake(d.flow, d.flow_id, d.queue) for d in found)
        return found

    def _deliver(self, text: str, again: bool) -> None:
        """Hand a message to a worker; one that dies leaves it to be delivered again, to a new one."""
        worker = self.chooser.randrange(len(self.engines))
        try:
            self._handle(self.engines[worker], *json.loads(text), again)
        except Crash:
            self.crashes += 1
            self.engines[worker] = self._engine(worker)  # without anything it remembered
            kwargs = json.loads(text)[1]
            kept_elsewhere = (
                kwargs.get("action") != "start" or "caller" in kwargs
            )  # others are in the ledger of starts
            if not kept_elsewhere or self.chooser.random() >= self.broker.lose:
                self.broker.queue.append((text, True))

    @staticmethod
    def _is_known(engine: WorkerServices, message: Message) -> bool:
        cancels = isinstance(message, WakeMessage) and message.cancel
        return cancels or unknown_in(engine.plan, message) is None

    def _strange(self, engine: WorkerServices, messages: list[Message], text: str, again: bool) -> None:
        """As ``Selinon`` does about messages that name what is unknown."""
        for message in messages:
            unknown = unknown_in(engine.plan, message)
            assert unknown is not None
            if self.strangers.disposition(engine, message, unknown) is Disposition.PUT_BACK:
                self.broker.queue.append((text, again))
                self.now += PAUSE
                return

    def _handle(
        self, engine: WorkerServices, task: str, kwargs: dict[str, Any], headers: dict[str, str], again: bool
    ) -> None:
        trace = headers.get("traceparent", "")
        try:
            messages = read_nodes(kwargs, 1 << 20) if task != DISPATCHER else (read_dispatch(kwargs, 1 << 20),)
        except FormatSkew:
            self.broker.queue.append((json.dumps([task, kwargs, headers]), again))
            self.now += PAUSE
            return
        known = [m for m in messages if self._is_known(engine, m)]
        nodes = [m._replace(trace=trace) for m in known if isinstance(m, NodeMessage)]
        if nodes:
            TaskMessageHandler(engine).handle(nodes, again)
        if len(known) < len(messages):
            self._strange(
                engine, [m for m in messages if m not in known], json.dumps([task, kwargs, headers]), again
            )
        if not known or nodes:
            return
        message = known[0]
        if isinstance(message, StartMessage):
            budget = engine.inline_budget(0)
            start = message._replace(trace=trace)
            ahead = engine.retry_as_redelivered(lambda again: engine.executor.start(start, again, budget), again)
            TaskMessageHandler(engine).run_inline(ahead, budget)
        elif message.cancel:
            engine.executor.cancel(message.id, message.flow)
        else:
            engine.retry_while_unavailable(lambda: engine.executor.process_due_work(message.id))
