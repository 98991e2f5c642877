"""Counts the steps of a local run, and stops it where there are too many."""

from __future__ import annotations

from selinon_core.dispatch import effects as do
from selinon_core.local.gc_freezer import EVERY, GcFreezer
from selinon_core.local.step_limit import StepLimitExceeded, describe_endless, describe_fan_out
from selinon_core.plan import Plan
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.runtime.where_asked import where_asked

#: Steps of a run that has no limit of its own; in two seconds and 60 MB most runs that never end come so far.
LEAST_STEP_LIMIT = 10_000
#: How many more steps each item of a foreach allows, up to this many in all: a loop may have a foreach in it.
STEPS_OF_ITEM, MOST_FOR_ITEMS = 10, 100_000


class StepCounter:
    """Counts node runs, further attempts of tasks and flows, and deferrals.

    ``limit`` None: by the plan, and by the items of its foreach.
    """

    def __init__(self, plan: Plan, limit: int | None) -> None:
        self.taken = 0
        self.collector = GcFreezer()
        self._plan = plan
        self._limit = limit or max(LEAST_STEP_LIMIT, 10 * plan.starts)
        self._grows = limit is None

    def count(self, record: NodeRecord | FlowRecord, question: do.Question | None = None) -> None:
        """Count a step of a node or flow, or a deferral of ``question``. Raises ``StepLimitExceeded``."""
        self.taken = taken = self.taken + 1
        if not taken % EVERY:
            self.collector.grown()
        if taken > self._limit:
            where = (
                None if question is None or isinstance(record, NodeRecord) else where_asked(record.flow, question)
            )
            raise StepLimitExceeded(describe_endless(self._plan, self._limit, record, where))

    def check_fan_out(self, record: FlowRecord, question: do.Question, items: int) -> None:
        """Stop before a fan-out that takes more steps than are left is started, not in the midst of it."""
        assert isinstance(question, do.AskForeach)
        edge = question.edge
        if self._grows and self._limit < MOST_FOR_ITEMS:
            self._limit = min(self._limit + STEPS_OF_ITEM * items * len(edge.destinations), MOST_FOR_ITEMS)
        if record.selective is None and self.taken + items * len(edge.destinations) > self._limit:
            raise StepLimitExceeded(describe_fan_out(self._limit, where_asked(record.flow, question), items))
