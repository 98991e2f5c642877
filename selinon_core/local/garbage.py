"""The garbage collector while many small runs are made: it would walk the plan and all cases again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: Runs of cases between two collections; each leaves some tens of kilobytes that only the collector can free.
_EVERY = 500


@contextmanager
def no_automatic_collections() -> Iterator[bool]:
    """While this lasts, ``RareCollections`` alone collects, and only garbage of objects that are made meanwhile.

    What exists at the beginning is frozen, unless the application froze objects of its own: whether it was.
    """
    enabled, freezes = gc.isenabled(), gc.get_freeze_count() == 0
    gc.disable()
    if freezes:
        gc.freeze()
    try:
        yield freezes
    finally:
        if freezes:
            gc.unfreeze()
        if enabled:
            gc.enable()


class RareCollections:
    """Collects garbage after every so many runs, where it is not collected automatically.

    ``freezes``: what is left after a collection is kept for long, so that the next one need not walk it.
    """

    def __init__(self, every: int = _EVERY, freezes: bool = False) -> None:
        self._every = every
        self._freezes = freezes
        self._runs = 0

    def ran(self) -> None:
        """Count a run."""
        self._runs += 1
        if self._runs % self._every == 0 and not gc.isenabled():
            gc.collect()
            if self._freezes:
                gc.freeze()
