"""Plays all runs of one flow within limits, and accounts for what each of them shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from selinon_core.cases.model import Invariant
from selinon_core.dispatch.node_run import FlowOutcome
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.exploring.environment import Environment
from selinon_core.exploring.exploration import Choices, Exploration, OutcomeKey
from selinon_core.exploring.flow_programs import FlowPrograms
from selinon_core.exploring.invariants import broken, is_about, is_exercised
from selinon_core.exploring.limits import Limits
from selinon_core.exploring.observation import Context, Observation, PlayEnded
from selinon_core.exploring.play import Play
from selinon_core.exploring.probing import observations_at_end
from selinon_core.exploring.tape import RandomTape, Tape

_EVERY = 256  # runs between two looks at the clock
_SHORT = 10  # node runs: a run with more counts as several, so that the budget bounds the time
_SEED = 20_260
_MOST_STOPS = 20  # runs kept for the comparison of orders


def explore(
    programs: FlowPrograms,
    context: Context,
    selection: SelectiveRun | None,
    limits: Limits,
    is_over: Callable[[], bool] = lambda: False,
    invariants: Sequence[Invariant] = (),
) -> Exploration:
    """Play the runs of a flow: all of them, or as many as the budget allows, the second half of it at random."""
    return _Explorer(programs, context, selection, limits, invariants).explore(is_over)


class _Explorer:
    def __init__(
        self,
        programs: FlowPrograms,
        context: Context,
        selection: SelectiveRun | None,
        limits: Limits,
        invariants: Sequence[Invariant],
    ) -> None:
        self._limits = limits
        self._context = context
        self._model = programs.model
        self._programs = programs
        self._programs.is_cut_by_failures = False
        self._selection = selection
        self._found = Exploration(context, limits)
        self._found.goals = self._model.goals.goals
        self._found.nodes = tuple(self._model.table.destinations)
        self._found.invariants = tuple(one for one in invariants if is_about(one, context.flow, self._found.nodes))
        self._is_read = bool(self._model.probes)
        self._work = 0
        self._stops: dict[Any, list[_Stop]] = {}

    def explore(self, is_over: Callable[[], bool]) -> Exploration:
        found, budget = self._found, self._limits.budget
        if not self._play_all(Tape(), (budget + 1) // 2, is_over):
            found.is_sampled = True
            self._play_all(RandomTape(_SEED), budget, is_over)
        if self._programs.is_cut_by_failures:
            found.cuts.add("failures")
        for bit, vector in self._programs.vectors.items():
            choices = found.witnesses.get(bit, found.cut_witnesses.get(bit))
            if choices is not None:
                found.vectors[vector] = choices
        return found

    def _play_all(self, tape: Tape, budget: int, is_over: Callable[[], bool]) -> bool:
        """Play until all choices were tried; False when the budget or the time was used up before."""
        found = self._found
        while True:
            if self._work >= budget:
                found.cuts.add("budget")
                return False
            if not found.tapes % _EVERY and is_over():
                found.cuts.add("time")
                return False
            found.tapes += 1
            self._work += 1 + self._play(tape) // _SHORT
            if not tape.advance():
                return True

    def _play(self, tape: Tape) -> int:
        """Play one run; returns how many node runs it had."""
        context, found = self._context, self._found
        env = Environment(tape)
        play = Play(self._programs, env, self._limits, context.has_args, self._selection)
        try:
            play.run()
            seen = observations_at_end(play) if self._is_read else Observation(play.outcome.succeeded)
        except PlayEnded as ended:
            self._account_cut(play, ended)
            return len(play.started)
        found.runs += 1
        is_cancelled = play.cancelled_at is not None
        if play.states is not None and not is_cancelled:  # a cancel does not count as a way out of a cycle
            found.states.add(play.states, "end", env.cost, tape)
        new = play.bits & ~found.reached
        if new:
            found.reached |= new
            self._note_bits(new, found.witnesses, tape)
        self._account_outcome(play, tape)
        if found.invariants:
            self._hold_invariants(play, tape)
        if play.stopper is not None and found.eager_orders is None:
            self._compare_stops(play, tape)
        cost = found.ends.get(seen)
        if not is_cancelled and (cost is None or env.cost < cost):
            found.ends[seen] = env.cost
            found.end_choices[seen] = tuple(tape.choices[: tape.at])
        if play.is_order_seen and found.reads_order is None:
            found.reads_order = tuple(tape.choices[: tape.at])
        return len(play.started)

    def _account_cut(self, play: Play, ended: PlayEnded) -> None:
        found, tape = self._found, play.env.tape
        if ended.reason == "redundant":
            return
        self._count_considered(play)
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
            _status_of(outcome),
            tuple([(name, counts[name]) for name in found.nodes if name in counts]),
            tuple(sorted(outcome.failed)),
            self._in_order({name for name, _ in play.env.failures}),
            outcome.reason,
            self._in_order({node["name"] for node in outcome.active}) if outcome.cancelled else (),
            play.machine.attempt if outcome.succeeded else 1,
        )
        if key not in found.outcomes:
            found.outcomes[key] = tuple(tape.choices[: tape.at])
            self._count_considered(play)
            for name, count in counts.items():
                if count > found.most.get(name, 0):
                    found.most[name] = count
            found.most_node_runs = max(found.most_node_runs, len(play.started))
        if not play.env.cost and outcome.succeeded:
            self._account_success(play, tape)

    def _in_order(self, names: set[str]) -> tuple[str, ...]:
        return tuple(name for name in self._found.nodes if name in names) if names else ()

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

    def _count_considered(self, play: Play) -> None:
        most = self._found.considered
        for index, count in play.machine.considered.items():
            if count > most.get(index, 0):
                most[index] = count

    def _hold_invariants(self, play: Play, tape: Tape) -> None:
        broken_ones, exercised = self._found.broken_invariants, self._found.exercised_invariants
        for invariant in self._found.invariants:
            if invariant.name not in exercised and is_exercised(invariant, play):
                exercised.add(invariant.name)
            if invariant.name not in broken_ones:
                wrong = broken(invariant, play)
                if wrong is not None:
                    broken_ones[invariant.name] = (wrong, tuple(tape.choices[: tape.at]))

    def _compare_stops(self, play: Play, tape: Tape) -> None:
        """Look for an earlier run in the same world that had got further, or less far, when it was stopped."""
        assert play.stopper is not None
        env = play.env
        ran = tuple(sorted(play.counts.items()))
        stop = _Stop(dict(env.ends), dict(env.masks), dict(env.free), ran, tuple(tape.choices[: tape.at]))
        known = self._stops.setdefault((play.stopper.name, tuple(sorted(env.failures))), [])
        for other in known:
            if other.ran != ran and _is_same_world(other, stop):
                self._found.eager_orders = (other.choices, stop.choices)
                return
        if len(known) < _MOST_STOPS:
            known.append(stop)


def _status_of(outcome: FlowOutcome) -> str:
    if outcome.succeeded:
        return "success"
    return "timeout" if outcome.timed_out else "cancelled" if outcome.cancelled else "failure"


class _Stop(NamedTuple):
    """A run that an eager failure ended: its world, and how many runs of each node there were."""

    ends: dict[Any, Any]
    masks: dict[Any, int]
    free: dict[Any, bool]
    ran: tuple[tuple[str, int], ...]
    choices: Choices


def _is_same_world(one: _Stop, other: _Stop) -> bool:
    return (
        all(other.ends.get(visit, end) == end for visit, end in one.ends.items())
        and all(other.masks.get(variable, mask) & mask for variable, mask in one.masks.items())
        and all(other.free.get(key, truth) == truth for key, truth in one.free.items())
    )
