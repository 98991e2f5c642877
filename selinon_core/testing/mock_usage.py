"""Which mocks of a case file no run has used: they say what is not so any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from selinon_core.cases.model import Case, NodeMock
from selinon_core.local import LocalRun
from selinon_core.plan import Condition, Foreach, Leaf
from selinon_core.plan.functions import leaves_of
from selinon_core.testing.results import Note


class MockUsage:
    """Which outcomes (by their places, which cases share), functions and conditions runs have used."""

    def __init__(self) -> None:
        self._outcomes: set[object] = set()
        self._functions: set[str] = set()
        self._conditions: set[object] = set()

    def add(self, case: Case, run: LocalRun) -> None:
        """Take over what a run of a case has used."""
        self._outcomes.update(use.outcome.place for use in run.mock_uses)
        keys = {(mock.flow, mock.edge, mock.is_fallback) for mock in case.mocks.conditions}
        if self._functions.issuperset(case.mocks.functions) and self._conditions.issuperset(keys):
            return
        for considered in run.facts.edges:
            edge = considered.edge
            self._asked(considered.flow_run.flow.name, edge.index, False, considered.condition)
            self._called(edge.condition, considered.leaves)
            if isinstance(edge.foreach, Foreach) and considered.items is not None:
                self._functions.add(str(edge.foreach.function))
        for fallback in run.facts.fallbacks:
            entry = fallback.failure
            self._asked(fallback.flow_run.flow.name, entry.index, True, fallback.condition)
            self._called(entry.condition, fallback.leaves)
        for record in run.facts.nodes:
            task = run.facts.plan.tasks.get(record.run.name)
            if record.flow_run.selective is not None and task is not None and task.selective_run_function:
                self._functions.add(str(task.selective_run_function))

    def _asked(self, flow: str, index: int, is_fallback: bool, answer: bool | None) -> None:
        if answer is not None:
            self._conditions.add((flow, index, is_fallback))

    def _called(self, condition: Condition | None, truths: Sequence[bool | None]) -> None:
        for leaf, truth in zip(leaves_of(condition), truths, strict=False):
            if truth is not None and isinstance(leaf, Leaf):
                self._functions.add(str(leaf.function))

    def unused(self, cases: Iterable[Case]) -> Iterator[Note]:
        """A note for each mock that no case needs."""
        seen = set()
        shared: set[tuple[str, int]] = set()
        for case in cases:
            if case.skip is not None:
                continue
            for kind, name, used, place in self._mocks(case, shared):
                if not used and (kind, name, place) not in seen:
                    seen.add((kind, name, place))
                    yield Note(
                        "unused-mock", f"no run used {kind} of {name}", None if place is None else str(place)
                    )

    def _mocks(self, case: Case, shared: set[tuple[str, int]]) -> Iterator[tuple[str, str, bool, object]]:
        """The mocks of a case; ``shared`` gathers, by identity, those of the file, which all its cases have."""
        for name, mock in case.mocks.nodes.items():
            if (name, id(mock)) not in shared:
                shared.add((name, id(mock)))
                yield from self._node(name, mock)
        for name, function in case.mocks.functions.items():
            yield "the mocked function", name, name in self._functions, function.place
        for condition in case.mocks.conditions:
            key = (condition.flow, condition.edge, condition.is_fallback)
            yield "the mocked condition", str(condition.flow), key in self._conditions, condition.place

    def _node(self, name: str, mock: NodeMock) -> Iterator[tuple[str, str, bool, object]]:
        used = [any(outcome.place in self._outcomes for outcome in rule.script.outcomes) for rule in mock.rules]
        if not any(used):
            yield "the mock", name, False, mock.place
            return
        for rule, was_used in zip(mock.rules, used, strict=True):
            if not was_used:
                yield "a rule of the mock", name, False, rule.place
                continue
            for outcome in rule.script.outcomes:
                yield "an outcome of the mock", name, outcome.place in self._outcomes, outcome.place
