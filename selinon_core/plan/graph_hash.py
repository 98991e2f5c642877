"""The hash of a flow's graph: the quick answer to "is this still the flow the run was started with?".

The graph is what `selinon migrate` compares: the ends of the edges, in the order of the file. Sources and
destinations are sets there, so repeated destinations count once; conditions, foreach and failures are left out of
it. Two flows have the same hash exactly when a migration between them would move nothing and taint nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selinon_core.plan.model import FlowPlan


def graph_hash(flow: FlowPlan) -> str:
    """Return 16 hexadecimal digits that change when sources, destinations or the order of edges change."""
    import hashlib
    import json

    rows = [[sorted(set(edge.sources)), sorted(set(edge.destinations))] for edge in flow.edges]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]
