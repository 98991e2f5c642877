"""What simulations found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from selinon_core.cases.model import Deviation
from selinon_core.local.run import LocalRun


class Found(NamedTuple):
    """An invariant that a schedule broke. ``invariant`` and ``subject`` are the signature, ``text`` a sentence."""

    invariant: str
    subject: str
    text: str


#: Finds what a run breaks: (invariant, subject, sentence) of each.
Judge = Callable[[LocalRun], Iterable[tuple[str, str, str]]]


def judge_nothing(run: LocalRun) -> Iterable[tuple[str, str, str]]:
    """No invariants."""
    return ()


class ScheduleResult(NamedTuple):
    """One schedule that was played.

    ``outcome`` is ``success``, ``failure: REASON`` or ``did not end``. ``deviations`` are those that happened,
    ``stale`` the given ones that met nothing. ``decisions`` counts decisions, ``messages`` those handled,
    ``crashes`` dead workers. ``seconds`` are virtual. ``attempts`` and ``completed`` have by label of the node run
    how many attempts began, and came to their end. ``transcript`` has what happened line by line, if asked for.
    """

    seed: int
    run: LocalRun
    outcome: str
    deviations: tuple[Deviation, ...]
    stale: tuple[Deviation, ...]
    decisions: int
    violations: tuple[Found, ...]
    seconds: float
    attempts: Mapping[str, int]
    completed: Mapping[str, int]
    messages: int
    crashes: int
    transcript: tuple[str, ...] = ()


class Violation(NamedTuple):
    """A broken invariant. ``deviations`` are shrunk; ``drawn`` of ``decisions`` were deviations before.

    ``events`` are the last things that happened, ``differs`` the first one that does not happen in the nearest
    schedule that breaks nothing. ``nondeterminism`` is the first event that differed when the same schedule was
    played twice, None where nothing did.
    """

    invariant: str
    subject: str
    text: str
    seed: int
    deviations: tuple[Deviation, ...]
    decisions: int
    drawn: int
    stale: tuple[Deviation, ...]
    events: tuple[str, ...]
    differs: str | None
    nondeterminism: str | None


class TaskAttempts(NamedTuple):
    """Attempts of the runs of one task: the most of any run, and how many the undisturbed run needs.

    ``repeated``: schedules in which a run had more attempts than that, ``completed``: in which more of them came
    to their end.
    """

    most: int = 0
    expected: int = 0
    repeated: int = 0
    completed: int = 0


class CampaignResult(NamedTuple):
    """All schedules of a campaign.

    ``distinct`` has a digest of each different schedule: seeds that draw the same deviations share one.
    ``seconds`` are real. ``breaks`` counts schedules by signature, ``violations`` has one of each. ``fired``
    counts by (fault, kind of point), ``never_exercised`` names those that could have been and were not. ``notes``
    say which invariants were not looked at, and why.
    """

    schedules: int
    distinct: frozenset[bytes]
    seconds: float
    violations: tuple[Violation, ...]
    breaks: Mapping[tuple[str, str], int]
    outcomes: Mapping[str, int]
    attempts: Mapping[str, TaskAttempts]
    virtual_seconds: list[float]
    fired: Mapping[tuple[str, str], int]
    never_exercised: tuple[str, ...]
    notes: tuple[str, ...]
    undisturbed: ScheduleResult
