"""Chooses how a node run ends: a task by one of its worlds or a failure, a sub-flow as its summary says."""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch.node_run import NodeRun
from selinon_core.exploring.environment import FAILS, SUCCEEDS
from selinon_core.exploring.observation import Observation, PlayEnded
from selinon_core.exploring.play_state import PlayState


def choose_end(play: PlayState, node: NodeRun) -> Any:
    """How a node run ends: a number or an observation; None when it is late."""
    name, limits = node.name, play.limits
    may_fail = name not in limits.infallible
    if name in play.model.eager and not limits.all_orders:
        # An eager failure that is not the stop has no place: the attempt would have ended with it.
        may_fail = may_fail and play.mode == "eager" and play.stopper is None
    may_be_late = bool(play.mode)
    if node.is_flow:
        return _choose_observation(play, node, may_fail, may_be_late)
    if may_fail and play.env.cost >= play.most_failures:
        play.programs.is_cut_by_failures = True
        may_fail = False
    end = play.env.tape.choose(1 + may_fail + may_be_late)
    if end == SUCCEEDS or (may_fail and end == FAILS):
        return end
    play.late.append(node)
    return None


def _choose_observation(play: PlayState, node: NodeRun, may_fail: bool, may_be_late: bool) -> Observation | None:
    if play.limits.inline:
        return _run_inside(play, node, may_fail, may_be_late)
    known = play.programs.ends_of(node, play.selective)
    if not known:
        raise PlayEnded("blocked", node.name)
    left = play.most_failures - play.env.cost
    possible = [(seen, cost) for seen, cost in known if seen.succeeded or may_fail]
    within = [(seen, cost) for seen, cost in possible if cost <= left]
    if len(within) < len(possible):
        play.programs.is_cut_by_failures = True
    chosen = play.env.tape.choose(len(within) + may_be_late) if within or may_be_late else None
    if chosen is None:
        raise PlayEnded("failures" if possible else "redundant")
    if chosen == len(within):
        play.late.append(node)
        return None
    seen, cost = within[chosen]
    play.env.cost += cost
    return seen


def _run_inside(play: PlayState, node: NodeRun, may_fail: bool, may_be_late: bool) -> Observation | None:
    if may_be_late and play.env.tape.choose(2):
        play.late.append(node)
        return None
    inner, seen = play.programs.summaries.run_inside(play, node)
    if not seen.succeeded and not may_fail:
        raise PlayEnded("redundant")
    play.inner[node.number] = inner
    return seen
