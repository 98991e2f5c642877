"""Quantiles of durations, as the API gives them."""

from __future__ import annotations

from collections.abc import Sequence


def quantile(ordered: Sequence[float], part: float) -> float | None:
    """The value below which ``part`` of the ordered values are, rounded to milliseconds; None without values."""
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 3) if ordered else None
