"""Small pieces of the sentences that findings are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from selinon_core.plan import EdgePlan, FailurePlan
from selinon_core.plan.condition_text import value_text
from selinon_core.plan.text_wrap import ends_text, nodes_text

#: How much of a value a line shows.
_MOST = 160


def times(number: int) -> str:
    """``once``, ``3 times``."""
    return "once" if number == 1 else f"{number} times"


def shortest(number: float) -> int | float:
    """A number without a fraction that is nothing."""
    return int(number) if number == int(number) else number


def shown(value: Any) -> str:
    """A JSON value on one line, shortened."""
    return value_text(value, _MOST)


def edge_text(edge: EdgePlan) -> str:
    """An edge by its ends: ``[A, B] -> C``, ``(start) -> A``."""
    return ends_text(edge.sources, edge.destinations)


def fallback_text(nodes: Iterable[str], fallback: Iterable[str] | bool) -> str:
    """A failures entry by its ends: ``A -> B``, ``[A, B] -> true``."""
    started = "" if isinstance(fallback, bool) else nodes_text(tuple(fallback))
    return f"{nodes_text(tuple(nodes))} -> {started or 'true'}"


def entry_text(entry: FailurePlan) -> str:
    """A failures entry of the plan by its ends."""
    return fallback_text(entry.nodes, entry.fallback or True)
