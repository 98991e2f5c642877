"""What waits in a simulation: messages, activities that gave way, and what comes at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from heapq import heappop, heappush
from typing import Any

from selinon_core.celery.transport import message_schema
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.celery.transport.start_batch import START_HEADER
from selinon_core.simulating.decisions import Decisions
from selinon_core.simulating.slots import Coroutine
from selinon_core.simulating.world import BEGINNING


class Letter:
    """A message on its way."""

    __slots__ = ("again", "headers", "kwargs", "subject", "task")

    def __init__(self, subject: str, task: str, kwargs: str, headers: Mapping[str, Any], again: bool) -> None:
        self.subject = subject
        self.task = task
        self.kwargs = kwargs
        self.headers = headers
        self.again = again

    @property
    def is_kept(self) -> bool:
        """Whether it is among the pending starts, and sent again if it is lost."""
        return START_HEADER in self.headers


class Slot:
    """A place where a worker handles one message; ``coroutine`` while it does.

    ``not_begun``: flow runs that its activity cancelled, and which the store did not have.
    """

    __slots__ = (
        "coroutine",
        "is_dying",
        "is_frozen",
        "letter",
        "name",
        "not_begun",
        "point",
        "subject",
        "worker",
    )

    def __init__(self, name: str, worker: int) -> None:
        self.name = name
        self.worker = worker
        self.coroutine: Coroutine | None = None
        self.letter: Letter | None = None
        self.subject = ""
        self.point = ""
        self.is_dying = False
        self.is_frozen = False
        self.not_begun: set[str] = set()


Activity = Letter | Slot


class Agenda:
    """The clock, what is ready, and what is ready later. ``transcript`` has each event, if asked for."""

    def __init__(self, transcript: list[str] | None) -> None:
        self.now = BEGINNING
        self.transcript = transcript
        #: Messages, and activities that can go on.
        self.ready: list[Activity] = []
        self._later: list[tuple[float, int, Activity | Callable[[], None]]] = []
        self._count = 0

    def tell(self, text: str) -> None:
        """Note what happened."""
        if self.transcript is not None:
            self.transcript.append(f"{self.now - BEGINNING:.6f} {text}")

    def arrive(self, activity: Activity) -> None:
        """Something is ready, as the youngest."""
        self.ready.append(activity)

    def post_later(self, what: Activity | Callable[[], None], seconds: float) -> None:
        """Let a message arrive, a slot go on or a function be called after so many seconds."""
        self._count += 1
        heappush(self._later, (self.now + seconds, self._count, what))

    def remove(self, slot: Slot) -> None:
        """A slot does not go on."""
        self.ready[:] = [other for other in self.ready if other is not slot]
        self._later[:] = [item for item in self._later if item[2] is not slot]

    @property
    def next_time(self) -> float | None:
        """When something is ready next."""
        return self._later[0][0] if self._later else None

    def move_to(self, when: float) -> None:
        """Let time pass; what comes until then is ready."""
        self.now = max(self.now, when)
        while self._later and self._later[0][0] <= self.now:
            what = heappop(self._later)[2]
            if isinstance(what, (Letter, Slot)):
                self.arrive(what)
            else:
                what()


class Post:
    """The broker: one queue. ``subject_of`` names messages."""

    def __init__(
        self, agenda: Agenda, decisions: Decisions, subject_of: Callable[[str, Mapping[str, Any]], str]
    ) -> None:
        self._agenda = agenda
        self._decisions = decisions
        self._subject_of = subject_of

    def send(self, messages: Iterable[OutgoingMessage], sender: str = "sweep") -> None:
        """Put messages into the queue; some get lost, come twice or late."""
        fault, agenda = self._decisions.fault, self._agenda
        for message in messages:
            kwargs = {"v": message_schema.FORMAT, **message.kwargs}
            subject = self._subject_of(message.celery_task, kwargs)
            letter = Letter(subject, message.celery_task, json.dumps(kwargs), message.headers or {}, False)
            if agenda.transcript is not None:
                agenda.tell(f"{sender} sends {subject}")
            if not letter.is_kept and fault("lost", subject):
                continue
            copies = 2 if fault("twice", subject) else 1
            late = fault("late", subject)
            for _ in range(copies):
                if late is None or late.seconds is None:
                    agenda.arrive(letter)
                else:
                    agenda.post_later(letter, late.seconds)
                letter = Letter(subject, letter.task, letter.kwargs, letter.headers, False)

    def waiting(self) -> int:
        """How many messages wait."""
        return sum(activity.__class__ is Letter for activity in self._agenda.ready)
