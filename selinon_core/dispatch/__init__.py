"""The dispatch machine and its vocabulary. Imports the plan and the errors, and nothing that acts."""

from selinon_core.dispatch.flow_index import FlowTable, flow_tables
from selinon_core.dispatch.machine import FlowRun
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.rules.selective import SelectiveRun, select

__all__ = ["FlowOutcome", "FlowRun", "FlowTable", "NodeRun", "SelectiveRun", "flow_tables", "select"]
