"""Events and where they are told to, under the original module path. See ``selinon_core.legacy.trace``."""

from selinon_core.legacy.trace import Trace

__all__ = ["Trace"]
