"""Which outcome the next attempt of a mocked task, or a mocked sub-flow, has in one local run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from selinon_core.cases.model import UNGIVEN, Mocks, NodeMock, Outcome, Rule, Script, When
from selinon_core.local.mocks import InjectedFailure
from selinon_core.local.run_index import RunIndex
from selinon_core.runtime.trace.run_records import NodeRecord

#: What every attempt of a task without a mock has when all tasks are mocked.
_MADE_UP = Outcome("result", UNGIVEN)


class MockUse(NamedTuple):
    """One attempt that a mock decided. ``rule`` None: the task has no mock, and its result is made up."""

    node: NodeRecord
    attempt: int
    outcome: Outcome
    rule: Rule | None

    @property
    def is_stand_in(self) -> bool:
        """Whether the result is made up: the least value that fits the task's schema."""
        return self.outcome.value is UNGIVEN


class TaskScripts:
    """Plays mocks; None: run the code of the task, or the flow itself.

    ``uses`` has what was played, attempt by attempt, ``made_up`` the runs by id whose results are made up.
    """

    def __init__(
        self,
        mocks: Mocks | None,
        mock_all: bool,
        fail: Mapping[str, int | None],
        lookup: RunIndex,
        signalled: frozenset[str] = frozenset(),
    ) -> None:
        self._nodes: Mapping[str, NodeMock] = mocks.nodes if mocks is not None else {}
        self._mock_all = mock_all
        #: Tasks that get signals: their results are not made up.
        self._signalled = signalled
        self._fail = fail
        self._lookup = lookup
        #: by identity of the script, whose owner outlives the run
        self._taken: dict[int, int] = {}
        self._failed: dict[str, int] = {}
        self._visits: dict[tuple[str, str], int] = {}
        self._visit_of: dict[str, int] = {}
        self.uses: list[MockUse] = []
        self.made_up: dict[str, NodeRecord] = {}
        #: True when every task runs its own code, so that callers can skip ``next``
        self.empty = not (self._nodes or mock_all or fail)

    def next(self, record: NodeRecord) -> Outcome | BaseException | None:
        """The outcome of the attempt that begins, or the failure that was asked for."""
        name = record.run.name
        if name in self._fail:
            attempt = self._failed[name] = self._failed.get(name, 0) + 1
            times = self._fail[name]
            if times is None or attempt <= times:
                return InjectedFailure(f"attempt {attempt} of {name} was asked to fail")
        makes_up = self._mock_all and name not in self._signalled
        return self._played(name, record) or (self._made_up(record) if makes_up else None)

    def of_flow(self, record: NodeRecord) -> Outcome | None:
        """The outcome of a sub-flow that is mocked as a whole; None for one that is not."""
        return self._played(record.run.name, record) if record.run.name in self._nodes else None

    def _made_up(self, record: NodeRecord) -> Outcome:
        self.made_up[record.run.id] = record
        self.uses.append(MockUse(record, record.attempts, _MADE_UP, None))
        return _MADE_UP

    def _played(self, name: str, record: NodeRecord) -> Outcome | None:
        mock = self._nodes.get(name)
        if mock is None:
            return None
        rule: Rule | None = mock.rules[0]
        if rule.when is not None:  # type: ignore[union-attr]
            rule = self._fitting(mock, record)
            if rule is None:
                return None
        assert rule is not None
        outcomes = rule.script.outcomes
        outcome = outcomes[0] if len(outcomes) == 1 else self._in_order(rule.script, record)
        if outcome.value is UNGIVEN and not record.run.is_flow:
            self.made_up[record.run.id] = record
        self.uses.append(MockUse(record, record.attempts, outcome, rule))
        return outcome

    def _in_order(self, script: Script, record: NodeRecord) -> Outcome:
        if script.per_run:
            position = record.attempts - 1
        else:
            position = self._taken.get(id(script), 0)
            self._taken[id(script)] = position + 1
        for outcome in script.outcomes:
            position -= outcome.times
            if position < 0:
                return outcome
        return script.outcomes[-1]

    def _fitting(self, mock: NodeMock, record: NodeRecord) -> Rule | None:
        visit = self._visit(record)
        for rule in mock.rules:
            if rule.when is None or self._fits(rule.when, record, visit):
                return rule
        return None

    def _visit(self, record: NodeRecord) -> int:
        """Which run of the node in its flow run this is, in the order in which they began."""
        run = record.run
        known = self._visit_of.get(run.id)
        if known is None:
            key = (record.flow_run.id, run.name)
            known = self._visits[key] = self._visit_of[run.id] = self._visits.get(key, 0) + 1
        return known

    def _fits(self, when: When, record: NodeRecord, visit: int) -> bool:
        if when.flow is not None and when.flow != record.flow_run.flow.name:
            return False
        if when.visit is not None and not when.visit.matches(visit):
            return False
        if when.attempt is not None and not when.attempt.matches(record.attempts):
            return False
        if when.args is not None and not when.args.matches(record.run.args):
            return False
        return not when.parent or self._fits_parents(when, record)

    def _fits_parents(self, when: When, record: NodeRecord) -> bool:
        parents = record.parent
        for name, matcher in when.parent.items():
            id = parents.get(name)
            if not isinstance(id, str):
                return False
            result, is_known = self._result(id)
            if not is_known or not matcher.matches(result):
                return False
        return True

    def _result(self, id: str) -> tuple[Any, bool]:
        try:
            return self._lookup.result_of(id), True
        except Exception:  # unknown here, or not JSON: no matcher speaks of it
            return None, False
