"""Which flows start nothing new: their starts are paused (``selinon pause --starts``).

The store has an item for each of them. A start that arrives meanwhile makes a run that is queued, as one that
waits for the place of a limit: under a key of its own, of which there are no places. When the pause ends there
are, and the runs begin one after the other.
"""

from __future__ import annotations

from collections.abc import Callable

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.items import HELD

#: Seconds for which an answer of the store counts.
KNOWN_FOR = 1.0
#: Runs that begin at once when a pause ends; each of them lets the next one begin.
AT_ONCE = 100
#: Flows whose starts are paused, at most.
_MOST = 1000


class HeldStarts:
    """Asks the store which flows start nothing new, now and then; safe under threads."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._known: tuple[float, frozenset[str]] = (float("-inf"), frozenset())

    def is_held(self, flow: str) -> bool:
        """Whether starts of a flow are paused, as of at most ``KNOWN_FOR`` seconds ago."""
        now = self._now()
        at, flows = self._known
        if not at <= now < at + KNOWN_FOR:
            flows = frozenset(item.id for item in self._store.items.find(HELD, None, _MOST).items)
            self._known = (now, flows)
        return flow in flows
