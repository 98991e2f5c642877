"""What a user's own storage or cache gets from the base classes."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from selinon_core.cache import Cache
from selinon_core.errors import ResultMissingError, StorageError
from selinon_core.storage import DataStorage, SelinonMissingDataException


class Own(DataStorage):
    """Written as for the original: calls the base constructor, has the five methods and no more."""

    def __init__(self, where: str, *, size: int = 1) -> None:
        super().__init__(where, size=size)
        self.where = where

    def connect(self) -> None: ...

    def is_connected(self) -> bool:
        return True

    def disconnect(self) -> None: ...

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        return self.where

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> Any: ...


def test_errors_and_deleting_need_not_be_implemented() -> None:
    storage = Own("here")
    try:
        raise ValueError
    except ValueError:
        with pytest.raises(NotImplementedError, match="Own"):
            storage.store_error(None, "f", "T", "i", sys.exc_info())  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError, match="Own"):
        storage.delete("f", "T", "i")


@pytest.mark.parametrize("method", ["connect", "is_connected", "disconnect", "retrieve", "store"])
def test_a_storage_without_one_of_the_five_cannot_be_built(method: str) -> None:
    methods = {name: value for name, value in vars(Own).items() if callable(value) and name != method}
    with pytest.raises(TypeError, match=method):
        type("Partial", (DataStorage,), methods)("here")


@pytest.mark.parametrize("method", ["add", "get"])
def test_a_cache_without_one_of_the_two_cannot_be_built(method: str) -> None:
    methods = {name: lambda self: None for name in ("add", "get") if name != method}
    with pytest.raises(TypeError, match=method):
        type("Partial", (Cache,), methods)()


def test_missing_data_is_told_from_a_storage_out_of_order() -> None:
    assert issubclass(SelinonMissingDataException, ResultMissingError)
    assert issubclass(SelinonMissingDataException, StorageError)
    assert str(SelinonMissingDataException("nothing there")) == "nothing there"
