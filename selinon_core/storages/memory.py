"""Results in this process's memory: for tests and local runs."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Mapping
from functools import cached_property
from typing import Any, TextIO

from selinon_core.storage import DataStorage, ExcInfo
from selinon_core.storages.base import Address, describe_error, from_json, to_json
from selinon_core.storages.memory_records import Records


class InMemoryStorage(DataStorage):
    """Keeps results until the process ends.

    ``echo`` prints what is stored and retrieved: True or ``"stdout"``, or ``"stderr"``; with ``json`` as JSON.

    Results are kept as JSON text, so that a task that changes what it retrieved or returned changes nothing
    for others, and what another storage would refuse is refused here too. Other processes do not see them: on
    workers, name a storage that processes share.
    """

    private_to_process = True
    echo: bool | str = False
    echo_json = False
    _echo_file: TextIO | None = None

    def __init__(self, echo: bool | str = False, json: bool = False) -> None:
        super().__init__()
        if echo not in (False, True, None, "stdout", "stderr"):
            raise ValueError(f"echo must be true, false, 'stdout' or 'stderr', not {echo!r}")
        if json and not echo:
            raise ValueError("json says how to echo, so it needs echo as well ('stdout' or 'stderr')")
        self.echo = echo
        self.echo_json = json
        _ = self._database, self._errors  # now, where only one thread can be the first

    # Made when first used, as the constructor of a project's storage need not call this one's.

    @cached_property
    def _database(self) -> Records:
        return Records()

    @cached_property
    def _errors(self) -> dict[Address, dict[str, Any]]:
        return {}

    @property
    def database(self) -> Records:
        """What is stored, by task id: the three names, ``node_args`` and ``result``; as copies.

        It can be assigned and changed, as storages of projects do.
        """
        return self._database

    @database.setter
    def database(self, records: Mapping[str, Any]) -> None:
        kept = dict(records)
        self._database.clear()
        self._database.update(kept)

    @property
    def echo_file(self) -> TextIO | None:
        """Where it is printed; can be assigned."""
        if self._echo_file is not None or not self.echo:
            return self._echo_file
        return sys.stderr if self.echo == "stderr" else sys.stdout

    @echo_file.setter
    def echo_file(self, file: TextIO | None) -> None:
        self._echo_file = file
        self.echo = file is not None

    def connect(self) -> None:
        """Do nothing."""

    def is_connected(self) -> bool:
        """Return True: it always is."""
        return True

    def disconnect(self) -> None:
        """Do nothing: results stay."""

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return a result."""
        address = Address(flow_name, task_name, task_id)
        found = self._database.results.get(address)
        if found is not None:
            result = from_json(found[1], address)
        else:
            record = self._database.others.get(task_id)
            if not isinstance(record, dict) or "result" not in record:
                raise address.missing()
            result = record["result"]
        self._print(result)
        return result

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> str:
        """Keep a result; returns the task id."""
        address = Address(flow_name, task_name, task_id)
        self._database.keep(address, node_args, to_json(result, address))
        if self.echo:
            self._print(address.record(node_args, result=result))
        return task_id

    def store_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> str:
        """Keep an error; returns the task id."""
        address = Address(flow_name, task_name, task_id)
        self._errors[address] = address.record(node_args, error=describe_error(exc_info))
        return task_id

    def retrieve_error(self, flow_name: str, task_name: str, task_id: str) -> dict[str, Any]:
        """Return the error that ``store_error`` kept."""
        address = Address(flow_name, task_name, task_id)
        try:
            return self._errors[address]
        except KeyError:
            raise address.missing("error") from None

    def delete(self, flow_name: str, task_name: str, task_id: str) -> None:
        """Forget a result and an error."""
        address = Address(flow_name, task_name, task_id)
        removed = [
            self._database.forget(address),
            self._errors.pop(address, None) is not None,
            self._database.others.pop(task_id, None) is not None,
        ]
        if not any(removed):
            raise address.missing()

    def _print(self, value: Any) -> None:
        file = self.echo_file
        if file is None:
            return
        if self.echo_json:
            value = jsonlib.dumps(value, sort_keys=True, separators=(",", ": "), indent=2)
        print(value, file=file)
