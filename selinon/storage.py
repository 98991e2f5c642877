"""A storage as a configuration describes it, under the original module path. See ``selinon_core.legacy.names``."""

from selinon_core.legacy.names import Storage

__all__ = ["Storage"]
