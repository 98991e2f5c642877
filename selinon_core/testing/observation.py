"""What a run of a case shows, in the form that expectations and explanations ask for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from selinon_core.cases.model import Outcome
from selinon_core.explaining.run_view import RunView
from selinon_core.local import LocalRun
from selinon_core.plan import Plan
from selinon_core.runtime.facts import Facts
from selinon_core.runtime.trace import entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord


class Moment(NamedTuple):
    """When a node run began and ended, as positions in the journal of the run; None: it did not."""

    began: int | None
    ended: int | None


class Observation(RunView):
    """A finished local run."""

    def __init__(self, plan: Plan, run: LocalRun) -> None:
        super().__init__(plan)
        self.run = run

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """The mocked outcome of the last attempt of each node run that was mocked, by the id of the run."""
        return {use.node.run.id: use.outcome for use in self.run.mock_uses}

    @property
    def facts(self) -> Facts:
        """The facts of the run; they are made when they are first asked for."""
        return self.run.facts

    @property
    def root(self) -> FlowRecord:
        """The flow run that was asked for."""
        return self.run.root

    @property
    def records(self) -> Sequence[NodeRecord]:
        """All node runs in the order in which they were started."""
        return self.run.records

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
