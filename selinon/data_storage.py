"""The base class of storages, under the original module path. See ``selinon_core.storage``."""

from selinon_core.storage import DataStorage, SelinonMissingDataException

__all__ = ["DataStorage", "SelinonMissingDataException"]
