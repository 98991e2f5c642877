"""The results in memory as selinon 1.x kept them: records by task id."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from typing import Any

from selinon_core.storages.base import Address, to_json

_NAMES = frozenset(Address._fields)


class Records(MutableMapping[str, Any]):
    """Results by address, shown as records by task id.

    ``others`` holds values of the project that are not results of tasks.
    """

    def __init__(self) -> None:
        self.results: dict[Address, tuple[Any, str]] = {}
        self.others: dict[str, Any] = {}
        self._newest: dict[str, Address] = {}

    def keep(self, address: Address, node_args: Any, text: str) -> None:
        """Keep the JSON text of a result."""
        self.results[address] = (node_args, text)
        self._newest[address.task_id] = address

    def forget(self, address: Address) -> bool:
        """Forget a result; return whether there was one."""
        if self._newest.get(address.task_id) == address:
            del self._newest[address.task_id]
        return self.results.pop(address, None) is not None

    def __getitem__(self, task_id: str) -> Any:
        """Return a copy of a record: the three names, ``node_args`` and ``result``."""
        address = self._newest.get(task_id)
        if address is None:
            return self.others[task_id]
        node_args, text = self.results[address]
        return address.record(node_args, result=json.loads(text))

    def __setitem__(self, task_id: str, record: Any) -> None:
        """Keep a record in place of another of that id."""
        self.pop(task_id, None)
        if isinstance(record, dict) and record.keys() >= {*_NAMES, "result"} and record["task_id"] == task_id:
            address = Address(record["flow_name"], record["task_name"], task_id)
            self.keep(address, record.get("node_args"), to_json(record["result"], address))
        else:
            self.others[task_id] = record

    def __delitem__(self, task_id: str) -> None:
        """Forget a record."""
        address = self._newest.get(task_id)
        if address is None:
            del self.others[task_id]
        else:
            self.forget(address)

    def __iter__(self) -> Iterator[str]:
        """Go over the task ids."""
        yield from [*self._newest, *self.others]

    def __len__(self) -> int:
        """Count the records."""
        return len(self._newest) + len(self.others)

    def __repr__(self) -> str:
        """Show the records."""
        return repr(dict(self))
