"""The stage of a schedule: a broker, a store, a clock and slots of workers; decisions say what happens on it.

Real is everything between a message and the store: receiver, flow executor, outbox relay, timers, inline execution
and the due index. Simulated are time, broker, workers, and the loop of the sweep.

An activity (a message that a worker handles) passes a *boundary* before each call to the store, the broker, a
storage or a task, and at its end. There the worker may die or hang, and another activity may go on. What lies
between two calls is seen by no other activity, so a crash after a call is a crash before the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any
from zlib import crc32

from selinon_core.celery.execution.run_reopening import RunBusy
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.celery.surroundings import Surroundings, Thread
from selinon_core.celery.transport import message_schema
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.celery.transport.start_batch import START_HEADER
from selinon_core.celery.worker.unknown_names import PAUSE
from selinon_core.errors import StateStoreError
from selinon_core.simulating.decisions import Decisions
from selinon_core.simulating.faults import Crash
from selinon_core.simulating.receiver import Receiver
from selinon_core.simulating.slots import Coroutine
from selinon_core.simulating.world import BEGINNING, _NoThread

#: Seconds after which a message that could not be handled comes again, as Celery's retries do.
GIVE_BACK_AFTER = 5.0


class Letter:
    """A message on its way; ``number`` is its age."""

    __slots__ = ("again", "headers", "kwargs", "number", "subject", "task")

    def __init__(self, subject: str, task: str, kwargs: str, headers: Mapping[str, Any], again: bool) -> None:
        self.subject = subject
        self.task = task
        self.kwargs = kwargs
        self.headers = headers
        self.again = again
        self.number = 0


class Slot:
    """A place where a worker handles one message; ``coroutine`` while it does."""

    __slots__ = (
        "coroutine",
        "is_dying",
        "is_frozen",
        "letter",
        "name",
        "number",
        "point",
        "services",
        "subject",
        "worker",
    )

    def __init__(self, name: str, worker: int) -> None:
        self.name = name
        self.worker = worker
        self.services: WorkerServices
        self.coroutine: Coroutine | None = None
        self.letter: Letter | None = None
        self.subject = ""
        self.point = ""
        self.number = 0
        self.is_dying = False
        self.is_frozen = False


Activity = Letter | Slot


class Stage:
    """Plays one schedule. ``staff`` begins the workers.

    ``subject_of`` names messages. ``problems`` are exceptions that no message may end with. ``told`` has what
    happened line by line, if it was asked for. ``deploys`` is called before each message with its number.

    The class is long because all that may happen changes the same few lists: few lines a method.
    """

    def __init__(
        self,
        decisions: Decisions,
        store: MemoryStore,
        settings: AdapterSettings,
        new_coroutine: Callable[[Callable[[], None]], Coroutine],
        subject_of: Callable[[str, Mapping[str, Any]], str],
        *,
        workers: int,
        slots: int,
        shares: bool,
        told: list[str] | None,
    ) -> None:
        self.decisions = decisions
        self.store = store
        self.settings = settings
        self.now = BEGINNING
        self.told = told
        self.subject_of = subject_of
        self.slots = [Slot(f"w{n // slots + 1}", n // slots) for n in range(workers * slots)]
        self.worker_names = [f"w{n + 1}" for n in range(workers)]
        self.shares = shares
        self.skews: dict[int, float] = {}
        self.current: Slot | None = None
        self.problems: list[tuple[str, BaseException]] = []
        self.messages = 0
        self.sent = 0
        self.sweeps = 0
        self.crashes = 0
        self.deploys: Callable[[int], None] | None = None
        self._new_coroutine = new_coroutine
        self._new_services: Callable[[int, Surroundings], WorkerServices]
        self._receiver = Receiver()
        self._ready: list[Activity] = []
        self._later: list[tuple[float, int, Activity | Callable[[], None]]] = []
        self._count = 0
        self._chosen: Activity | None = None

    def staff(self, new_services: Callable[[int, Surroundings], WorkerServices]) -> None:
        """Begin the workers; ``new_services`` makes those of a process of the worker of that number."""
        self._new_services = new_services
        for worker, name in enumerate(self.worker_names):
            skew = self.decisions.fault("clock", name)
            if skew is not None and skew.seconds is not None:
                self.skews[worker] = skew.seconds
        for slot in self.slots:
            self.renew(slot)

    def renew(self, slot: Slot) -> None:
        """Begin a process: without anything that the one before remembered."""
        if self.shares:
            first = next(other for other in self.slots if other.worker == slot.worker)
            if first is not slot:
                slot.services = first.services
                return
        skew = self.skews.get(slot.worker)
        now = self._now if skew is None else lambda: self.now + skew
        surroundings = Surroundings(now, self._now, self._sleep, _start_thread)
        slot.services = self._new_services(slot.worker, surroundings)

    def _now(self) -> float:
        return self.now

    def _sleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def tell(self, text: str) -> None:
        """Note what happened."""
        if self.told is not None:
            self.told.append(f"{self.now - BEGINNING:.6f} {text}")

    # -- messages -----------------------------------------------------------------------------------------------

    def send(self, messages: Iterable[OutgoingMessage]) -> None:
        """Put messages into the queue; some get lost, come twice or late."""
        fault = self.decisions.fault
        for message in messages:
            self.sent += 1
            kwargs = {"v": message_schema.FORMAT, **message.kwargs}
            subject = self.subject_of(message.celery_task, kwargs)
            letter = Letter(subject, message.celery_task, json.dumps(kwargs), message.headers or {}, False)
            if self.told is not None:
                self.tell(f"{self._who()} sends {subject}")
            is_kept = START_HEADER in letter.headers  # pending starts are sent again
            if not is_kept and fault("lost", subject):
                continue
            copies = 2 if fault("twice", subject) else 1
            late = fault("late", subject)
            for _ in range(copies):
                if late is None or late.seconds is None:
                    self._arrive(letter)
                else:
                    self.post_later(letter, late.seconds)
                letter = Letter(subject, letter.task, letter.kwargs, letter.headers, False)

    def _who(self) -> str:
        return "sweep" if self.current is None else f"{self.current.name} {self.current.subject}"

    def waiting(self, queue: str) -> int:
        """How many messages wait; there is one queue."""
        return sum(activity.__class__ is Letter for activity in self._ready)

    def _arrive(self, activity: Activity) -> None:
        self._count += 1
        activity.number = self._count
        self._ready.append(activity)

    def post_later(self, what: Activity | Callable[[], None], seconds: float) -> None:
        """Let a message arrive, a slot go on or a function be called after so many seconds."""
        self._count += 1
        heappush(self._later, (self.now + seconds, self._count, what))

    # -- the loop -----------------------------------------------------------------------------------------------

    def play(self, most: int, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Play until nothing is due any more; False when that takes more than so many messages and sweeps."""
        while not is_over():
            if self.messages + self.sweeps > most:
                return False
            activity = self._next()
            if activity is not None:
                self._go_on(activity)
            elif not self._pass_time():
                return True
        return True

    def _next(self) -> Activity | None:
        """The activity that goes on or begins now."""
        ready = self._ready
        if self._chosen is not None:
            chosen, self._chosen = self._chosen, None
            ready.remove(chosen)
            return chosen
        if not ready:
            return None
        if len(ready) == 1:
            activity = ready[0]
            if activity.__class__ is Letter and self._idle() is None:
                return None
            self.decisions.next(activity.subject, ())
            ready.clear()
            return activity
        possible = self._possible()
        if not possible:
            return None
        oldest = possible[0]
        chosen = self._named(possible[1:], self.decisions.next(oldest.subject, possible[1:])) or oldest
        ready.remove(chosen)
        return chosen

    @staticmethod
    def _named(others: Sequence[Activity], deviation: Any) -> Activity | None:
        if deviation is None:
            return None
        return next((other for other in others if other.subject == deviation.point), None)

    def _possible(self) -> list[Activity]:
        """What can go on or begin, oldest first."""
        if self._idle() is not None:
            return self._ready
        return [activity for activity in self._ready if activity.__class__ is Slot]

    def _idle(self) -> Slot | None:
        for slot in self.slots:
            if slot.coroutine is None:
                return slot
        return None

    def _go_on(self, activity: Activity) -> None:
        if isinstance(activity, Letter):
            slot = self._slot_for(activity)
            self.messages += 1
            if self.deploys is not None:
                self.deploys(self.messages)
            slot.letter, slot.subject, slot.point = activity, activity.subject, "before the first step"
            slot.coroutine = self._new_coroutine(lambda: self._handle(slot))
        else:
            slot = activity
        coroutine = slot.coroutine
        assert coroutine is not None
        self.current = slot
        try:
            coroutine.resume()
        finally:
            self.current = None

    def _slot_for(self, letter: Letter) -> Slot:
        idle = [slot for slot in self.slots if slot.coroutine is None]
        names = list(dict.fromkeys(slot.name for slot in idle))
        default = self.worker_names[crc32(letter.subject.encode()) % len(self.worker_names)]
        if default not in names:
            default = names[0]
        worker = self.decisions.take(letter.subject, default, names)
        return next(slot for slot in idle if slot.name == worker)

    def _pass_time(self) -> bool:
        """Let time pass to what is due next; False when nothing is."""
        due = self.store.next_due()
        later = self._later[0][0] if self._later else None
        if later is not None and (due is None or later <= due):
            self.now = max(self.now, later)
            while self._later and self._later[0][0] <= self.now:
                what = heappop(self._later)[2]
                if isinstance(what, (Letter, Slot)):
                    self._arrive(what)
                else:
                    what()
            return True
        if due is None:
            return any(slot.coroutine is not None for slot in self.slots) and bool(self._ready)
        self.now = max(self.now, due)
        self._sweep()
        return True

    def _sweep(self) -> None:
        """Wake what is due; before that, processes that work say that they live."""
        self.sweeps += 1
        now, settings, store = self.now, self.settings, self.store
        for slot in self.slots:
            if slot.letter is not None and not slot.is_frozen:
                kwargs = json.loads(slot.letter.kwargs)
                numbers = [node["number"] for node in kwargs.get("nodes", (kwargs,)) if "number" in node]
                store.heartbeat(kwargs["id"], numbers or [0], now)
        found = store.claim_due_runs(
            now,
            100,
            settings.selinon_resend_after,
            settings.selinon_idle_check_interval,
            settings.selinon_heartbeat_timeout,
        )
        messages = self.slots[0].services.messages
        self.send(messages.wake(due.flow, due.flow_id, due.queue) for due in found)

    # -- within a slot --------------------------------------------------------------------------------------------

    def boundary(self) -> None:
        """Between two calls: the worker may die or hang, another activity may go on."""
        slot = self.current
        if slot is None:
            return
        if slot.is_dying:  # what is unwound does nothing any more
            raise Crash
        others = self._possible() if self._ready else ()
        deviation = self.decisions.boundary(slot.subject, slot.point, others)
        if deviation is None:
            return
        if deviation.kind == "crash":
            self.tell(f"{slot.name} {slot.subject} dies {slot.point}")
            slot.is_dying = True
            raise Crash
        if deviation.kind == "pause":
            self.tell(f"{slot.name} {slot.subject} hangs {slot.point}")
            slot.is_frozen = True
            self.sleep(deviation.seconds or 0.0)
            slot.is_frozen = False
            return
        self._chosen = self._named(others, deviation)
        self._arrive(slot)
        self._give_way(slot)

    def sleep(self, seconds: float) -> None:
        """Let time pass for the activity that runs; others go on meanwhile."""
        slot = self.current
        assert slot is not None
        if seconds > 0:
            self.post_later(slot, seconds)
            self._give_way(slot)

    def _give_way(self, slot: Slot) -> None:
        coroutine = slot.coroutine
        assert coroutine is not None
        coroutine.give_way()
        self.current = slot

    def _handle(self, slot: Slot) -> None:
        letter = slot.letter
        assert letter is not None
        again = letter.again
        self.tell(f"{slot.name} takes {letter.subject}{' again' if again else ''}")
        try:
            kwargs = json.loads(letter.kwargs)
            is_kept = self._receiver.handle(slot.services, letter.task, kwargs, letter.headers, again)
            self.boundary()
            self._free(slot)
            if not is_kept:
                self.post_later(letter, PAUSE)
        except Crash:
            if slot.letter is letter:  # else it died with others, which was seen to
                self._die(slot)
        except RunBusy:
            self._free(slot)
            self.post_later(letter, PAUSE)
        except StateStoreError as error:
            self.tell(f"{slot.name} gives {letter.subject} back: {error}")
            self._free(slot)
            letter.again = True
            self.post_later(letter, GIVE_BACK_AFTER)
        except Exception as error:
            self._free(slot)
            self.tell(f"{letter.subject} cannot be handled: {type(error).__name__}: {error}")
            self.problems.append((letter.subject, error))
            letter.again = True
            self.post_later(letter, GIVE_BACK_AFTER)

    def _free(self, slot: Slot) -> None:
        self.tell(f"{slot.name} is done with {slot.subject}")
        slot.coroutine = slot.letter = None
        slot.subject, slot.is_frozen, slot.is_dying = "", False, False

    def _die(self, slot: Slot) -> None:
        """A process is gone: what it worked on is delivered again, or not."""
        self.crashes += 1
        dead = [slot]
        if self.shares:
            dead += [each for each in self.slots if each.worker == slot.worker and each is not slot]
        for each in dead:
            letter, coroutine = each.letter, each.coroutine
            self._free(each)
            if each is not slot and coroutine is not None:
                self._ready = [other for other in self._ready if other is not each]
                self._later = [item for item in self._later if item[2] is not each]
                self._kill(each, coroutine)
            if letter is not None:
                self._redeliver(letter)
        for each in self.slots:
            if each in dead:
                self.renew(each)

    def _redeliver(self, letter: Letter) -> None:
        is_kept = START_HEADER in letter.headers
        if not is_kept and self.decisions.fault("lost", letter.subject, "redelivery"):
            return
        letter.again = True
        self._arrive(letter)

    def close(self) -> None:
        """End what still goes on."""
        for slot in self.slots:
            coroutine = slot.coroutine
            if coroutine is not None:
                slot.coroutine = slot.letter = None
                self._kill(slot, coroutine)

    def _kill(self, slot: Slot, coroutine: Coroutine) -> None:
        before, self.current, slot.is_dying = self.current, slot, True
        coroutine.kill()
        self.current, slot.is_dying = before, False


def _start_thread(name: str, run: Callable[[], None]) -> Thread:
    return _NoThread()
