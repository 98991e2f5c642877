"""Failures entries of a drawing: which nodes have to fail together, and what is started then."""

from __future__ import annotations

from collections import Counter
from typing import Any

from selinon_core.graph.build import tooltips
from selinon_core.graph.build.drawing_builder import TEXT_WIDTH, Part, marked, wrapped
from selinon_core.graph.build.edges import TIMES, worth_showing
from selinon_core.graph.diff import FailurePair, changed_args, condition_shape
from selinon_core.graph.model import Edge, Node
from selinon_core.plan import FailurePlan
from selinon_core.plan.condition_text import condition_text, wrap_condition


def draw_failure(part: Part, pair: FailurePair) -> None:
    """Draw a failures entry, compared with what it was."""
    entry = pair.new or pair.old
    assert entry is not None
    was = pair.old if pair.new else None
    change = part.pair_change(pair)
    facts = tooltips.failure_facts(entry)
    dead = part.is_dead(entry.index in part.reach.failures, change)
    overlay = part.scene.overlay
    used = overlay is None or overlay.may_have_used(part.name, entry)
    arrow: dict[str, Any] = {
        "kind": "fallback",
        "number": entry.index if pair.new else None,
        "facts": facts,
        "place": entry.place,
        "dead": dead,
        "idle": not used,
    }
    box: dict[str, Any] = {
        "flow": part.name,
        "facts": facts,
        "place": entry.place,
        "cluster": part.cluster,
        "dead": dead,
        "state": "" if used else "unreached",
    }
    trigger = part.scene.add(_trigger(part, entry, was, f"{part.prefix}failure:{part.ident(pair)}", change, box))
    for name in entry.nodes:
        part.scene.connect(Edge(part.ends[name][1], trigger, arrow=False, change=change, **arrow))
    if not entry.fallback:
        handled_change = change or ("added" if was and was.fallback else "")
        handled = part.scene.add(
            Node(f"{trigger}/handled", "handled", "failure accepted", change=handled_change, **box)
        )
        part.scene.connect(Edge(trigger, handled, change=handled_change, **arrow))
    args_changes = changed_args(entry.args, was.args) if was else ()
    for name, mark in marked(entry.fallback, was.fallback if was else None, change):
        times = Counter(entry.fallback)[name]
        label = (*wrapped([*args_changes]), *((f"{TIMES} {times}",) if times > 1 else ()))
        mark = mark or ("changed" if args_changes else "")
        part.scene.connect(Edge(trigger, part.ends[name][0], label=label, many=times > 1, change=mark, **arrow))


def _trigger(
    part: Part, entry: FailurePlan, was: FailurePlan | None, ident: str, change: str, box: dict[str, Any]
) -> Node:
    """Return the box that names the set of nodes and the condition."""
    notes: list[str] = []
    if was and condition_shape(was.condition) != condition_shape(entry.condition):
        notes.append(f"was: {condition_text(was.condition, limit=60)}")
    if was and was.propagate_failure != entry.propagate_failure:
        notes.append("was: the flow goes on" if entry.propagate_failure else "was: then the flow fails")
    change = change or ("changed" if notes else "")
    if entry.propagate_failure:
        notes.insert(0, "then the flow fails")
    title = tooltips.failed_text(entry.nodes)
    lines = list(wrapped([title]))
    if worth_showing(entry.condition):
        title += f" and {condition_text(entry.condition, limit=60)}"
        first, *rest = wrap_condition(entry.condition, width=TEXT_WIDTH - 4)
        lines.extend([f"and {first}", *rest])
    counts = part.scene.overlay.fallback(part.name, entry) if part.scene.overlay else None
    if counts:
        notes.append(f"{counts[1]}/{counts[0]}")
    return Node(ident, "failure", title, lines=tuple(lines), notes=wrapped(notes), change=change, **box)
