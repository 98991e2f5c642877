"""What functions of the configuration get: results of certain task runs, by the names of the tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from selinon_core.errors import ResultMissingError
from selinon_core.runtime.storages import Storages
from selinon_core.storage import DataStorage, ExcInfo


# Also a KeyError because that is what the original's pool raised: functions of several edges ask for one source
# after another and catch it.
class NoSuchSourceError(ResultMissingError, KeyError):
    """Raised when a storage pool is asked for a task of which no run is at hand."""

    __str__ = Exception.__str__  # a KeyError would quote the text

    @classmethod
    def of(cls, task_name: str, known: Iterable[str]) -> Self:
        """The error about ``task_name`` where there are runs of ``known``."""
        return cls(f'no run of task "{task_name}" here; there is {", ".join(known) or "none"}')


class StoragePool:
    """What user functions get: the results of certain task runs by name.

    ``ids`` maps task names to ids, ``locate`` returns the flow of a run (None: ``flow_name``).
    """

    def __init__(
        self,
        storages: Storages,
        flow_name: str,
        ids: Mapping[str, Any],
        locate: Callable[[str], str | None],
    ) -> None:
        self._storages = storages
        self._flow_name = flow_name
        self._ids = ids
        self._locate = locate

    def get(self, task_name: str) -> Any:
        """Return the result of a source task of this combination.

        Raises ``NoSuchSourceError`` when the task is not a source here, else as ``retrieve``.
        """
        task_id = self._ids.get(task_name)
        if not isinstance(task_id, str):
            raise NoSuchSourceError.of(task_name, [name for name, id in self._ids.items() if isinstance(id, str)])
        return self.retrieve(self._locate(task_id) or self._flow_name, task_name, task_id)

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return the result of any task run; see ``Storages.retrieve`` for errors."""
        return self._storages.retrieve(flow_name, task_name, task_id)

    def set(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> Any:
        """Store a result; see ``Storages.store``."""
        return self._storages.store(node_args, flow_name, task_name, task_id, result)

    def set_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> bool:
        """Store an error; see ``Storages.store_error``."""
        return self._storages.store_error(node_args, flow_name, task_name, task_id, exc_info)

    def delete(self, flow_name: str, task_name: str, task_id: str) -> None:
        """Delete a result; see ``Storages.delete``."""
        self._storages.delete(flow_name, task_name, task_id)

    def get_connected_storage(self, storage_name: str) -> DataStorage:
        """Return a storage by name; see ``Storages.connected``."""
        return self._storages.connected(storage_name)

    def get_storage_by_task_name(self, task_name: str) -> DataStorage | None:
        """Return the storage of a task, None when it has none."""
        return self._storages.of_task(task_name)

    def get_storage_name_by_task_name(self, task_name: str, graceful: bool = False) -> str | None:
        """Return the name of a task's storage; without one None if ``graceful``, else ``UnknownStorageError``."""
        return self._storages.name_of_task(task_name, graceful)
