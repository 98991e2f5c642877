"""How far a task is: what it says with ``self.progress(...)`` or ``selinon_core.progress(...)``.

The caller of a task listens; without a listener, and without a call, nothing happens.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import NamedTuple

#: The most characters of a text.
MAX_TEXT = 200


class Progress(NamedTuple):
    """How far a task is: ``done`` of ``of`` (None: it is not known of how many), and a text."""

    done: float
    of: float | None = None
    text: str = ""


#: The listener of the task that runs in this context.
listener: ContextVar[Callable[[Progress], None] | None] = ContextVar("selinon_progress", default=None)


def progress(done: float, of: float | None = None, text: str = "") -> None:
    """Say how far the running task is: ``done`` of ``of`` units, and what it is at (one line).

    It may be called as often as one likes: of many calls a few are kept. Raises ``TypeError`` and ``ValueError``
    for values that are not numbers and not text. Does nothing where no task runs.
    """
    for name, value in (("done", done), ("of", of)):
        if value is None and name == "of":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"progress: {name} has to be a number, not {type(value).__name__}")
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"progress: {name} has to be a number of at least 0, not {value!r}")
    if not isinstance(text, str):
        raise TypeError(f"progress: text has to be a text, not {type(text).__name__}")
    listening = listener.get()
    if listening is not None:
        listening(Progress(done, of, " ".join(text.split())[:MAX_TEXT] if text else ""))


def shown(done: float, of: float | None, text: str) -> str:
    """How far a task is, for people: ``41 of 50 (82 %) pages``."""
    parts = [f"{done:g}"]
    if of is not None:
        parts.append(f"of {of:g}" + (f" ({done / of:.0%})" if of > 0 else ""))
    return " ".join([*parts, text] if text else parts)
