"""Methods that the original's workers called and today's do not: who replaces one learns that it has no effect.

Not when it is replaced, as tests of tasks built by hand do that with success, but when a run would have called it.
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
