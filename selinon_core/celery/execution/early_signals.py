"""Signals that came before their task waits: the field ``early`` of a header, as JSON.

A signal is kept for the first node run of its name that begins to wait afterwards. It is bound to the number of
that run in the same commit, so it counts once, whatever crashes.

The header is read with each step of a run, so what it may hold is bounded, in number and in size.
"""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Any, NamedTuple

#: The most signals that a run keeps, and the most bytes of them as JSON.
MOST_EARLY = 100
MOST_EARLY_BYTES = 256 * 1024


class EarlySignal(NamedTuple):
    """A signal: the result ``value``, or why it is rejected. ``number`` 0: it is not bound to a node run yet."""

    node: str
    value: Any
    reject: str | None
    by: str | None
    number: int = 0


def read_early(text: str) -> list[EarlySignal]:
    """The signals in a field."""
    return [EarlySignal(*parts) for parts in json.loads(text)] if text else []


def kept(text: str, signal: EarlySignal, active: Container[int]) -> str:
    """The field with one signal more, without those of node runs that are not ``active`` any more.

    Raises ``TooManyEarly`` when it would hold too much.
    """
    signals = [each for each in read_early(text) if not each.number or each.number in active]
    if len(signals) >= MOST_EARLY:
        raise TooManyEarly(f"{len(signals)} early signals are kept already, which is the most")
    text = json.dumps([*signals, signal])
    if len(text) > MOST_EARLY_BYTES:
        raise TooManyEarly(f"with this one the early signals would have more than {MOST_EARLY_BYTES} bytes")
    return text


class TooManyEarly(ValueError):
    """Raised for a signal that is one too many."""


def bound(text: str, node: str, number: int) -> str:
    """The field after node run ``number`` of that name began to wait; the same text when none is kept for it."""
    signals = read_early(text)
    for position, signal in enumerate(signals):
        if signal.node == node and not signal.number:
            signals[position] = signal._replace(number=number)
            return json.dumps(signals)
    return text


def of_run(text: str, number: int) -> EarlySignal | None:
    """The signal that is bound to a node run."""
    return next((signal for signal in read_early(text) if signal.number == number), None)
