"""Keeps how a flow and its tasks are defined, as digests, so that a rerun finds what has changed since."""

from __future__ import annotations

import json

from selinon_core.celery.stores import Store
from selinon_core.migrations.versions import FlowVersions
from selinon_core.plan import FlowPlan, Plan


class KeptDigests:
    """The digests of the flows of one plan. A text is made once for ``flows``, and written once by a process."""

    def __init__(self, flows: FlowVersions, store: Store) -> None:
        self._flows = flows
        self._store = store
        self._names: dict[str, str] = {}

    def name(self, flow: str) -> str:
        """The name under which the store has the digests of a flow: of its edges, and of its tasks."""
        name = self._names.get(flow)
        if name is None:
            name, text = self._flows.digests.get(flow) or self._made(flow)
            self._store.put_definition(name, text)
            self._names[flow] = name
        return name

    def _made(self, flow: str) -> tuple[str, str]:
        import hashlib

        from selinon_core.rerunning.definitions import definitions_of

        plan = self._flows.plan
        text = json.dumps(definitions_of(plan, _tasks_of(plan, flow), (flow,)), sort_keys=True)
        name = "digests-" + hashlib.sha256(text.encode()).hexdigest()[:24]
        made = self._flows.digests[flow] = name, text
        return made


def _tasks_of(plan: Plan, name: str) -> set[str]:
    flow: FlowPlan = plan.flows[name]
    groups = (*(edge.destinations for edge in flow.edges), *(entry.fallback for entry in flow.failures))
    return {node for group in groups for node in group if node in plan.tasks}
