"""Starting flows, under the original module path. See ``selinon_core.legacy.run``."""

from selinon_core.legacy.run import run_flow, run_flow_selective

__all__ = ["run_flow", "run_flow_selective"]
