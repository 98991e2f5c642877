"""See ``selinon_core.storages.sql``."""

from selinon_core.storages.sql import PostgreSQL

__all__ = ["PostgreSQL"]
