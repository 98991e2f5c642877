"""Methods that the workers of selinon 1.x called, and those of today do not: replacing one has no effect on runs.

A warning says so when a flow is run, and not already when the method is replaced: tests of tasks that are built by
hand replace methods too, and their calls do get the replacement.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

Kind = TypeVar("Kind", bound=type)

_watched: dict[type, dict[str, object]] = {}


def watch_replacing(*names: str) -> Callable[[Kind], Kind]:
    """Make a class decorator that remembers these methods as they are."""

    def remember(kind: Kind) -> Kind:
        _watched[kind] = {name: vars(kind)[name] for name in names}
        return kind

    return remember


def warn_of_replaced() -> None:
    """Warn of every remembered method that is another one now."""
    for kind, methods in _watched.items():
        for name, method in methods.items():
            if vars(kind).get(name) is not method:
                warnings.warn(
                    f"{kind.__name__}.{name} was replaced, and is not called when flows run: only calls in the "
                    f"project's own code get the replacement",
                    stacklevel=3,
                )
