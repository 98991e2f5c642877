"""Texts repaired by what their faults offer."""

from __future__ import annotations

from selinon_core.expressions.parser import parse


def repaired(text: str) -> str:
    """The text with every replacement made, again and again until there is none."""
    for _ in range(10):
        known = [fault for fault in parse(text).faults if fault.replacement is not None]
        if not known:
            break
        for fault in reversed(known):
            text = f"{text[: fault.start]}{fault.replacement}{text[fault.end :]}"
    return text
