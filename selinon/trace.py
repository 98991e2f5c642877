"""Names of events and the sinks that get them, under the original path. See ``selinon_core.legacy.trace``."""

from selinon_core.legacy.trace import Trace

__all__ = ["Trace"]
