"""Is the flow still the one a run was started with? A hash over its graph says so."""

from __future__ import annotations

import hashlib
import json

from selinon_core.plan import FlowPlan, Plan


def graph_hash(plan: Plan, flow: FlowPlan) -> str:
    """A short text that changes when edges do: their order, sources, destinations, or the kind of a node.

    Conditions, foreach and failures are no part of the graph: changing them is no migration.
    """
    rows = [
        [list(edge.sources), [[name, plan.is_flow(name)] for name in edge.destinations]] for edge in flow.edges
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]
