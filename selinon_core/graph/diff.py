"""Which edges of two versions of a flow belong together, and what differs in the rest of the flow.

An edge has no identity but its content, so pairs are made from the surest likeness to the least: identical; same
ends; same sources and decision; same sources and a common destination; same destinations and a common source. What
is left was added or removed. Places are not compared: moving a flow does not change it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from selinon_core.plan import (
    And,
    Condition,
    EdgePlan,
    FailurePlan,
    FlowPlan,
    Foreach,
    ForeachItems,
    Leaf,
    Not,
    Or,
    TaskPlan,
    Template,
    Test,
)
from selinon_core.plan.text_wrap import printable


class EdgePair(NamedTuple):
    """An edge now and before; exactly one side may be missing."""

    new: EdgePlan | None
    old: EdgePlan | None


class FailurePair(NamedTuple):
    """A failures entry now and before; exactly one side may be missing."""

    new: FailurePlan | None
    old: FailurePlan | None


def pair_edges(new: FlowPlan | None, old: FlowPlan | None) -> tuple[EdgePair, ...]:
    """Pair the edges of two versions of a flow: those of the new one in order, then those that are gone."""
    found = _pair(
        new.edges if new else (),
        old.edges if old else (),
        (
            lambda e: (_ends(e), decision_shape(e), e.name),
            lambda e: (_ends(e), decision_shape(e)),
            _ends,
            lambda e: (frozenset(e.sources), decision_shape(e)),
        ),
        (
            lambda a, b: set(a.sources) == set(b.sources) and bool({*a.destinations} & {*b.destinations}),
            lambda a, b: (
                Counter(a.destinations) == Counter(b.destinations)
                and decision_shape(a) == decision_shape(b)
                and bool({*a.sources} & {*b.sources})
            ),
            lambda a, b: Counter(a.destinations) == Counter(b.destinations) and bool({*a.sources} & {*b.sources}),
        ),
    )
    return tuple(EdgePair(*each) for each in found)


def pair_failures(new: FlowPlan | None, old: FlowPlan | None) -> tuple[FailurePair, ...]:
    """Pair the failures entries of two versions of a flow, by content, then by their nodes."""
    found = _pair(
        new.failures if new else (),
        old.failures if old else (),
        (
            lambda f: (f.nodes, f.fallback, condition_shape(f.condition), f.propagate_failure),
            lambda f: (f.nodes, f.fallback),
            lambda f: f.nodes,
        ),
        (),
    )
    return tuple(FailurePair(*each) for each in found)


def decision_shape(edge: EdgePlan) -> Hashable:
    """Return what decides about an edge (condition, foreach, selective) as a comparable value without places."""
    return condition_shape(edge.condition), foreach_shape(edge.foreach), edge.selective


def foreach_shape(foreach: Foreach | ForeachItems | None) -> Hashable:
    """Return a fan-out as a comparable value without its place."""
    if isinstance(foreach, ForeachItems):
        return foreach.text, foreach.item_name
    return foreach and (foreach.function, foreach.propagate_result)


def condition_shape(condition: Condition | None) -> Hashable:
    """Return a condition as a comparable value without places."""
    match condition:
        case None:
            return None
        case Leaf(function, node, args, quantifier):
            return str(function), node, _canonical(args), quantifier
        case Test():
            return "expr", condition.text
        case Not(operand):
            return "not", condition_shape(operand)
        case And(operands) | Or(operands):
            return condition.kind, tuple(condition_shape(each) for each in operands)


def changed_args(new: Template | None, old: Template | None) -> tuple[str, ...]:
    """Name the arguments that differ, as ``number: Load.no → Load.number``; nothing where none do."""
    if new is None and old is None:
        return ()
    now, before = (_arguments(each) for each in (new, old))
    return tuple(
        f"{printable(key)}: {before.get(key, 'none')} → {now.get(key, 'none')}"
        for key in {**before, **now}
        if before.get(key) != now.get(key)
    )


def _arguments(args: Template | None) -> dict[str, str]:
    if args is None:
        return {}
    from selinon_core.plan.expression_uses import template_data

    value = template_data(args)
    return {key: _plain(part) for key, part in (value if isinstance(value, dict) else {"args": value}).items()}


def changed_settings(new: FlowPlan, old: FlowPlan) -> tuple[str, ...]:
    """Name the settings of a flow that differ, as ``max_retry: 0 → 3``."""
    skip = {"name", "edges", "failures", "place", "nowait", "eager_failures"}
    return _changes(new, old, skip)


def changed_task(new: TaskPlan, old: TaskPlan) -> tuple[str, ...]:
    """Name the settings of a task that differ, as ``timeout: null → 30``."""
    return _changes(new, old, {"name", "place"})


def _changes(new: Any, old: Any, skip: set[str]) -> tuple[str, ...]:
    changes = []
    for field, now, before in zip(new._fields, new, old, strict=True):
        if field not in skip and _plain(now) != _plain(before):
            changes.append(f"{field}: {_plain(before)} → {_plain(now)}")
    return tuple(changes)


def _plain(value: Any) -> str:
    if isinstance(value, frozenset):
        value = sorted(value)
    if isinstance(value, Template):
        from selinon_core.plan.expression_uses import template_data

        value = template_data(value)
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, tuple) and hasattr(value, "module") and hasattr(value, "name"):
        return printable(str(value))
    return printable(_canonical(value))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _ends(edge: EdgePlan) -> Hashable:
    return frozenset(edge.sources), tuple(sorted(edge.destinations))


def _pair(
    new: tuple[Any, ...],
    old: tuple[Any, ...],
    keys: Iterable[Callable[[Any], Hashable]],
    alike: Iterable[Callable[[Any, Any], bool]],
) -> list[tuple[Any, Any]]:
    """Pair by equal keys, surest first, then by a likeness; first come, first served, in file order."""
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for key in keys:
        free: dict[Hashable, list[int]] = {}
        for j, each in enumerate(old):
            if j not in taken:
                free.setdefault(key(each), []).append(j)
        for i, each in enumerate(new):
            candidates = None if i in partner else free.get(key(each))
            if candidates:
                partner[i] = candidates.pop(0)
                taken.add(partner[i])
    for like in alike:
        for i, each in enumerate(new):
            if i not in partner:
                match = next((j for j in range(len(old)) if j not in taken and like(each, old[j])), None)
                if match is not None:
                    partner[i] = match
                    taken.add(match)
    pairs: list[tuple[Any, Any]] = [
        (each, old[partner[i]] if i in partner else None) for i, each in enumerate(new)
    ]
    pairs.extend((None, each) for j, each in enumerate(old) if j not in taken)
    return pairs
