"""See ``selinon_core.storages.mongodb``."""

from selinon_core.storages.mongodb import MongoDB

__all__ = ["MongoDB"]
