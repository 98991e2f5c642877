"""See ``selinon_core.caches``."""

from selinon_core.caches import RR

__all__ = ["RR"]
