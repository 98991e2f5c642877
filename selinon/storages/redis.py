"""See ``selinon_core.storages.redis``."""

from selinon_core.storages.redis import Redis

__all__ = ["Redis"]
