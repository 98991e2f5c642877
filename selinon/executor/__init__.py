"""Running flows in this process, under the original module path. See ``selinon_core.legacy.executor``."""

from selinon_core.legacy.executor import Executor

__all__ = ["Executor"]
