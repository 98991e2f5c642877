"""All runs of one flow within limits, and what was seen in them: outcomes, goals, ends, states."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.exploring.environment import Environment
from selinon_core.exploring.flow_programs import FlowPrograms, Vector
from selinon_core.exploring.goals import Goal
from selinon_core.exploring.limits import Limits
from selinon_core.exploring.observation import Context, Observation, PlayEnded
from selinon_core.exploring.play import Play
from selinon_core.exploring.probing import observations_at_end
from selinon_core.exploring.states import StateGraph
from selinon_core.exploring.tape import RandomTape, Tape

#: The choices of a run: playing them again gives the run again.
Choices = tuple[int, ...]
_EVERY = 256  # runs between two looks at the clock
_SEED = 20_260


class OutcomeKey(NamedTuple):
    """What two runs have in common that count as one way to end.

    ``runs``: how many runs of each node were started. ``failed``: the nodes with runs that failed and were not
    taken over, as the outcome of the flow lists them. ``failing``: the nodes with runs that failed at all.
    """

    status: str  # success, failure or timeout
    runs: tuple[tuple[str, int], ...]
    failed: tuple[str, ...]
    failing: tuple[str, ...]
    reason: str | None


class Exploration:
    """What the runs of a flow showed. Everything that can happen has the choices of a run that shows it.

    ``runs`` counts complete runs. ``cuts`` are the limits that cut runs: ``visits``, ``node_runs``,
    ``failures``, ``rounds``, ``budget``, ``time``. ``reached`` are the bits of goals, ``reached_in_cut`` of those
    in runs without an outcome. ``ends``: observations and the failures they cost. ``blocked``: sub-flows that
    never end. ``most``: the most runs of each node in one run. ``silent`` and ``starved``: nodes after which no
    edge fired, and joins that waited in vain, in runs without failures that succeeded.
    """

    def __init__(self, context: Context, limits: Limits) -> None:
        self.context = context
        self.limits = limits
        self.runs = 0
        self.tapes = 0
        self.cuts: set[str] = set()
        self.is_sampled = False
        self.outcomes: dict[OutcomeKey, Choices] = {}
        self.reached = 0
        self.reached_in_cut = 0
        self.witnesses: dict[int, Choices] = {}
        self.cut_witnesses: dict[int, Choices] = {}
        self.ends: dict[Observation, int] = {}
        self.end_choices: dict[Observation, Choices] = {}
        self.blocked: dict[str, Choices] = {}
        self.most: dict[str, int] = {}
        self.most_node_runs = 0
        self.silent: dict[str, Choices] = {}
        self.starved: dict[int, Choices] = {}
        self.reads_order: Choices | None = None
        self.states = StateGraph()
        self.goals: tuple[Goal, ...] = ()
        self.vectors: dict[Vector, Choices] = {}

    @property
    def is_complete(self) -> bool:
        """Whether every run there is was played: no limit but that of failures, visits and items cut one."""
        return not self.is_sampled and not self.cuts & {"node_runs", "rounds", "budget", "time"}

    def witness_of(self, goal: Goal) -> Choices | None:
        """A run that reaches a goal, a complete one if there is one; None when no run did."""
        bit = 1 << self.goals.index(goal)
        return self.witnesses.get(bit) or self.cut_witnesses.get(bit)

    def is_reached(self, goal: Goal) -> bool:
        """Whether some run reached a goal."""
        return bool((self.reached | self.reached_in_cut) >> self.goals.index(goal) & 1)


def explore(
    programs: FlowPrograms,
    context: Context,
    selection: SelectiveRun | None,
    limits: Limits,
    is_over: Callable[[], bool] = lambda: False,
) -> Exploration:
    """Play the runs of a flow: all of them, or as many as the budget allows, the second half of it at random."""
    return _Explorer(programs, context, selection, limits).explore(is_over)


class _Explorer:
    def __init__(
        self, programs: FlowPrograms, context: Context, selection: SelectiveRun | None, limits: Limits
    ) -> None:
        self._limits = limits
        self._context = context
        self._model = programs.model
        self._programs = programs
        self._programs.is_cut_by_failures = False
        self._selection = selection
        self._found = Exploration(context, limits)
        self._found.goals = self._model.goals.goals
        self._is_read = bool(self._model.probes)

    def explore(self, is_over: Callable[[], bool]) -> Exploration:
        found, budget = self._found, self._limits.budget
        if not self._play_all(Tape(), (budget + 1) // 2, is_over):
            found.is_sampled = True
            self._play_all(RandomTape(_SEED), budget, is_over)
        if self._programs.is_cut_by_failures:
            found.cuts.add("failures")
        for bit, vector in self._programs.vectors.items():
            choices = found.witnesses.get(bit) or found.cut_witnesses.get(bit)
            if choices is not None:
                found.vectors[vector] = choices
        return found

    def _play_all(self, tape: Tape, budget: int, is_over: Callable[[], bool]) -> bool:
        """Play until all choices were tried; False when the budget or the time was used up before."""
        found = self._found
        while True:
            if found.tapes >= budget:
                found.cuts.add("budget")
                return False
            if not found.tapes % _EVERY and is_over():
                found.cuts.add("time")
                return False
            found.tapes += 1
            self._play(tape)
            if not tape.advance():
                return True

    def _play(self, tape: Tape) -> None:
        context, found = self._context, self._found
        env = Environment(tape)
        play = Play(self._programs, env, self._limits, context.has_args, self._selection)
        try:
            play.run()
            seen = observations_at_end(play) if self._is_read else Observation(play.outcome.succeeded)
        except PlayEnded as ended:
            self._account_cut(play, ended)
            return
        found.runs += 1
        if play.states is not None:
            found.states.add(play.states, "end", env.cost, tape)
        new = play.bits & ~found.reached
        if new:
            found.reached |= new
            self._note_bits(new, found.witnesses, tape)
        self._account_outcome(play, tape)
        cost = found.ends.get(seen)
        if cost is None or env.cost < cost:
            found.ends[seen] = env.cost
            found.end_choices[seen] = tuple(tape.choices[: tape.at])
        if play.is_order_seen and found.reads_order is None:
            found.reads_order = tuple(tape.choices[: tape.at])

    def _account_cut(self, play: Play, ended: PlayEnded) -> None:
        found, tape = self._found, play.env.tape
        if ended.reason == "redundant":
            return
        for index in play.machine.fired:
            play.bits |= self._model.fired_bits[index]
        new = play.bits & ~found.reached_in_cut
        if new:
            found.reached_in_cut |= new
            self._note_bits(new, found.cut_witnesses, tape)
        if ended.reason == "blocked":
            found.blocked.setdefault(ended.node, tuple(tape.choices[: tape.at]))
        is_seen = play.states is not None and found.states.add(play.states, ended.reason, play.env.cost, tape)
        if ended.reason in ("node_runs", "failures") or (ended.reason == "visits" and not is_seen):
            found.cuts.add(ended.reason)

    def _note_bits(self, bits: int, witnesses: dict[int, Choices], tape: Tape) -> None:
        choices = tuple(tape.choices[: tape.at])
        while bits:
            bit = bits & -bits
            witnesses[bit] = choices
            bits ^= bit

    def _account_outcome(self, play: Play, tape: Tape) -> None:
        found, outcome = self._found, play.outcome
        counts = play.counts
        key = OutcomeKey(
            "success" if outcome.succeeded else "timeout" if outcome.timed_out else "failure",
            tuple(sorted(counts.items())),
            tuple(sorted(outcome.failed)),
            tuple(sorted({name for name, _ in play.env.failures})),
            outcome.reason,
        )
        if key not in found.outcomes:
            found.outcomes[key] = tuple(tape.choices[: tape.at])
            for name, count in counts.items():
                if count > found.most.get(name, 0):
                    found.most[name] = count
            found.most_node_runs = max(found.most_node_runs, len(play.started))
        if not play.env.cost and outcome.succeeded:
            self._account_success(play, tape)

    def _account_success(self, play: Play, tape: Tape) -> None:
        """Look for nodes after which nothing happened, and for joins that wait for ever."""
        found, current = self._found, play.machine.current
        for index, missing in current.pending_sources.items():
            edge = self._model.flow.edges[index]
            if not missing or missing == len(edge.sources) or index in found.starved:
                continue
            if not all(name in play.counts for name in edge.destinations):
                found.starved[index] = tuple(tape.choices[: tape.at])
        silent = play.refused_sources - play.fired_sources
        if silent:
            for node in play.started:
                if node.number in silent and node.name not in found.silent:
                    found.silent[node.name] = tuple(tape.choices[: tape.at])
