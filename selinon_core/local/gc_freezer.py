"""Keeps Python's cyclic garbage collector from walking a growing record of a run again and again.

Nothing that a run remembers is garbage before its end, but every full collection would visit all of it: a run of
100 000 nodes took twice as long per node as one of 1 000. ``gc.freeze`` takes what exists out of the collector's
sight; at the end everything is put back. Where the application froze objects of its own, hands are kept off.
"""

from __future__ import annotations

import gc

#: Steps between two times that the record is put out of sight.
EVERY = 4096


class GcFreezer:
    """Active between ``__enter__`` and ``__exit__``; ``grown`` is called as the record grows."""

    def __init__(self) -> None:
        self._allowed = gc.isenabled() and gc.get_freeze_count() == 0

    def __enter__(self) -> GcFreezer:
        return self

    def grown(self) -> None:
        """Put everything that exists out of the collector's sight."""
        if self._allowed:
            gc.freeze()

    def __exit__(self, *error: object) -> None:
        if self._allowed:
            gc.unfreeze()
