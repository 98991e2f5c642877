"""The base class of tasks, under the original module path. See ``selinon_core.task``."""

from selinon_core.task import SelinonTask

__all__ = ["SelinonTask"]
