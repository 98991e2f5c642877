"""The decisions of a schedule: each has a name made of labels, and only what deviates from the default is kept.

The default is: the activity that goes on goes on, else the oldest one begins; a message goes to a worker that
follows from its label; attempts take their median; there is no fault. So any set of deviations is a schedule: one
that meets nothing changes nothing. That makes replaying total, and shrinking plain.

A decision is known by kind, subject, point, and how often the subject came to the point.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from selinon_core.cases.model import Deviation
from selinon_core.errors import RequestError

#: Faults that are drawn if nothing else is asked for, and how likely they are wherever they can happen.
DEFAULT_FAULTS: Mapping[str, float] = {"crash": 0.01, "twice": 0.03, "late": 0.03, "lost": 0.02}
#: All kinds of faults, and how likely they are if that is not said.
FAULTS: Mapping[str, float] = {
    **DEFAULT_FAULTS,
    "store": 0.005,
    "broker": 0.01,
    "pause": 0.01,
    "clock": 0.3,
    "poison": 0.02,
    "task": 0.05,
}
#: Seconds by which messages are late: less and more than what leases, resending and heartbeats wait for.
LATE = (0.2, 1.0, 5.0, 15.0, 75.0)
#: Seconds for which a process hangs.
PAUSES = (1.0, 5.0, 30.0, 90.0)
#: Seconds by which the clock of a worker is wrong: the store's clock is estimated, and a bit of this is left.
SKEWS = (-0.5, -0.05, 0.05, 0.5)
#: How likely another activity goes on at a point, another one begins, and another worker takes a message.
_PREEMPTED, _OUT_OF_TURN, _TAKEN_ELSEWHERE = 0.05, 0.3, 0.3

_Key = tuple[str, str, str]


def check_faults(faults: Mapping[str, float]) -> None:
    """Raise ``RequestError`` for a fault that is not known, or a probability that is none."""
    for kind, probability in faults.items():
        if kind not in FAULTS:
            raise RequestError(f'no fault is named "{kind}": there are {", ".join(FAULTS)}')
        if isinstance(probability, bool) or not 0 <= probability <= 1:
            raise RequestError(f"the probability of {kind} is {probability!r}, not a number from 0 to 1")


class Decisions(Protocol):
    """What decides a schedule."""

    @property
    def made(self) -> int:
        """How many decisions there were."""
        ...

    @property
    def deviations(self) -> list[Deviation]:
        """Those that were not the default."""
        ...

    @property
    def counts(self) -> Mapping[_Key, int]:
        """How often there was a decision, by kind, subject and point."""
        ...

    def may(self, kind: str) -> bool:
        """Whether a fault of that kind may happen at all; if not, there is no need to ask for it."""
        ...

    def boundary(self, subject: str, point: str, others: Sequence[Waiting]) -> Deviation | None:
        """Between two calls of an activity: a crash, a pause, or that one of the others goes first."""
        ...

    def next(self, subject: str, others: Sequence[Waiting]) -> Deviation | None:
        """Which of the others goes before the oldest activity, None: none does."""
        ...

    def fault(self, kind: str, subject: str, point: str = "") -> Deviation | None:
        """Whether a fault happens."""
        ...

    def take(self, subject: str, default: str, workers: Sequence[str]) -> str:
        """The worker that takes a message."""
        ...

    def takes(self, subject: str, median: float, drawn: object) -> float:
        """How long an attempt takes; ``drawn`` is its ``Duration``."""
        ...


class Waiting(Protocol):
    """An activity that could go on or begin."""

    @property
    def subject(self) -> str:
        """Its label."""
        ...


class _Counted:
    """How often subjects came to points, and what deviated there."""

    def __init__(self) -> None:
        self.made = 0
        self.deviations: list[Deviation] = []
        self._counts: dict[_Key, int] = {}

    @property
    def counts(self) -> Mapping[_Key, int]:
        """How often there was a decision, by kind, subject and point."""
        return self._counts

    def _occurrence(self, kind: str, subject: str, point: str) -> int:
        key = (kind, subject, point)
        count = self._counts[key] = self._counts.get(key, 0) + 1
        self.made += 1
        return count

    def _keep(
        self, kind: str, subject: str, point: str, occurrence: int, seconds: float | None = None
    ) -> Deviation:
        deviation = Deviation(kind, subject, point, occurrence, None, seconds)
        self.deviations.append(deviation)
        return deviation


class Drawn(_Counted):
    """Decisions that a seed draws. With ``depth`` activities have priorities that change at so many points."""

    def __init__(
        self, seed: int, faults: Mapping[str, float], depth: int | None = None, length: int = 100
    ) -> None:
        super().__init__()
        self._chooser = random.Random(seed)  # noqa: S311  (reproducible, not unpredictable)
        self._draw = self._chooser.random
        self._faults = {kind: faults[kind] for kind in FAULTS if faults.get(kind)}
        self._crash = self._faults.get("crash", 0.0)
        self._pause = self._crash + self._faults.get("pause", 0.0)
        self._priorities = None if depth is None else _Priorities(self._chooser, depth, length)

    def may(self, kind: str) -> bool:
        """See ``Decisions``."""
        return kind in self._faults

    def boundary(self, subject: str, point: str, others: Sequence[Waiting]) -> Deviation | None:
        """See ``Decisions``."""
        count = self._occurrence("at", subject, point)
        drawn = self._draw()
        if drawn < self._pause:
            if drawn < self._crash:
                return self._keep("crash", subject, point, count)
            seconds = self._chooser.choice(PAUSES)
            return self._keep("pause", subject, point, count, seconds=seconds)
        return self._other(subject, others, _PREEMPTED)

    def next(self, subject: str, others: Sequence[Waiting]) -> Deviation | None:
        """See ``Decisions``."""
        return self._other(subject, others, _OUT_OF_TURN)

    def _other(self, subject: str, others: Sequence[Waiting], likely: float) -> Deviation | None:
        count = self._occurrence("first", subject, "")
        if not others:
            return None
        if self._priorities is not None:
            chosen = self._priorities.highest(subject, [other.subject for other in others])
        else:
            chosen = None
            if self._draw() < likely:
                chosen = others[int(self._draw() * len(others))].subject
        if chosen is None or chosen == subject:
            return None
        return self._keep("first", subject, chosen, count)

    def fault(self, kind: str, subject: str, point: str = "") -> Deviation | None:
        """See ``Decisions``."""
        likely = self._faults.get(kind)
        if likely is None:
            return None
        count = self._occurrence(kind, subject, point)
        if self._draw() >= likely:
            return None
        choices = {"late": LATE, "clock": SKEWS}.get(kind)
        seconds = None if choices is None else self._chooser.choice(choices)
        return self._keep(kind, subject, point, count, seconds=seconds)

    def take(self, subject: str, default: str, workers: Sequence[str]) -> str:
        """See ``Decisions``."""
        count = self._occurrence("take", subject, "")
        if len(workers) < 2 or self._draw() >= _TAKEN_ELSEWHERE:
            return default
        worker = workers[int(self._draw() * len(workers))]
        if worker != default:
            self._keep("take", subject, worker, count)
        return worker

    def takes(self, subject: str, median: float, drawn: object) -> float:
        """See ``Decisions``."""
        count = self._occurrence("takes", subject, "")
        seconds: float = drawn.draw(self._chooser)  # type: ignore[attr-defined]
        if seconds != median:
            self._keep("takes", subject, "", count, seconds=seconds)
        return seconds


class _Priorities:
    """Probabilistic concurrency testing: the highest priority goes; at a few points it becomes the lowest."""

    def __init__(self, chooser: random.Random, depth: int, length: int) -> None:
        self._chooser = chooser
        self._of: dict[str, float] = {}
        self._steps = 0
        self._changes = {chooser.randrange(1, max(length, 2)) for _ in range(max(depth - 1, 0))}

    def highest(self, subject: str, others: Sequence[str]) -> str:
        """The one that goes."""
        self._steps += 1
        for each in (subject, *others):
            if each not in self._of:
                self._of[each] = 1.0 + self._chooser.random()
        if self._steps in self._changes:
            self._of[subject] = -float(self._steps)
        return max((subject, *others), key=self._of.__getitem__)


class Given(_Counted):
    """Decisions that are given: everything else is the default."""

    def __init__(self, deviations: Iterable[Deviation] = ()) -> None:
        super().__init__()
        self._given: dict[tuple[str, str, str, int], Deviation] = {}
        self._all = [each._replace(subject=labelled(each)) for each in deviations]
        for each in self._all:
            point = "" if each.kind in ("first", "take") else each.point
            self._given.setdefault((_at(each.kind), each.subject, point, each.occurrence), each)

    def may(self, kind: str) -> bool:
        """See ``Decisions``."""
        return any(each.kind == kind for each in self._all)

    @property
    def stale(self) -> tuple[Deviation, ...]:
        """The deviations that met nothing."""
        met = {each[:4] for each in self.deviations}
        return tuple(each for each in self._all if each[:4] not in met)

    def _met(self, deviation: Deviation) -> Deviation:
        self.deviations.append(deviation)
        return deviation

    def boundary(self, subject: str, point: str, others: Sequence[Waiting]) -> Deviation | None:
        """See ``Decisions``."""
        count = self._occurrence("at", subject, point)
        found = self._given.get(("at", subject, point, count)) if self._given else None
        return self._met(found) if found is not None else self.next(subject, others)

    def next(self, subject: str, others: Sequence[Waiting]) -> Deviation | None:
        """See ``Decisions``."""
        count = self._occurrence("first", subject, "")
        found = self._given.get(("first", subject, "", count)) if self._given else None
        if found is None or all(other.subject != found.point for other in others):
            return None
        return self._met(found)

    def fault(self, kind: str, subject: str, point: str = "") -> Deviation | None:
        """See ``Decisions``."""
        if not self._given:
            return None
        found = self._given.get((kind, subject, point, self._occurrence(kind, subject, point)))
        return None if found is None else self._met(found)

    def take(self, subject: str, default: str, workers: Sequence[str]) -> str:
        """See ``Decisions``."""
        found = self._given.get(("take", subject, "", self._occurrence("take", subject, "")))
        if found is None or found.point not in workers:
            return default
        return self._met(found).point

    def takes(self, subject: str, median: float, drawn: object) -> float:
        """See ``Decisions``."""
        found = self._given.get(("takes", subject, "", self._occurrence("takes", subject, "")))
        if found is None or found.seconds is None:
            return median
        self._met(found)
        return found.seconds


def _at(kind: str) -> str:
    """Crashes and pauses are two answers of one decision."""
    return "at" if kind in ("crash", "pause") else kind


def labelled(deviation: Deviation) -> str:
    """The subject as schedules name it: ``Charge`` means ``Charge#1``."""
    subject = deviation.subject
    return subject if deviation.kind == "clock" or "#" in subject else f"{subject}#1"
