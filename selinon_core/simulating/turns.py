"""Whose turn it is: the activity that goes on or begins, and the worker that takes a message."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from selinon_core.cases.model import Deviation
from selinon_core.simulating.agenda import Activity, Agenda, Letter, Slot
from selinon_core.simulating.decisions import Decisions


class Turns:
    """Gives turns by decisions. ``chosen`` is an activity for which another one gave way."""

    def __init__(
        self, agenda: Agenda, decisions: Decisions, slots: Sequence[Slot], workers: Sequence[str]
    ) -> None:
        self._agenda = agenda
        self._decisions = decisions
        self._slots = slots
        self._workers = workers
        self.chosen: Activity | None = None

    def next(self) -> Activity | None:
        """The activity that goes on or begins now."""
        ready = self._agenda.ready
        if self.chosen is not None:
            chosen, self.chosen = self.chosen, None
            ready.remove(chosen)
            return chosen
        if not ready:
            return None
        if len(ready) == 1:
            activity = ready[0]
            if activity.__class__ is Letter and self._idle() is None:
                return None
            self._decisions.next(activity.subject, ())
            ready.clear()
            return activity
        possible = self.possible()
        if not possible:
            return None
        oldest = possible[0]
        chosen = self.named(possible[1:], self._decisions.next(oldest.subject, possible[1:])) or oldest
        ready.remove(chosen)
        return chosen

    @staticmethod
    def named(others: Sequence[Activity], deviation: Deviation | None) -> Activity | None:
        """The activity that a deviation lets go first."""
        if deviation is None:
            return None
        return next((other for other in others if other.subject == deviation.point), None)

    def possible(self) -> list[Activity]:
        """What can go on or begin, oldest first."""
        if self._idle() is not None:
            return self._agenda.ready
        return [activity for activity in self._agenda.ready if activity.__class__ is Slot]

    def _idle(self) -> Slot | None:
        for slot in self._slots:
            if slot.coroutine is None:
                return slot
        return None

    def slot_for(self, letter: Letter) -> Slot:
        """The slot that takes a message; there is an idle one."""
        idle = [slot for slot in self._slots if slot.coroutine is None]
        names = list(dict.fromkeys(slot.name for slot in idle))
        default = default_worker(letter.subject, self._workers, names)
        worker = self._decisions.take(letter.subject, default, names)
        return next(slot for slot in idle if slot.name == worker)


def default_worker(subject: str, workers: Sequence[str], idle: Sequence[str]) -> str:
    """The worker of those that are idle that takes a message by default."""
    default = workers[crc32(subject.encode()) % len(workers)]
    return default if default in idle else idle[0]
