"""Small pieces of the sentences that findings are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from selinon_core.plan import EdgePlan, FailurePlan
from selinon_core.plan.condition_text import value_text

#: How much of a value a line shows.
_MOST = 160


def times(number: int) -> str:
    """``once``, ``3 times``."""
    return "once" if number == 1 else f"{number} times"


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: ``A, B and C``."""
    found = list(names)
    return "".join(found) if len(found) < 2 else ", ".join(found[:-1]) + " and " + found[-1]


def shown(value: Any) -> str:
    """A JSON value on one line, shortened."""
    return value_text(value, _MOST)


def ends(names: Iterable[str]) -> str:
    """Nodes at one end of an edge: ``A``, ``[A, B]``, nothing for none."""
    found = list(names)
    return f"[{', '.join(found)}]" if len(found) > 1 else "".join(found)


def edge_text(edge: EdgePlan) -> str:
    """An edge by its ends: ``[A, B] -> C``, ``-> A``."""
    return f"{ends(edge.sources)} -> {ends(edge.destinations)}".strip()


def fallback_text(nodes: Iterable[str], fallback: Iterable[str] | bool) -> str:
    """A failures entry by its ends: ``A -> B``, ``[A, B] -> true``."""
    return f"{ends(nodes)} -> {'true' if isinstance(fallback, bool) else ends(fallback) or 'true'}"


def entry_text(entry: FailurePlan) -> str:
    """A failures entry of the plan by its ends."""
    return fallback_text(entry.nodes, entry.fallback or True)
