"""The shipped caches. They differ in what makes room when ``max_cache_size`` items are there already.

Adding and getting take constant time, and both may be called from several threads. An item that is added
again keeps its turn; its value is replaced. ``max_cache_size`` 0 caches nothing.
"""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, overload

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
        self._lock = threading.RLock()  # again and again by one thread: a subclass's _clean_cache may get an item

    @property
    def current_cache_size(self) -> int:
        """How many items there are."""
        return len(self._items)

    def _clean_cache(self) -> None:
        """Make room for an item. Caches of projects that derive from a shipped one override it."""
        while self._items and len(self._items) >= self.max_cache_size:
            self._items.popitem(last=self._drops_newest)

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
            if item_id not in self._items:
                self._clean_cache()
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

    # What selinon 1.x kept its items in, for a subclass's _clean_cache.

    @property
    def _cache(self) -> OrderedDict[Hashable, Any]:
        """The items by their ids."""
        return self._items

    @property
    def _cache_usage(self) -> _Usage:
        """The ids, the one that was added first in front."""
        return _Usage(self._items)


class LIFO(FIFO):
    """Last in, first out: the item that was added last makes room."""

    _drops_newest = True


class LRU(_OrderedCache):
    """The item that was added or got least recently makes room."""

    _moves_on_get = True

    # What selinon 1.x kept its items in, for a subclass's _clean_cache.

    @property
    def _cache(self) -> dict[Hashable, Record]:
        """The records by their ids."""
        return {item_id: Record(item_id, item) for item_id, item in self._items.items()}

    @property
    def _record_head(self) -> Record | None:
        """The record that was used least recently."""
        return self._record(next(iter(self._items), None))

    @property
    def _record_tail(self) -> Record | None:
        """The record that was used most recently."""
        return self._record(next(reversed(self._items), None))

    def _record(self, item_id: Hashable) -> Record | None:
        return Record(item_id, self._items[item_id]) if item_id in self._items else None

    def _add_record(self, record: Record) -> None:
        self._items[record.item_id] = record.item

    def _remove_record(self, record: Record) -> None:
        del self._items[record.item_id]


class MRU(LRU):
    """The item that was added or got most recently makes room."""

    _drops_newest = True


class Record(NamedTuple):
    """An item of a cache with its id."""

    item_id: Hashable
    item: Any


class _Usage(Sequence[Hashable]):
    """The ids of items in the order of their use, as the deque that selinon 1.x had.

    Items are in one place here, so taking an id from either end leaves the item for ``del self._cache[id]``.
    """

    def __init__(self, items: OrderedDict[Hashable, Any]) -> None:
        self._ids = list(items)

    def popleft(self) -> Hashable:
        """Return the first id."""
        return self._ids.pop(0)

    def pop(self) -> Hashable:
        """Return the last id."""
        return self._ids.pop()

    def append(self, item_id: Hashable) -> None:
        """Do nothing: an item that is added is in use."""

    def remove(self, item_id: Hashable) -> None:
        """Do nothing: an item that is removed is not in use."""

    @overload
    def __getitem__(self, index: int) -> Hashable: ...

    @overload
    def __getitem__(self, index: slice) -> list[Hashable]: ...

    def __getitem__(self, index: int | slice) -> Hashable | list[Hashable]:
        """Return an id by its place."""
        return self._ids[index]

    def __len__(self) -> int:
        """Count the ids."""
        return len(self._ids)


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

    @property
    def _cache(self) -> Mapping[Hashable, Any]:
        """The items by their ids, as selinon 1.x kept them; to be read only."""
        return MappingProxyType(dict(self._items))

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
