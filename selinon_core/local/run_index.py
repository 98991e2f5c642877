"""Finding node runs of a local run by their ids, and with that what a running task may ask for."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selinon_core.dispatch import NodeRun
from selinon_core.errors import FlowError, UserFunctionError
from selinon_core.local.mocked_storage import LocalStorages
from selinon_core.runtime.error_codec import error_text, error_value
from selinon_core.runtime.json_values import NotJson, encode_json, restore
from selinon_core.runtime.results import Failure
from selinon_core.runtime.trace.run_records import NodeRecord
from selinon_core.storage import DataStorage

if TYPE_CHECKING:
    from selinon_core.local.process_pool import Known


class RunIndex:
    """The ``TaskContext`` of local runs.

    ``nodes`` is the driver's growing list. It is indexed on the first look-up, and later only its new part: most
    runs never look anything up.
    """

    def __init__(self, nodes: Sequence[NodeRecord], storages: LocalStorages) -> None:
        self._nodes = nodes
        self._storages = storages
        self._by_id: dict[str, NodeRecord] = {}
        self._indexed = 0
        self._lock = threading.Lock()
        self._earlier: dict[str, str] = {}
        self._mocked_errors: dict[str, BaseException] = {}
        #: whether the records of reused node runs have their results, stored or not (reruns)
        self.knows_reused = False

    def find(self, id: str) -> NodeRecord | None:
        """The node run of this run with this id."""
        if self._indexed == len(self._nodes):
            return self._by_id.get(id)
        with self._lock:  # tasks in threads look up their parents
            count = len(self._nodes)
            for record in self._nodes[self._indexed : count]:
                self._by_id[record.run.id] = record
            self._indexed = count
            return self._by_id.get(id)

    def preload(self, report: Mapping[str, Any], tasks: Mapping[str, Any]) -> None:
        """Make the results in the report of an earlier run readable."""
        for node in report.get("nodes", ()):
            if node.get("kind") == "task" and node.get("name") in tasks:
                self._earlier[node["id"]] = node["flow"]
                if node.get("status") in ("success", "reused"):
                    self._storages.preload(node["flow"], node["name"], node["id"], node.get("result"))

    def add_mocked(self, id: str, flow_name: str, error: BaseException | None) -> None:
        """Make a node run of a mocked flow run known: where it was, and what it raised."""
        self._earlier[id] = flow_name
        if error is not None:
            self._mocked_errors[id] = error

    def locate(self, task_id: str) -> str | None:
        """The flow a task run was in, in this run or the earlier one."""
        record = self.find(task_id)
        if record is None:
            return self._earlier.get(task_id)
        if record.run.status == "reused" and task_id in self._earlier:
            return self._earlier[task_id]
        return record.flow_run.flow.name

    def flow_run_of(self, task_id: str) -> str | None:
        """The id of the flow run a task run belongs to."""
        record = self.find(task_id)
        return None if record is None else record.flow_run.id

    def result_of(self, task_id: str) -> Any:
        """A task's result, stored or not.

        Raises ``KeyError`` where this run does not know it, ``UserFunctionError`` where it is not JSON.
        """
        record = self.find(task_id)
        if record is None or (record.run.status == "reused" and not self.knows_reused):
            raise KeyError(task_id)
        if isinstance(record.result, NotJson):
            text = (
                f"node_args_from_first: the result of {record.run.name} is not a JSON value: {record.result.why}"
            )
            raise UserFunctionError(text)
        return restore(record.result)

    def failure_of(self, run: NodeRun) -> Failure:
        """How a node run failed (``failed.X`` of an expression)."""
        record = self.find(run.id)
        error = None if record is None else record.error
        if record is None or error is None:  # it does not come to that: what a fallback handles has failed here
            return Failure("SelinonException", "", 0)
        text = error_text(error)
        if run.is_flow and run.outcome is not None and isinstance(error, FlowError):
            text = run.outcome.reason or ""  # the text of the error is the state of the flow, with its ids
        return Failure(type(error).__name__, text, record.attempts)

    def known_of(self, id: str) -> Known | None:
        """What a task in a child process may ask of a parent run."""
        record = self.find(id)
        if record is None:
            return None
        error = None if record.error is None else error_value(record.error)
        return (record.flow_run.flow.name, record.run.name, encode_json(restore(record.result)), error)

    # -- what tasks ask (TaskContext) -------------------------------------------------------------------------

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """The result of a task run, read where it was stored."""
        return self._storages.retrieve(self.locate(task_id) or flow_name, task_name, task_id)

    def storage_of(self, task_name: str) -> DataStorage | None:
        """The storage of a task."""
        return self._storages.of_task(task_name)

    def exception_of(self, task_id: str) -> BaseException | None:
        """What a failed run raised."""
        record = self.find(task_id)
        return None if record is None else record.error
