"""The outcome of a sub-flow that is mocked as a whole: ids and results of tasks that never ran."""

from __future__ import annotations

from typing import Any

from selinon_core.cases.model import UNGIVEN, Outcome
from selinon_core.dispatch.node_run import CANCELLED, TIMED_OUT, FlowOutcome
from selinon_core.local.mocked_attempt import error_from_text
from selinon_core.local.mocked_storage import LocalStorages
from selinon_core.local.run_index import RunIndex
from selinon_core.plan import Plan
from selinon_core.runtime.ids import id_maker
from selinon_core.runtime.json_values import copy_json


class MockedFlows:
    """Makes outcomes of mocked flow runs of one local run: results are stored, and errors known, by new ids."""

    def __init__(self, plan: Plan, storages: LocalStorages, lookup: RunIndex) -> None:
        self._plan = plan
        self._storages = storages
        self._lookup = lookup

    def outcome(self, id: str, flow_name: str, outcome: Outcome) -> FlowOutcome:
        """How a flow run ends; raises ``StorageError`` for a result that cannot be stored."""
        if outcome.kind == "error":
            return FlowOutcome(False, {}, {}, [], {}, str(outcome.value))
        if outcome.kind == "output":
            return FlowOutcome(True, {}, {}, [], {}).with_output(copy_json(outcome.value))
        if outcome.kind == "failed":
            named = self._failed(id, flow_name, outcome.value)
            texts = ", ".join(text for listed in outcome.value.values() for text in listed)
            reason = f"{', '.join(named) or 'it'} failed, as the mock says{': ' if texts else ''}{texts}"
            return FlowOutcome(False, {}, named, [], {}, reason)
        return self._finished(id, flow_name, {} if outcome.value is UNGIVEN else outcome.value)

    def _finished(self, id: str, flow_name: str, values: dict[str, list[Any]]) -> FlowOutcome:
        """``values``: task -> results; sub-flow -> what each of its runs finished, in the same form."""
        make_id, number = id_maker(id), 0
        named: dict[str, list[str]] = {}
        subflows: dict[str, list[FlowOutcome]] = {}
        for name, listed in values.items():
            for value in listed:
                number += 1
                of_run = make_id(number)
                named.setdefault(name, []).append(of_run)
                self._lookup.add_mocked(of_run, flow_name, None)
                if name in self._plan.flows:
                    inner = {task: _as_list(one) for task, one in value.items()} if isinstance(value, dict) else {}
                    subflows.setdefault(name, []).append(self._finished(of_run, name, inner))
                else:
                    self._storages.preload(flow_name, name, of_run, value)
        return FlowOutcome(True, named, {}, [], subflows)

    def _failed(self, id: str, flow_name: str, errors: dict[str, list[str]]) -> dict[str, list[str]]:
        make_id, number = id_maker(id), 0
        named: dict[str, list[str]] = {}
        for name, listed in errors.items():
            for text in listed:
                number += 1
                of_run = make_id(number)
                named.setdefault(name, []).append(of_run)
                self._lookup.add_mocked(of_run, flow_name, error_from_text(text))
        return named


def timed_out() -> FlowOutcome:
    """The outcome of a mocked flow run whose scripted duration is longer than its time-out."""
    return FlowOutcome(False, {}, {}, [], {}, TIMED_OUT, timed_out=True)


def cancelled() -> FlowOutcome:
    """The outcome of a mocked flow run that the flow above does not wait for any more."""
    return FlowOutcome(False, {}, {}, [], {}, CANCELLED, cancelled=True)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
