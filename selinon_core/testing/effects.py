"""What real tasks note for the functions of invariants: ``effect("charge", order=7)``."""

from __future__ import annotations

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


class EffectNotes:
    """While this is entered, effects are noted in the list that ``with`` gives."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: list[Effect] = []

    def __enter__(self) -> list[Effect]:
        _noting.append(self._found)
        return self._found

    def __exit__(self, *error: object) -> None:
        _noting[:] = [found for found in _noting if found is not self._found]  # equal ones are others
