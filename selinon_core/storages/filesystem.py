"""Results as files: ``<path>/<flow>/<task>/<task id>.json`` holds a result, ``<task id>.error.json`` an error."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from selinon_core.runtime.environment import by_hand
from selinon_core.storage import ExcInfo
from selinon_core.storages.base import Address, ConnectedStorage, describe_error, from_json, to_json
from selinon_core.storages.names import safe_name


class Filesystem(ConnectedStorage[str]):
    """Keeps each result in a JSON file of its own below the directory ``path`` (default: the current one).

    A file appears complete or not at all, also when it is replaced, so readers need no lock. It survives the
    process; surviving a power failure is left to the file system.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        # Made absolute now: a task that changes the working directory does not move the storage.
        self.path = os.path.abspath(by_hand(path) or os.curdir)

    @classmethod
    def anchored(cls, configuration: Mapping[str, Any], directory: str) -> dict[str, Any]:
        """A configuration whose path, if it is relative, leads from ``directory``."""
        path = configuration.get("path")
        if not isinstance(path, (str, os.PathLike)):
            return dict(configuration)
        return {**configuration, "path": os.path.join(directory, path)}

    # Overridden by projects that lay out their files otherwise: names as of selinon 1.x.

    def _construct_base_path(self, flow_name: str, task_name: str) -> str:
        """Return the directory of a task's files."""
        return os.path.join(self.path, safe_name(flow_name), safe_name(task_name))

    def _construct_path(self, flow_name: str, task_name: str, task_id: str) -> str:
        """Return the path of a result."""
        return os.path.join(self._construct_base_path(flow_name, task_name), f"{safe_name(task_id)}.json")

    @property
    def _connected(self) -> bool:
        return self.is_connected()

    @_connected.setter
    def _connected(self, connected: bool) -> None:
        if connected:
            self._connection.get()
        else:
            self._connection.close()

    def _open(self) -> str:
        os.makedirs(self.path, exist_ok=True)
        return self.path

    def _close(self, connection: str) -> None:
        pass

    def _driver_errors(self) -> tuple[type[Exception], ...]:
        return (OSError,)

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return a result."""
        return self._read(Address(flow_name, task_name, task_id), "result")

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> str:
        """Write a result; returns the path of its file."""
        address = Address(flow_name, task_name, task_id)
        return self._write(address, "result", to_json(result, address))

    def store_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> str:
        """Write an error; returns the path of its file."""
        address = Address(flow_name, task_name, task_id)
        record = address.record(node_args, error=describe_error(exc_info))
        return self._write(address, "error", to_json(record, address))

    def retrieve_error(self, flow_name: str, task_name: str, task_id: str) -> dict[str, Any]:
        """Return the error that ``store_error`` kept."""
        record: dict[str, Any] = self._read(Address(flow_name, task_name, task_id), "error")
        return record

    def delete(self, flow_name: str, task_name: str, task_id: str) -> None:
        """Remove the files of a result and an error."""
        address = Address(flow_name, task_name, task_id)
        removed = [self._remove(address, what) for what in ("result", "error")]
        if not any(removed):
            raise address.missing()

    def _path_of(self, address: Address, what: str) -> str:
        self._opened()
        if what == "result":
            return self._construct_path(*address)
        folder = self._construct_base_path(address.flow_name, address.task_name)
        return os.path.join(folder, f"{safe_name(address.task_id)}.error.json")

    def _read(self, address: Address, what: str) -> Any:
        with self._translated(f"read the {what} of {address}"):
            try:
                with open(self._path_of(address, what), encoding="utf-8") as file:
                    text = file.read()
            except FileNotFoundError:
                raise address.missing(what) from None
        return from_json(text, address)

    def _write(self, address: Address, what: str, text: str) -> str:
        with self._translated(f"write the {what} of {address}"):
            path = self._path_of(address, what)
            folder = os.path.dirname(path)
            # No result's name begins with a dot. In the same folder, because replacing across file systems
            # is not atomic.
            temporary = os.path.join(folder, f".{os.urandom(8).hex()}.tmp")
            try:
                file = open(temporary, "x", encoding="utf-8")  # noqa: SIM115
            except FileNotFoundError:
                os.makedirs(folder, exist_ok=True)
                file = open(temporary, "x", encoding="utf-8")  # noqa: SIM115
            try:
                with file:
                    file.write(text)
                os.replace(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise
            return path

    def _remove(self, address: Address, what: str) -> bool:
        with self._translated(f"remove the {what} of {address}"):
            try:
                os.unlink(self._path_of(address, what))
            except FileNotFoundError:
                return False
            return True
