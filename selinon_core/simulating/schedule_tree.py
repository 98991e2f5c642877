"""The schedules of a campaign that were played already: a seed that draws one of them again is not played again.

A schedule is all its decisions, and what comes between two decisions follows from those before. So the schedules
of a campaign are a tree: a fork is a question that a simulation asks, a branch an answer. The answers of another
seed are found by asking it the same questions, without a simulation, until it answers something new.
Workers that have done nothing yet are alike, so the tree has roles in place of their names.

This holds where no task runs its code, since what that does need not follow from decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.cases.model import Deviation
from selinon_core.simulating.decisions import Decisions, Waiting
from selinon_core.simulating.options import SimulationOptions
from selinon_core.simulating.results import ScheduleResult
from selinon_core.simulating.staff import worker_names
from selinon_core.simulating.turns import default_worker
from selinon_core.simulating.worker_roles import WorkerRoles

#: Schedules that are remembered: one of a small flow takes some 50 KB.
MOST = 1_000


class _Named(NamedTuple):
    """An activity that could go on or begin, as it was when the question was asked."""

    subject: str


class _Fork:
    """A question (the method of ``Decisions``, and its arguments) and what follows each answer, or an end."""

    __slots__ = ("about", "branches", "question", "result")

    def __init__(self) -> None:
        self.question = ""
        self.about: tuple[Any, ...] = ()
        self.branches: dict[Any, _Fork] = {}
        self.result: ScheduleResult | None = None


class ScheduleTree:
    """Remembers schedules. ``deploy_at`` tells schedules apart beside their decisions."""

    def __init__(self, options: SimulationOptions) -> None:
        self.workers = worker_names(options.workers)
        self._all_differ = options.deploy is not None or bool(options.faults.get("clock"))
        self._left = MOST
        self._roots: dict[int | None, _Fork] = {}
        self._is_sound = True

    def find(self, decisions: Decisions, deploy_at: int | None = None) -> ScheduleResult | None:
        """The schedule that new decisions decide, None if it was not played yet; the decisions are made then."""
        fork = self._roots.get(deploy_at) if self._is_sound else None
        roles = self.new_roles()
        while fork is not None and fork.question:
            answer: Any
            if fork.question == "take":
                subject, idle = fork.about
                names = roles.names(idle)
                default = default_worker(subject, self.workers, names)
                answer = roles.taken_by(decisions.take(subject, default, names))
            else:
                answer = getattr(decisions, fork.question)(*fork.about)
            fork = fork.branches.get(answer)
        if fork is None or fork.result is None:
            return None
        return fork.result._replace(deviations=tuple(decisions.deviations))

    def new_roles(self) -> WorkerRoles:
        """The roles of workers at the beginning of a schedule."""
        return WorkerRoles(self.workers, self._all_differ)

    def remembering(self, decisions: Decisions, deploy_at: int | None = None) -> Decisions:
        """New decisions as a simulation asks for them. ``keep`` remembers the schedule."""
        if self._left <= 0 or not self._is_sound:
            return decisions
        return _Remembered(self, decisions, self._roots.setdefault(deploy_at, _Fork()))

    def keep(self, decisions: Decisions, result: ScheduleResult) -> None:
        """A schedule was played with the decisions of ``remembering``."""
        if not isinstance(decisions, _Remembered) or not self._is_sound:
            return
        if decisions.fork.question:
            self.give_up()
            return
        self._left -= 1
        decisions.fork.result = result

    def give_up(self) -> None:
        """The same answers were followed by something else: nothing follows from decisions alone."""
        self._is_sound = False
        self._roots.clear()


class _Remembered:
    """Decisions that note in the tree what they were asked, and what they answered."""

    def __init__(self, tree: ScheduleTree, decisions: Decisions, root: _Fork) -> None:
        self._tree = tree
        self._decisions = decisions
        self._roles = tree.new_roles()
        self.fork = root

    @property
    def made(self) -> int:
        """See ``Decisions``."""
        return self._decisions.made

    @property
    def deviations(self) -> list[Deviation]:
        """See ``Decisions``."""
        return self._decisions.deviations

    @property
    def counts(self) -> Mapping[tuple[str, str, str], int]:
        """See ``Decisions``."""
        return self._decisions.counts

    def may(self, kind: str) -> bool:
        """See ``Decisions``."""
        return self._decisions.may(kind)

    def boundary(self, subject: str, point: str, others: Sequence[Waiting]) -> Deviation | None:
        """See ``Decisions``."""
        answer = self._decisions.boundary(subject, point, others)
        self._note("boundary", (subject, point, _named(others)), answer)
        return answer

    def next(self, subject: str, others: Sequence[Waiting]) -> Deviation | None:
        """See ``Decisions``."""
        answer = self._decisions.next(subject, others)
        self._note("next", (subject, _named(others)), answer)
        return answer

    def fault(self, kind: str, subject: str, point: str = "") -> Deviation | None:
        """See ``Decisions``."""
        answer = self._decisions.fault(kind, subject, point)
        self._note("fault", (kind, subject, point), answer)
        return answer

    def take(self, subject: str, default: str, workers: Sequence[str]) -> str:
        """See ``Decisions``."""
        idle = self._roles.of(workers)
        answer = self._decisions.take(subject, default, workers)
        self._note("take", (subject, idle), self._roles.taken_by(answer))
        return answer

    def takes(self, subject: str, median: float, drawn: object) -> float:
        """See ``Decisions``."""
        answer = self._decisions.takes(subject, median, drawn)
        self._note("takes", (subject, median, drawn), answer)
        return answer

    def _note(self, question: str, about: tuple[Any, ...], answer: Any) -> None:
        fork = self.fork
        if not fork.question and fork.result is None:
            fork.question, fork.about = question, about
        elif fork.question != question or fork.about != about:
            self._tree.give_up()
        following = fork.branches.get(answer)
        if following is None:
            following = fork.branches[answer] = _Fork()
        self.fork = following


def _named(others: Iterable[Waiting]) -> tuple[_Named, ...]:
    return tuple(_Named(other.subject) for other in others) if others else ()
