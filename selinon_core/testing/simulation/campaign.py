"""A campaign: one case or flow under many schedules, in one process or several.

Seeds are played in blocks. What is found in a block, and in which order, does not depend on the others, so it is
the same for any number of processes. A process does not play again what it played in an earlier block.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from selinon_core.cases.model import Case, Invariant
from selinon_core.simulating.campaign import (
    CampaignResult,
    ScheduleResult,
    SimulationOptions,
    Subject,
    TaskAttempts,
    Violation,
    simulate,
)
from selinon_core.simulating.schedule_tree import ScheduleTree
from selinon_core.testing.captured import CapturedOutput
from selinon_core.testing.effects import EffectNotes
from selinon_core.testing.invariants import Load
from selinon_core.testing.simulation.watching import Met, Watch

#: Seeds of one block.
BLOCK = 250


class Campaign(NamedTuple):
    """What is simulated: a case, or a flow in the form of a case. ``load`` imports functions of invariants."""

    case: Case
    subject: Subject
    invariants: tuple[Invariant, ...]
    load: Load


class Summary(NamedTuple):
    """What came of a campaign, in values that processes can hand over.

    The fields are those of ``CampaignResult``; ``outcome`` is that of the undisturbed run, ``planned`` the number
    of schedules that were asked for.
    """

    planned: int
    schedules: int
    distinct: frozenset[bytes]
    seconds: float
    violations: tuple[Violation, ...]
    breaks: dict[tuple[str, str], int]
    outcomes: dict[str, int]
    attempts: dict[str, TaskAttempts]
    virtual_seconds: tuple[float, ...]
    fired: dict[tuple[str, str], int]
    never: tuple[str, ...]
    notes: tuple[str, ...]
    outcome: str
    met: Met

    @property
    def per_second(self) -> float:
        """Schedules in a second of real time."""
        return self.schedules / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The virtual seconds below which a share of the schedules ended."""
        ordered = sorted(self.virtual_seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def run_campaign(
    campaign: Campaign,
    options: SimulationOptions,
    jobs: int = 1,
    progress: Callable[[int], None] = lambda schedules: None,
) -> tuple[Summary | None, bool]:
    """Play the schedules of a campaign; returns what came of them, and whether that was interrupted from outside.

    ``progress`` hears how many schedules were played. None: not even one block was. Raises what
    ``simulating.campaign.simulate`` raises.
    """
    began = time.perf_counter()
    parts: list[Summary] = []
    interrupted = False
    try:
        for part in _played(campaign, options, jobs, began):
            parts.append(part)
            progress(sum(one.schedules for one in parts))
    except KeyboardInterrupt:
        interrupted = True
    seconds = time.perf_counter() - began
    return (merged(parts, options.seeds, seconds) if parts else None), interrupted


def _blocks(options: SimulationOptions) -> list[SimulationOptions]:
    first, last = options.seed_from, options.seed_from + options.seeds
    return [
        options._replace(seed_from=begin, seeds=min(BLOCK, last - begin)) for begin in range(first, last, BLOCK)
    ]


_inherited: tuple[Campaign, Sequence[SimulationOptions], float, ScheduleTree] | None = None


def _played(campaign: Campaign, options: SimulationOptions, jobs: int, began: float) -> Iterator[Summary]:
    global _inherited
    blocks, tree = _blocks(options), ScheduleTree(options)
    if jobs < 2 or len(blocks) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        for block in blocks:
            left = _left(block, began)
            if left is not None:
                yield play(campaign, left, tree)
        return
    _inherited = campaign, blocks, began, tree  # processes inherit plans and loaded modules, which cannot be sent
    try:
        with multiprocessing.get_context("fork").Pool(min(jobs, len(blocks)), _leave_interrupts) as pool:
            for part in pool.imap(_play_block, range(len(blocks))):
                if part is not None:
                    yield part
    finally:
        _inherited = None


def _leave_interrupts() -> None:
    """The parent is interrupted too, and ends the pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _play_block(number: int) -> Summary | None:
    assert _inherited is not None
    campaign, blocks, began, tree = _inherited
    left = _left(blocks[number], began)
    return None if left is None else play(campaign, left, tree)


def _left(block: SimulationOptions, began: float) -> SimulationOptions | None:
    """A block with the time that is left for it; None: there is none."""
    if block.time_limit is None:
        return block
    left = block.time_limit - (time.perf_counter() - began)
    return block._replace(time_limit=left) if left > 0 else None


def play(campaign: Campaign, options: SimulationOptions, tree: ScheduleTree | None = None) -> Summary:
    """Play one block of seeds; what tasks print is lost. ``tree`` has the schedules of blocks before it."""
    with CapturedOutput(), EffectNotes() as effects:
        watch = Watch(campaign.subject.plan, campaign.invariants, campaign.load, effects)

        def seen(result: ScheduleResult) -> None:
            watch.note(result.run)

        result = simulate(campaign.subject, options, watch.judge, seen, watch.new_store, tree)
    return _summary(result, options.seeds, watch.met)


def _summary(result: CampaignResult, planned: int, met: Met) -> Summary:
    return Summary(
        planned,
        result.schedules,
        result.distinct,
        result.seconds,
        result.violations,
        dict(result.breaks),
        dict(result.outcomes),
        dict(result.attempts),
        tuple(result.virtual_seconds),
        dict(result.fired),
        result.never_exercised,
        result.notes,
        result.undisturbed.outcome,
        met,
    )


def merged(parts: Sequence[Summary], planned: int, seconds: float) -> Summary:
    """Blocks as one campaign: of a violation the one with the lowest seed."""
    violations: dict[tuple[str, str], Violation] = {}
    breaks: Counter[tuple[str, str]] = Counter()
    outcomes: Counter[str] = Counter()
    fired: Counter[tuple[str, str]] = Counter()
    attempts: dict[str, TaskAttempts] = {}
    met = Met()
    for part in parts:
        for violation in part.violations:
            violations.setdefault((violation.invariant, violation.subject), violation)
        breaks.update(part.breaks)
        outcomes.update(part.outcomes)
        fired.update(part.fired)
        for task, count in part.attempts.items():
            attempts[task] = _together(attempts.get(task, TaskAttempts()), count)
        met = met.with_those_of(part.met)
    happened = {f"{kind} {point}".rstrip() for kind, point in fired}
    never = sorted({phrase for part in parts for phrase in part.never} - happened)
    return Summary(
        planned,
        sum(part.schedules for part in parts),
        frozenset().union(*(part.distinct for part in parts)),
        seconds,
        tuple(violations.values()),
        dict(breaks),
        dict(outcomes),
        attempts,
        tuple(value for part in parts for value in part.virtual_seconds),
        dict(fired),
        tuple(never),
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        parts[0].outcome,
        met,
    )


def _together(one: TaskAttempts, other: TaskAttempts) -> TaskAttempts:
    return TaskAttempts(
        max(one.most, other.most),
        max(one.expected, other.expected),
        one.repeated + other.repeated,
        one.completed + other.completed,
    )
