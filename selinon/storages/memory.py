"""See ``selinon_core.storages.memory``."""

from selinon_core.storages.memory import InMemoryStorage

__all__ = ["InMemoryStorage"]
