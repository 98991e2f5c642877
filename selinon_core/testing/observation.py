"""What a run of a case shows, in the form that expectations and explanations ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from selinon_core.cases.model import Outcome
from selinon_core.local import LocalRun
from selinon_core.plan import Plan
from selinon_core.runtime.error_codec import name_error
from selinon_core.runtime.facts import Facts
from selinon_core.runtime.json_values import copy_json, restore
from selinon_core.runtime.lineage import Lineage
from selinon_core.runtime.trace import entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.runtime.trace.tracer import jsonable


class Moment(NamedTuple):
    """When a node run began and ended, as positions in the journal of the run; None: it did not."""

    began: int | None
    ended: int | None


class Observation:
    """A finished run."""

    def __init__(self, plan: Plan, run: LocalRun) -> None:
        self.plan = plan
        self.run = run

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """The mocked outcome of the last attempt of each node run that was mocked, by the id of the run."""
        return {use.node.run.id: use.outcome for use in self.run.mock_uses}

    @cached_property
    def facts(self) -> Facts:
        """The facts of the run."""
        return self.run.facts

    @property
    def lineage(self) -> Lineage:
        """The names of its node runs."""
        return self.facts.lineage

    @cached_property
    def by_id(self) -> dict[str, NodeRecord]:
        """Its node runs by id."""
        found: dict[str, NodeRecord] = {}
        for record in self.run.records:
            found.setdefault(record.run.id, record)
        return found

    @cached_property
    def flow_runs(self) -> dict[str, FlowRecord]:
        """Its flow runs by id."""
        return {record.id: record for record in self.facts.flows}

    def runs_of(self, reference: str) -> Sequence[NodeRecord]:
        """The node runs a reference names, in canonical order."""
        found = self._named(reference)
        return self.lineage.in_order(reference) if found is None or len(found) > 1 else found

    def members(self, reference: str) -> Sequence[NodeRecord]:
        """The node runs a reference names, in any order: the canonical one has its price."""
        found = self._named(reference)
        return self.lineage.in_order(reference) if found is None else found

    def _named(self, reference: str) -> Sequence[NodeRecord] | None:
        """The node runs that ``Name`` or ``flow/Name`` names, None for every other reference."""
        flow, slash, name = reference.rpartition("/")
        if "#" in name or "/" in flow or ">" in flow:
            return None
        return self._by_name.get((flow if slash else None, name), ())

    @cached_property
    def _by_name(self) -> dict[tuple[str | None, str], list[NodeRecord]]:
        found: dict[tuple[str | None, str], list[NodeRecord]] = {}
        root = self.run.root
        for record in self.run.records:
            flow_run, name = record.flow_run, record.run.name
            found.setdefault((flow_run.flow.name, name), []).append(record)
            if flow_run is root:
                found.setdefault((None, name), []).append(record)
        return found

    def label(self, record: NodeRecord) -> str:
        """The name of a node run for people."""
        return self.lineage.label(record.run.id)

    def result(self, record: NodeRecord) -> Any:
        """The result of a task run as JSON; of a sub-flow run what finished and failed in it, by labels."""
        outcome = record.run.outcome
        if record.run.is_flow:
            if outcome is None:
                return None
            state = copy_json(outcome.state)
            output = {"output": state.pop("output")} if "output" in state else {}
            return self.labelled(state) | output
        return jsonable(restore(record.result))

    def output(self, record: NodeRecord) -> Any:
        """The output of a sub-flow's run; None where there is none."""
        outcome = record.run.outcome
        return None if outcome is None else copy_json(outcome.output)

    def parents(self, record: NodeRecord) -> Any:
        """What a node run got as ``parent``, with labels in place of ids."""
        return self.labelled(copy_json(record.parent))

    def labelled(self, value: Any) -> Any:
        """A value with the labels of node runs in place of their ids; lists of labels are sorted."""
        if isinstance(value, str):
            return self.lineage.label(value) if value in self.by_id else value
        if isinstance(value, list):
            items = [self.labelled(item) for item in value]
            return sorted(items) if all(isinstance(item, str) for item in items) else items
        if isinstance(value, dict):
            return {key: self.labelled(item) for key, item in value.items()}
        return value

    def error(self, record: NodeRecord) -> str | None:
        """What a failed node run raised, as ``Type: message``; a failed sub-flow run has its reason."""
        if record.run.outcome is not None:
            return record.run.outcome.reason
        return None if record.error is None else name_error(record.error)

    def mocked_at(self, record: NodeRecord) -> tuple[str | None, str]:
        """Where the mock of a node run stands, and that it is a mock; nothing of one that was not mocked."""
        outcome = self.outcomes.get(record.run.id)
        return (None, "") if outcome is None or outcome.place is None else (str(outcome.place), "mock")

    @cached_property
    def moments(self) -> dict[str, Moment]:
        """When node runs began and ended, by their ids."""
        found: dict[str, Moment] = {}
        for position, entry in enumerate(self.run.journal):
            record, begins, stops = _about(entry)
            if record is None:
                continue
            began, ended = found.get(record.run.id, _NEVER)
            if begins and began is None:
                began = position
            found[record.run.id] = Moment(began, position if stops else ended)
        return found

    def moment(self, record: NodeRecord) -> Moment:
        """When a node run began and ended."""
        return self.moments.get(record.run.id, _NEVER)

    def failed(self) -> Iterator[NodeRecord]:
        """Task runs that failed."""
        return (record for record in self.run.records if record.error is not None and not record.run.is_flow)


_NEVER = Moment(None, None)


def _about(entry: entries.Entry) -> tuple[NodeRecord | None, bool, bool]:
    """The node run of an entry, whether it begins and whether it ends there."""
    if entry[0] == entries.STARTED:
        return entry[2], True, False
    if entry[0] == entries.RAN:
        return entry[2], True, True
    if entry[0] == entries.SUCCEEDED or entry[0] == entries.FAILED:
        return entry[2], False, True
    if entry[0] == entries.FLOW_STARTED:
        return entry[2].node, True, False
    if entry[0] == entries.FLOW_ENDED or entry[0] == entries.FLOW_CANCELLED:
        return entry[2].node, False, True
    return None, False, False
