"""What a campaign looks at beside the built-in invariants: those of the project, and what schedules have met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from selinon_core.cases.model import Invariant
from selinon_core.cases.references import fallback_text
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.explaining.explanation import Explanation
from selinon_core.explaining.words import shown
from selinon_core.local import LocalRun
from selinon_core.plan import Plan
from selinon_core.plan.started import flows_below, nodes_of
from selinon_core.testing.effects import Effect
from selinon_core.testing.invariants import Load, is_exercised, judge_invariant, what_exercises
from selinon_core.testing.observation import Observation


class Met(NamedTuple):
    """What schedules have met: invariants that could have been broken (by number), fallbacks, time-outs."""

    exercised: frozenset[int] = frozenset()
    fallbacks: frozenset[str] = frozenset()
    timeouts: frozenset[str] = frozenset()

    def with_those_of(self, other: Met) -> Met:
        """What either has met."""
        return Met(
            self.exercised | other.exercised, self.fallbacks | other.fallbacks, self.timeouts | other.timeouts
        )


class Watch:
    """Judges the invariants of the project on each schedule, and notes what it has met.

    ``effects`` is the list to which tasks note what they do to the world.
    """

    def __init__(self, plan: Plan, invariants: Sequence[Invariant], load: Load, effects: list[Effect]) -> None:
        self._plan = plan
        self._invariants = tuple(invariants)
        self._load = load
        self._exercised: set[int] = set()
        self._fallbacks: set[str] = set()
        self._timeouts: set[str] = set()
        self._effects = effects

    @property
    def met(self) -> Met:
        """What was met so far."""
        return Met(frozenset(self._exercised), frozenset(self._fallbacks), frozenset(self._timeouts))

    def new_store(self) -> MemoryStore:
        """The store of a schedule that begins: what its tasks note as effects is its own."""
        self._effects.clear()
        return MemoryStore()

    def judge(self, run: LocalRun) -> Iterator[tuple[str, str, str]]:
        """What a run breaks, as (invariant, subject, sentence)."""
        if not self._invariants:
            return
        run.effects = tuple(self._effects)
        seen = Observation(self._plan, run)
        why = Explanation(seen, in_short=True)
        for number, invariant in enumerate(self._invariants):
            if number not in self._exercised and is_exercised(invariant, seen):
                self._exercised.add(number)
            for finding in judge_invariant(invariant, seen, why, self._load):
                yield invariant.name, f"{run.flow}#1", finding.found

    def note(self, run: LocalRun | None) -> None:
        """Note which fallbacks and time-outs a run met."""
        if run is None:
            return
        for considered in run.facts.fallbacks:
            if considered.used:
                self._fallbacks.add(f"{considered.flow_run.flow.name}/{fallback_text(considered.failure)}")
        for record in run.facts.nodes:
            if type(record.error).__name__ in ("TaskTimeout", "FlowTimeout"):
                self._timeouts.add(record.run.name)


def vacuous(invariants: Sequence[Invariant], met: Met) -> list[str]:
    """The invariants that no schedule could have broken, as phrases."""
    return [
        f"the invariant {shown(invariant.name)}: no schedule has {what_exercises(invariant)}"
        for number, invariant in enumerate(invariants)
        if number not in met.exercised
    ]


def fallbacks_of(plan: Plan, flow: str) -> list[str]:
    """Every failures entry of a flow and those below it, as ``Met`` calls them."""
    return [
        f"{name}/{fallback_text(entry)}" for name in flows_below(plan, flow) for entry in plan.flows[name].failures
    ]


def timeouts_of(plan: Plan, flow: str) -> list[str]:
    """The tasks and flows below a flow that have a time-out."""
    found: dict[str, None] = {}
    for name in flows_below(plan, flow):
        below = plan.flows[name]
        if below.timeout is not None:
            found[name] = None
        for node in nodes_of(below):
            if node in plan.tasks and plan.tasks[node].timeout is not None:
                found[node] = None
    return list(found)
