"""Reasons as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from selinon_core.explaining.reason import Reason
from selinon_core.plan.text_wrap import printable

#: What each level goes in.
_STEP = 2


def reason_lines(reasons: Sequence[Reason], indent: int) -> Iterator[str]:
    """Reasons, each with its place and what stands behind it; what is behind a reason is said once."""
    return _lines(reasons, indent, set())


def _lines(reasons: Sequence[Reason], indent: int, explained: set[Reason]) -> Iterator[str]:
    """Reasons of one level, their details and places in columns."""
    detailed = [reason for reason in reasons if reason.detail]
    first = max((len(printable(reason.text)) for reason in detailed), default=0)
    texts = [
        f"{printable(reason.text).ljust(first)}    {printable(reason.detail)}"
        if reason.detail
        else printable(reason.text)
        for reason in reasons
    ]
    placed = [len(text) for text, reason in zip(texts, reasons, strict=True) if reason.where and reason.detail]
    column = max(placed, default=0)
    for text, reason in zip(texts, reasons, strict=True):
        behind = _unsaid(reason)
        if reason.where:
            place = f"{reason.where_kind}, {reason.where}" if reason.where_kind else reason.where
            text = f"{text.ljust(column) if reason.detail else text}  ({printable(place)})"
        if reason.of and reason in explained:
            yield f"{' ' * indent}{text}, as above"
            continue
        yield f"{' ' * indent}{text}"
        explained.add(reason)
        yield from _lines(behind, indent + _STEP, explained)


def _unsaid(reason: Reason) -> Sequence[Reason]:
    """What stands behind a reason; of a cause that its text ends with, what stands behind that."""
    of = reason.of
    if len(of) == 1 and of[0].where is None and reason.text.endswith(f": {of[0].text}"):
        return of[0].of
    return of
