"""See ``selinon_core.caches``."""

from selinon_core.caches import FIFO

__all__ = ["FIFO"]
