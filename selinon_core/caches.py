"""The shipped caches. They differ in what makes room when ``max_cache_size`` items are there already.

Adding and getting take constant time, and both may be called from several threads. An item that is added
again keeps its turn; its value is replaced. ``max_cache_size`` 0 caches nothing.
"""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from selinon_core.cache import Cache
from selinon_core.errors import CacheMissError


class _OrderedCache(Cache):
    """Items in an order; subclasses say which end makes room and whether getting moves to the newest end."""

    _drops_newest = False
    _moves_on_get = False

    def __init__(self, max_cache_size: int = 0) -> None:
        self.max_cache_size = _checked(max_cache_size)
        # Not a dict: taking the first key of one over and over skips ever more deleted entries.
        self._items: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def current_cache_size(self) -> int:
        """How many items there are."""
        return len(self._items)

    def __repr__(self) -> str:
        """Name the items, those that have been waiting longest first."""
        with self._lock:
            return f"{type(self).__name__}({list(self._items)})"

    def add(
        self, item_id: Hashable, item: Any, task_name: str | None = None, flow_name: str | None = None
    ) -> None:
        """Keep an item, at the expense of another if there is no room."""
        if not self.max_cache_size:
            return
        with self._lock:
            if item_id not in self._items and len(self._items) >= self.max_cache_size:
                self._items.popitem(last=self._drops_newest)
            self._items[item_id] = item

    def get(self, item_id: Hashable, task_name: str | None = None, flow_name: str | None = None) -> Any:
        """Return an item, or raise ``CacheMissError``."""
        with self._lock:
            try:
                item = self._items[item_id]
            except KeyError:
                raise CacheMissError(f"{item_id!r} is not in the cache") from None
            if self._moves_on_get:
                self._items.move_to_end(item_id)
            return item


class FIFO(_OrderedCache):
    """First in, first out: the item that was added first makes room."""


class LIFO(_OrderedCache):
    """Last in, first out: the item that was added last makes room."""

    _drops_newest = True


class LRU(_OrderedCache):
    """The item that was added or got least recently makes room."""

    _moves_on_get = True


class MRU(_OrderedCache):
    """The item that was added or got most recently makes room."""

    _drops_newest = True
    _moves_on_get = True


class RR(Cache):
    """Random replacement. The choices follow from ``seed``, so that a run can be repeated exactly."""

    def __init__(self, max_cache_size: int = 0, seed: int = 0) -> None:
        self.max_cache_size = _checked(max_cache_size)
        self._random = random.Random(seed)  # noqa: S311  (chooses what to forget)
        # An item lives in `_items[_positions[item_id]]`: a list so that choosing takes constant time.
        self._items: list[tuple[Hashable, Any]] = []
        self._positions: dict[Hashable, int] = {}
        self._lock = threading.Lock()

    @property
    def current_cache_size(self) -> int:
        """How many items there are."""
        return len(self._items)

    def __repr__(self) -> str:
        """Name the items, in no particular order."""
        with self._lock:
            return f"{type(self).__name__}({[item_id for item_id, _ in self._items]})"

    def add(
        self, item_id: Hashable, item: Any, task_name: str | None = None, flow_name: str | None = None
    ) -> None:
        """Keep an item, at the expense of another if there is no room."""
        if not self.max_cache_size:
            return
        with self._lock:
            position = self._positions.get(item_id)
            if position is None:
                if len(self._items) < self.max_cache_size:
                    position = len(self._items)
                    self._items.append((item_id, item))
                else:
                    position = self._random.randrange(len(self._items))
                    del self._positions[self._items[position][0]]
                self._positions[item_id] = position
            self._items[position] = (item_id, item)

    def get(self, item_id: Hashable, task_name: str | None = None, flow_name: str | None = None) -> Any:
        """Return an item, or raise ``CacheMissError``."""
        with self._lock:
            try:
                return self._items[self._positions[item_id]][1]
            except KeyError:
                raise CacheMissError(f"{item_id!r} is not in the cache") from None


def _checked(max_cache_size: int) -> int:
    if not isinstance(max_cache_size, int) or isinstance(max_cache_size, bool) or max_cache_size < 0:
        raise ValueError(f"max_cache_size must be an integer of at least 0, not {max_cache_size!r}")
    return max_cache_size
