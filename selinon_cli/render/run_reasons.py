"""Reasons why nodes were never started, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from selinon_core.explaining.reasons import NotStarted


def never_reached(nodes: Iterable[NotStarted]) -> Iterator[tuple[str, str, str]]:
    """Yield ``(flow, node, reasons)``; equal reasons of one node are given once."""
    for flow, node, because in nodes:
        reasons = dict.fromkeys(f"{reason.text} ({reason.where})" for reason in because)
        yield flow, node, "; ".join(reasons)
