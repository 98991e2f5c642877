"""A run as explanations look at it: its facts, the names of its node runs, and what they returned or raised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from selinon_core.explaining.reason import Reason
from selinon_core.explaining.words import shortest
from selinon_core.plan import Plan
from selinon_core.runtime.error_codec import name_error
from selinon_core.runtime.facts import Facts
from selinon_core.runtime.json_values import copy_json, restore
from selinon_core.runtime.lineage import Lineage
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.runtime.trace.tracer import jsonable

#: Greater times are seconds since the epoch.
_SINCE_EPOCH = 1e8


class RunView:
    """A run by its facts."""

    #: What these facts cannot say, and the reader should know.
    notes: Sequence[str] = ()
    #: By the id of a node run that a rerun reused: the id of the flow run that made it, where that is known.
    reused_from: Mapping[str, str] = {}
    #: The flow run that was run again first, where this is a rerun.
    origin: str | None = None
    #: Digests of how tasks and edges were defined then (``rerunning.definitions``).
    definitions: Mapping[str, Any] = {}

    def __init__(self, plan: Plan, facts: Facts | None = None) -> None:
        self.plan = plan
        self._facts = facts

    @property
    def facts(self) -> Facts:
        """The facts of the run."""
        assert self._facts is not None
        return self._facts

    @property
    def root(self) -> FlowRecord:
        """The flow run that was asked for."""
        return self.facts.root

    @property
    def records(self) -> Sequence[NodeRecord]:
        """All node runs in the order in which they were started."""
        return self.facts.nodes

    @property
    def lineage(self) -> Lineage:
        """The names of its node runs."""
        return self.facts.lineage

    @cached_property
    def by_id(self) -> dict[str, NodeRecord]:
        """Its node runs by id."""
        found: dict[str, NodeRecord] = {}
        for record in self.records:
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
        root = self.root
        for record in self.records:
            flow_run, name = record.flow_run, record.run.name
            found.setdefault((flow_run.flow.name, name), []).append(record)
            if flow_run is root:
                found.setdefault((None, name), []).append(record)
        return found

    def label(self, record: NodeRecord) -> str:
        """The name of a node run for people."""
        return self.lineage.label(record.run.id)

    def has_result(self, record: NodeRecord) -> bool:
        """Whether the result of a node run can be read; it may be gone from its storage."""
        return True

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
        given = record.given_parent  # what a recording has, which may not have all that a parent is made of
        return self.labelled(copy_json(record.parent if given is None else given))

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
        return None, ""

    def made_by(self, record: NodeRecord) -> str | None:
        """The id of the flow run that made a node run which is reused; None where it is not known."""
        return self.reused_from.get(record.run.id)

    def at(self, seconds: float) -> str:
        """A time for people: virtual seconds of a local run, or the clock of a run on workers."""
        if seconds < _SINCE_EPOCH:
            return str(shortest(round(seconds, 3)))
        return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")

    def live(self, record: NodeRecord) -> Reason | None:
        """Where a node run is that has not ended, as half a sentence about it; None where it is not known."""
        return None

    def undecided(self) -> tuple[Reason, ...]:
        """Why a run that goes on decides nothing at the moment."""
        return ()

    def failed(self) -> Iterator[NodeRecord]:
        """Task runs that failed."""
        return (record for record in self.records if record.error is not None and not record.run.is_flow)
