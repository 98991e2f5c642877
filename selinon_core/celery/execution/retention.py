"""How long the store keeps the state of a run after its end: ``keep`` of its flow, else ``selinon_state_ttl``.

The state of a sub-flow ends before the end of the run at the top is known, and the run at the top needs it for its
status and for a retry. So it is kept for as long as any flow above may need it, and never shorter than without
``keep``. Which flows may be above is known from the files: nothing is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.stores.run_header import Status
from selinon_core.dispatch import FlowOutcome
from selinon_core.plan import Plan
from selinon_core.plan.started import flows_below, nodes_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def status_of(outcome: FlowOutcome) -> Status:
    """The status of a run that ended."""
    if outcome.succeeded:
        return "success"
    return "cancelled" if outcome.cancelled else "failure"


class Retention:
    """Times to live in seconds; ``default`` is that of flows without ``keep``."""

    def __init__(self, plan: Plan, default: float) -> None:
        self._default = default
        self._keep: Mapping[str, Mapping[str, float]] = {
            name: flow.keep for name, flow in plan.flows.items() if flow.keep
        }
        longest = {name: max(times.values()) for name, times in self._keep.items()}
        self._below: dict[str, float] = {}
        for name, seconds in longest.items():
            for below in _flows_below(plan, name):
                self._below[below] = max(self._below.get(below, default), seconds)
        #: How long errors of tasks are kept, which are kept before the end of their run is known.
        self.errors = max((default, *longest.values()))

    def of(self, run: CachedRun) -> float:
        """The time to live of the run's state, if it has ended."""
        if not self._keep:
            return self._default
        outcome = run.machine.outcome
        if outcome is None:
            return self._default
        return self.of_end(run.flow.name, run.header.caller is not None, status_of(outcome))

    def of_end(self, flow: str, is_subflow: bool, status: Status) -> float:
        """The same of a run of a flow that ends with a status."""
        if not self._keep:
            return self._default
        if is_subflow:
            return self._below.get(flow, self._default)
        return self._keep.get(flow, {}).get(status, self._default)


def _flows_below(plan: Plan, name: str) -> set[str]:
    """The flows that a flow may start, and those that these may start."""
    return {below for node in nodes_of(plan.flows[name]) for below in flows_below(plan, node)}
