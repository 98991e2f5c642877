"""See ``selinon_core.caches``."""

from selinon_core.caches import LIFO

__all__ = ["LIFO"]
