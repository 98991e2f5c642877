"""The shipped sampling strategies: how many seconds without a completion pass before a flow run is checked.

``f(status, **args)`` returns seconds, or None to stop looking. ``status`` is a mapping with ``previous_retry``
(seconds returned the last time, None at first), ``active_nodes``, ``failed_nodes``, ``new_started_nodes``,
``new_fallback_nodes`` (started since the last time, also among the active ones) and ``finished_nodes``.

All return None when nothing is active, and their starting value at first. *Increase* grows while nothing was
started and falls back to ``start_retry`` when something was; *adapt* shrinks step by step instead. (The
original's code did the opposite of its documentation and so slowed down whenever a flow moved on.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    Status = Mapping[str, Any]


def constant(status: Status, retry: float) -> float | None:
    """Wait ``retry`` seconds every time."""
    return retry if status["active_nodes"] else None


def linear_increase(status: Status, start_retry: float, max_retry: float, step: float) -> float | None:
    """Add ``step`` while nothing was started, up to ``max_retry``; else back to ``start_retry``."""
    previous: float | None = status["previous_retry"]
    if not status["active_nodes"]:
        return None
    if previous is None or _started(status):
        return start_retry
    return min(previous + step, max_retry)


def linear_adapt(status: Status, start_retry: float, max_retry: float, step: float) -> float | None:
    """Add ``step`` while nothing was started, up to ``max_retry``; else subtract it, down to ``start_retry``."""
    previous: float | None = status["previous_retry"]
    if not status["active_nodes"]:
        return None
    if previous is None:
        return start_retry
    if _started(status):
        return max(previous - step, start_retry)
    return min(previous + step, max_retry)


def biexponential_increase(status: Status, start_retry: float, max_retry: float) -> float | None:
    """Double while nothing was started, up to ``max_retry``; else back to ``start_retry``."""
    previous: float | None = status["previous_retry"]
    if not status["active_nodes"]:
        return None
    if previous is None or _started(status):
        return start_retry
    return min(previous * 2, max_retry)


def biexponential_decrease(status: Status, start_retry: float, stop_retry: float) -> float | None:
    """Begin with ``start_retry`` and halve every time, down to ``stop_retry``."""
    previous: float | None = status["previous_retry"]
    if not status["active_nodes"]:
        return None
    if previous is None:
        return start_retry
    return max(previous / 2, stop_retry)


def biexponential_adapt(status: Status, start_retry: float, max_retry: float) -> float | None:
    """Double while nothing was started, up to ``max_retry``; else halve, down to ``start_retry``."""
    previous: float | None = status["previous_retry"]
    if not status["active_nodes"]:
        return None
    if previous is None:
        return start_retry
    if _started(status):
        return max(previous / 2, start_retry)
    return min(previous * 2, max_retry)


def random(status: Status, start_retry: float, max_retry: float) -> float | None:
    """Wait a random time from ``start_retry`` to ``max_retry``; whole seconds when both are integers."""
    if not status["active_nodes"]:
        return None
    from random import randint, uniform

    low, high = sorted((start_retry, max_retry))
    if isinstance(low, int) and isinstance(high, int):
        return randint(low, high)  # noqa: S311  (spreads load, hides nothing)
    return uniform(low, high)  # noqa: S311


def _started(status: Status) -> bool:
    return bool(status["new_started_nodes"] or status["new_fallback_nodes"])
