"""Matchers: what a value in a case file says of a value of a run. Equality of JSON, or one of the ``$`` forms."""

from __future__ import annotations

from typing import Any, Protocol


class Matcher(Protocol):
    """Whether a value is as expected, and what is expected in words."""

    def matches(self, value: Any) -> bool:
        """Whether the value fits."""
        ...

    def __str__(self) -> str:
        """What is expected, as a case file would write it, on one line."""
        ...
