"""Workers without processes: the production driver on a memory store, a list of messages and a clock of its own.

Everything between the broker and the machine is the real code; what is simulated is the broker (messages may be
delivered in any order, twice, or again after a crash), the workers (several services, one message at a time) and
crashes (at any call to the store or the publisher). Nothing is patched, and no thread is started.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selinon_core.celery.execution.reopening_step import RunBusy
from selinon_core.celery.reporting.opentelemetry import Spans
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.celery.stores.protocol import Due
from selinon_core.celery.surroundings import Surroundings, Thread
from selinon_core.celery.transport.message_schema import TRACE_HEADER, SignalMessage
from selinon_core.celery.transport.publisher import DISPATCHER, OutgoingMessage
from selinon_core.celery.transport.start_batch import START_HEADER, joined
from selinon_core.celery.worker.limit_upkeep import LimitUpkeep
from selinon_core.celery.worker.unknown_names import PAUSE
from selinon_core.plan import Plan
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.storages import Storages
from selinon_core.simulating.broker import Broker
from selinon_core.simulating.faults import Crash, Faults, Faulty
from selinon_core.simulating.queues import with_known_queues
from selinon_core.simulating.receiver import Receiver


class _NoThread:
    """A thread that never gets a turn: messages are handled at once, so nothing is late."""

    def is_alive(self) -> bool:
        return True


#: When a world begins, in seconds: a time at which sums of seconds are exact to nine places.
BEGINNING = 1_000_000.0


class World:
    """Some workers, a broker, a store and a clock.

    ``shuffle``: messages are delivered in an order drawn from ``seed``, else first come, first served.
    ``crash``, ``duplicate`` and ``lose`` are probabilities of faults. ``serves(worker, queue)`` says which
    queues a worker consumes. ``parts`` replaces parts of ``WorkerServices``. ``tick``: so many seconds after
    something was due, it is looked after. ``together``: so many starts that wait are handed to a worker as one
    message. ``settings`` are those of the adapter.
    """

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
        parts: Mapping[str, Any] = {},
        tick: float = 0.01,
        together: int = 1,
        **settings: Any,
    ) -> None:
        self.plans = [plan] * workers
        self.clocks: dict[int, Callable[[], float]] = {}
        self.now = BEGINNING
        self.tick = tick
        self.parts = parts
        self.chooser = random.Random(seed)  # noqa: S311  (reproducible, not unpredictable)
        self.faults = Faults(self.chooser, crash)
        self.broker = Broker(self.chooser, duplicate, lose)
        self.broker.lanes = plan.settings.lanes
        self.store: MemoryStore = MemoryStore() if store is None else store
        self.shuffle = shuffle
        self.crashes = 0
        self.together = together
        self.receiver = Receiver()
        self.results: dict[str, tuple[str, Any]] = {}
        self.serves = serves
        self.settings = AdapterSettings(
            **{"selinon_max_deliveries": 10_000, "selinon_store_retry_timeout": 0.0, **settings}
        )
        self.spans = spans
        # What tasks store is on servers, as it were: all workers share it.
        self._storages = Storages(plan, Imports(()), lambda event, details: None)
        self.workers = [self.new_worker(worker) for worker in range(workers)]
        has_limits = any(task.limit is not None for task in plan.tasks.values())
        self._upkeep = LimitUpkeep(self.workers[0]) if has_limits else None

    def new_worker(self, worker: int) -> WorkerServices:
        """The services of a worker that has just begun."""
        plan = with_known_queues(self.plans[worker])
        services = WorkerServices(
            plan,
            (),
            self.settings,
            store=Faulty(self.store, self.faults),
            publisher=Faulty(self.broker, self.faults),  # type: ignore[arg-type]
            default_queue="celery",
            write_result=self._result,
            serves=lambda queue: self.serves(worker, queue),
            surroundings=Surroundings(
                self.clocks.get(worker, self._now), self._now, self._sleep, self._start_thread
            ),
            spans=self.spans,
            **self.parts,
        )
        if "storages" not in self.parts:
            services.storages.share(self._storages)
        return services

    @property
    def refused(self) -> list[tuple[str, str]]:
        """Of starts that were handed over with others: flow run ids, and why they could not be handled."""
        return self.receiver.refused

    def _now(self) -> float:
        return self.now

    def _start_thread(self, name: str, run: Callable[[], None]) -> Thread:
        return _NoThread()

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def deploy(self, worker: int, plan: Plan) -> None:
        """Replace a worker by one with other files."""
        self.plans[worker] = plan
        self.workers[worker] = self.new_worker(worker)

    def _result(self, id: str, outcome: Any) -> None:
        self.results[id] = ("success" if outcome.succeeded else "failure", outcome.state)

    def start(self, flow: str, node_args: Any = None, selective: Any = None, id: str = "", **more: Any) -> str:
        """Send the message that starts a flow run; returns its id. ``more`` are further fields of it."""
        id = id or f"00000000-0000-4000-8000-{len(self.broker.sent):012d}"
        kwargs: dict[str, Any] = {"action": "start", "flow": flow, "id": id, "args": node_args, **more}
        if lane := self.plans[0].flows[flow].lane:
            kwargs.setdefault("lane", lane)
        if selective is not None:
            kwargs["selective"] = selective.to_json()
        self.broker.send([OutgoingMessage("celery", DISPATCHER, flow, id, id, kwargs, None, {START_HEADER: 1})])
        return id

    def cancel(self, flow: str, id: str) -> None:
        """Send the message that cancels a flow run."""
        self.broker.send(
            [OutgoingMessage("celery", DISPATCHER, flow, id, id, {"action": "cancel", "flow": flow, "id": id})]
        )

    def retry(self, flow: str, id: str, numbers: Sequence[int] | None = None) -> None:
        """Send the message that lets a failed flow run go on."""
        header = self.store.header(id)
        version = 0 if header is None else int(header["version"])
        self.broker.send([self.workers[0].messages.retry(flow, id, version, numbers, None, "celery")])

    def signal(self, flow: str, id: str, node: str, value: Any = None, **more: Any) -> None:
        """Send the message that gives a task what it waits for; ``more`` are fields of ``SignalMessage``."""
        message = SignalMessage(flow, id, node, value=value, **more)
        self.broker.send([self.workers[0].messages.signal(message, "celery")])

    def pause(self, flow: str, id: str, number: int = 1) -> None:
        """Send the message that pauses (``number`` is odd) or resumes (it is even) a flow run."""
        self.broker.send([self.workers[0].messages.pause(flow, id, number, None, "celery")])

    def work(self, most: int = 100_000, until: float = float("inf")) -> None:
        """Deliver messages, and let time pass where none are left, until nothing is due any more."""
        for _ in range(most):
            if not self.step(until):
                return
        raise AssertionError(f"still busy: {dict(self.store.left_over())}")

    def step(self, until: float = float("inf")) -> bool:
        """Deliver a message, or let time pass to what is due next; False when nothing is due up to ``until``."""
        if self.broker.queue:
            self.deliver(*self.broker.take(self.shuffle))
            return True
        due = self.store.next_due()
        if due is None or due > until:
            return False
        found = self.sweep(max(self.now, due) + self.tick)
        return bool(self.store.runs(1) or found or self.broker.queue)

    def work_some(self, messages: int) -> None:
        """Deliver so many messages, fewer if there are none left."""
        for _ in range(messages):
            while not self.broker.queue:
                due = self.store.next_due()
                if due is None:
                    return
                self.sweep(max(self.now, due) + self.tick)
            self.deliver(*self.broker.take(self.shuffle))

    def pass_time(self, seconds: float) -> None:
        """Deliver all messages, and let the sweep look so much later. Any store can do this."""
        while self.broker.queue:
            self.deliver(*self.broker.take(self.shuffle))
        self.sweep(self.now + seconds)

    def sweep(self, now: float) -> list[Due]:
        """Move the clock and wake the flow runs that have something due."""
        self.now = now
        settings = self.settings
        found = self.store.claim_due_runs(
            now,
            100,
            settings.selinon_resend_after,
            settings.selinon_idle_check_interval,
            settings.selinon_heartbeat_timeout,
        )
        self.broker.send(self.workers[0].messages.wake(d.flow, d.flow_id, d.queue) for d in found)
        if self._upkeep is not None:
            try:
                self._upkeep.run_once(now)
            except Crash:  # the next leader looks again
                self.crashes += 1
        return found

    def deliver(self, text: str, again: bool) -> None:
        """Hand a message to a worker; one that dies leaves it to be delivered again, to a new one."""
        worker = self.chooser.randrange(len(self.workers))
        task, kwargs, headers = json.loads(text)
        originals = [text]
        if self.together > 1 and not again and headers.get(START_HEADER):
            originals += self.broker.take_starts(self.together - 1)
            if len(originals) > 1:
                starts = [json.loads(each) for each in originals]
                kwargs = joined((sent, about.get(TRACE_HEADER)) for _, sent, about in starts)
                headers = {name: value for name, value in headers.items() if name != START_HEADER}
        try:
            self.handle(self.workers[worker], task, kwargs, headers, again or "retries" in headers)
        except RunBusy:
            self.broker.queue.append((text, again))
            self.now += PAUSE
        except Crash:
            self.crashes += 1
            self.workers[worker] = self.new_worker(worker)  # without anything it remembered
            if len(originals) > 1:  # the broker gives them back one by one, Celery sends the one message again
                one = json.dumps([task, kwargs, headers])
                originals = [one] if self.chooser.random() < 0.5 else originals
                self.broker.queue += [(each, True) for each in originals]
                return
            kept_elsewhere = (
                kwargs.get("action") != "start" or "caller" in kwargs
            )  # others are in the ledger of starts
            if not kept_elsewhere or self.chooser.random() >= self.broker.lose:
                self.broker.queue.append((text, True))

    def handle(
        self, services: WorkerServices, task: str, kwargs: dict[str, Any], headers: dict[str, str], again: bool
    ) -> None:
        """Let a worker handle a message, as ``Selinon`` does."""
        if not self.receiver.handle(services, task, kwargs, headers, again):
            self.broker.queue.append((json.dumps([task, kwargs, headers]), again))
            self.now += PAUSE
