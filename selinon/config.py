"""The configuration of the process, under the original module path. See ``selinon_core.legacy.config``."""

from selinon_core.legacy.config import Config

__all__ = ["Config"]
