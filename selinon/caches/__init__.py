"""The shipped caches, under their original module path. See ``selinon_core.caches``."""

from selinon_core.caches import FIFO, LIFO, LRU, MRU, RR

__all__ = ["FIFO", "LIFO", "LRU", "MRU", "RR"]
