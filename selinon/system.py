"""A whole configuration, under the original module path. See ``selinon_core.legacy.system``."""

from selinon_core.legacy.system import System

__all__ = ["System"]
