"""What the shipped storages have in common.

Results and errors are JSON. A result that is not there raises ``SelinonMissingDataException``; whatever a
driver raises becomes a ``StorageError`` with the driver's exception as its cause. Methods connect on demand,
may be called from several threads, and work in a forked process.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from selinon_core.errors import MissingExtraError, StorageError
from selinon_core.runtime.json_values import describe_json_error, encode_json
from selinon_core.storage import DataStorage, ExcInfo, SelinonMissingDataException
from selinon_core.storages.connection import PerProcess

C = TypeVar("C")


class Address(NamedTuple):
    """Where a result is."""

    flow_name: str
    task_name: str
    task_id: str

    def __str__(self) -> str:
        return f"task '{self.task_name}' in flow '{self.flow_name}', run {self.task_id}"

    def record(self, node_args: Any, **more: Any) -> dict[str, Any]:
        """Return the fields kept beside a result or an error."""
        return {**self._asdict(), "node_args": node_args, **more}

    def missing(self, what: str = "result") -> SelinonMissingDataException:
        """Return the exception that says it is not there."""
        return SelinonMissingDataException(f"no {what} of {self}")


class ConnectedStorage(DataStorage, Generic[C]):
    """A storage behind a connection of type ``C``: subclasses open it, close it and use ``_opened()``.

    Storages of projects derive from the shipped ones, and use and assign their connection by the attribute that
    selinon 1.x had. So there is a connection from the first moment on, whatever a constructor does, and assigning
    replaces it.
    """

    def __init__(self) -> None:
        super().__init__()
        _ = self._connection  # made now, where only one thread can be the first

    @cached_property
    def _connection(self) -> PerProcess[C]:
        return PerProcess(self._open, self._close)

    @cached_property
    def _connecting(self) -> set[int]:
        """Threads that run a ``connect`` of the project's."""
        return set()

    def _opened(self) -> C:
        """Return the connection, opened if need be: by ``connect`` where a project has one of its own.

        None while such a ``connect`` runs and has not assigned one.
        """
        if type(self).connect is not ConnectedStorage.connect and not self._connection.is_open:
            thread = threading.get_ident()
            if thread in self._connecting:
                return None  # type: ignore[return-value]
            self._connecting.add(thread)
            try:
                self.connect()
            finally:
                self._connecting.discard(thread)
        return self._connection.get()

    def _open(self) -> C:
        raise NotImplementedError

    def _close(self, connection: C) -> None:
        raise NotImplementedError

    def _driver_errors(self) -> tuple[type[Exception], ...]:
        """Return the errors that the driver raises when its server is away or refuses."""
        raise NotImplementedError

    def connect(self) -> None:
        """Open the connection now rather than on first use."""
        with self._translated("connect"):
            self._connection.get()

    def is_connected(self) -> bool:
        """Return whether this process has opened the connection."""
        return self._connection.is_open

    def disconnect(self) -> None:
        """Close the connection; the next use opens it again."""
        self._connection.close()

    def retrieve_error(self, flow_name: str, task_name: str, task_id: str) -> dict[str, Any]:
        """Return the error that ``store_error`` kept.

        The three names, ``node_args``, and under ``error`` the strings ``type``, ``message``, ``traceback``.
        """
        raise NotImplementedError

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except (StorageError, MissingExtraError):
            raise
        except self._driver_errors() as exc:
            raise StorageError(f"{type(self).__name__} cannot {what}: {exc}") from exc


def to_json(value: Any, address: Address) -> str:
    """Return a value as JSON text; ``StorageError`` when it is not JSON."""
    try:
        return encode_json(value)
    except (TypeError, ValueError, RecursionError) as exc:
        what = describe_json_error(value)
        raise StorageError(f"what {address} returned or was given is not JSON: {what}") from exc


def from_json(text: str | bytes, address: Address) -> Any:
    """Return the value of a JSON text; ``StorageError`` when it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise StorageError(f"what is stored for {address} is not JSON: {exc}") from exc


def describe_error(exc_info: ExcInfo) -> dict[str, str]:
    """Return ``sys.exc_info()`` as the strings ``type``, ``message`` and ``traceback``."""
    import traceback

    kind, value, trace = exc_info
    lines = traceback.format_exception(kind, value, trace)
    try:
        message = str(value)
    except Exception:  # an exception of the user's, with a broken __str__
        message = lines[-1].strip()
    return {"type": kind.__name__, "message": message, "traceback": "".join(lines)}


def require_driver(module: str, extra: str, storage: DataStorage) -> None:
    """Raise ``MissingExtraError`` when a driver is not installed; does not import it."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise MissingExtraError(
            f"{type(storage).__name__} needs the package '{module}': pip install 'selinon[{extra}]'"
        )
