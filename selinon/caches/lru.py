"""See ``selinon_core.caches``."""

from selinon_core.caches import LRU

__all__ = ["LRU"]
