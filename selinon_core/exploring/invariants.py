"""Invariants of the project, held against a run of an exploration.

What has to come *before* a node is judged by cause, not by time: a node run that only happens to begin later in
this run begins earlier in another one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from selinon_core.cases.model import Invariant
from selinon_core.cases.references import edges_called
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.exploring.play_state import PlayState

#: Kinds that an exploration can judge; a ``function`` needs a run with results of tasks.
JUDGED = ("at_most", "at_least", "exactly", "before", "never_both", "if_then")


def is_about(invariant: Invariant, flow: str, nodes: Collection[str]) -> bool:
    """Whether an invariant speaks of a flow with these nodes, and of the nodes of this flow alone."""
    if invariant.kind not in JUDGED or invariant.flow not in (None, flow):
        return False
    return all(_name(flow, reference) in nodes for reference in _references(invariant))


def broken(invariant: Invariant, play: PlayState) -> str | None:
    """What is wrong with a run that has ended; None when the invariant holds."""
    value = invariant.value
    if invariant.kind == "before":
        return _broken_before(value, play)
    if invariant.kind == "never_both":
        ran = [name for name in value if _runs(play, name)]
        return f"{' and '.join(ran)} ran" if len(ran) > 1 else None
    if invariant.kind == "if_then":
        if not all(_has(play, name, status) for name, status in value["if"].items()):
            return None
        wrong = [
            f"{name} is not {status}" for name, status in value["then"].items() if not _has(play, name, status)
        ]
        return ", ".join(wrong) or None
    for name, number in value.items():
        count = len(_runs(play, name))
        fits = {"at_most": count <= number, "at_least": count >= number, "exactly": count == number}
        if not fits[invariant.kind]:
            return f"{name} ran {count} times"
    return None


def is_exercised(invariant: Invariant, play: PlayState) -> bool:
    """Whether a run that has ended could have broken the invariant."""
    if invariant.kind == "if_then":
        return all(_has(play, name, status) for name, status in invariant.value["if"].items())
    return invariant.kind != "before" or any(_runs(play, name) for name in invariant.value)


def _references(invariant: Invariant) -> list[str]:
    value = invariant.value
    if invariant.kind == "never_both":
        return list(value)
    if invariant.kind == "if_then":
        return [name for part in value.values() for name in part if name != "status"]
    causes = value.values() if invariant.kind == "before" else ()
    return [*value, *(cause for group in causes for cause in group if isinstance(cause, str))]


def _name(flow: str, reference: str) -> str:
    return reference.removeprefix(f"{flow}/")


def _runs(play: PlayState, reference: str) -> list[NodeRun]:
    name = _name(play.model.name, reference)
    return [node for node in play.started if node.name == name]


def _has(play: PlayState, reference: str, status: str) -> bool:
    if reference == "status":
        return status == ("success" if play.outcome.succeeded else "failure")
    runs = _runs(play, reference)
    if status == "not_run":
        return not runs
    return bool(runs) if status == "ran" else any(node.status == status for node in runs)


def _broken_before(value: Mapping[str, Any], play: PlayState) -> str | None:
    for reference, causes in value.items():
        edges = {
            edge.index
            for cause in causes
            if not isinstance(cause, str)
            for _, edge in edges_called(play.model.project.plan, play.model.name, cause["edge"])
        }
        names = {_name(play.model.name, cause) for cause in causes if isinstance(cause, str)}
        for node in _runs(play, reference):
            if not _is_behind(play, node, names, edges):
                return f"{node.name} can begin before any of {', '.join(map(_shown, causes))}"
    return None


def _is_behind(play: PlayState, node: NodeRun, names: set[str], edges: set[int]) -> bool:
    """Whether a run of one of these nodes has succeeded, or an edge has fired, before in every order."""
    todo, seen = [node], {node.number}
    while todo:
        run = todo.pop()
        if run.edge in edges or (run is not node and _is_good(run, names)):
            return True
        if run.edge is None and any(_is_good(other, names) for other in play.started if other.number < run.number):
            return True  # a fallback begins when everything else of its flow run has ended
        todo += [source for source in run.sources if source.number not in seen]
        seen.update(source.number for source in run.sources)
    return False


def _is_good(run: NodeRun, names: set[str]) -> bool:
    return run.name in names and run.status in ("success", "reused")


def _shown(cause: Any) -> str:
    return cause if isinstance(cause, str) else f"edge {cause['edge']}"
