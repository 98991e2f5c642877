"""See ``selinon_core.storages.sql``."""

from selinon_core.storages.sql import SqlStorage

__all__ = ["SqlStorage"]
