"""See ``selinon_core.storages.filesystem``."""

from selinon_core.storages.filesystem import Filesystem

__all__ = ["Filesystem"]
