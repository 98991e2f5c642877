"""The name of the dispatcher, under the original module path. See ``selinon_core.legacy.names``."""

from selinon_core.legacy.names import Dispatcher

__all__ = ["Dispatcher"]
