"""What real tasks note for the functions of invariants: ``effect("charge", order=7)``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

_noting: list[list[Effect]] = []  # newest last; tasks may run in threads that a run has started


class Effect(NamedTuple):
    """Something that a task did to the world."""

    kind: str
    about: dict[str, Any]


def effect(kind: str, **about: Any) -> None:
    """Note what a task does to the world; outside of a test nothing happens."""
    if _noting:
        _noting[-1].append(Effect(kind, about))


@contextmanager
def noted_effects() -> Iterator[list[Effect]]:
    """While this lasts, effects are noted in the list."""
    found: list[Effect] = []
    _noting.append(found)
    try:
        yield found
    finally:
        _noting.remove(found)
