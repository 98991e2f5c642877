"""What the parent flow can read of a sub-flow run that ended: whether each of its probes is true.

A path condition without quantifier reads the last result of a task. Which of several is last is a choice, as far
as the node runs can end in that order: a run cannot be last if another one is behind it, or was started by a
fallback after everything before had ended.
"""

from __future__ import annotations

from collections.abc import Iterable

from selinon_core.dispatch.node_run import NodeRun
from selinon_core.exploring.leaf_truths import leaf_key
from selinon_core.exploring.model import Probe
from selinon_core.exploring.observation import Observation
from selinon_core.exploring.play import Play
from selinon_core.worlds import LeafKind, judge, kind_of


def observations_at_end(play: Play) -> Observation:
    """The observation of a run that has ended; probes that are still open become choices."""
    if not play.outcome.succeeded:
        return Observation(False)
    order = _Order(play)
    values = tuple(_value(play, probe, order) for probe in play.model.probes)
    play.is_order_seen = order.is_seen
    return Observation(True, values)


def _value(play: Play, probe: Probe, order: _Order) -> bool | None:
    leaf = probe.leaf
    if not probe.path:
        outcome = play.outcome
        if kind_of(leaf) is LeafKind.UNKNOWN:
            holds = play.env.is_free((leaf_key(leaf), ()))
        else:
            holds = judge(leaf, {"finished_nodes": outcome.finished, "failed_nodes": outcome.failed})
        return holds != (leaf.quantifier == "none")
    runs = play.machine.current.finished.get(probe.path[0], [])
    if leaf.quantifier is None:
        return _last(play, probe, runs, order)
    truths = (_truth(play, probe, run) for run in runs)
    if probe.inner is not None:  # each of them is quantified already
        return any(truths) if leaf.quantifier == "any" else all(truths)
    if leaf.quantifier == "all":
        return all(truths)
    return any(truths) == (leaf.quantifier == "any")


def _truth(play: Play, probe: Probe, run: NodeRun) -> bool | None:
    if probe.inner is not None:
        return play.observed[run.number].values[probe.inner]
    visit = (run.name, play.visits[run.number])
    if kind_of(probe.leaf) is LeafKind.UNKNOWN:
        return play.env.is_free((leaf_key(probe.leaf), (visit,)))
    return play.env.holds(visit, play.model.truths_of(run.name, probe.leaf))


def _last(play: Play, probe: Probe, runs: list[NodeRun], order: _Order) -> bool | None:
    if probe.inner is not None:
        runs = [run for run in runs if _truth(play, probe, run) is not None]
    if not runs:
        return None
    if play.limits.all_orders:
        return _truth(play, probe, runs[-1])
    candidates = order.that_can_be_last(runs)
    if len(candidates) > 1:
        truths = {_truth(play, probe, run) for run in candidates}
        if len(truths) == 1:  # whichever it is
            return truths.pop()
        order.is_seen = True
    chosen = candidates[play.env.tape.choose(len(candidates))]
    order.decide(chosen, runs)
    play.chosen_last.add(chosen.number)
    return _truth(play, probe, chosen)


class _Order:
    """In which orders the node runs of one run can have ended, given what was decided of it.

    ``is_seen``: a truth depends on the order.
    """

    def __init__(self, play: Play) -> None:
        self._play = play
        self._after: dict[int, set[int]] = {}
        self.is_seen = False

    def that_can_be_last(self, runs: Iterable[NodeRun]) -> list[NodeRun]:
        """Those of ``runs`` that can have ended after all others of them."""
        known = list(runs)
        return [
            run for run in known if not any(self._is_before(run, other) for other in known if other is not run)
        ]

    def decide(self, last: NodeRun, runs: Iterable[NodeRun]) -> None:
        """Let a run have ended after the others."""
        for run in runs:
            if run is not last:
                self._after.setdefault(run.number, set()).add(last.number)

    def _is_before(self, one: NodeRun, other: NodeRun) -> bool:
        """Whether ``one`` ended before ``other`` in every order."""
        by_number = {run.number: run for run in self._play.started}
        todo, seen = [one.number], {one.number}
        while todo:
            number = todo.pop()
            for later in self._later(by_number[number], by_number.values()):
                if later == other.number:
                    return True
                if later not in seen:
                    seen.add(later)
                    todo.append(later)
        return False

    def _later(self, run: NodeRun, runs: Iterable[NodeRun]) -> list[int]:
        phases = self._play.phases
        phase = phases.get(run.number, 0)
        found = [
            other.number
            for other in runs
            if any(source is run for source in other.sources) or phases.get(other.number, 0) > phase
        ]
        return [*found, *self._after.get(run.number, ())]
