"""Answers to the questions of a rerun: what is reused is decided by the preview, and looked up by lineage.

What is asked for a node run that came from reused runs alone has the ids of these, so its recorded counterpart is
found without a memory of the rerun: any worker can answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.dispatch import FlowRun, NodeRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.references import shown
from selinon_core.plan import EdgePlan, FlowPlan
from selinon_core.rerunning.preview import Preview
from selinon_core.rerunning.recorded import Combination
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord

#: In place of a result: none is given.
NOT_GIVEN: Any = object()


class Reuse:
    """Answers for all flow runs of one rerun.

    ``has_same_result(new, recorded)`` compares the results of a node run that ran again and its counterpart; it is
    asked with ``if_changed`` only.
    """

    def __init__(self, preview: Preview, has_same_result: Callable[[NodeRun, NodeRecord], bool]) -> None:
        self.preview = preview
        self._recorded = preview.recorded
        self._has_same_result = has_same_result
        self._counterparts: dict[NodeRun, NodeRecord | None] = {}
        self._unchanged: dict[NodeRun, bool] = {}

    # -- what drivers ask ---------------------------------------------------------------------------------------

    def given(self, flow: FlowPlan, machine: FlowRun, question: do.AskRecorded) -> Any:
        """The result that the request gives to a node run, ``NOT_GIVEN`` if none."""
        node, preview = question.node_run, self.preview
        if not (preview.given or preview.given_anew) or node.is_flow:
            return NOT_GIVEN
        found = self._counterpart(flow, machine, node)
        if found is not None and found.run.id in preview.given:
            return preview.given[found.run.id]
        return preview.given_anew.get((flow.name, node.name), NOT_GIVEN)

    def answer(self, flow: FlowPlan, machine: FlowRun, question: do.AskRecorded) -> on.ReuseAnswered:
        """Whether a recorded run stands in for a node run."""
        number, node = question.question, question.node_run
        if not all(self._is_unchanged(flow, machine, source) for source in node.sources):
            return on.ReuseAnswered(number, None)
        found = self._counterpart(flow, machine, node)
        if found is None or not self.preview.same(shown(found.run.args), shown(node.args)):
            return on.ReuseAnswered(number, None)
        id = found.run.id
        if id in self.preview.entered:
            return on.ReuseAnswered(number, None, None, id)
        if id not in self.preview.eligible:
            return on.ReuseAnswered(number, None)
        return on.ReuseAnswered(number, id, self._recorded.outcome(id) if node.is_flow else None)

    def decision(
        self, flow: FlowPlan, machine: FlowRun, question: do.Question
    ) -> on.ConditionAnswered | on.ForeachAnswered | None:
        """What was recorded for a combination that is reused entirely; None: it has to be asked."""
        if self.preview.request.reconsider or not isinstance(question, do.AskCondition | do.AskForeach):
            return None
        of = self._flow_run(machine)
        if of is None or (of is self._recorded.root and not self.preview.same_args):
            return None
        if not all(self._is_unchanged(flow, machine, source) for source in question.sources):
            return None
        combination = self._combination(of, flow, machine, question.edge, question.sources)
        fact = None if combination is None else self._recorded.decision(combination)
        if fact is None or combination is None or self.preview.edge_changed(flow, question.edge):
            return None
        if isinstance(question, do.AskCondition):
            if fact.condition is None:
                return None
            return on.ConditionAnswered(question.question, fact.condition, fact.leaves, dict(fact.seen) or None)
        if fact.items is None:
            return None
        if not question.needs_items:
            return on.ForeachAnswered(question.question, [None] * fact.items)
        if question.edge.args is not None or machine.start.selective is not None:
            return None  # the items themselves were not recorded
        items = self._recorded.items(combination, fact.edge, fact.items)
        return None if items is None else on.ForeachAnswered(question.question, items)

    # -- counterparts -------------------------------------------------------------------------------------------

    def _flow_run(self, machine: FlowRun) -> FlowRecord | None:
        id = machine.start.rerun
        return None if id is None else self._recorded.flow_runs.get(id)

    def _combination(
        self,
        of: FlowRecord,
        flow: FlowPlan,
        machine: FlowRun,
        edge: EdgePlan,
        sources: tuple[NodeRun, ...],
    ) -> Combination | None:
        ids = []
        for source in sources:
            found = self._counterpart(flow, machine, source)
            if found is None:
                return None
            ids.append(found.run.id)
        return of.id, self._recorded.ends(flow, edge.index), tuple(sorted(ids))

    def _counterpart(self, flow: FlowPlan, machine: FlowRun, node: NodeRun) -> NodeRecord | None:
        """The recorded node run with the lineage of a new one, whether it is reused or not."""
        todo = [node]
        while todo:  # a chain may be longer than Python's stack
            one = todo[-1]
            waiting = [source for source in one.sources if source not in self._counterparts]
            if one.edge is not None and one not in self._counterparts and waiting:
                todo += waiting
                continue
            if one not in self._counterparts:
                self._counterparts[one] = self._found(flow, machine, one)
            todo.pop()
        return self._counterparts[node]

    def _found(self, flow: FlowPlan, machine: FlowRun, node: NodeRun) -> NodeRecord | None:
        of = self._flow_run(machine)
        if of is None or node.edge is None or node.edge < 0:
            return None
        if node.status == "reused" and node.id in self._recorded.by_id:
            return self._recorded.by_id[node.id]
        edge = flow.edges[node.edge]
        ids = []
        for source in node.sources:
            found = self._counterparts[source]
            if found is None:
                return None
            ids.append(found.run.id)
        combination = (of.id, self._recorded.ends(flow, edge.index), tuple(sorted(ids)))
        return self._recorded.started(combination, node.name, node.position, machine.ordinals.get(node.number, 0))

    def _is_unchanged(self, flow: FlowPlan, machine: FlowRun, node: NodeRun) -> bool:
        """Whether a node run is reused, or ran again to the same result where that is enough."""
        if node.status == "reused" and node.id in self._recorded.by_id:
            return True
        if not self.preview.request.if_changed or node.edge is None or node.status != "success":
            return False
        known = self._unchanged.get(node)
        if known is None:
            found = self._counterpart(flow, machine, node)
            known = (
                found is not None
                and found.run.status in ("success", "reused")
                and self._has_same_result(node, found)
            )
            self._unchanged[node] = known
        return known
