"""Storages in memory that stand in for the configured ones in a local run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.errors import StorageError, UnknownStorageError
from selinon_core.plan import Plan, StoragePlan
from selinon_core.runtime.error_codec import USER_ERRORS
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.json_values import describe_json_error, restore, snapshot
from selinon_core.runtime.result_caches import Emit
from selinon_core.runtime.storages import Storages
from selinon_core.storage import DataStorage, ExcInfo, SelinonMissingDataException

_Key = tuple[str, str, str]


class MockedStorage(DataStorage):
    """Behaves like a storage that keeps JSON: refuses what JSON cannot hold and hands out copies.

    ``results`` and ``errors`` are addressed by (flow name, storage task name, task id).
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.results: dict[_Key, Any] = {}
        self.errors: dict[_Key, str] = {}

    def connect(self) -> None:
        """Nothing to do."""

    def is_connected(self) -> bool:
        """Always."""
        return True

    def disconnect(self) -> None:
        """Nothing to do."""

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return a copy of a result."""
        try:
            return restore(self.results[flow_name, task_name, task_id])
        except KeyError:
            text = f"no result of {task_name} (run {task_id}, flow {flow_name}) in {self.name}"
            raise SelinonMissingDataException(text) from None

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> Any:
        """Keep a result; raises ``StorageError`` for what JSON cannot hold."""
        self.keep(flow_name, task_name, task_id, result)
        return task_id

    def keep(self, flow_name: str, task_name: str, task_id: str, result: Any) -> Any:
        """Keep a result and return the snapshot that is kept."""
        try:
            kept = snapshot(result)
        except (TypeError, ValueError, RecursionError):
            what = describe_json_error(result)
            raise StorageError(f"the result of {task_name} cannot be stored as JSON: {what}") from None
        self.results[flow_name, task_name, task_id] = kept
        return kept

    def store_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> Any:
        """Keep the text of an error."""
        self.errors[flow_name, task_name, task_id] = f"{exc_info[0].__name__}: {exc_info[1]}"
        return task_id

    def delete(self, flow_name: str, task_name: str, task_id: str) -> None:
        """Forget a result."""
        if self.results.pop((flow_name, task_name, task_id), self) is self:
            raise SelinonMissingDataException(f"no result of {task_name} (run {task_id}) in {self.name}")

    def __getattr__(self, attribute: str) -> Any:
        # Called only for what the class does not have: a task relies on the real storage.
        raise AttributeError(
            f'the in-memory stand-in of storage "{self.__dict__.get("name")}" has no attribute "{attribute}"; '
            f"run with --real-storage {self.__dict__.get('name')} to use the real one"
        )


class LocalStorages(Storages):
    """Storages of a local run: stand-ins, but for the names in ``real``.

    ``stand_ins`` has the stand-ins by the names of the storages. ``on_read`` is called for every result read from
    one: flow name, task name, task id. ``on_error`` is called for every error that one keeps: flow name, task
    name, task id, arguments, error. Without it the error becomes an event at once, which costs more than the rest
    of a failed attempt.
    """

    def __init__(
        self,
        plan: Plan,
        imports: Imports,
        emit: Emit,
        on_read: Callable[[str, str, str], None],
        real: frozenset[str],
        directory: str | None = None,
        on_error: Callable[[str, str, str, Any, BaseException], None] | None = None,
    ) -> None:
        super().__init__(plan, imports, emit, directory)
        self._on_read = on_read
        self._on_error = on_error
        self.stand_ins: dict[str | None, MockedStorage] = {
            name: MockedStorage(name) for name in plan.storages if name not in real
        }
        self._with_cache = {name for name, storage in plan.storages.items() if storage.cache is not None}

    def make(self, storage: StoragePlan) -> DataStorage:
        """A stand-in, or the real thing."""
        return self.stand_ins[storage.name] if storage.name in self.stand_ins else super().make(storage)

    def mocked(self, name: str) -> MockedStorage:
        """The stand-in of a storage; raises ``UnknownStorageError`` where there is none."""
        if name not in self.stand_ins:
            raise UnknownStorageError(f'storage "{name}" is not mocked')
        return self.stand_ins[name]

    def stands_in(self, name: str) -> bool:
        """Whether a storage is replaced by a stand-in."""
        return name in self.stand_ins

    def is_mocked(self, task_name: str) -> bool:
        """Whether results of a task are kept by a stand-in."""
        return self._of_task(task_name) is not None

    def _of_task(self, task_name: str) -> tuple[MockedStorage, str] | None:
        """The stand-in that keeps the results of a task, and its name there; None where there is none."""
        task = self._plan.tasks.get(task_name)
        if task is None or task.storage not in self.stand_ins:
            return None
        return self.stand_ins[task.storage], task.storage_task_name

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> Any:
        """As in the base class; a stand-in needs neither connection nor precautions (and is traced later)."""
        task = self._plan.tasks.get(task_name)
        if task is None or task.storage not in self.stand_ins:
            return super().store(node_args, flow_name, task_name, task_id, result)
        storage = self.stand_ins[task.storage]
        try:
            return storage.keep(flow_name, task.storage_task_name, task_id, result)
        except StorageError as error:
            details = {"flow_name": flow_name, "task_name": task_name, "task_id": task_id}
            details |= {"storage_name": storage.name, "storage_task_name": task.storage_task_name}
            self._emit("STORAGE_STORE", details)
            self._emit("STORAGE_ISSUE", details | {"what": repr(error)})
            raise

    def store_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> bool:
        """As in the base class; the traceback of an error that a stand-in keeps is written when it is read."""
        mocked = self._of_task(task_name)
        if mocked is None or self._on_error is None or self._plan.tasks[task_name].storage_readonly:
            return super().store_error(node_args, flow_name, task_name, task_id, exc_info)
        storage, storage_task_name = mocked
        try:
            self.connected(storage.name).store_error(node_args, flow_name, storage_task_name, task_id, exc_info)
        except USER_ERRORS:  # its text cannot be had
            return super().store_error(node_args, flow_name, task_name, task_id, exc_info)
        self._on_error(flow_name, task_name, task_id, node_args, exc_info[1])
        return True

    def keep(self, flow_name: str, task_name: str, task_id: str, kept: Any) -> bool:
        """Let the stand-in of a task keep a result that is a snapshot already; False where there is none."""
        mocked = self._of_task(task_name)
        if mocked is None:
            return False
        storage, storage_task_name = mocked
        storage.results[flow_name, storage_task_name, task_id] = kept
        return True

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """As in the base class, without the precautions that a stand-in does not need."""
        task = self._plan.tasks.get(task_name)
        if task is not None and task.storage in self.stand_ins:
            results = self.stand_ins[task.storage].results
            kept = results.get((flow_name, task.storage_task_name, task_id), self)
            if kept is not self and task.storage not in self._with_cache:
                self._on_read(flow_name, task_name, task_id)
                return restore(kept)
        return super().retrieve(flow_name, task_name, task_id)

    def forget(self) -> None:
        """Empty the stand-ins."""
        for storage in self.stand_ins.values():
            storage.results.clear()
            storage.errors.clear()

    def preload(self, flow_name: str, task_name: str, task_id: str, result: Any) -> None:
        """Put an earlier result where it can be read again; nothing happens for real storages."""
        mocked = self._of_task(task_name)
        if mocked is not None:
            storage, storage_task_name = mocked
            storage.keep(flow_name, storage_task_name, task_id, result)
