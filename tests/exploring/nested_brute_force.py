"""As ``brute_force``, for flows with sub-flows: all their machines run side by side, in every order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.dispatch import FlowRun, NodeRun, flow_indexes
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.flow_index import FlowIndex
from selinon_core.plan import Condition, Leaf, Not, Plan
from tests.exploring.brute_force import Choices, TooMany


def outcomes_of(plan: Plan, failures: int, items: tuple[int, ...], most_runs: int, node_runs: int) -> set[Any]:
    """Every (status, node runs by name, names of failing runs) of ``main`` itself.

    A predicate has one truth for each result that it reads. Raises ``TooMany``.
    """
    found: set[Any] = set()
    choices = Choices()
    tables = flow_indexes(plan)
    for _ in range(most_runs):
        found.add(_World(plan, tables, choices.choose, failures, items, node_runs).run())
        if not choices.next():
            return found
    raise TooMany


class _Flow:
    """A flow run, and the node run above that it is."""

    def __init__(self, id: str, table: FlowIndex, above: tuple[_Flow, NodeRun] | None) -> None:
        self.machine = FlowRun(table, lambda number: f"{id}.{number}", "warn")
        self.above = above


class _World:
    def __init__(
        self,
        plan: Plan,
        tables: dict[str, FlowIndex],
        choose: Callable[[int], int],
        failures: int,
        items: tuple[int, ...],
        node_runs: int,
    ) -> None:
        self.plan, self.tables, self.choose = plan, tables, choose
        self.left, self.items, self.node_runs = failures, items, node_runs
        self.truths: dict[Any, bool] = {}
        self.calls: dict[Any, int] = {}
        self.open: list[tuple[_Flow, NodeRun]] = []
        self.counts: dict[str, int] = {}
        self.failing: set[str] = set()
        self.started = 0

    def run(self) -> Any:
        main = _Flow("main", self.tables["main"], None)
        self.feed(main, on.FlowStarted("args"))
        while not main.machine.ended:
            flow, node = self.open.pop(self.choose(len(self.open)))
            fails = bool(self.left) and bool(self.choose(2))
            if fails:
                self.left -= 1
            self.end(flow, node, fails, None)
        assert main.machine.outcome is not None
        status = "success" if main.machine.outcome.succeeded else "failure"
        return status, tuple(sorted(self.counts.items())), tuple(sorted(self.failing))

    def end(self, flow: _Flow, node: NodeRun, fails: bool, outcome: Any) -> None:
        if fails and flow.above is None:
            self.failing.add(node.name)
        event = on.NodeFailed if fails else on.NodeSucceeded
        self.feed(flow, event(node.number, outcome))

    def feed(self, flow: _Flow, event: on.Event) -> None:
        pending = [event]
        while pending:
            for effect in flow.machine.advance(pending.pop(0)):
                if isinstance(effect, do.StartTask | do.StartFlow):
                    self.start(flow, effect.node_run)
                elif isinstance(effect, do.AskCondition):
                    assert effect.edge.condition is not None
                    value = self.holds(effect.edge.condition, effect.sources)
                    pending.append(on.ConditionAnswered(effect.question, value))
                elif isinstance(effect, do.AskForeach):
                    count = self.items[self.choose(len(self.items))]
                    pending.append(on.ForeachAnswered(effect.question, [0] * count))
                elif isinstance(effect, do.FinishFlow) and flow.above is not None:
                    self.end(*flow.above, not effect.outcome.succeeded, effect.outcome)

    def start(self, flow: _Flow, node: NodeRun) -> None:
        self.started += 1
        if self.started > self.node_runs:
            raise TooMany
        if flow.above is None:
            self.counts[node.name] = self.counts.get(node.name, 0) + 1
        if node.is_flow:
            self.feed(_Flow(node.id, self.tables[node.name], (flow, node)), on.FlowStarted("args"))
        else:
            self.open.append((flow, node))

    def holds(self, condition: Condition, sources: tuple[NodeRun, ...]) -> bool:
        if isinstance(condition, Not):
            return not self.holds(condition.operand, sources)
        assert isinstance(condition, Leaf)
        assert condition.node is not None
        (run,) = (source for source in sources if source.name == condition.node[0])
        if len(condition.node) == 1:
            return self.truth(condition, run.id)
        outcomes = [run.outcome]
        for name in condition.node[1:-1]:
            outcomes = [inner for each in outcomes if each for inner in each.subflows.get(name, ())]
        ids = [id for each in outcomes if each for id in each.finished.get(condition.node[-1], ())]
        if condition.quantifier is None:
            return bool(ids) and self.truth(condition, ids[-1])
        truths = [self.truth(condition, id) for id in ids]
        if condition.quantifier == "all":
            return all(truths)
        return any(truths) == (condition.quantifier == "any")

    def truth(self, leaf: Leaf, id: str) -> bool:
        key = (leaf.function, leaf.quantifier, id)
        if key not in self.truths:
            self.truths[key] = bool(self.choose(2))
        return self.truths[key]
