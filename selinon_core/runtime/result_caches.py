"""Caches of results, one for each storage that has any. One that fails is reported to the trace, and left out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from selinon_core.cache import Cache
from selinon_core.errors import CacheMissError
from selinon_core.plan import CachePlan, Plan
from selinon_core.runtime.error_codec import USER_ERRORS, error_repr
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.json_values import copy_json

#: ``emit(event, details)``: receives every trace event of a storage.
Emit = Callable[[str, dict[str, Any]], None]


class ResultCaches:
    """The caches of a plan's storages by name, each built when it is first used. No method raises.

    ``details`` are those of the trace: ``task_id``, ``storage_task_name`` and ``flow_name`` make the cache's key.
    """

    def __init__(self, plan: Plan, imports: Imports, emit: Emit) -> None:
        self._plan = plan
        self._imports = imports
        self._emit = emit
        self._lock = threading.Lock()
        self._caches: dict[str, _LockedCache | None] = {}

    def share(self, owner: ResultCaches) -> None:
        """Use the caches of another pool of the same plan."""
        self._lock = owner._lock
        self._caches = owner._caches

    def get(self, storage_name: str, details: dict[str, Any]) -> tuple[bool, Any]:
        """Return whether the cache of a storage has a result, and a copy of it."""
        locked = self._cache(storage_name)
        if locked is None:
            return False, None
        self._emit("TASK_RESULT_CACHE_GET", details)
        try:
            with locked.lock:
                value = locked.cache.get(
                    details["task_id"], task_name=details["storage_task_name"], flow_name=details["flow_name"]
                )
            value = copy_json(value)
        except CacheMissError:
            self._emit("TASK_RESULT_CACHE_MISS", details)
            return False, None
        except USER_ERRORS as error:
            self._emit("TASK_RESULT_CACHE_ISSUE", details | {"what": error_repr(error)})
            return False, None
        self._emit("TASK_RESULT_CACHE_HIT", details)
        return True, value

    def add(self, storage_name: str, details: dict[str, Any], result: Any) -> None:
        """Keep a copy of a result, where the storage has a cache."""
        locked = self._cache(storage_name)
        if locked is None:
            return
        self._emit("TASK_RESULT_CACHE_ADD", details)
        try:
            with locked.lock:
                locked.cache.add(
                    details["task_id"],
                    copy_json(result),
                    task_name=details["storage_task_name"],
                    flow_name=details["flow_name"],
                )
        except USER_ERRORS as error:
            self._emit("TASK_RESULT_CACHE_ISSUE", details | {"what": error_repr(error)})

    def _cache(self, storage_name: str) -> _LockedCache | None:
        storage = self._plan.storages.get(storage_name)
        if storage is None or storage.cache is None:
            return None
        if storage_name not in self._caches:
            with self._lock:
                if storage_name not in self._caches:
                    self._caches[storage_name] = self._made(storage.cache, storage_name)
        return self._caches[storage_name]

    def _made(self, cache: CachePlan, storage_name: str) -> _LockedCache | None:
        try:
            cls = self._imports.storage_class(cache.function)
            return _LockedCache(cls(**copy_json(dict(cache.configuration))))
        except USER_ERRORS as error:
            self._emit("TASK_RESULT_CACHE_ISSUE", {"storage_name": storage_name, "what": error_repr(error)})
            return None


class _LockedCache:
    """A cache of a user's class, which need not be safe for threads, with its lock."""

    __slots__ = ("cache", "lock")

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.lock = threading.Lock()
