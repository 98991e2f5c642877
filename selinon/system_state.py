"""The name of the state of a flow, under the original module path. See ``selinon_core.legacy.names``."""

from selinon_core.legacy.names import SystemState

__all__ = ["SystemState"]
