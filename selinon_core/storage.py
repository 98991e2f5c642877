"""The class users derive their storages from."""

from __future__ import annotations

import abc
from types import TracebackType
from typing import Any, ClassVar

from selinon_core.errors import ResultMissingError

#: What ``sys.exc_info()`` returns in an ``except`` block.
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


# Also a FileNotFoundError because that is what the original's storages raised on reading, and code that talks
# to ``self.storage`` directly catches it.
class SelinonMissingDataException(ResultMissingError, FileNotFoundError):
    """Raised by a storage that holds nothing under the names it was asked for."""


class DataStorage(abc.ABC):
    """Keeps results of tasks. One instance per process and configured storage, used by several threads.

    A result is addressed by (flow name, task name, task id); ``task_name`` is the configured
    ``storage_task_name``. ``node_args`` and ``result`` are JSON values.
    """

    #: Whether other processes, workers among them, do not find what one process stored.
    private_to_process: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: B027  (a storage may need no arguments)
        """Take the ``configuration`` of the YAML file: a mapping as keywords, all else as one argument."""

    @abc.abstractmethod
    def connect(self) -> None:
        """Get ready; called once before the first use, and again whenever ``is_connected`` says no."""

    @abc.abstractmethod
    def is_connected(self) -> bool:
        """Return whether the storage is ready. Must be cheap and must not raise."""

    @abc.abstractmethod
    def disconnect(self) -> None:
        """Release what ``connect`` took; harmless when there is nothing."""

    @abc.abstractmethod
    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return a stored result.

        Should raise ``SelinonMissingDataException`` (or another ``ResultMissingError``) when there is none:
        any other exception counts as a storage out of order, and is tried again.
        """

    @abc.abstractmethod
    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> Any:
        """Keep a result, in place of an earlier one under the same names; return the record's id, if any."""

    def store_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> Any:
        """Keep what made a task fail for good; return the record's id, if any. Need not be implemented."""
        raise NotImplementedError(f"{type(self).__name__} does not store errors")

    def delete(self, flow_name: str, task_name: str, task_id: str) -> None:
        """Forget a result; ``SelinonMissingDataException`` when there is none. Need not be implemented."""
        raise NotImplementedError(f"{type(self).__name__} does not delete results")
