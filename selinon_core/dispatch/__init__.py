"""The dispatch machine and its vocabulary. Imports the plan, source locations and errors: nothing that acts."""

from selinon_core.dispatch.flow_index import FlowIndex, flow_indexes
from selinon_core.dispatch.machine import FlowRun
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.selective import SelectiveRun, select

__all__ = ["FlowIndex", "FlowOutcome", "FlowRun", "NodeRun", "SelectiveRun", "flow_indexes", "select"]
