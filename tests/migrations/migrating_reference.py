"""A second opinion on migrated runs: what the naive reference says about an attempt that goes on elsewhere.

Everything that was started stays. A combination all of whose runs had been taken before is settled: no edge of the
new flow is tried with it, except edges that were still being decided about. Everything else is tried with the new
flow as if it had been there all along. Nothing here knows of counters, of what a join still misses or of questions
that are put again; edges are followed by comparing their ends, not by a translation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selinon_core.plan import EdgePlan, FlowPlan, Plan
from tests.dispatch.reference import Key, Reference, Run, View

STRENGTH = {"IGNORE": 1, "RETRY": 2, "FAIL": 3}


def where_edges_went(old: FlowPlan, new: FlowPlan) -> dict[int, int]:
    """Old index -> new index of the edges that both have; of equal ones the first is the first."""
    went: dict[int, int] = {}
    for edge in old.edges:
        for other in new.edges:
            same = set(other.sources) == set(edge.sources) and set(other.destinations) == set(edge.destinations)
            if same and other.index not in went.values():
                went[edge.index] = other.index
                break
    return went


class MigratingReference(Reference):
    """A flow run that may be migrated any number of times."""

    epoch = 0
    free_attempts = 0
    base: View | None = None

    def _begin(self) -> None:
        self.base = None
        self.settled: set[Key] | None = None
        self.reopened: dict[tuple[int, tuple[Key, ...]], str] = {}
        self.unwaited: set[Key] = set()
        self.asks_arguments = self.flow.node_args_from_first
        super()._begin()

    @property
    def label(self) -> Any:
        return (self.attempt, self.epoch) if self.epoch else self.attempt

    # -- migrating ----------------------------------------------------------------------------------------------

    def migrate(self, chain: Sequence[tuple[Plan, str]], on_unreached: str) -> str | None:
        """Bring the run from plan to plan, each with the strategy for runs it taints; return which applies."""
        self.epoch += 1
        if self.status == "ended":
            return None
        strategy, went = self._judged(chain) if self.status == "running" else (None, {})
        if self.status == "running":
            self._settle(went, chain[-1][0].flows[self.flow.name])
        self.plan = chain[-1][0]
        self.flow = self.plan.flows[self.flow.name]
        self.on_unreached = on_unreached
        if self.status == "waiting":
            return None
        if strategy == "FAIL":
            self.endings.append(self._ending(False))
            self.status = "ended"
        elif strategy == "RETRY":
            self.endings.append(self._ending(False))
            self.status = "waiting"
            self.free_attempts += 1
        else:
            self._look()
        return strategy

    def _judged(self, chain: Sequence[tuple[Plan, str]]) -> tuple[str | None, dict[int, int]]:
        """The strategy that wins, if any, and where the edges are in the end."""
        finished = {self.view.runs[key].name for key in self.order if self._ended_well(self.view, key)}
        flow = self.flow
        fired = set(self.view.fired)
        went = {edge.index: edge.index for edge in flow.edges}
        found = []
        for plan, strategy in chain:
            new = plan.flows[flow.name]
            step = where_edges_went(flow, new)
            missed = [e for e in new.edges if e.index not in step.values() and e.sources]
            if fired - step.keys() or any(finished >= set(edge.sources) for edge in missed):
                found.append(strategy)
            fired = {step[index] for index in fired if index in step}
            went = {old: step[between] for old, between in went.items() if between in step}
            flow = new
        return max(found, key=STRENGTH.__getitem__, default=None), went

    def _settle(self, went: dict[int, int], new: FlowPlan) -> None:
        """What of the attempt so far goes over to the new flow."""
        view = self.view
        self.unwaited = {key for key, run in view.runs.items() if self.is_unwaited(run)}
        self.settled = {
            key for name in {run.name for run in view.runs.values()} for key in self._taken(view, name)
        }
        self.reopened = {
            (went[question[2]], question[3]): question[0]
            for question in view.open
            if question[0] in ("condition", "foreach") and question[2] in went
        }
        self.asks_arguments = self.asks_arguments and new.node_args_from_first
        base = View()
        base.runs = dict(view.runs)
        base.handled = list(view.handled)
        base.handled_for_failure = list(view.handled_for_failure)
        base.fired = {went[index] for index in view.fired if index in went}
        base.no = {went[index] for index in view.no if index in went}
        finished = {view.runs[key].name for key in self.order if self._ended_well(view, key)}
        for edge in new.edges:
            if edge.index not in went.values() and finished >= set(edge.sources):
                base.no.add(edge.index)
        self.base = base

    # -- what follows -------------------------------------------------------------------------------------------

    def first_view(self) -> View:
        view = View()
        if self.base is not None:
            view.runs = dict(self.base.runs)
            view.handled = list(self.base.handled)
            view.handled_for_failure = list(self.base.handled_for_failure)
            view.fired = set(self.base.fired)
            view.no = set(self.base.no)
        return view

    def _consider(self, view: View, edge: EdgePlan, combination: tuple[Key, ...]) -> None:
        if self.settled is not None and self.settled.issuperset(combination):
            stage = self.reopened.get((edge.index, combination))
            if stage is None:
                return
            if stage == "foreach":
                edge = edge._replace(condition=None)
        super()._consider(view, edge, combination)

    def is_unwaited(self, run: Run) -> bool:
        if self.base is not None and run.key in self.base.runs:
            return run.key in self.unwaited
        return super().is_unwaited(run)

    def _is_first(self, run: Run) -> bool:
        return self.asks_arguments and run.edge is not None and not run.sources

    def _arguments_known(self, view: View, key: Key) -> bool:
        return any(question[0] == "arguments" for question in self.answers) or super()._arguments_known(view, key)

    def _args(self, starting: bool) -> Any:
        if not starting:
            for question, value in self.answers.items():
                if question[0] == "arguments":
                    return value
        return self.start_args

    def _fail(self, unreached: tuple[str, ...] = ()) -> None:
        self.endings.append(self._ending(False, unreached))
        again = self.attempt - self.free_attempts <= self.flow.max_retry
        self.status = "waiting" if again else "ended"
