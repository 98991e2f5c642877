"""Many schedules of one flow run, with what was seen of them; and one schedule that is given.

Each seed draws a schedule. What breaks an invariant is played again (the same must happen), shrunk to few
deviations, and reported with the last events before the violation.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from selinon_core.cases.model import Deviation
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.errors import RequestError
from selinon_core.local.garbage import RareCollections, no_automatic_collections
from selinon_core.simulating.decisions import DEFAULT_FAULTS, FAULTS, Drawn, Given, check_faults
from selinon_core.simulating.durations import Duration
from selinon_core.simulating.exercised import Exercised
from selinon_core.simulating.options import SimulationOptions, Subject
from selinon_core.simulating.player import Player
from selinon_core.simulating.results import (
    CampaignResult,
    Found,
    Judge,
    ScheduleResult,
    TaskAttempts,
    Violation,
    judge_nothing,
)
from selinon_core.simulating.schedule_tree import ScheduleTree
from selinon_core.simulating.shrinking import first_difference, shrunk

__all__ = [
    "DEFAULT_FAULTS",
    "FAULTS",
    "CampaignResult",
    "Deviation",
    "Duration",
    "Found",
    "Judge",
    "ScheduleResult",
    "SimulationOptions",
    "Subject",
    "TaskAttempts",
    "Violation",
    "replay",
    "simulate",
]

#: Lines of what happened that a violation shows.
EVENTS = 12
#: Schedules between two collections of garbage.
COLLECT_EVERY = 200


def simulate(
    subject: Subject,
    options: SimulationOptions | None = None,
    judge: Judge = judge_nothing,
    seen: Callable[[ScheduleResult], None] = lambda result: None,
    store: Callable[[], MemoryStore] = MemoryStore,
    tree: ScheduleTree | None = None,
) -> CampaignResult:
    """Play a schedule for each seed. ``judge`` has the invariants of the project, ``seen`` hears of each schedule.

    Where no task runs its code, a schedule that several seeds draw is played and judged once. ``tree`` has the
    schedules that another campaign of this subject with these options has played, except for its seeds.

    Raises ``RequestError`` for options that no simulation can have, and what a local run raises.
    """
    options = _checked(options)
    campaign = _Campaign(Player(subject, options, judge, store, tree), options, seen)
    return campaign.run()


def replay(
    subject: Subject,
    deviations: Iterable[Deviation],
    options: SimulationOptions | None = None,
    judge: Judge = judge_nothing,
    store: Callable[[], MemoryStore] = MemoryStore,
) -> ScheduleResult:
    """Play the schedule with these deviations; those that meet nothing are ``stale``. Raises as ``simulate``."""
    player = Player(subject, _checked(options), judge, store)
    return player.play(Given(deviations), transcript=[])


def _checked(options: SimulationOptions | None) -> SimulationOptions:
    options = SimulationOptions() if options is None else options
    check_faults(options.faults)
    for name in ("seeds", "workers", "slots", "pct_depth"):
        if getattr(options, name) < 1:
            raise RequestError(f"{name} is {getattr(options, name)!r}, and has to be at least 1")
    for name, choices in (("strategy", ("random", "pct")), ("pool", ("prefork", "threads"))):
        if getattr(options, name) not in choices:
            raise RequestError(f"{name} is {getattr(options, name)!r}, not {' or '.join(choices)}")
    for task, duration in options.durations.items():
        duration.check(f"durations of {task}")
    return options


class _Campaign:
    """One campaign."""

    def __init__(self, player: Player, options: SimulationOptions, seen: Callable[[ScheduleResult], None]) -> None:
        self._player = player
        self._options = options
        self._seen = seen
        self._outcomes: Counter[str] = Counter()
        self._seconds: list[float] = []
        self._violations: dict[tuple[str, str], Violation] = {}
        self._breaks: Counter[tuple[str, str]] = Counter()
        self._exercised = Exercised(options.faults)
        self._attempts: dict[str, TaskAttempts] = {}
        self._distinct: set[bytes] = set()

    def run(self) -> CampaignResult:
        """Play all seeds."""
        with no_automatic_collections() as freezes:
            return self._run(RareCollections(COLLECT_EVERY, freezes))

    def _run(self, collections: RareCollections) -> CampaignResult:
        options, player = self._options, self._player
        began = time.perf_counter()
        undisturbed = player.undisturbed
        self._take(undisturbed)
        played = 0
        for seed in range(options.seed_from, options.seed_from + options.seeds):
            if options.time_limit is not None and time.perf_counter() - began >= options.time_limit:
                break
            if options.stop_after is not None and len(self._violations) >= options.stop_after:
                break
            played += 1
            before = player.played
            result, decisions = player.play_drawn(self._drawn, seed)
            self._note(result)
            self._distinct.add(_digest(result.deviations, player.deploy_at(seed)))
            self._exercised.note(decisions.counts, result.deviations)
            self._take(result)
            self._seen(result)
            if player.played > before:
                collections.ran()
        return CampaignResult(
            played,
            frozenset(self._distinct),
            time.perf_counter() - began,
            tuple(self._violations.values()),
            dict(self._breaks),
            dict(self._outcomes),
            self._attempts,
            self._seconds,
            self._exercised.fired,
            self._exercised.never(),
            player.notes,
            undisturbed,
        )

    def _drawn(self, seed: int) -> Drawn:
        options = self._options
        depth = options.pct_depth if options.strategy == "pct" else None
        return Drawn(seed, options.faults, depth, self._player.undisturbed.decisions)

    def _note(self, result: ScheduleResult) -> None:
        self._outcomes[result.outcome] += 1
        self._seconds.append(result.seconds)
        expected = self._player.undisturbed.attempts
        by_task: dict[str, list[int]] = {}
        for label, count in result.attempts.items():
            name = label.rpartition("#")[0]
            normal = expected.get(label, count)
            entry = by_task.setdefault(name, [0, 0, 0, 0])
            entry[0] = max(entry[0], count)
            entry[1] = max(entry[1], normal)
            entry[2] |= count > normal
            entry[3] |= result.completed.get(label, 0) > normal
        for name, (most, normal, repeated, completed) in by_task.items():
            known = self._attempts.get(name, TaskAttempts())
            self._attempts[name] = TaskAttempts(
                max(known.most, most),
                max(known.expected, normal),
                known.repeated + bool(repeated),
                known.completed + bool(completed),
            )

    def _take(self, result: ScheduleResult) -> None:
        """Note what a schedule broke; the first of it is looked into if it is new. Others may follow from it."""
        for found in result.violations:
            self._breaks[found.invariant, found.subject] += 1
        if result.violations and result.violations[0][:2] not in self._violations:
            self._look_into(result, result.violations[0])

    def _look_into(self, result: ScheduleResult, found: Found) -> None:
        """Play a schedule that broke an invariant again, twice, and shrink it."""
        signature = (found.invariant, found.subject)
        transcript: list[str] = []
        again: list[str] = []
        player = self._player
        first = player.play(self._again(result), result.seed, transcript)
        player.play(self._again(result), result.seed, again)
        differing = first_difference(transcript, again)
        if differing is None and found not in first.violations:
            differing = f"the violation ({found.text}) did not occur again"
        deviations, last, differs = result.deviations, first, None
        if differing is None and self._options.shrink:
            shrinking = shrunk(player, result, found, self._options.shrink_budget)
            deviations, last, differs = shrinking.deviations, shrinking.result, shrinking.differs
            found = next((each for each in last.violations if each[:2] == signature), found)
        self._violations[signature] = Violation(
            found.invariant,
            found.subject,
            found.text,
            result.seed,
            deviations,
            result.decisions,
            len(result.deviations),
            last.stale,
            tuple(last.transcript[-EVENTS:]),
            differs,
            differing,
        )

    def _again(self, result: ScheduleResult) -> Any:
        return Given() if result is self._player.undisturbed else self._drawn(result.seed)


def _digest(deviations: Sequence[Deviation], deploy_at: int | None) -> bytes:
    """Equal for schedules that are the same, in each process."""
    parts = [each[:4] + each[5:] for each in deviations]  # without the place in a file
    return hashlib.blake2b(repr((parts, deploy_at)).encode(), digest_size=12).digest()
