"""``StoragePool``: storages of the process by class methods, and results of certain runs by instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.legacy.replaced import watch_replacing
from selinon_core.legacy.state import storages_in_use
from selinon_core.runtime.storage_pool import NoSuchSourceError
from selinon_core.storage import DataStorage, ExcInfo


@watch_replacing(
    "delete",
    "get",
    "get_connected_storage",
    "get_storage_by_task_name",
    "get_storage_name_by_task_name",
    "retrieve",
    "set",
    "set_error",
)
class StoragePool:
    """Storages of the run that is going on, else of the process-wide configuration.

    Every class method raises ``ConfigNotInitializedError`` where there is neither. Predicates, foreach and
    selective run functions are given an object with the same methods, whose ``get`` knows their combination.
    """

    def __init__(self, id_mapping: Mapping[str, Any] | None, flow_name: str) -> None:
        self._ids = dict(id_mapping or {})
        self._flow_name = flow_name

    def get(self, task_name: str) -> Any:
        """Return the result of the run that the mapping names; ``NoSuchSourceError``, else as ``retrieve``."""
        if task_name not in self._ids:
            raise NoSuchSourceError.of(task_name, self._ids)
        return self.retrieve(self._flow_name, task_name, self._ids[task_name])

    @classmethod
    def retrieve(cls, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return the result of a task run.

        Raises ``UnknownStorageError``, ``ResultMissingError``, ``StorageError``.
        """
        return storages_in_use().retrieve(flow_name, task_name, task_id)

    @classmethod
    def set(cls, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> Any:
        """Store a result and return the record's id; raises ``UnknownStorageError``, ``StorageError``."""
        return storages_in_use().store(node_args, flow_name, task_name, task_id, result)

    @classmethod
    def set_error(cls, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> bool:
        """Let the task's storage keep an error; return whether it did."""
        return storages_in_use().store_error(node_args, flow_name, task_name, task_id, exc_info)

    @classmethod
    def delete(cls, flow_name: str, task_name: str, task_id: str) -> None:
        """Delete a result; raises ``ResultMissingError``, ``StorageError``."""
        storages_in_use().delete(flow_name, task_name, task_id)

    @classmethod
    def get_connected_storage(cls, storage_name: str) -> DataStorage:
        """Return a storage by its name; raises ``UnknownStorageError``, ``StorageError``."""
        return storages_in_use().connected(storage_name)

    @classmethod
    def get_storage_by_task_name(cls, task_name: str) -> DataStorage | None:
        """Return the storage of a task, None when it has none."""
        return storages_in_use().of_task(task_name)

    @classmethod
    def get_storage_name_by_task_name(cls, task_name: str, graceful: bool = False) -> str | None:
        """Return the name of a task's storage; without one None if ``graceful``, else ``UnknownStorageError``."""
        return storages_in_use().name_of_task(task_name, graceful)
