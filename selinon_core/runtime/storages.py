"""Storages and caches of one process: connected on first use, shared by threads, watched by the trace."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from selinon_core.errors import (
    ConfigurationError,
    MissingExtraError,
    ResultMissingError,
    SelinonException,
    StorageError,
    UnknownStorageError,
)
from selinon_core.plan import Plan, StoragePlan, TaskPlan
from selinon_core.runtime.environment import built_from, expand, working_directory
from selinon_core.runtime.error_codec import USER_ERRORS, error_details, error_repr
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.json_values import copy_json
from selinon_core.runtime.result_caches import Emit, ResultCaches
from selinon_core.storage import DataStorage, ExcInfo

_PRIVATE = (
    "it keeps results in the memory of one process, where others do not find them; on workers, name a storage "
    "that processes share (files, Redis, SQL, ...)"
)


class Storages:
    """All storages of a plan by name. ``make`` builds one; drivers replace it to put stand-ins in place.

    Relative paths in configurations lead from ``directory``, by default the working directory of now: a storage is
    built when it is first used, and by then a task may have changed it.
    """

    def __init__(self, plan: Plan, imports: Imports, emit: Emit, directory: str | None = None) -> None:
        self._directory = working_directory() if directory is None else directory
        self._plan = plan
        self._imports = imports
        self._emit = emit
        self._lock = threading.RLock()
        self._storages: dict[str, DataStorage] = {}
        self._caches = ResultCaches(plan, imports, emit)
        self._process = os.getpid()
        self._borrowed = False

    def share(self, owner: Storages) -> None:
        """Use the storages of another pool of the same plan, which is left to close them."""
        self._lock = owner._lock
        self._storages = owner._storages
        self._caches.share(owner._caches)
        self._borrowed = True

    def make(self, storage: StoragePlan) -> DataStorage:
        """Build a storage from its configuration, not connected."""
        cls = self._imports.storage_class(storage.function)
        configuration = expand(copy_json(storage.configuration))
        anchored = getattr(cls, "anchored", None)  # shipped storages and those derived from them have it
        if anchored is not None and isinstance(configuration, Mapping):
            configuration = anchored(configuration, self._directory)
        with built_from(configuration):
            if configuration is None:
                return cls()  # type: ignore[no-any-return]
            if isinstance(configuration, Mapping):
                return cls(**configuration)  # type: ignore[no-any-return]
            return cls(configuration)  # type: ignore[no-any-return]

    def connected(self, name: str) -> DataStorage:
        """Return a storage, connecting it when needed.

        Raises ``UnknownStorageError``, ``StorageError`` when it cannot be connected, ``ConfigurationError`` (or
        ``MissingExtraError``) when it cannot be built from its configuration.
        """
        if self._process != os.getpid():  # connections must not be shared across a fork
            self._forget()
        storage = self._storages.get(name)
        if storage is not None and _is_connected(storage):
            return storage
        with self._lock:
            storage = self._storages.get(name)
            if storage is None:
                if name not in self._plan.storages:
                    raise UnknownStorageError(f'no storage is named "{name}"')
                storage = self._storages[name] = self._made(self._plan.storages[name])
            if not _is_connected(storage):
                self._emit("STORAGE_CONNECT", {"storage_name": name})
                try:
                    storage.connect()
                except USER_ERRORS as error:
                    self._emit("STORAGE_ISSUE", {"storage_name": name, "what": error_repr(error)})
                    if isinstance(error, StorageError | MissingExtraError):
                        raise
                    raise StorageError(f'cannot connect storage "{name}": {error_repr(error)}') from error
        return storage

    def _made(self, storage: StoragePlan) -> DataStorage:
        try:
            return self.make(storage)
        except SelinonException:
            raise
        except USER_ERRORS as error:
            text = f'storage "{storage.name}" cannot be built from its configuration: {error_repr(error)}'
            raise ConfigurationError(text) from error

    def close(self) -> None:
        """Disconnect everything; problems go to the trace and are not raised."""
        if self._borrowed:
            return
        for name, storage in list(self._storages.items()):
            try:
                if storage.is_connected():
                    storage.disconnect()
                    self._emit("STORAGE_DISCONNECT", {"storage_name": name})
            except USER_ERRORS as error:
                self._emit("STORAGE_ISSUE", {"storage_name": name, "what": error_repr(error)})

    def of_task(self, task_name: str) -> DataStorage | None:
        """Return the connected storage of a task, None when it has none."""
        task = self._plan.tasks.get(task_name)
        if task is None or task.storage is None:
            return None
        return self.connected(task.storage)

    def name_of_task(self, task_name: str, graceful: bool = False) -> str | None:
        """Return the name of a task's storage; without one None if ``graceful``, else ``UnknownStorageError``."""
        task = self._plan.tasks.get(task_name)
        if graceful and (task is None or task.storage is None):
            return None
        return self._storage_name(task_name)[1]

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return a task's result, from the cache if it is there; the caller owns the value.

        Raises ``UnknownStorageError`` (the task has no storage), ``ResultMissingError``, ``StorageError``.
        """
        task, storage_name = self._storage_name(task_name)
        details = _details(flow_name, task, task_id)
        found, value = self._caches.get(storage_name, details)
        if found:
            return value
        storage = self.connected(storage_name)
        self._emit("STORAGE_RETRIEVE", details)
        try:
            result = storage.retrieve(flow_name, task.storage_task_name, task_id)
        except (ResultMissingError, FileNotFoundError, KeyError) as error:
            self._emit("STORAGE_ISSUE", details | {"what": error_repr(error)})
            text = f'storage "{storage_name}" has no result of {task_name} (run {task_id}, flow {flow_name})'
            if getattr(storage, "private_to_process", False):
                text += f": {_PRIVATE}"
            raise ResultMissingError(text) from error
        except USER_ERRORS as error:
            self._emit("STORAGE_ISSUE", details | {"what": error_repr(error)})
            raise StorageError(f'cannot read from storage "{storage_name}": {error_repr(error)}') from error
        self._emit("STORAGE_RETRIEVED", details)
        self._caches.add(storage_name, details, result)
        return result

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> Any:
        """Store a task's result and return the record's id; raises ``StorageError``."""
        task, storage_name = self._storage_name(task_name)
        details = _details(flow_name, task, task_id) | {"node_args": node_args}
        storage = self.connected(storage_name)
        self._emit("STORAGE_STORE", details)
        try:
            record = storage.store(node_args, flow_name, task.storage_task_name, task_id, result)
        except USER_ERRORS as error:
            self._emit("STORAGE_ISSUE", details | {"what": error_repr(error)})
            if isinstance(error, StorageError):
                raise
            raise StorageError(f'cannot write to storage "{storage_name}": {error_repr(error)}') from error
        self._emit("STORAGE_STORED", details | {"record_id": record})
        return record

    def store_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> bool:
        """Store a task's error in its storage and return whether the storage kept it; never raises."""
        task = self._plan.tasks[task_name]
        if task.storage is None or task.storage_readonly:
            return False
        details = _details(flow_name, task, task_id) | {"node_args": node_args} | error_details(exc_info[1])
        try:
            storage = self.connected(task.storage)
            record = storage.store_error(node_args, flow_name, task.storage_task_name, task_id, exc_info)
        except NotImplementedError:
            self._emit("STORAGE_OMIT_STORE_ERROR", details)
        except USER_ERRORS as error:
            self._emit("STORAGE_ISSUE", details | {"what": error_repr(error)})
        else:
            self._emit("STORAGE_STORE_ERROR", details | {"record_id": record})
            return True
        return False

    def delete(self, flow_name: str, task_name: str, task_id: str) -> None:
        """Delete a task's result; raises ``ResultMissingError``, ``StorageError``."""
        task, storage_name = self._storage_name(task_name)
        details = {"flow_name": flow_name, "task_name": task_name, "task_id": task_id}
        details["storage_name"] = storage_name
        storage = self.connected(storage_name)
        self._emit("STORAGE_DELETE", details)
        try:
            storage.delete(flow_name, task.storage_task_name, task_id)
        except StorageError:
            raise
        except USER_ERRORS as error:
            self._emit("STORAGE_ISSUE", details | {"what": error_repr(error)})
            raise StorageError(f'storage "{storage_name}" cannot delete: {error_repr(error)}') from error
        self._emit("STORAGE_DELETED", details)

    def _storage_name(self, task_name: str) -> tuple[TaskPlan, str]:
        task = self._plan.tasks.get(task_name)
        if task is None:
            raise UnknownStorageError(f'no task is named "{task_name}"')
        if task.storage is None:
            raise UnknownStorageError(f'task "{task_name}" has no storage, so its result was not kept')
        return task, task.storage

    def _forget(self) -> None:
        """Begin again after a fork; the old lock may be held by a thread that does not exist here."""
        self._lock = threading.RLock()
        self._storages = {}
        self._caches = ResultCaches(self._plan, self._imports, self._emit)
        self._process = os.getpid()


def _details(flow_name: str, task: TaskPlan, task_id: str) -> dict[str, Any]:
    """What every trace event of a result says."""
    return {
        "flow_name": flow_name,
        "task_name": task.name,
        "task_id": task_id,
        "storage_name": task.storage,
        "storage_task_name": task.storage_task_name,
    }


def _is_connected(storage: DataStorage) -> bool:
    try:
        return storage.is_connected()
    except USER_ERRORS:  # it must not raise; one that does is out of order
        return False
