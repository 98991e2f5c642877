"""The stage of a schedule: a broker, a store, a clock and slots of workers; decisions say what happens on it.

Real is everything between a message and the store: receiver, flow executor, outbox relay, timers, inline execution
and the due index. Simulated are time, broker, workers, and the loop of the sweep.

An activity (a message that a worker handles) passes a *boundary* before each call to the store, the broker, a
storage or a task, and at its end. There the worker may die or hang, and another activity may go on. What lies
between two calls is seen by no other activity, so a crash after a call is a crash before the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from selinon_core.celery.execution.reopening_step import RunBusy
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.celery.surroundings import Surroundings
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.celery.worker.sweep import LEAST_PAUSE
from selinon_core.celery.worker.unknown_names import PAUSE
from selinon_core.errors import StateStoreError
from selinon_core.simulating.agenda import Activity, Agenda, Letter, Post, Slot
from selinon_core.simulating.decisions import Decisions
from selinon_core.simulating.faults import Crash
from selinon_core.simulating.receiver import Receiver
from selinon_core.simulating.slots import Coroutine
from selinon_core.simulating.staff import Staff
from selinon_core.simulating.turns import Turns

#: Seconds after which a message that could not be handled comes again, as Celery's retries do.
GIVE_BACK_AFTER = 5.0


class Stage:
    """Plays one schedule.

    ``subject_of`` names messages. ``problems`` are exceptions that no message may end with. ``transcript`` has
    what happened line by line, if it was asked for. ``deploys`` is called before each message with its number.
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
        transcript: list[str] | None,
    ) -> None:
        self.decisions = decisions
        self.store = store
        self.settings = settings
        self.agenda = Agenda(transcript)
        self.post = Post(self.agenda, decisions, subject_of)
        self.staff = staff = Staff(workers, slots, shares)
        self.slots = staff.slots
        self.turns = Turns(self.agenda, decisions, staff.slots, staff.workers)
        self.current: Slot | None = None
        self.problems: list[tuple[str, BaseException]] = []
        #: flow runs that were cancelled before they began, by an activity that came to its end
        self.cancelled_before: set[str] = set()
        self.messages = 0
        self.sweeps = 0
        self._swept_at = 0.0
        self.crashes = 0
        self.deploys: Callable[[int], None] | None = None
        self._new_coroutine = new_coroutine
        self._receiver = Receiver()

    def begin(self, new_services: Callable[[int, Surroundings], WorkerServices]) -> None:
        """Begin the workers; ``new_services`` makes those of a process of the worker of that number."""
        agenda = self.agenda
        self.staff.begin(new_services, lambda: agenda.now, self.sleep, self.decisions)

    def send(self, messages: Iterable[OutgoingMessage]) -> None:
        """Put messages into the queue."""
        slot = self.current
        self.post.send(messages, "sweep" if slot is None else f"{slot.name} {slot.subject}")

    # -- the loop -----------------------------------------------------------------------------------------------

    def play(self, most: int, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Play until nothing is due any more; False when that takes more than so many messages and sweeps."""
        while not is_over():
            if self.messages + self.sweeps > most:
                return False
            activity = self.turns.next()
            if activity is not None:
                self._go_on(activity)
            elif not self._pass_time():
                return True
        return True

    def _go_on(self, activity: Activity) -> None:
        if isinstance(activity, Letter):
            slot = self.turns.slot_for(activity)
            self.messages += 1
            if self.deploys is not None:
                self.deploys(self.messages)
            slot.letter, slot.subject, slot.point = activity, activity.subject, "before the first step"
            services = self.staff.services_of(slot)
            slot.coroutine = self._new_coroutine(lambda: self._handle(slot, services))
        else:
            slot = activity
        coroutine = slot.coroutine
        assert coroutine is not None
        self.current = slot
        try:
            coroutine.resume()
        finally:
            self.current = None

    def _pass_time(self) -> bool:
        """Let time pass to what is due next; False when nothing is."""
        due = self.store.next_due()
        agenda = self.agenda
        if due is not None:
            due = max(due, self._swept_at + LEAST_PAUSE)
        later = agenda.next_time
        if later is not None and (due is None or later <= due):
            agenda.move_to(later)
            return True
        if due is None:
            return any(slot.coroutine is not None for slot in self.slots) and bool(self.agenda.ready)
        agenda.move_to(due)
        self._sweep()
        return True

    def _sweep(self) -> None:
        """Wake what is due; before that, processes that work say that they live."""
        self.sweeps += 1
        self._swept_at = self.agenda.now
        now, settings, store = self.agenda.now, self.settings, self.store
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
        messages = self.staff.services_of(self.slots[0]).messages
        self.send(messages.wake(due.flow, due.flow_id, due.queue) for due in found)

    # -- within a slot --------------------------------------------------------------------------------------------

    def boundary(self) -> None:
        """Between two calls: the worker may die or hang, another activity may go on."""
        slot = self.current
        if slot is None:
            return
        if slot.is_dying:  # what is unwound does nothing any more
            raise Crash
        others = self.turns.possible() if self.agenda.ready else ()
        deviation = self.decisions.boundary(slot.subject, slot.point, others)
        if deviation is None:
            return
        if deviation.kind == "crash":
            self.agenda.tell(f"{slot.name} {slot.subject} dies {slot.point}")
            slot.is_dying = True
            raise Crash
        if deviation.kind == "pause":
            self.agenda.tell(f"{slot.name} {slot.subject} hangs {slot.point}")
            slot.is_frozen = True
            self.sleep(deviation.seconds or 0.0)
            slot.is_frozen = False
            return
        self.turns.chosen = self.turns.named(others, deviation)
        self.agenda.arrive(slot)
        self._give_way(slot)

    def sleep(self, seconds: float) -> None:
        """Let time pass for the activity that runs; others go on meanwhile."""
        slot = self.current
        assert slot is not None
        if seconds > 0:
            self.agenda.post_later(slot, seconds)
            self._give_way(slot)

    def _give_way(self, slot: Slot) -> None:
        coroutine = slot.coroutine
        assert coroutine is not None
        coroutine.give_way()
        self.current = slot

    def _handle(self, slot: Slot, services: WorkerServices) -> None:
        letter = slot.letter
        assert letter is not None
        again = letter.again
        self.agenda.tell(f"{slot.name} takes {letter.subject}{' again' if again else ''}")
        try:
            kwargs = json.loads(letter.kwargs)
            is_kept = self._receiver.handle(services, letter.task, kwargs, letter.headers, again)
            self.boundary()
            self.agenda.tell(f"{slot.name} is done with {slot.subject}")
            self.cancelled_before |= slot.not_begun
            self._free(slot)
            if not is_kept:
                self.agenda.post_later(letter, PAUSE)
        except Crash:
            if slot.letter is letter:  # else it died with others, which was seen to
                self._die(slot)
        except RunBusy:
            self._free(slot)
            self.agenda.post_later(letter, PAUSE)
        except StateStoreError as error:
            self.agenda.tell(f"{slot.name} gives {letter.subject} back: {error}")
            self._free(slot)
            letter.again = True
            self.agenda.post_later(letter, GIVE_BACK_AFTER)
        except Exception as error:
            self._free(slot)
            self.agenda.tell(f"{letter.subject} cannot be handled: {type(error).__name__}: {error}")
            self.problems.append((letter.subject, error))
            letter.again = True
            self.agenda.post_later(letter, GIVE_BACK_AFTER)

    def _free(self, slot: Slot) -> None:
        slot.coroutine = slot.letter = None
        slot.subject, slot.is_frozen, slot.is_dying = "", False, False
        slot.not_begun = set()

    def _die(self, slot: Slot) -> None:
        """A process is gone: what it worked on is delivered again, or not."""
        self.crashes += 1
        dead = self.staff.dying_with(slot)
        for each in dead:
            letter, coroutine = each.letter, each.coroutine
            self._free(each)
            if each is not slot and coroutine is not None:
                self.agenda.remove(each)
                self._kill(each, coroutine)
            if letter is not None:
                self._redeliver(letter)
        self.staff.end(dead)

    def _redeliver(self, letter: Letter) -> None:
        if not letter.is_kept and self.decisions.fault("lost", letter.subject, "redelivery"):
            return
        letter.again = True
        self.agenda.arrive(letter)

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
