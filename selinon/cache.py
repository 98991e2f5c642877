"""The base class of caches, under the original module path. See ``selinon_core.cache``."""

from selinon_core.cache import Cache

__all__ = ["Cache"]
