"""Results in this process's memory: for tests and local runs."""

from __future__ import annotations

import json as jsonlib
import sys
from typing import Any, TextIO

from selinon_core.storage import DataStorage, ExcInfo
from selinon_core.storages.base import Address, describe_error, from_json, to_json


class InMemoryStorage(DataStorage):
    """Keeps results until the process ends.

    ``echo`` prints what is stored and retrieved: True or ``"stdout"``, or ``"stderr"``; with ``json`` as JSON.

    Results are kept as JSON text, so that a task that changes what it retrieved or returned changes nothing
    for others, and what another storage would refuse is refused here too. Other processes do not see them: on
    workers, name a storage that processes share.
    """

    private_to_process = True

    def __init__(self, echo: bool | str = False, json: bool = False) -> None:
        super().__init__()
        if echo not in (False, True, None, "stdout", "stderr"):
            raise ValueError(f"echo must be true, false, 'stdout' or 'stderr', not {echo!r}")
        if json and not echo:
            raise ValueError("json says how to echo, so it needs echo as well ('stdout' or 'stderr')")
        self.echo = echo
        self.echo_json = json
        self._results: dict[Address, tuple[Any, str]] = {}
        self._errors: dict[Address, dict[str, Any]] = {}

    @property
    def database(self) -> dict[str, dict[str, Any]]:
        """What is stored, by task id: the three names, ``node_args`` and ``result``. A copy made on each use."""
        return {
            address.task_id: address.record(node_args, result=jsonlib.loads(text))
            for address, (node_args, text) in self._results.copy().items()
        }

    @property
    def echo_file(self) -> TextIO | None:
        """Where it is printed."""
        if not self.echo:
            return None
        return sys.stderr if self.echo == "stderr" else sys.stdout

    def connect(self) -> None:
        """Do nothing."""

    def is_connected(self) -> bool:
        """Tell that it always is."""
        return True

    def disconnect(self) -> None:
        """Do nothing: results stay."""

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return a result."""
        address = Address(flow_name, task_name, task_id)
        try:
            _, text = self._results[address]
        except KeyError:
            raise address.missing() from None
        result = from_json(text, address)
        self._print(result)
        return result

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> str:
        """Keep a result; returns the task id."""
        address = Address(flow_name, task_name, task_id)
        self._results[address] = (node_args, to_json(result, address))
        if self.echo:
            self._print(address.record(node_args, result=result))
        return task_id

    def store_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> str:
        """Keep an error; returns the task id."""
        address = Address(flow_name, task_name, task_id)
        self._errors[address] = address.record(node_args, error=describe_error(exc_info))
        return task_id

    def retrieve_error(self, flow_name: str, task_name: str, task_id: str) -> dict[str, Any]:
        """Return what ``store_error`` kept."""
        address = Address(flow_name, task_name, task_id)
        try:
            return self._errors[address]
        except KeyError:
            raise address.missing("error") from None

    def delete(self, flow_name: str, task_name: str, task_id: str) -> None:
        """Forget a result and an error."""
        address = Address(flow_name, task_name, task_id)
        error = self._errors.pop(address, None)
        if self._results.pop(address, None) is None and error is None:
            raise address.missing()

    def _print(self, value: Any) -> None:
        file = self.echo_file
        if file is None:
            return
        if self.echo_json:
            value = jsonlib.dumps(value, sort_keys=True, separators=(",", ": "), indent=2)
        print(value, file=file)
