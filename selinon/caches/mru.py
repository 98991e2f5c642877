"""See ``selinon_core.caches``."""

from selinon_core.caches import MRU

__all__ = ["MRU"]
