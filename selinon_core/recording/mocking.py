"""Mocks that make tasks, functions and conditions do what they did in a recorded run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from selinon_core.cases.matchers import Equal, Matcher, OfType
from selinon_core.cases.model import (
    UNGIVEN,
    ConditionMock,
    FunctionMock,
    Mocks,
    NodeMock,
    Outcome,
    Rule,
    Script,
    When,
)
from selinon_core.plan import EdgePlan, FailurePlan
from selinon_core.recording.reads import Reads, needs_answer
from selinon_core.recording.reduction import key_of
from selinon_core.recording.run_data import NodeData, RunData
from selinon_core.recording.unknown import UNKNOWN
from selinon_core.runtime.facts import EdgeConsidered

#: What tells the runs of a task apart, the simplest first.
_BY_ARGS = ((), ("args",), ("flow",), ("flow", "args"), ("visit",), ("flow", "visit"), ("flow", "args", "visit"))
_BY_VISIT = ((), ("visit",), ("flow",), ("flow", "visit"), ("args",), ("flow", "args"), ("flow", "args", "visit"))


class Way(NamedTuple):
    """One way to write the mocks of a run.

    ``by_visit``: runs of a task are told apart by their order rather than by their arguments. ``timed``: attempts
    take as long as they took, so that they end in the order in which they ended.
    """

    by_visit: bool = False
    timed: bool = False


def mocks_of(data: RunData, way: Way, fits: Any = None) -> Mocks:
    """The mocks of a run; ``fits(task, result)`` says whether a result fits the schema of its task."""
    nodes: dict[str, list[NodeData]] = {}
    for node in data.nodes:
        if node.is_task and node.was_begun:
            nodes.setdefault(node.name, []).append(node)
    return Mocks(
        {name: _Node(found, data, way, fits).mock() for name, found in nodes.items()},
        _functions(data),
        _conditions(data),
    )


class _Node:
    """The mock of one task from all its runs."""

    def __init__(self, runs: Sequence[NodeData], data: RunData, way: Way, fits: Any) -> None:
        self._runs = runs
        self._data = data
        self._way = way
        self._fits = fits
        visits: Counter[tuple[str, str]] = Counter()
        self._visits: list[int] = []
        for node in runs:
            visits[node.record.flow_run.id, node.name] += 1
            self._visits.append(visits[node.record.flow_run.id, node.name])
        self._scripts = [self._script(node) for node in runs]

    def mock(self) -> NodeMock:
        """The mock whose rules tell apart what has to be told apart."""
        for keys in _BY_VISIT if self._way.by_visit else _BY_ARGS:
            if "args" in keys and any(node.args is UNKNOWN for node in self._runs):
                continue
            rules = self._rules(keys)
            if rules is not None:
                return NodeMock(rules)
        outcomes = [outcome for script in self._scripts for outcome in _spread(script)]
        return NodeMock((Rule(None, Script(tuple(_joined(outcomes)))),))

    def _rules(self, keys: tuple[str, ...]) -> tuple[Rule, ...] | None:
        """Rules by these keys, None where they do not tell runs apart that ended differently."""
        found: dict[str, tuple[When, Script]] = {}
        for place, script in enumerate(self._scripts):
            when = self._when(keys, place)
            key = key_of([str(part) for part in (when.args, when.flow, when.visit)])
            known = found.setdefault(key, (when, script))
            if _text(known[1]) != _text(script):
                return None
        if len({_text(script) for _, script in found.values()}) == 1:
            return (Rule(None, next(iter(found.values()))[1]),)
        usual, times = Counter(_text(script) for _, script in found.values()).most_common(1)[0]
        if times == 1:
            return tuple(Rule(when, script) for when, script in found.values())
        rules = [Rule(when, script) for when, script in found.values() if _text(script) != usual]
        other = next(script for _, script in found.values() if _text(script) == usual)
        return (*rules, Rule(None, other))

    def _when(self, keys: tuple[str, ...], place: int) -> When:
        node = self._runs[place]
        args: Matcher | None = None
        if "args" in keys:  # null would say that the arguments do not matter
            args = OfType(("null",)) if node.args is None else Equal(node.args)
        flow = node.record.flow_run.flow.name if "flow" in keys else None
        return When(args, flow, Equal(self._visits[place]) if "visit" in keys else None)

    def _script(self, node: NodeData) -> Script:
        outcomes = [_failed(error) for error in node.failures]
        outcomes.append(self._last(node))
        if self._way.timed:
            outcomes[-1] = outcomes[-1]._replace(after=self._duration(node))
        joined = _joined(outcomes)
        if len(joined) == 1:
            joined = [joined[0]._replace(times=1)]
        return Script(tuple(joined), per_run=len(joined) > 1)

    def _last(self, node: NodeData) -> Outcome:
        status = node.status
        if status == "failure":
            return _failed(node.error or ("Recorded", "the error was not kept"))
        if status != "success" or node.result is UNKNOWN:
            return Outcome("result", UNGIVEN)
        fits = self._fits is None or self._fits(node.name, node.result)
        return Outcome("result", node.result, check="strict" if fits else "none")

    def _duration(self, node: NodeData) -> float:
        """Seconds of the last attempt; one that did not end takes longer than the run."""
        started, task = node.started or 0.0, self._data.view.plan.tasks[node.name]
        if node.ended is None or node.status not in ("success", "failure"):
            ended = max((each.ended or each.started or 0.0 for each in self._data.nodes), default=0.0)
            return round(max(ended, run_seconds(self._data)) - started + 1, 3)
        waited = len(node.failures) * task.retry_countdown
        return max(0.0, round(node.ended - started - waited, 3))


def run_seconds(data: RunData) -> float:
    """How long the run took."""
    root = data.view.root
    return max(0.0, root.ended_at - data.began) if root.ended_at else 0.0


def _failed(error: tuple[str, str] | None) -> Outcome:
    if error is None:
        return Outcome("retry", 0)
    kind, message = error
    return (
        Outcome("fatal", message) if kind == "FatalTaskError" else Outcome("error", f"{kind}: {message}".strip())
    )


def _joined(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Equal outcomes in a row as one with ``times``."""
    found: list[Outcome] = []
    for outcome in outcomes:
        if found and key_of(_said(found[-1])) == key_of(_said(outcome)):
            found[-1] = found[-1]._replace(times=found[-1].times + 1)
        else:
            found.append(outcome)
    return found


def _said(outcome: Outcome) -> tuple[Any, ...]:
    return (outcome.kind, repr(outcome.value) if outcome.value is UNGIVEN else outcome.value, outcome.after)


def _spread(script: Script) -> Iterator[Outcome]:
    for outcome in script.outcomes:
        for _ in range(outcome.times):
            yield outcome._replace(times=1)


def _text(script: Script) -> str:
    return key_of([(*_said(outcome), outcome.times) for outcome in script.outcomes])


def _functions(data: RunData) -> dict[str, FunctionMock]:
    """The answers of foreach functions, call by call."""
    calls: dict[str, list[list[Any]]] = {}
    for each in data.foreach:
        calls.setdefault(each.function, []).append(each.items)
    return {
        name: FunctionMock(tuple(found[:1] if all(one == found[0] for one in found) else found))
        for name, found in calls.items()
    }


def _conditions(data: RunData) -> tuple[ConditionMock, ...]:
    """The answers of conditions that ask what a test cannot, or look at results that were not kept."""
    reads = Reads(data.view.plan)
    ended = [node for node in data.nodes if node.is_task and node.status == "success"]
    missing: set[str | None] = {node.name for node in ended if node.result is UNKNOWN or node.is_inferred}
    answers: dict[tuple[str, int, bool], list[bool]] = {}
    for fact in data.decisions:
        if fact.condition is None:
            continue
        entry: EdgePlan | FailurePlan = fact.edge if isinstance(fact, EdgeConsidered) else fact.failure
        if needs_answer(entry.condition) or any(
            read.node in missing for read in reads.of_condition(entry.condition)
        ):
            key = (fact.flow_run.flow.name, entry.index, not isinstance(fact, EdgeConsidered))
            answers.setdefault(key, []).append(fact.condition)
    return tuple(
        ConditionMock(flow, index, tuple(values[:1] if len(set(values)) == 1 else values), is_fallback)
        for (flow, index, is_fallback), values in answers.items()
    )
