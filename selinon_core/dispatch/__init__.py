"""The dispatch machine and its vocabulary. Imports the plan and the errors, and nothing that acts."""

from selinon_core.dispatch.machine import FlowRun
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.selective import SelectiveRun, select
from selinon_core.dispatch.table import FlowTable, flow_tables

__all__ = ["FlowOutcome", "FlowRun", "FlowTable", "NodeRun", "SelectiveRun", "flow_tables", "select"]
