"""The name of the task that runs tasks, under the original module path. See ``selinon_core.legacy.names``."""

from selinon_core.legacy.names import SelinonTaskEnvelope

__all__ = ["SelinonTaskEnvelope"]
